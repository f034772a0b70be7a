//! Connections, certificates and proxies; failures and retries.

mod bodies;
mod connection;
mod failures;
mod faults;
mod handshakes;
mod issuers;
mod proxies;
mod refusals;
mod retries;
mod shared_keys;
mod slow;
mod trust;
mod wire;
