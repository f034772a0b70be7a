//! Connections, certificates and proxies; failures, and when a call is sent again.

mod connection;
mod failures;
mod faults;
mod refusals;
mod retries;
mod trust;
mod wire;
