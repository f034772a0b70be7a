//! A command-line tool that inspects, waits for and watches jobs and containers across clouds.
//!
//! A test checks the layers of the modules. A file uses only modules to the right of its own: `commands`,
//! `emulator`, `providers`, `credentials`, `http`, `reference`, `gate`, `settings`, `kind`, `lenient`, `model`,
//! `crypto`, `secret`, `json`, `error`, `sync`, `sort`. `output` with the printed documents is beside them; it
//! uses only `gate`, `model`, `json`, `error`, `sync` and `sort`. No cloud uses another, wire types stay in
//! their cloud's folder, and the model does not depend on clouds or formats. What a module needs from the left
//! is passed in as plain data or as a function. `secret` and `json` are separate crates, optimized for speed,
//! since they read and write every byte that is shown.

#![cfg_attr(
    test,
    allow(clippy::too_many_lines, reason = "tables of cases are long")
)]

mod collect;
pub mod commands;
mod compressed;
pub mod credentials;
pub mod crypto;
pub mod emulator;
pub mod error;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
pub mod gate;
pub mod http;
pub mod kind;
pub mod lenient;
pub mod model;
pub mod output;
pub mod providers;
pub mod reference;
pub mod settings;
mod sort;
mod sync;
#[cfg(test)]
pub(crate) mod test_support;

pub use joblens_json as json;
pub use joblens_secret as secret;
