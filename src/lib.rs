//! A command-line tool that inspects, waits for and watches jobs and containers across clouds.
//!
//! The layering of the modules is checked by a test. A file names only what is to its right:
//! `commands`, `emulator`, `providers`, `credentials`, `http`, `reference`, `gate`, `settings`, `kind`,
//! `lenient`, `model`, `crypto`, `secret`, `json`, `error`, `sync`, `sort`. Beside them is `output`, with the printed
//! documents, which names `gate`, `model`, `json`, `error`, `sync` and `sort` only. No cloud names another, wire types
//! stay in their cloud's folder, and the model does not depend on clouds or formats. What a module needs from
//! the left is passed in as plain data or as a function. `secret` and `json` are crates of their own, since they
//! read and write every byte that is shown and are therefore optimized for speed.

pub mod commands;
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
