//! Reads INI files like the vendors' SDKs.
//!
//! Source: configparser of Python 3.11, which alibabacloud_credentials 1.0.12, huaweicloudsdkcore 3.1.219 and
//! tencentcloud-sdk-python 3.1.195 use, and ini.v1 of credentials-go 1.4.12. Comments after headers and values, and
//! quotes around values, are read as in the vendors' samples.

use std::collections::BTreeMap;

use super::tool_files::SourceFile;
use crate::error::Problem;

/// The section from which all others inherit, as in configparser.
const DEFAULTS: &str = "DEFAULT";

/// Keys that the vendors' tools read.
const KNOWN_KEYS: [&str; 21] = [
    "access_key_id",
    "access_key_secret",
    "ak",
    "duration_seconds",
    "enable",
    "external_id",
    "iam_endpoint",
    "id_token_file",
    "idp_id",
    "policy",
    "project_id",
    "region",
    "role_arn",
    "role_name",
    "role_session_name",
    "secret_id",
    "secret_key",
    "security_token",
    "sk",
    "token",
    "type",
];

/// Keys of a section in lower case, with their values.
pub type Keys = BTreeMap<String, String>;

/// A parsed file. An error in a section is reported only if that section is requested.
#[derive(Debug)]
pub struct Ini<'a> {
    file: &'a SourceFile,
    hint: &'a str,
    sections: BTreeMap<String, Section>,
    /// The parse error outside of any known section: what was expected.
    fault: Option<String>,
}

#[derive(Debug, Default)]
struct Section {
    keys: Keys,
    /// The parse error: what was expected, and at which line.
    fault: Option<String>,
}

impl<'a> Ini<'a> {
    /// Reads a file; `hint` is used if the file is damaged.
    pub fn read(file: &'a SourceFile, hint: &'a str) -> Self {
        let mut ini = Self {
            file,
            hint,
            sections: BTreeMap::new(),
            fault: None,
        };
        let mut cursor = Cursor::default();
        for (index, line) in file.text.lines().enumerate() {
            ini.take(&mut cursor, line, index + 1);
        }
        ini
    }

    /// Returns the keys of a section; `None` if the section is missing.
    ///
    /// # Errors
    /// `missing_credentials` if the section, or the file outside of it, is damaged.
    pub fn section(&self, name: &str) -> Result<Option<&Keys>, Problem> {
        let section = self.sections.get(name);
        let fault = match section {
            Some(section) => section.fault.as_ref(),
            None => self.fault.as_ref(),
        };
        match fault {
            Some(expected) => Err(self.damaged(expected)),
            None => Ok(section.map(|section| &section.keys)),
        }
    }

    /// Returns the keys of a section with those that it inherits from `[DEFAULT]`.
    ///
    /// # Errors
    /// As [`Ini::section`], for either section.
    pub fn inheriting_section(&self, name: &str) -> Result<Option<Keys>, Problem> {
        let Some(own) = self.section(name)?.filter(|_| name != DEFAULTS) else {
            return Ok(None);
        };
        let mut keys = match self.sections.contains_key(DEFAULTS) {
            true => self.section(DEFAULTS)?.cloned().unwrap_or_default(),
            false => Keys::new(),
        };
        keys.extend(own.iter().map(|(key, value)| (key.clone(), value.clone())));
        Ok(Some(keys))
    }

