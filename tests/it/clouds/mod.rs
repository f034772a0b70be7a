//! Responses of the clouds and their interpretation.

mod array_evidence;
mod array_jobs;
mod dlc_and_instant_jobs;
mod documents;
mod hostile;
mod hpc_jobs;
mod huawei_jobs;
mod invocations;
pub mod kinds;
mod kubernetes;
mod kubernetes_certificates;
mod kubernetes_connection;
mod kubernetes_deleted;
mod kubernetes_hostile;
mod kubernetes_kinds;
mod kubernetes_logs;
mod kubernetes_tls;
mod kubernetes_warnings;
mod kubernetes_watch;
mod sugon_jobs;
mod tencent_jobs;
