//! Converts bodies, headers and parameters to a readable form without secrets.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::RecordingMasks;
use super::placeholders::Placeholders;
use crate::http::html;
use crate::http::response::{mask_json_values, mask_xml_texts};
use crate::lenient::{self, repair::with_faults};
use crate::secret::{
    MASK, PrivateKeyMasker, Redactor, Secret, field_sensitivity, is_secret_field, looks_random,
};

/// Maximum number of bytes of a body that are recorded.
pub(super) const MAX_BODY: usize = 16 << 20;
/// The first bytes of a gzip file.
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
/// The elements of an error in XML that are recorded.
const ERROR_ELEMENTS: [&str; 3] = ["Code", "Message", "RequestId"];
/// Maximum nesting of a document. Deeper ones are recorded as text, since a replay could not parse them.
const MAX_DEPTH: usize = 100;

/// A recorded body.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Content {
    /// A JSON document.
    Json(Value),
    /// Other text.
    Text(String),
    /// Bytes that are not text, in Base64.
    Base64(String),
    /// Text that was received in parts.
    Stream {
        parts: Vec<StreamPart>,
        /// When the stream ended, in milliseconds since the first request.
        end_ms: u64,
        end: StreamEnd,
    },
}

impl Content {
    /// Returns `true` if the body is text in XML, which may be incomplete.
    pub fn is_xml(&self) -> bool {
        let Self::Text(text) = self else { return false };
        let text = text.trim_start_matches('\u{feff}');
        text.trim_start().starts_with('<')
    }
}

/// How a stream ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum StreamEnd {
    /// The caller stopped reading.
    Canceled,
    Closed,
    /// The connection broke.
    Lost,
}

/// Complete lines of a stream; the last part can end with an incomplete line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StreamPart {
    /// When the part was received, in milliseconds since the first request.
    pub at_ms: u64,
    pub text: String,
}

impl Content {
    /// Returns the bytes of the body, or `None` if they cannot be decoded. A stream has no bytes here.
    pub(super) fn bytes(&self) -> Option<Vec<u8>> {
        match self {
            Self::Json(document) => serde_json::to_vec(document).ok(),
            Self::Text(text) => Some(text.clone().into_bytes()),
            Self::Base64(text) => STANDARD.decode(text).ok(),
            Self::Stream { .. } => Some(Vec::new()),
        }
    }
}

/// How much of a body was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    Whole,
    /// The body was too large.
    Cut,
    /// The body could not be parsed, so its values are masked.
    Masked,
}

/// Masks the secrets of one exchange.
pub(super) struct Masker<'a> {
    pub masks: RecordingMasks,
    pub redactor: &'a Redactor,
    /// Maximum number of bytes of a body that are recorded.
    pub max_body: usize,
    /// Placeholder for the secrets in the response of a credential service; `None` for other responses.
    pub credential: Option<String>,
}