    /// Returns the names of the sections except `[DEFAULT]`.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let names = self.sections.keys().map(String::as_str);
        names.filter(|name| *name != DEFAULTS)
    }

    /// Returns the problem of a damaged file. It contains no text of the file.
    fn damaged(&self, expected: &str) -> Problem {
        let what = format!("is invalid: expected {expected}");
        self.file.problem(&what, self.hint)
    }

    fn take(&mut self, cursor: &mut Cursor, line: &str, number: usize) {
        let text = line.trim();
        if text.is_empty() || text.starts_with(['#', ';']) {
            return;
        }
        let indent = line.len() - line.trim_start().len();
        if let (Some(key), CurrentSection::Named(name)) = (&cursor.key, &cursor.section)
            && indent > cursor.indent
            && !is_known_assignment(text)
        {
            let section = self.sections.entry(name.clone()).or_default();
            let value = section.keys.entry(key.clone()).or_default();
            value.push('\n');
            value.push_str(without_comment(text));
            return;
        }
        cursor.indent = indent;
        match text.strip_prefix('[') {
            Some(rest) => self.open(cursor, rest, number),
            None => self.option(cursor, line, number),
        }
    }

    /// Reads a header after its opening bracket. Text after the closing bracket is a comment.
    fn open(&mut self, cursor: &mut Cursor, rest: &str, number: usize) {
        let name = rest.split_once(']').map(|(name, _)| name.trim().to_owned());
        match &name {
            Some(name) => {
                self.sections.entry(name.clone()).or_default();
            }
            // Its keys belong to an unknown section, and must not be added to the previous one.
            None => expect(&mut self.fault, "]", number),
        }
        *cursor = Cursor {
            section: name.map_or(CurrentSection::Unreadable, CurrentSection::Named),
            ..Cursor::default()
        };
    }

    fn option(&mut self, cursor: &mut Cursor, line: &str, number: usize) {
        cursor.key = None;
        let fault = match &cursor.section {
            CurrentSection::Named(name) => {
                &mut self.sections.entry(name.clone()).or_default().fault
            }
            CurrentSection::None => &mut self.fault,
            CurrentSection::Unreadable => return,
        };
        let Some((key, value)) = line.split_once(['=', ':']) else {
            return expect(fault, "key = value", number);
        };
        let CurrentSection::Named(name) = &cursor.section else {
            return expect(fault, "a [section]", number);
        };
        let section = self.sections.entry(name.clone()).or_default();
        let key = key.trim().to_ascii_lowercase();
        let value = value_of(value).to_owned();
        let earlier = section.keys.insert(key.clone(), value.clone());
        if earlier.is_some_and(|earlier| earlier != value) {
            expect(&mut section.fault, "each key only once", number);
        }
        cursor.key = Some(key);
    }
}

/// Position of the reader.
#[derive(Debug, Default)]
struct Cursor {
    section: CurrentSection,
    /// The key whose value a line with a deeper indent continues.
    key: Option<String>,
    indent: usize,
}

/// The section of the current lines.
#[derive(Debug, Default)]
enum CurrentSection {
    /// No header was read yet.
    #[default]
    None,
    Named(String),
    /// A section whose header cannot be read.
    Unreadable,
}

/// Returns `true` if a line sets a key that a vendor's tool reads. ini.v1 treats such a line as a separate key at any
/// indent, and no value contains such a line.
fn is_known_assignment(line: &str) -> bool {
    let key = line.split_once('=').map(|(key, _)| key.trim());
    key.is_some_and(|key| {
        KNOWN_KEYS
            .iter()
            .any(|known| known.eq_ignore_ascii_case(key))
    })
}

/// Records a parse error if it is the first one.
fn expect(fault: &mut Option<String>, what: &str, line: usize) {
    fault.get_or_insert_with(|| format!("{what} at line {line}"));
}

/// Returns the value after a delimiter, without a trailing comment and without quotes.
fn value_of(text: &str) -> &str {
    let value = text.trim();
    let quote = value
        .chars()
        .next()
        .filter(|first| ['"', '\''].contains(first));
    let quoted = quote.and_then(|quote| value[1..].split_once(quote));
    match quoted {
        Some((inside, rest)) if without_comment(rest).is_empty() => inside.trim(),
        _ => without_comment(text),
    }
}

