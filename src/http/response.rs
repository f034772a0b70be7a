mod masked_json;
mod masked_xml;

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::secret::{Redactor, mask_message, mask_text, mask_urls, mask_yaml};
pub(super) use masked_json::mask_json_values;
pub(super) use masked_xml::mask_xml_texts;

/// A cloud's response exactly as it was received: it may contain secrets.
#[derive(Debug, Clone, Default)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// Headers with lower-case names.
    pub headers: Vec<(String, String)>,
    /// Body after decompression.
    pub body: Vec<u8>,
}

impl Response {
    /// Returns the first header with this lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(header, _)| header == name)
            .map(|(_, value)| value.as_str())
    }

    /// Returns the server's time from its `Date` header.
    pub fn date(&self) -> Option<DateTime<Utc>> {
        let text = self.header("date")?;
        DateTime::parse_from_rfc2822(text)
            .ok()
            .map(|moment| moment.to_utc())
    }

    /// Returns the delay of the standard `Retry-After` header: seconds, or a date, which is compared with the
    /// server's `Date`, else with `now`. A number of any size is accepted; the delay is at most a year.
    pub fn retry_after(&self, now: DateTime<Utc>) -> Option<Duration> {
        const MAX_DELAY: Duration = Duration::from_secs(366 * 86_400);
        let text = self.header("retry-after")?.trim();
        let hint = if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            // A number that does not fit is the maximum.
            Duration::from_secs(text.parse().unwrap_or(u64::MAX))
        } else {
            let until = DateTime::parse_from_rfc2822(text).ok()?.to_utc();
            let from = self.date().unwrap_or(now);
            let delay = until.signed_duration_since(from);
            delay.to_std().unwrap_or_default()
        };
        Some(hint.min(MAX_DELAY))
    }
}

const MAX_EXCERPT_CHARS: usize = 120;
/// Maximum number of bytes of a body that are read for its excerpt.
const MAX_READ_BYTES: usize = 64 << 10;

/// Returns the beginning of a body for an error message: one line, at most 120 characters. It masks the run's
/// secrets, and all text values of JSON and XML, since they may be other secrets. It ends where JSON or XML becomes
/// invalid. Of a body that is not text, it shows only the first bytes.
pub fn excerpt(body: &[u8], redactor: &Redactor) -> String {
    const MAX_SHOWN_CHARS: usize = 4096;
    let mut text = String::from_utf8_lossy(&body[..body.len().min(MAX_READ_BYTES)]).into_owned();
    // Masks before cutting, since a part of a secret would not be masked.
    redactor.text(&mut text);
    let text: String = text.chars().take(MAX_SHOWN_CHARS).collect();
    let text = text.trim_start_matches('\u{feff}').trim_start();
    if is_binary(text) {
        return first_bytes(body);
    }
    // A text that does not begin as JSON or XML may be YAML.
    let masked = (document_start(text) > 0).then(|| mask_yaml(text));
    let text = masked.as_deref().unwrap_or(text);
    let (plain, document) = text.split_at(document_start(text));
    let shown = match document.starts_with('<') {
        true => mask_plain(plain) + &mask_xml_texts(document, &[]),
        false => mask_plain(plain) + &mask_json_values(document),
    };
    let mut line = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    shorten(&mut line, MAX_EXCERPT_CHARS);
    line
}

/// Cuts a server's text after this many characters. Its secrets must already be masked, since a part of a secret
/// would not be masked.
pub(super) fn shorten(text: &mut String, max_chars: usize) {
    if let Some((end, _)) = text.char_indices().nth(max_chars) {
        text.truncate(end);
        text.push('…');
    }
}

/// Returns the [`excerpt`] of a body that is plain text instead of a document, such as that of a gateway.
pub(super) fn plain_text(body: &[u8], redactor: &Redactor) -> Option<String> {
    let text = String::from_utf8_lossy(&body[..body.len().min(MAX_READ_BYTES)]);
    let text = text.trim_start_matches('\u{feff}').trim();
    let is_plain = !text.is_empty() && !is_binary(text) && document_start(text) > 0;
    is_plain.then(|| excerpt(body, redactor))
}

/// Returns `true` if a text is the beginning of UTF-16, of compressed data, or of other bytes that are not UTF-8
/// text.
fn is_binary(text: &str) -> bool {
    let is_unreadable = |c: &char| *c == char::REPLACEMENT_CHARACTER || c.is_control();
    let beginning = text.chars().take(MAX_EXCERPT_CHARS);
    let (mut count, mut unreadable) = (0, 0);
    for c in beginning.filter(|c| !c.is_whitespace()) {
        if c == '\0' {
            return true;
        }
        count += 1;
        unreadable += usize::from(is_unreadable(&c));
    }
    unreadable * 4 > count
}

/// Formats the first bytes of a body, which show its format.
fn first_bytes(body: &[u8]) -> String {
    const COUNT: usize = 4;
    let bytes = body.iter().take(COUNT);
    let bytes: Vec<String> = bytes.map(|byte| format!("{byte:02x}")).collect();
    format!("bytes {}", bytes.join(" "))
}

