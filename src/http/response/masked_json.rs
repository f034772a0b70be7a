//! Masks the texts of JSON that may be incomplete or invalid.

use crate::secret::MASK;

/// Keys of the cloud's result code, in lower case.
const CODE_KEYS: [&str; 5] = ["code", "errcode", "error_code", "errorcode", "retcode"];

/// Words that are values without quotes, in JSON, JavaScript and Python.
const LITERALS: [&str; 9] = [
    "true",
    "false",
    "null",
    "True",
    "False",
    "None",
    "NaN",
    "Infinity",
    "-Infinity",
];

/// Masks every string except keys and result codes, even if the JSON is incomplete. At the first place where it is
/// not JSON, the rest is dropped: after a quote that is not escaped, a value cannot be distinguished from a key.
pub(in crate::http) fn mask_json_values(text: &str) -> String {
    let mut masker = Masker {
        rest: text,
        masked: String::with_capacity(text.len()),
        open: Vec::new(),
        expected: Expected::Value,
        key: "",
        quote: None,
    };
    loop {
        let rest = masker.rest.trim_start();
        let blanks = masker.rest.len() - rest.len();
        masker.masked.push_str(&masker.rest[..blanks]);
        masker.rest = rest;
        let Some(first) = rest.chars().next() else {
            return masker.masked;
        };
        if masker.token(first).is_none() {
            return masker.masked + MASK;
        }
    }
}

/// What must follow.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expected {
    Key,
    Colon,
    Value,
    /// A comma or a closing bracket.
    Separator,
}

struct Masker<'a> {
    rest: &'a str,
    masked: String,
    /// The opening brackets that are not closed.
    open: Vec<char>,
    expected: Expected,
    /// The key of the next value.
    key: &'a str,
    /// The character that encloses the strings of the document.
    quote: Option<char>,
}

impl Masker<'_> {
    /// Copies a token. `None` if JSON does not permit it here.
    fn token(&mut self, first: char) -> Option<()> {
        match (self.expected, first) {
            (Expected::Key | Expected::Value, '"' | '\'') => return self.string(first),
            (Expected::Value, '{' | '[') => {
                self.open.push(first);
                self.key = "";
                self.expected = self.first_in_collection();
            }
            (Expected::Key | Expected::Value | Expected::Separator, '}' | ']') => {
                let opening = if first == '}' { '{' } else { '[' };
                self.open.pop().filter(|open| *open == opening)?;
                self.expected = Expected::Separator;
            }
            (Expected::Colon, ':') => self.expected = Expected::Value,
            (Expected::Separator, ',') if !self.open.is_empty() => {
                self.expected = self.first_in_collection();
            }
            // The end of a call, as in `callback({…});`.
            (Expected::Separator, ')' | ';') if self.open.is_empty() => {}
            (Expected::Value, _) => return self.literal(),
            _ => return None,
        }
        self.copy(first.len_utf8());
        Some(())
    }

    fn first_in_collection(&self) -> Expected {
        match self.open.last() {
            Some('{') => Expected::Key,
            _ => Expected::Value,
        }
    }

    fn copy(&mut self, length: usize) {
        let (token, rest) = self.rest.split_at(length);
        self.masked.push_str(token);
        self.rest = rest;
    }

    /// Copies a string, masked unless it is a key or a result code.
    fn string(&mut self, quote: char) -> Option<()> {
        if *self.quote.get_or_insert(quote) != quote {
            return None;
        }
        let body = &self.rest[1..];
        let mut escaped = false;
        let end = body.find(|c| {
            let is_end = c == quote && !escaped;
            escaped = c == '\\' && !escaped;
            is_end
        });
        let (inner, after) = match end {
            Some(end) => (&body[..end], &body[end + 1..]),
            None => (body, ""),
        };
        let next = after.trim_start();
        let is_key = self.expected == Expected::Key;
        let is_shown = match is_key {
            true => next.starts_with(':') && is_name(inner),
            false => {
                let is_complete =
                    end.is_some() && (next.is_empty() || next.starts_with([',', '}']));
                is_complete && is_result_code(self.key, inner)
            }
        };
        self.masked.push(quote);
        self.masked.push_str(match is_shown || inner.is_empty() {
            true => inner,
            false => MASK,
        });
        if end.is_some() {
            self.masked.push(quote);
        }
        self.rest = after;
        (self.key, self.expected) = match is_key {
            true => (inner, Expected::Colon),
            false => ("", Expected::Separator),
        };
        Some(())
    }

    /// Copies a number or a word such as `null`.
    fn literal(&mut self) -> Option<()> {
        let is_end = |c: char| c.is_whitespace() || [',', ']', '}'].contains(&c);
        let end = self.rest.find(is_end).unwrap_or(self.rest.len());
        let word = &self.rest[..end];
        let mut bytes = word.bytes();
        let is_number = word.starts_with(|c: char| c == '-' || c.is_ascii_digit())
            && bytes.all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
        if !is_number && !LITERALS.contains(&word) {
            return None;
        }
        self.copy(end);
        self.expected = Expected::Separator;
        Some(())
    }
}

/// Returns `true` if a text can be a key. After a damaged place, the text between two strings can look like a string.
fn is_name(key: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || " _-./:$@".contains(c);
    key.chars().all(is_part)
}

