use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::secret::Redactor;

/// What a cloud answered, exactly as it came: it may hold secrets.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Headers with lower-case names.
    pub headers: Vec<(String, String)>,
    /// Body after decompression.
    pub body: Vec<u8>,
}

impl Answer {
    /// The first header with this lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(header, _)| header == name)
            .map(|(_, value)| value.as_str())
    }

    /// The server's clock, from its `Date` header.
    pub fn date(&self) -> Option<DateTime<Utc>> {
        let text = self.header("date")?;
        DateTime::parse_from_rfc2822(text)
            .ok()
            .map(|moment| moment.to_utc())
    }

    /// The standard `Retry-After`: seconds, or a date that is compared with `now`.
    pub fn retry_after(&self, now: DateTime<Utc>) -> Option<Duration> {
        let text = self.header("retry-after")?.trim();
        if let Ok(seconds) = text.parse::<u64>() {
            return Some(Duration::from_secs(seconds));
        }
        let until = DateTime::parse_from_rfc2822(text).ok()?;
        Some((until.to_utc() - now).to_std().unwrap_or_default())
    }
}

/// The beginning of a body, fit for an error message: one line, at most 120 characters, without the
/// secrets of the run, and with the text values of JSON masked, since they may be anybody's secrets.
pub fn excerpt(body: &[u8], redactor: &Redactor) -> String {
    const LONGEST: usize = 120;
    const MAX_READ_BYTES: usize = 64 << 10;
    const MAX_SHOWN_CHARS: usize = 4096;
    let mut text = String::from_utf8_lossy(&body[..body.len().min(MAX_READ_BYTES)]).into_owned();
    // Before anything is cut, since a part of a secret is not masked.
    redactor.text(&mut text);
    let text: String = text.chars().take(MAX_SHOWN_CHARS).collect();
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let shown = if text.starts_with(['{', '[', '"']) {
        mask_json_values(text)
    } else {
        text.to_owned()
    };
    let line = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LONGEST) {
        None => line,
        Some((at, _)) => format!("{}…", &line[..at]),
    }
}

/// Replaces every text but keys, which are those before a `:`, whether the JSON is complete or not.
fn mask_json_values(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((head, tail)) = rest.split_once('"') {
        masked.push_str(head);
        let mut escaped = false;
        let end = tail.find(|c| {
            let is_end = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            is_end
        });
        let (inner, after) = match end {
            Some(end) => (&tail[..end], &tail[end + 1..]),
            None => (tail, ""),
        };
        let is_key = after.trim_start().starts_with(':');
        masked.push('"');
        masked.push_str(if is_key || inner.is_empty() {
            inner
        } else {
            "***"
        });
        if end.is_some() {
            masked.push('"');
        }
        rest = after;
    }
    masked + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    fn excerpt(body: &[u8]) -> String {
        super::excerpt(body, &Redactor::default())
    }

    #[test]
    fn an_excerpt_is_one_short_line() {
        assert_eq!(excerpt(b"<html>\n <b>502</b>\r\n"), "<html> <b>502</b>");
        let long = excerpt("长".repeat(500).as_bytes());
        assert_eq!(long.chars().count(), 121);
        assert_eq!(excerpt(b"\xff\xfe"), "\u{fffd}\u{fffd}");
    }

    #[test]
    fn an_excerpt_shows_the_shape_of_json_and_none_of_its_texts() {
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
        let answer = |value: &str| Answer {
            headers: vec![("retry-after".into(), value.into())],
            ..Answer::default()
        };
        let now = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let after = |value| answer(value).retry_after(now);
        assert_eq!(after("7"), Some(Duration::from_secs(7)));
        assert_eq!(
            after("Tue, 14 Nov 2023 22:13:30 GMT"),
            Some(Duration::from_secs(10))
        );
        assert_eq!(after("Tue, 14 Nov 2023 22:13:00 GMT"), Some(Duration::ZERO));
        assert_eq!(after("soon"), None);
    }
}