/// Removes a comment, which begins with `#` or `;` after a blank, since a key can contain either.
fn without_comment(text: &str) -> &str {
    let is_start = |(at, sign): &(usize, char)| {
        ['#', ';'].contains(sign) && text[..*at].ends_with(char::is_whitespace)
    };
    let end = text.char_indices().find(is_start).map(|(at, _)| at);
    text[..end.unwrap_or(text.len())].trim()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credentials::ToolFiles;
    use crate::model::Time;
    use crate::settings::Environment;

    fn non_empty<'a>(keys: &'a Keys, key: &str) -> Option<&'a str> {
        keys.get(key)
            .map(|text| text.trim())
            .filter(|text| !text.is_empty())
    }

    fn source_file(text: &str) -> SourceFile {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("f"), text).unwrap();
        let path = home.path().to_str().unwrap().to_owned();
        let environment = Environment::new([("HOME".to_owned(), path)]);
        let files = ToolFiles::new(environment, Time::from_unix(1_700_000_000).unwrap());
        files.open(None, "f").unwrap().unwrap()
    }

    fn keys(text: &str) -> Keys {
        let file = source_file(text);
        let keys = Ini::read(&file, "fix it").inheriting_section("default");
        keys.unwrap().unwrap()
    }

    fn fault(text: &str) -> String {
        let file = source_file(text);
        let problem = Ini::read(&file, "fix it").section("default").unwrap_err();
        assert_eq!(problem.hint.as_deref(), Some("fix it"));
        assert!(!problem.message.contains("hunter2"), "{}", problem.message);
        problem
            .message
            .split_once("is invalid: ")
            .unwrap()
            .1
            .to_owned()
    }

    #[test]
    fn reads_keys_of_a_section_with_an_equals_sign_or_a_colon() {
        let keys = keys(
            "\u{feff}# by hand\r\n[ default ]\r\nAK = a=b\r\nsk: c\r\n; end\r\nempty =\r\n[other]\r\n",
        );
        assert_eq!(
            (non_empty(&keys, "ak"), non_empty(&keys, "sk")),
            (Some("a=b"), Some("c"))
        );
        assert_eq!(non_empty(&keys, "empty"), None);
    }

    #[test]
    fn comments_follow_headers_and_values_after_a_blank() {
        let keys = keys(
            "[default] # the usual [account]\nid = abc # id\nsecret = x#y;z\t; secret\nnone = # later\n\
             colon: v ;c\n",
        );
        assert_eq!(non_empty(&keys, "id"), Some("abc"));
        assert_eq!(non_empty(&keys, "secret"), Some("x#y;z"));
        assert_eq!(non_empty(&keys, "none"), None);
        assert_eq!(non_empty(&keys, "colon"), Some("v"));
    }

    #[test]
    fn quotes_around_a_whole_value_are_not_part_of_it() {
        let keys = keys(
            "[default]\na = \"id # 1\"\nb='s'  # quoted\nc = \"\"\nd = \"x\" y\ne = it's\nf = \"\n",
        );
        let expected = ["id # 1", "s", "\"x\" y", "it's", "\""];
        let read = ["a", "b", "d", "e", "f"].map(|key| non_empty(&keys, key).unwrap());
        assert_eq!(read, expected);
        assert_eq!(non_empty(&keys, "c"), None);
    }

    #[test]
    fn a_line_with_a_deeper_indent_continues_the_value() {
        let keys = keys(
            "[default]\n  policy = {\n    \"Version\": \"1\", # first\n\n    # all\n    [x]\n    }\n  id =\n   abc\n  sk = d\n",
        );
        assert_eq!(
            non_empty(&keys, "policy"),
            Some("{\n\"Version\": \"1\",\n[x]\n}")
        );
        assert_eq!(
            (non_empty(&keys, "id"), non_empty(&keys, "sk")),
            (Some("abc"), Some("d"))
        );
    }

    #[test]
    fn a_known_key_is_read_as_a_key_at_any_indent() {
        let keys = keys(
            "[default]\ntype = access_key\n  Access_Key_Id = LTAI\n    access_key_secret=s\n \
             policy =\n  {\"a\": \"b = c\"}\n",
        );
        let read = ["type", "access_key_id", "access_key_secret", "policy"];
        let read = read.map(|key| non_empty(&keys, key).unwrap());
        assert_eq!(read, ["access_key", "LTAI", "s", "{\"a\": \"b = c\"}"]);
    }

    #[test]
    fn keys_of_the_default_section_are_inherited_only_when_requested() {
        let file = source_file("[DEFAULT]\nid = all\nsk = all\n[default]\nsk = own\n[lone]\n");
        let ini = Ini::read(&file, "fix it");
        assert_eq!(ini.names().collect::<Vec<_>>(), ["default", "lone"]);
        let keys = ini.inheriting_section("default").unwrap().unwrap();
        assert_eq!(
            (non_empty(&keys, "id"), non_empty(&keys, "sk")),
            (Some("all"), Some("own"))
        );
        assert_eq!(ini.section("default").unwrap().unwrap().len(), 1);
        assert_eq!(ini.inheriting_section("absent").unwrap(), None);
        assert_eq!(ini.inheriting_section("DEFAULT").unwrap(), None);
    }

    #[test]
    fn errors_outside_the_requested_section_are_ignored() {
        for other in [
            "[other]\nhunter2\n",
            "[other]\nid = 1\nid = 2\n",
            "[other\nid = hunter2\nsk = hunter2\n",
            "[]\n= x\n{\n",
        ] {
            let own = "[default]\nid = abc\n";
            for text in [format!("{own}{other}"), format!("{other}{own}")] {
                let keys = keys(&text);
                assert_eq!(
                    (non_empty(&keys, "id"), keys.len()),
                    (Some("abc"), 1),
                    "{text}"
                );
            }
        }
        assert_eq!(keys("id = hunter2\n[default]\n").len(), 0);
    }

    #[test]
    fn an_error_of_the_section_names_its_line_and_shows_no_content() {
        for (text, expected) in [
            ("[default]\nhunter2", "expected key = value at line 2"),
            ("[hunter2", "expected ] at line 1"),
            ("hunter2 = x", "expected a [section] at line 1"),
            (
                "[default]\nid = a\n[b]\n[default]\nid = hunter2\n",
                "expected each key only once at line 5",
            ),
        ] {
            assert_eq!(fault(text), expected);
        }
        assert!(keys("[default]\nid = a\nid = a\n").contains_key("id"));
    }
}
