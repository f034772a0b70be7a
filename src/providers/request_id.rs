//! Finds the request id in the responses of a cloud.

use serde_json::{Map, Value};

use super::lenient;
use crate::http::Response;

/// The headers and fields that contain the request id.
#[derive(Debug, Clone, Copy)]
pub(super) struct RequestIdNames {
    /// Headers, in lower case; the first one in the response is used.
    pub headers: &'static [&'static str],
    /// Members of a JSON error, or elements of an XML error.
    pub members: &'static [&'static str],
}

/// Number of bytes that are searched in a larger body.
const MAX_BYTES: usize = 64 << 10;
/// Maximum length of an id.
const MAX_ID_BYTES: usize = 128;
/// Members that contain the whole response or its error.
const ENVELOPES: [&str; 3] = ["Response", "Error", "error"];

impl RequestIdNames {
    /// Returns the id from a header.
    pub fn in_headers(&self, response: &Response) -> Option<String> {
        let mut headers = self.headers.iter();
        headers
            .find_map(|name| response.header(name))
            .map(str::to_owned)
    }

    /// Returns the id from a header, or else from the body. The body is that of an error or of a response that
    /// cannot be decoded.
    pub fn in_error(&self, response: &Response) -> Option<String> {
        let in_body = || self.in_body(&response.body);
        self.in_headers(response).or_else(in_body)
    }

    fn in_body(&self, body: &[u8]) -> Option<String> {
        let read = Some(body).filter(|body| body.len() <= MAX_BYTES);
        let id = match read.and_then(lenient::parse_shown) {
            Some(document) => self.in_object(document.as_object()?)?.to_owned(),
            None => self.in_text(&String::from_utf8_lossy(&body[..body.len().min(MAX_BYTES)]))?,
        };
        let is_id = id.len() <= MAX_ID_BYTES && id.bytes().all(is_id_byte);
        Some(id).filter(|id| is_id && !id.is_empty())
    }

    fn in_object<'a>(&self, top: &'a Map<String, Value>) -> Option<&'a str> {
        let envelopes = ENVELOPES
            .iter()
            .filter_map(|name| top.get(*name)?.as_object());
        let mut objects = std::iter::once(top).chain(envelopes);
        objects.find_map(|object| {
            let mut members = self.members.iter();
            members.find_map(|name| object.get(*name)?.as_str())
        })
    }

    /// Returns the id from XML, or from JSON that is damaged or too long; `None` if there are several ids.
    fn in_text(&self, text: &str) -> Option<String> {
        let forms = self.members.iter().flat_map(|name| {
            let element = (format!("<{name}>"), "", '<');
            [(format!("\"{name}\""), ":\"", '"'), element]
        });
        let mut id = None;
        for (name, before, end) in forms {
            for (at, _) in text.match_indices(&name) {
                let mut rest = &text[at + name.len()..];
                let skip = |rest: &mut &str, sign| {
                    rest.trim_start()
                        .strip_prefix(sign)
                        .map(|left| *rest = left)
                };
                if !before.chars().all(|sign| skip(&mut rest, sign).is_some()) {
                    continue;
                }
                let id_text = rest.split_once(end)?.0;
                if id.is_some_and(|known| known != id_text) {
                    return None;
                }
                id = Some(id_text);
            }
        }
        id.map(|id| id.trim().to_owned())
    }
}

fn is_id_byte(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'"' | b'<' | b'>' | b'\\')
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: RequestIdNames = RequestIdNames {
        headers: &["x-acs-request-id"],
        members: &["RequestId", "requestId"],
    };

    fn in_body(body: &str) -> Option<String> {
        NAMES.in_error(&Response {
            body: body.as_bytes().to_vec(),
            ..Response::default()
        })
    }

    #[test]
    fn a_request_id_is_found_in_json_xml_and_damaged_bodies() {
        let long = format!(r#"{{"RequestId":"R-1","Jobs":["{}"]}}"#, "x".repeat(70_000));
        for body in [
            r#"{"RequestId":"R-1","JobInfos":7}"#,
            r#"{"requestId":"R-1"}"#,
            r#"{"Response":{"Error":{"Code":"A"},"RequestId":"R-1"}}"#,
            r#"{"error":{"requestId":"R-1"}}"#,
            r#"{"RequestId" : "R-1","JobInfos":[{"Sta"#,
            r#"{"RequestId":"R-1"}}"#,
            "<?xml version='1.0'?><Error><RequestId> R-1 </RequestId></Error>",
            &long,
        ] {
            assert_eq!(in_body(body).as_deref(), Some("R-1"), "{body:.80}");
        }
    }

    #[test]
    fn invalid_nested_and_ambiguous_request_ids_are_ignored() {
        let long = format!(r#"{{"RequestId":"{}"}}"#, "x".repeat(129));
        for body in [
            "",
            "[]",
            r#"{"RequestId":17}"#,
            r#"{"RequestId":""}"#,
            r#"{"RequestId":"a b"}"#,
            r#"{"RequestId":"a\nb"}"#,
            // The id belongs to a part of the response, or it is not known which id is that of the request.
            r#"{"Jobs":[{"RequestId":"R-2"}]}"#,
            r#"{"RequestId":"R-1","Jobs":[{"RequestId":"R-2"}"#,
            r#"{"Env":"\"RequestId\":\"R-3\"","Jobs":["#,
            r#"{"RequestId":"R-"#,
            r#"{"Message":"no RequestId"#,
            &long,
        ] {
            assert_eq!(in_body(body), None, "{body:.80}");
        }
    }

    #[test]
    fn a_request_id_in_a_header_takes_precedence_over_the_body() {
        let response = Response {
            headers: vec![("x-acs-request-id".to_owned(), "H-1".to_owned())],
            body: br#"{"RequestId":"R-1"}"#.to_vec(),
            ..Response::default()
        };
        assert_eq!(NAMES.in_error(&response).as_deref(), Some("H-1"));
        assert_eq!(NAMES.in_headers(&Response::default()), None);
    }
}
