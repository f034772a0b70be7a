//! Reads as much of a response as is compared with the known text.

use crate::error::Problem;
use crate::providers::LogChunk;

/// How much of a later response is compared with the known text; the text after it is new.
const MAX_COMPARED_BYTES: usize = 32 << 20;

/// Reads the rest of a window, up to the size that is compared.
pub(super) async fn read_window(chunk: &mut LogChunk) -> Result<(), Problem> {
    let Some(rest) = &mut chunk.rest else {
        return Ok(());
    };
    while chunk.data.len() < MAX_COMPARED_BYTES {
        let Some(text) = rest.next().await? else {
            chunk.rest = None;
            return Ok(());
        };
        chunk.data.extend(text);
    }
    Ok(())
}
