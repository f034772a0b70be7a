//! JSON that is safe to be shown in a terminal and in the log of a CI job.
//!
//! It is read and written here, and not by serde_json, for speed: joblens is optimized for size, and generic
//! code is compiled where it is used. What does not depend on a type is compiled here.

mod deserializer;
mod error;
mod escape;
mod reader;
mod serializer;
mod writer;

pub use deserializer::Deserializer;
pub use error::Error;
pub use escape::{needs_escape, write_escaped};
pub use serializer::{Compound, EXACT_NUMBER, SerializeError, collect_texts, write};
pub use writer::Writer;

#[cfg(test)]
mod tests;
