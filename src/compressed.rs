//! Reads the texts that `build.rs` compresses, which take a third of their size in the binary.

use std::io;

use flate2::read::GzDecoder;

/// Returns a text that was compressed by `build.rs`.
pub(crate) fn decompress(compressed: &[u8]) -> String {
    io::read_to_string(GzDecoder::new(compressed)).expect("the build compressed a UTF-8 text")
}