/// Returns `true` if a string is a result code, which is shown because it explains the response. Other texts of these
/// keys may be authorization codes.
fn is_result_code(key: &str, value: &str) -> bool {
    let is_known = CODE_KEYS
        .iter()
        .any(|known| key.eq_ignore_ascii_case(known));
    is_known && value.len() <= 5 && value.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

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
            r#"{"code":"100"8"#,
        ] {
            let shown = mask_json_values(hidden);
            assert!(shown.contains(MASK) && !shown.contains("10"), "{shown}");
        }
    }

    #[test]
    fn valid_json_keeps_its_structure_keys_and_numbers() {
        for (text, masked) in [
            ("{\"app.io/a-b_c\":1,\"键\":2}", None),
            (" {\"a\" : [ 1.5, -2e+9 , true ] }\n", None),
            ("{'a': None, 'b': [False, NaN, {}], 'c': ''}", None),
            ("[{\"a\":[]},{\"b\":null}]);", None),
            ("{\"a\":1,}", None),
            (
                r#"{"a\"b":"x\\","c":["d","#,
                Some(r#"{"***":"***","c":["***","#),
            ),
            (r#"{"a":"x","ke"#, Some(r#"{"a":"***","***"#)),
            (r#"{"a":"x","key""#, Some(r#"{"a":"***","***""#)),
        ] {
            assert_eq!(mask_json_values(text), masked.unwrap_or(text));
        }
    }

    #[test]
    fn nothing_is_shown_after_the_first_place_that_is_not_json() {
        for (text, masked) in [
            (
                r#"{"Note":"say "hi there","Env":"FOO hunter3"}"#,
                r#"{"Note":"***"***"#,
            ),
            ("{'password': 'it's', 'env': 'x'}", "{'password': '***'***"),
            (r#"{"a":hunter2}"#, r#"{"a":***"#),
            (r#"{"a":12hunter2}"#, r#"{"a":***"#),
            (r#"{"a":nullhunter2}"#, r#"{"a":***"#),
            (r#"{"a":1 "hunter2":2}"#, r#"{"a":1 ***"#),
            (r#"["a":"b"]"#, r#"["***"***"#),
            (r#"{"a":[1}"#, r#"{"a":[1***"#),
            (r#"{"a"}"#, r#"{"***"***"#),
            (r#"{"a":1,'b':2}"#, r#"{"a":1,***"#),
            (r#"{code:"x"}"#, "{***"),
            (r#"{\"a\":\"x\"}"#, "{***"),
            (r#"{"a":1} {"b":2}"#, r#"{"a":1} ***"#),
        ] {
            assert_eq!(mask_json_values(text), masked);
        }
    }

    /// A document whose values are marked.
    const SAMPLE: &str = r#"{"RequestId":"hunter-1","Note":"hunter hi","List":["hunter-2", "hunter, 'x'"],
        "Deep":{"Token" : "hunter-3","Code":"hunter","Empty":"","Number":5},"Env":"FOO: hunter"}"#;

    #[test]
    fn a_quote_anywhere_in_a_document_discloses_no_value() {
        for at in 0..=SAMPLE.len() {
            for quote in ["\"", "'", "\\\"", "\\"] {
                let text = format!("{}{quote}{}", &SAMPLE[..at], &SAMPLE[at..]);
                let shown = mask_json_values(&text);
                assert!(!shown.contains("hunter"), "{text}: {shown}");
            }
            if SAMPLE[at..].starts_with('"') {
                let text = format!("{}{}", &SAMPLE[..at], &SAMPLE[at + 1..]);
                let shown = mask_json_values(&text);
                assert!(!shown.contains("hunter"), "{text}: {shown}");
            }
            let shown = mask_json_values(&SAMPLE[..at]);
            assert!(!shown.contains("hunter"), "{shown}");
        }
    }

    fn documents() -> impl Strategy<Value = Value> {
        let text = "[ ,:{}\\[\\]'\\\\\"a-c0-9]{0,6}";
        let value = text.prop_map(|text| Value::from(format!("hunter{text}")));
        let number = any::<i32>().prop_map(Value::from);
        prop_oneof![value, number].prop_recursive(3, 12, 4, |inner| {
            let list = prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from);
            let map = prop::collection::btree_map("[a-z]{1,3}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect()));
            prop_oneof![list, map]
        })
    }

    proptest! {
        #[test]
        fn no_value_of_a_damaged_document_is_shown(
            document in documents(),
            at in any::<prop::sample::Index>(),
            damage in prop_oneof![Just(""), Just("\""), Just("'"), Just("\\"), Just("x"), Just(",")],
            removed in 0..2_usize,
        ) {
            let text = document.to_string();
            let at = at.index(text.len());
            let text = format!("{}{damage}{}", &text[..at], &text[text.len().min(at + removed)..]);
            let shown = mask_json_values(&text);
            prop_assert!(!shown.contains("hunter"), "{}: {}", text, shown);
        }

        #[test]
        fn the_masked_text_of_a_document_is_a_document(document in documents()) {
            let shown = mask_json_values(&document.to_string());
            prop_assert!(serde_json::from_str::<Value>(&shown).is_ok(), "{}", shown);
        }

        #[test]
        fn no_text_panics(text in "([{}\\[\\],:\"'\\\\a1-]|\\PC){0,40}") {
            mask_json_values(&text);
        }
    }
}
