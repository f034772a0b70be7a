//! JSON that is safe to show in a terminal and in the log of a CI job.
//!
//! This crate replaces serde_json for reading and writing, for speed: joblens is optimized for size, and generic
//! code is compiled in the crate that uses it. The code that does not depend on a type is compiled here.

#![cfg_attr(
    test,
    allow(clippy::too_many_lines, reason = "tables of cases are long")
)]

mod deserializer;
mod error;
mod escape;
mod reader;
mod serializer;
mod writer;

pub use deserializer::{Deserializer, UNREADABLE};
pub use error::Error;
pub use escape::{needs_escape, write_escaped};
pub use serializer::{Compound, EXACT_NUMBER, SerializeError, collect_texts, write};
pub use writer::Writer;

#[cfg(test)]
mod tests;
