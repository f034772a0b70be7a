//! One command-line lens on jobs and containers across clouds.
//!
//! The layering of the modules, checked by a test; a file names only what is to its right:
//! `commands > emulator > providers > http > reference > gate > settings > model > secret > crypto
//! > error`, and `output`, with the documents that are printed, beside them, naming `gate`, `model`
//! and `error` only. No cloud names another; wire types stay in their cloud's folder; the model
//! does not depend on clouds or formats. What the right needs from the left is handed in as plain
//! data or as a function.

pub mod commands;
pub mod crypto;
pub mod emulator;
pub mod error;
pub mod gate;
pub mod http;
pub mod model;
pub mod output;
pub mod providers;
pub mod reference;
pub mod secret;
pub mod settings;
