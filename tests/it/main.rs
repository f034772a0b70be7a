//! Runs the real binary like a user: with the emulated clouds and servers on loopback.

#![allow(clippy::too_many_lines, reason = "tables of cases are long")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod architecture;
mod auth;
mod clouds;
mod config;
mod contract;
mod doctor;
mod events;
mod get;
mod list;
mod logs;
mod metrics;
mod network;
mod output;
mod packaging;
mod readme;
mod recording;
mod security;
mod shell;
mod support;
mod wait;
mod watch;
