//! Output formats, and the secrets that they must not contain.

mod formats;
mod redaction;
mod secrets;
mod snapshots;