/// Returns the position at which JSON or XML begins in a text; the length of the text if it contains neither.
fn document_start(text: &str) -> usize {
    if text.starts_with(['"', '\'', '{']) {
        return 0;
    }
    const LITERALS: [&str; 3] = ["true", "false", "null"];
    let begins = |(at, bracket): &(usize, &str)| {
        let rest = &text[at + bracket.len()..];
        if *bracket == "<" {
            return rest.starts_with(|c: char| c.is_alphabetic() || "!?/".contains(c));
        }
        let rest = rest.trim_start();
        let is_value = |c: char| c.is_ascii_digit() || "\"'{[}]-\\".contains(c);
        rest.is_empty()
            || rest.starts_with(is_value)
            || LITERALS.iter().any(|literal| rest.starts_with(literal))
    };
    let mut brackets = text.match_indices(['{', '[', '<']);
    brackets.find(begins).map_or(text.len(), |(at, _)| at)
}

/// Masks the secrets that a text repeats.
fn mask_plain(text: &str) -> String {
    mask_urls(&mask_text(text)).into_owned()
}

/// Masks access tokens in the URLs of a service's message and secrets that it repeats.
pub(super) fn mask_sentence(text: &str) -> String {
    // A service may append a document to its message.
    let masked = text.trim_end().contains('\n').then(|| mask_yaml(text));
    mask_message(&mask_urls(masked.as_deref().unwrap_or(text))).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;
    use proptest::prelude::*;

    fn excerpt(body: &[u8]) -> String {
        super::excerpt(body, &Redactor::default())
    }

    #[test]
    fn an_excerpt_is_one_short_line() {
        assert_eq!(excerpt(b"502 Bad\r\n Gateway\n"), "502 Bad Gateway");
        let long = excerpt("长".repeat(500).as_bytes());
        assert_eq!(long.chars().count(), 121);
        assert_eq!(excerpt("502 网关 \u{fffd}".as_bytes()), "502 网关 \u{fffd}");
    }

    #[test]
    fn an_excerpt_of_json_shows_its_structure_and_none_of_its_strings() {
        assert_eq!(
            excerpt(br#"{"Key":"PASSWORD","Value": "hunter2","n":1,"l":["x"],"half":"sec"#),
            r#"{"Key":"***","Value": "***","n":1,"l":["***"],"half":"***"#
        );
        assert_eq!(
            excerpt(br#"{"Args":["--password","hunter2","a\"b"],"x":"#),
            r#"{"Args":["***","***","***"],"x":"#
        );
        assert_eq!(excerpt(br#""hunter2""#), r#""***""#);
    }

    #[test]
    fn an_excerpt_masks_xml_texts_quoted_texts_and_secret_values() {
        assert_eq!(
            excerpt(b"<Name>DB_PASSWORD</Name><Value key='s'>hunter2</Value><Half>hun"),
            "<Name>***</Name><Value key='***'>***</Value><Half>***"
        );
        assert_eq!(
            excerpt(b"{'Name':'DB_PASSWORD','Value':'hunter2'}"),
            "{'Name':'***','Value':'***'}"
        );
        for text in [
            "DB_PASSWORD=hunter2 x",
            "token: hunter2 x",
            "http://u:hunter2@h/",
        ] {
            assert!(!excerpt(text.as_bytes()).contains("hunter2"), "{text}");
        }
    }

    #[test]
    fn an_excerpt_and_a_message_show_no_secret_values_of_yaml() {
        for body in [
            "password: correct hunter2\n",
            "data:\n  token: |\n    hunter2\n    hunter2\n",
            "args: [\"a\"]\nsecretKey: a hunter2\n",
            "- name: DB_PASSWORD\n  value: hunter2\n",
            "kind: Secret\ndata:\n  db: hunter2\n",
            "invalid: {\"a\": 1}\npassword:\n  a hunter2\n",
        ] {
            let shown = excerpt(body.as_bytes());
            assert!(!shown.contains("hunter2"), "{shown}");
            let message = mask_sentence(&format!("admission denied:\n{body}"));
            assert!(!message.contains("hunter2"), "{message}");
        }
        let sentence = "token: not found";
        assert_eq!(mask_sentence(sentence), sentence);
    }

    #[test]
    fn an_excerpt_masks_a_document_that_begins_after_other_text() {
        for (body, shown) in [
            (")]}',\n{\"v\":\"hunter2\"}", ")]}', {\"v\":\"***\"}"),
            ("cb({\"v\":[\"hunter2\"]})", "cb({\"v\":[\"***\"]})"),
            ("data: [\"hunter2\"]", "data: [\"***\"]"),
            ("\u{fffd}{ 'v': 'hunter2'}", "\u{fffd}{ 'v': '***'}"),
            ("1f\r\n<V>hunter2</V>", "1f <V>***</V>"),
            ("[error] token=hunter2", "[error] token=***"),
            ("[1] 'hunter2' token=hunter2", "[1] ***"),
            ("[1,\"hunter2\"]", "[1,\"***\"]"),
            ("x [ null, \"hunter2\"]", "x [ null, \"***\"]"),
            ("[1] < 2 {a}", "[1] ***"),
            ("{Env: \"hunter2\"}", "{***"),
            ("error: {\\\"Env\\\": \\\"hunter2\\\"}", "error: {***"),
            ("<V><![CDATA[hunter2]]></V>", "<V><![CDATA[***]]></V>"),
            ("<V a=\"x\"y\" b=\"hunter2\">", "<***"),
            (
                "{\"a\":\"say \"hi\", \"Env\":\"hunter2\"}",
                "{\"a\":\"***\"***",
            ),
        ] {
            assert_eq!(excerpt(body.as_bytes()), shown);
        }
    }

    #[test]
    fn an_excerpt_of_binary_data_is_its_first_bytes() {
        let utf_16 = |order: fn(u16) -> [u8; 2]| -> Vec<u8> {
            let units = "{\"v\":\"hunter2\"}".encode_utf16();
            units.flat_map(order).collect()
        };
        assert_eq!(excerpt(&utf_16(u16::to_le_bytes)), "bytes 7b 00 22 00");
        assert_eq!(excerpt(&utf_16(u16::to_be_bytes)), "bytes 00 7b 00 22");
        assert_eq!(excerpt(b"\x1f\x8b\x08\0\x01"), "bytes 1f 8b 08 00");
        assert_eq!(excerpt(b"\xff\xfe"), "bytes ff fe");
    }

    #[test]
    fn plain_text_is_only_text_that_is_not_a_document() {
        let text = |body: &str| plain_text(body.as_bytes(), &Redactor::default());
        let sentence = "no healthy upstream, token=hunter2";
        let masked = "no healthy upstream, token=***";
        assert_eq!(text(sentence).as_deref(), Some(masked));
        for body in ["", " \n", "{}", " [\"a\"]", "<Error/>", "\"a\"", "a\0"] {
            assert_eq!(text(body), None, "{body}");
        }
    }

    #[test]
    fn an_excerpt_shows_no_part_of_a_secret() {
        let redactor = Redactor::default();
        redactor.add([&Secret::new("secretQ1W2E3R4T5Y6U7I8")]);
        for gap in 80..140 {
            let page = format!("<p>{}secretQ1W2E3R4T5Y6U7I8", "x".repeat(gap));
            let shown = super::excerpt(page.as_bytes(), &redactor);
            assert!(!shown.contains("secret"), "{shown}");
        }
    }

    #[test]
    fn reads_both_forms_of_retry_after() {
        let response = |value: &str| Response {
            headers: vec![("retry-after".into(), value.into())],
            ..Response::default()
        };
        let now = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let after = |value| response(value).retry_after(now);
        assert_eq!(after("7"), Some(Duration::from_secs(7)));
        assert_eq!(
            after("Tue, 14 Nov 2023 22:13:30 GMT"),
            Some(Duration::from_secs(10))
        );
        assert_eq!(after("Tue, 14 Nov 2023 22:13:00 GMT"), Some(Duration::ZERO));
        for none in ["soon", "", "-5", "1.5", "+7", "5s"] {
            assert_eq!(after(none), None, "{none}");
        }
        let year = Some(Duration::from_secs(366 * 86_400));
        for huge in [
            "100000000000",
            "18446744073709551615",
            "99999999999999999999999999",
            "Fri, 31 Dec 9999 23:59:59 GMT",
        ] {
            assert_eq!(after(huge), year, "{huge}");
        }
    }

    #[test]
    fn a_retry_after_date_is_relative_to_the_date_of_its_response() {
        let mut response = Response::default();
        for (name, value) in [
            ("date", "Tue, 14 Nov 2023 21:00:00 GMT"),
            ("retry-after", "Tue, 14 Nov 2023 21:00:05 GMT"),
        ] {
            response.headers.push((name.into(), value.into()));
        }
        let now = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        assert_eq!(response.retry_after(now), Some(Duration::from_secs(5)));
    }

    proptest! {
        #[test]
        fn no_value_of_retry_after_or_date_overflows(
            value in "[0-9]{1,30}|(Mon, )?[0-9]{1,2} (Jan|Dec) [0-9]{1,12} [0-9]{2}:[0-9]{2}:[0-9]{2} (GMT|[+-][0-9]{4})",
            seconds in i64::MIN..i64::MAX,
        ) {
            let now = DateTime::from_timestamp(seconds, 0).unwrap_or(DateTime::<Utc>::MIN_UTC);
            for names in [&["retry-after"][..], &["retry-after", "date"]] {
                let headers = names.iter().map(|name| ((*name).to_owned(), value.clone()));
                let response = Response { headers: headers.collect(), ..Response::default() };
                response.retry_after(now);
                response.date();
            }
        }
    }
}
