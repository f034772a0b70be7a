//! The forms of output, and the secrets that are in none of them.

mod formats;
mod redaction;
mod secrets;
mod snapshots;
