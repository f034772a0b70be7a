//! What makes the first minutes easy: a settings file to fill in.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

#[path = "../support/mod.rs"]
mod support;

mod config;
