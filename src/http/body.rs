//! Reads and decodes the bodies of responses within limits.

use std::io::Read as _;

use flate2::bufread::GzDecoder;
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};

use super::RequestError;
use super::Response;
use crate::error::Category;

/// Limits of gzip members and encodings, since each of them takes time even if it is empty.
const MAX_GZIP_MEMBERS: usize = 10_000;
const MAX_ENCODINGS: usize = 4;

/// The reason why a body could not be read.
#[derive(Debug)]
pub(super) enum BodyError {
    /// The connection broke.
    Lost(hyper::Error),
    /// It has more bytes than this limit.
    TooLarge(u64),
    /// The gzip data is damaged, incomplete, or has too many members.
    Gzip,
}

/// Reads a body to its end; fails if it has more than `max` bytes.
pub(super) async fn read(mut body: Incoming, max: u64) -> Result<Vec<u8>, BodyError> {
    let mut bytes = Vec::new();
    if let Some(length) = body.size_hint().exact() {
        // The announced length may be wrong, so at most 16 MiB are reserved for it.
        let length = length.min(max).min(16 << 20);
        bytes.reserve_exact(usize::try_from(length).unwrap_or(0));
    }
    while let Some(frame) = body.frame().await {
        let Ok(chunk) = frame.map_err(BodyError::Lost)?.into_data() else {
            continue;
        };
        if bytes.len() as u64 + chunk.len() as u64 > max {
            return Err(BodyError::TooLarge(max));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// Decodes a body according to its `Content-Encoding`, to at most `max` bytes. A body with an unsupported encoding
/// is left unchanged; [`unsupported_encoding`] reports it.
pub(super) fn decode(response: &mut Response, max: u64) -> Result<(), BodyError> {
    let encodings: Vec<String> = encodings(response).collect();
    if !encodings.is_empty() && encodings.iter().all(|name| is_gzip(name)) {
        if encodings.len() > MAX_ENCODINGS {
            return Err(BodyError::Gzip);
        }
        for _ in encodings {
            response.body = gunzip(&response.body, max)?;
        }
    }
    Ok(())
}

/// Returns an error if the encoding of a response is not supported.
pub(super) fn unsupported_encoding(response: &Response) -> Option<RequestError> {
    const MAX_CHARS: usize = 40;
    let encoding = encodings(response).find(|name| !is_gzip(name))?;
    let encoding: String = encoding.chars().take(MAX_CHARS).collect();
    let message = format!("unsupported Content-Encoding '{encoding}'");
    let error = RequestError::new(Category::InvalidResponse, message);
    Some(error.with_hint("only gzip was requested: check the endpoint and any proxy before it"))
}

/// Checks that the body of a stream has no encoding.
///
/// # Errors
/// `invalid_response` if it has one.
pub(super) fn check_plain(response: &Response) -> Result<(), RequestError> {
    match encodings(response).next() {
        None => Ok(()),
        Some(_) => {
            let message = "the stream has a Content-Encoding, although none was requested";
            Err(RequestError::new(Category::InvalidResponse, message))
        }
    }
}

/// Returns the encodings of a body in lower case, in the order in which they must be decoded.
fn encodings(response: &Response) -> impl Iterator<Item = String> {
    let headers = response.headers.iter().rev();
    headers
        .filter(|(name, _)| name == "content-encoding")
        .flat_map(|(_, value)| value.rsplit(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .filter(|name| !name.is_empty() && name != "identity")
}

fn is_gzip(name: &str) -> bool {
    name == "gzip" || name == "x-gzip"
}

/// Decompresses every member of a gzip file. Like gzip, it ignores data after the last one.
fn gunzip(mut rest: &[u8], max: u64) -> Result<Vec<u8>, BodyError> {
    const MAGIC: [u8; 2] = [0x1f, 0x8b];
    let mut plain = Vec::new();
    // Some servers send an empty body with a `Content-Encoding`.
    if rest.is_empty() {
        return Ok(plain);
    }
    for _ in 0..MAX_GZIP_MEMBERS {
        let mut decoder = GzDecoder::new(rest);
        let bytes_left = max - plain.len() as u64;
        let read = decoder
            .by_ref()
            .take(bytes_left + 1)
            .read_to_end(&mut plain);
        if plain.len() as u64 > max {
            return Err(BodyError::TooLarge(max));
        }
        read.map_err(|_| BodyError::Gzip)?;
        rest = decoder.into_inner();
        if !rest.starts_with(&MAGIC) {
            return Ok(plain);
        }
    }
    Err(BodyError::Gzip)
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use proptest::prelude::*;
    use std::io::Write as _;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn response(encodings: &[&str], body: Vec<u8>) -> Response {
        let headers = encodings.iter();
        let headers = headers.map(|value| ("content-encoding".to_owned(), (*value).to_owned()));
        Response {
            status: 200,
            headers: headers.collect(),
            body,
        }
    }

    #[test]
    fn gzip_with_several_members_layers_or_spellings_is_decoded() {
        let members = [gzip(b"ab"), gzip(b""), gzip(b"cd")].concat();
        let padded = [members.clone(), vec![0; 9]].concat();
        for (encodings, body, plain) in [
            (&["gzip"][..], gzip(b"abcd"), "abcd"),
            (&["GZip"], members, "abcd"),
            (&["X-GZIP"], padded, "abcd"),
            (&["identity, gzip"], gzip(b"abcd"), "abcd"),
            (&["gzip, gzip"], gzip(&gzip(b"abcd")), "abcd"),
            (&["gzip", "gzip"], gzip(&gzip(b"abcd")), "abcd"),
            (&["gzip"], Vec::new(), ""),
            (&["", " identity "], b"abcd".to_vec(), "abcd"),
            (&[], b"abcd".to_vec(), "abcd"),
        ] {
            let mut response = response(encodings, body);
            decode(&mut response, 64).unwrap();
            assert_eq!(response.body, plain.as_bytes(), "{encodings:?}");
            assert_eq!(unsupported_encoding(&response), None);
        }
    }

    #[test]
    fn an_unsupported_encoding_is_named() {
        for name in ["br", "deflate", "zstd", "gzip, aes128gcm"] {
            let mut response = response(&[name], b"abcd".to_vec());
            decode(&mut response, 64).unwrap();
            let error = unsupported_encoding(&response).unwrap();
            let last = name.rsplit(", ").next().unwrap();
            assert!(
                error.message.contains(&format!("'{last}'")),
                "{}",
                error.message
            );
        }
    }

    #[test]
    fn too_many_gzip_members_or_encodings_are_rejected() {
        let empty = gzip(b"");
        let decoded = |members| gunzip(&empty.repeat(members), 64);
        assert!(decoded(MAX_GZIP_MEMBERS).is_ok());
        assert!(matches!(
            decoded(MAX_GZIP_MEMBERS + 1),
            Err(BodyError::Gzip)
        ));
        let layers = |count| {
            let body = (0..count).fold(b"a".to_vec(), |body, _| gzip(&body));
            decode(&mut response(&vec!["gzip"; count], body), 4096)
        };
        assert!(layers(MAX_ENCODINGS).is_ok());
        assert!(layers(MAX_ENCODINGS + 1).is_err());
    }

    #[test]
    fn a_too_large_or_truncated_gzip_body_is_an_error() {
        let zeros = gzip(&[0; 4096]);
        let twice = [zeros.clone(), zeros.clone()].concat();
        for (body, max) in [(&zeros, 4095), (&twice, 8191), (&twice, 4096)] {
            assert!(
                matches!(gunzip(body, max), Err(BodyError::TooLarge(_))),
                "{max}"
            );
        }
        assert_eq!(gunzip(&twice, 8192).unwrap().len(), 8192);
        let whole = gzip(b"abcd");
        for end in 1..whole.len() {
            assert!(
                matches!(gunzip(&whole[..end], 64), Err(BodyError::Gzip)),
                "{end}"
            );
        }
        assert!(matches!(gunzip(b"{\"a\":1}", 64), Err(BodyError::Gzip)));
    }

    proptest! {
        #[test]
        fn no_bytes_panic_or_exceed_the_limit(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let framed = [&gzip(b"a")[..], &bytes].concat();
            for body in [&bytes, &framed] {
                if let Ok(plain) = gunzip(body, 100) {
                    prop_assert!(plain.len() <= 100);
                }
            }
        }
    }
}