impl Masker<'_> {
    /// Masks the secrets of a body and returns how much of the body is recorded. `plain` is set for plain text, such as
    /// a log, whose lines change only if they contain a secret; it carries the state of the lines before the body.
    pub(super) fn content(
        &self,
        body: &[u8],
        plain: Option<&mut PrivateKeyMasker>,
    ) -> (Content, Extent) {
        let is_plain = plain.is_some();
        let is_cut = body.len() > self.max_body;
        let body = &body[..body.len().min(self.max_body)];
        if let Some((mut document, is_repaired)) = document(body).filter(|_| !is_cut)
            && (self.mask(&mut document) || !is_plain)
        {
            let content = match is_repaired {
                true => Content::Text(with_faults(&document.to_string())),
                false => Content::Json(document),
            };
            return (content, Extent::Whole);
        }
        let extent = if is_cut { Extent::Cut } else { Extent::Whole };
        if let Some(masked) = self.unreadable(body, is_plain) {
            let extent = if is_cut { Extent::Cut } else { Extent::Masked };
            return (Content::Text(masked), extent);
        }
        let text = match std::str::from_utf8(body) {
            Ok(text) => text,
            Err(error) if is_cut && error.error_len().is_none() => {
                std::str::from_utf8(&body[..error.valid_up_to()]).unwrap_or_default()
            }
            Err(_) => return (self.bytes(body), extent),
        };
        let text = match plain {
            Some(keys) => self.lines(&PrivateKeyMasker::reversed().lines(text), keys),
            None => self.text(text),
        };
        (Content::Text(text), extent)
    }

    /// Returns the text to record for a body that is not a complete document, whose values cannot be distinguished from
    /// secrets; `None` for other bodies.
    fn unreadable(&self, body: &[u8], is_plain: bool) -> Option<String> {
        let text = std::str::from_utf8(body).ok();
        let text = text.map(|text| text.trim_start_matches('\u{feff}').trim());
        if self.credential.is_some() {
            return (!text.is_some_and(is_name)).then(|| self.mask_values(body));
        }
        if is_part_of_document(body, is_plain) {
            return Some(self.mask_values(body));
        }
        // Compressed data is not searched for secrets, but anybody can decompress it.
        if body.starts_with(&GZIP_MAGIC) {
            return Some(MASK.to_owned());
        }
        let is_html = html::begins_as_html(body);
        if let Some(text) = text.filter(|text| text.starts_with('<') && !is_html && !is_plain) {
            let text = self.text(text);
            let masked = mask_xml_texts(&text, &ERROR_ELEMENTS);
            return (masked != text).then_some(masked);
        }
        let is_harmless = is_html || text.is_some_and(is_sentence);
        (!is_plain && !is_harmless).then(|| MASK.to_owned())
    }

    /// Masks all values of a document that cannot be parsed, since any of them can be a secret.
    fn mask_values(&self, body: &[u8]) -> String {
        match &self.credential {
            Some(mask) => mask.clone(),
            None => mask_json_values(&self.text(&String::from_utf8_lossy(body))),
        }
    }

    /// Converts bytes that are not text to Base64, or to masked text if they contain a secret.
    fn bytes(&self, body: &[u8]) -> Content {
        let text = String::from_utf8_lossy(body);
        let masked = self.text(&text);
        match masked == text {
            true => Content::Base64(STANDARD.encode(body)),
            false => Content::Text(masked),
        }
    }

    /// Masks the secrets of a document. Returns `true` if the document changed.
    fn mask(&self, document: &mut Value) -> bool {
        let before = document.clone();
        match &self.credential {
            Some(mask) => self.mask_credentials(document, &mut Placeholders::new(mask)),
            None => (self.masks.document)(document),
        }
        self.mask_texts(document);
        *document != before
    }

    /// Masks the credential that a service issued: the ids of keys, and every text whose name marks it as a credential.
    fn mask_credentials(&self, document: &mut Value, placeholders: &mut Placeholders) {
        let key_ids = self.masks.key_ids;
        match document {
            Value::Array(list) => list
                .iter_mut()
                .for_each(|value| self.mask_credentials(value, placeholders)),
            Value::Object(map) => {
                for (key, value) in map {
                    match value {
                        // A text that contains a document can have secret fields.
                        Value::String(text)
                            if key_ids.contains(&key.as_str())
                                || field_sensitivity(key).is_some()
                                || text.contains(['{', '<']) =>
                        {
                            *text = placeholders.of(&Secret::new(text.as_str()));
                        }
                        _ => self.mask_credentials(value, placeholders),
                    }
                }
            }
            _ => {}
        }
    }

    /// Masks the secrets of the run in the texts of a document.
    fn mask_texts(&self, document: &mut Value) {
        match document {
            Value::String(text) => self.mask_text(text),
            Value::Array(list) => list.iter_mut().for_each(|value| self.mask_texts(value)),
            Value::Object(map) => {
                map.values_mut().for_each(|value| self.mask_texts(value));
                self.redactor.masks().keys(map);
            }
            _ => {}
        }
    }

    /// Masks a text. A text without spaces can be a state or an id, in which secrets that are ordinary words stay.
    fn mask_text(&self, text: &mut String) {
        let masks = self.redactor.masks();
        match text.contains(char::is_whitespace) {
            true => masks.text(text),
            false => masks.name(text),
        }
    }

    /// Masks the secrets of a text.
    pub(super) fn text(&self, text: &str) -> String {
        self.line(PrivateKeyMasker::text(text))
    }

    /// Masks the secrets of a line, except parts of private keys.
    fn line(&self, mut line: String) -> String {
        (self.masks.text)(&mut line);
        self.redactor.text(&mut line);
        line
    }

    /// Masks lines, each of which is a document or text. `keys` is the state after all earlier lines.
    pub(super) fn lines(&self, text: &str, keys: &mut PrivateKeyMasker) -> String {
        let masked = |line: &str| match document(line.as_bytes()) {
            Some((mut document, is_repaired)) => match self.mask(&mut document) {
                true => {
                    let text = document.to_string();
                    let text = if is_repaired {
                        with_faults(&text)
                    } else {
                        text
                    };
                    let end = if line.ends_with('\n') { "\n" } else { "" };
                    text + end
                }
                false => line.to_owned(),
            },
            None if line.trim_start().starts_with('{') => self.mask_values(line.as_bytes()),
            None => self.line(keys.line(line).unwrap_or_else(|| line.to_owned())),
        };
        text.split_inclusive('\n').map(masked).collect()
    }

    /// Masks the secret values of headers or parameters.
    pub(super) fn pairs<'a>(
        &self,
        pairs: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> Vec<(String, String)> {
        let masked = |(name, value): (&str, &str)| {
            let mask = || self.credential.clone().unwrap_or_else(|| MASK.to_owned());
            let value = match is_secret_name(name) {
                true => mask(),
                false => self.text(value),
            };
            (name.to_owned(), value)
        };
        pairs.map(masked).collect()
    }
}

