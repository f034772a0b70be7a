//! Masks private keys in lines of text.

use super::MASK;

/// Prefixes of the lines between the first line of a key and its Base64.
const HEADERS: [&str; 2] = ["Proc-Type:", "DEK-Info:"];

/// Masks the lines of private keys in PEM. Lines are passed one by one, since a log can be read in parts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PrivateKeyMasker {
    is_inside: bool,
    /// `true` if lines are passed from the last one to the first.
    is_reversed: bool,
}

impl PrivateKeyMasker {
    /// Creates a masker for lines that are passed from the last one to the first. It masks the lines before the end
    /// of a key, since the last lines of a log may begin within a key.
    pub fn reversed() -> Self {
        Self {
            is_inside: false,
            is_reversed: true,
        }
    }

    /// Returns `true` if the lines passed so far end within a key.
    pub fn is_inside(&self) -> bool {
        self.is_inside
    }

    /// Masks a line that is part of a key, except for a time at its beginning and the line end.
    pub fn line(&mut self, line: &str) -> Option<String> {
        let begins = line.contains("-----BEGIN ") && line.contains("PRIVATE KEY-----");
        let ends = line.contains("-----END ");
        let is_private_end = ends && line.contains("PRIVATE KEY-----");
        let (is_first, is_last) = match self.is_reversed {
            // A whole key on one line, such as in JSON, does not affect the lines before it.
            true => (is_private_end && !begins, begins),
            false => (begins, ends),
        };
        if !is_first && !self.is_inside {
            return None;
        }
        let content = line.trim_end_matches(['\r', '\n']);
        let end = &line[content.len()..];
        let time = time(content);
        let is_part = is_first || is_last || is_part_of_key(&content[time.len()..]);
        self.is_inside = is_part && !is_last;
        is_part.then(|| format!("{time}{MASK}{end}"))
    }

    /// Masks the lines of keys in a text, including keys that begin before it or end after it.
    pub fn text(text: &str) -> String {
        let text = Self::default().lines(text);
        Self::reversed().lines(&text)
    }

    /// Masks the lines of keys in the following lines, or in the preceding lines if the masker is reversed.
    pub fn lines(&mut self, text: &str) -> String {
        if !self.is_inside && !text.contains("PRIVATE KEY-----") {
            return text.to_owned();
        }
        let is_reversed = self.is_reversed;
        let lines = text.split_inclusive('\n');
        let masked = |line: &str| self.line(line).unwrap_or_else(|| line.to_owned());
        if !is_reversed {
            return lines.map(masked).collect();
        }
        let mut lines: Vec<String> = lines.rev().map(masked).collect();
        lines.reverse();
        lines.concat()
    }
}

/// Returns the time before a log line in the form `2026-01-02T03:04:05.123Z `; empty if there is none.
fn time(line: &str) -> &str {
    let time = line.split_inclusive(' ').next().unwrap_or_default();
    let is_part = |byte: u8| byte.is_ascii_digit() || b"-:.TZ+ ".contains(&byte);
    let is_time = time.len() > 20 && time.as_bytes()[10] == b'T' && time.bytes().all(is_part);
    if is_time { time } else { "" }
}

fn is_part_of_key(content: &str) -> bool {
    let content = content.trim();
    let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte);
    content.bytes().all(is_base64) || HEADERS.iter().any(|header| content.starts_with(header))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_lines_of_a_private_key_are_masked() {
        let text = "start\n-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\n  MIIEvQIBADAN+/\r\nBgk=\n\
            -----END RSA PRIVATE KEY-----\ndone\n";
        let masked = "start\n***\n***\n***\n***\r\n***\n***\ndone\n";
        assert_eq!(PrivateKeyMasker::text(text), masked);
        let cut = "-----BEGIN PRIVATE KEY-----\nMIIE\nepoch 1: loss 0.5\nMIIE";
        assert_eq!(
            PrivateKeyMasker::text(cut),
            "***\n***\nepoch 1: loss 0.5\nMIIE"
        );
        let one = "key=-----BEGIN PRIVATE KEY-----\\nMIIE\\n-----END PRIVATE KEY-----\nMIIE\n";
        assert_eq!(PrivateKeyMasker::text(one), "***\nMIIE\n");
    }

    #[test]
    fn lines_of_a_private_key_without_its_beginning_are_masked() {
        let text =
            "epoch 1\nMIIE\n2026-01-02T03:04:05.123Z Bgk=\n-----END PRIVATE KEY-----\nMIIE\n";
        let masked = "epoch 1\n***\n2026-01-02T03:04:05.123Z ***\n***\nMIIE\n";
        assert_eq!(PrivateKeyMasker::text(text), masked);
        let certificate = "MIIE\n-----END CERTIFICATE-----\n";
        assert_eq!(PrivateKeyMasker::text(certificate), certificate);
    }

    #[test]
    fn a_masked_line_of_a_key_keeps_its_timestamp() {
        let mut masker = PrivateKeyMasker::default();
        for content in ["-----BEGIN PRIVATE KEY-----", "MIIE"] {
            let line = format!("2026-01-02T03:04:05.123456789Z {content}\n");
            let masked = "2026-01-02T03:04:05.123456789Z ***\n".to_owned();
            assert_eq!(masker.line(&line), Some(masked));
        }
        assert_eq!(masker.line("2026-01-02T03:04:06Z epoch 1\n"), None);
    }
}
