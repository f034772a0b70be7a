//! Masks the values of a document that may be incomplete.

use crate::secret::{MASK, mask_text, mask_urls};

/// Masks the texts of elements and the values of attributes, even if the XML is incomplete.
pub(super) fn mask_xml_texts(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    for tag in text.split('<').skip(1) {
        let (head, content) = tag.split_once('>').unwrap_or((tag, ""));
        masked.push('<');
        masked.push_str(&mask_json_values(head));
        masked.push_str(if tag.len() > head.len() { ">" } else { "" });
        masked.push_str(if content.trim().is_empty() {
            content
        } else {
            MASK
        });
    }
    masked
}

/// Keys of the cloud's result code, in lower case.
const CODE_KEYS: [&str; 5] = ["code", "errcode", "error_code", "errorcode", "retcode"];

/// Returns `true` if a string is a result code, which is shown because it explains the response. Other texts of these
/// keys may be authorization codes.
fn is_result_code(key: &str, value: &str) -> bool {
    let is_known = CODE_KEYS
        .iter()
        .any(|known| key.eq_ignore_ascii_case(known));
    is_known && value.len() <= 5 && value.bytes().all(|byte| byte.is_ascii_digit())
}

/// Masks every string except keys, which precede a `:`, and result codes, even if the JSON is incomplete.
pub(in crate::http) fn mask_json_values(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let (mut rest, mut key) = (text, "");
    while let Some(at) = rest.find(['"', '\'']) {
        let (head, tail) = (&rest[..at], &rest[at + 1..]);
        let quote = char::from(rest.as_bytes()[at]);
        masked.push_str(&mask_plain(head));
        let mut escaped = false;
        let end = tail.find(|c| {
            let is_end = c == quote && !escaped;
            escaped = c == '\\' && !escaped;
            is_end
        });
        let (inner, after) = match end {
            Some(end) => (&tail[..end], &tail[end + 1..]),
            None => (tail, ""),
        };
        let is_key = after.trim_start().starts_with(':');
        masked.push(quote);
        let is_code = end.is_some() && head.trim() == ":" && is_result_code(key, inner);
        masked.push_str(if is_key || is_code || inner.is_empty() {
            inner
        } else {
            MASK
        });
        if end.is_some() {
            masked.push(quote);
        }
        key = if is_key { inner } else { "" };
        rest = after;
    }
    masked + &mask_plain(rest)
}

/// Masks the secrets that a text repeats.
pub(super) fn mask_plain(text: &str) -> String {
    mask_urls(&mask_text(text)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_code_is_shown_and_no_other_number_in_quotes() {
        assert_eq!(
            mask_json_values(r#"{"code":"10008","pin":"1234","data":{"Code" : "0","id":"#),
            r#"{"code":"10008","pin":"***","data":{"Code" : "0","id":"#
        );
        for hidden in [
            r#"{"code":"4/0AX4XfWg""#,
            r#"{"code":"123456""#,
            r#"{"code":["10008"]"#,
            r#"{"code":"100"#,
        ] {
            let shown = mask_json_values(hidden);
            assert!(shown.contains(MASK) && !shown.contains("10"), "{shown}");
        }
    }
}