/// Parses a document that is not nested too deeply, and returns whether it was repaired.
fn document(body: &[u8]) -> Option<(Value, bool)> {
    let document = Some(body).filter(|body| begins_document(body));
    let document = document.and_then(lenient::document);
    document.filter(|(document, _)| is_flat(document, MAX_DEPTH))
}

fn begins_document(body: &[u8]) -> bool {
    let body = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body);
    body.trim_ascii_start().starts_with(b"{") || body.trim_ascii_start().starts_with(b"[")
}

/// Returns `true` if a body that could not be parsed starts like a document. Plain text can be a log, whose lines are
/// documents or start with `[`.
fn is_part_of_document(body: &[u8], is_plain: bool) -> bool {
    let first_line = || body.split(|byte| *byte == b'\n').next().unwrap_or_default();
    match is_plain {
        true => body.trim_ascii_start().starts_with(b"{") && document(first_line()).is_none(),
        false => begins_document(body),
    }
}

/// Returns `true` if a text is one short line, such as the error message of a gateway, and not a part of a document.
fn is_sentence(text: &str) -> bool {
    const MAX_LEN: usize = 300;
    text.len() <= MAX_LEN && !text.contains(['{', '[', '<', '\n', '\0'])
}

/// Returns `true` if a text is a name, such as that of an instance role, or empty.
fn is_name(text: &str) -> bool {
    const MAX_LEN: usize = 64;
    let is_part = |c: char| c.is_ascii_alphanumeric() || "-_.@".contains(c);
    text.len() <= MAX_LEN && text.chars().all(is_part) && !looks_random(text)
}

/// Returns `true` if the value of a header or parameter authenticates the caller.
pub(super) fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let parts = ["cookie", "authoriz", "-token"];
    is_secret_field(&name) || parts.iter().any(|part| name.contains(part))
}

fn is_flat(document: &Value, depth: usize) -> bool {
    match document {
        Value::Array(list) => depth > 0 && list.iter().all(|value| is_flat(value, depth - 1)),
        Value::Object(map) => depth > 0 && map.values().all(|value| is_flat(value, depth - 1)),
        _ => true,
    }
}

#[cfg(test)]
mod tests;
