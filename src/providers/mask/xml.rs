//! Masks the secrets in XML responses and HTML pages.

use std::ops::Range;

use super::document::{COMMANDS, SECRETS, SECRETS_OF_LISTS, is_one_of};
use crate::secret::{MASK, is_secret_field, mask_urls};

/// Attributes that contain the name of a value in another attribute of the same element.
const NAMES: [&str; 4] = ["id", "key", "name", "property"];

/// Masks the texts of elements and the values of attributes that can contain a secret. `mask_content` masks the
/// other texts.
pub(in super::super) fn mask_xml(text: &str, mask_content: fn(&str) -> String) -> String {
    let mut tags = text.split('<');
    let mut masked = tags.next().unwrap_or_default().to_owned();
    let (mut is_secret, mut in_secret_text) = (false, false);
    for tag in tags {
        if std::mem::take(&mut in_secret_text) {
            in_secret_text = !tag.contains("]]>");
            continue;
        }
        masked.push('<');
        if tag.starts_with("![CDATA[") && is_secret {
            masked.push_str(&format!("![CDATA[{MASK}]]>"));
            in_secret_text = !tag.contains("]]>");
            continue;
        }
        if tag.starts_with('!') {
            masked.push_str(&mask_content(tag));
            continue;
        }
        let (head, content) = tag.split_once('>').unwrap_or((tag, ""));
        let name = head.split_whitespace().next().unwrap_or_default();
        is_secret = may_be_secret(name);
        masked.push_str(&mask_attributes(&mask_urls(head)));
        masked.push_str(&tag[head.len()..tag.len() - content.len()]);
        match is_secret && !content.trim().is_empty() {
            true => masked.push_str(MASK),
            false => masked.push_str(&mask_content(content)),
        }
    }
    masked
}

/// Returns `true` for the name of an element whose text can be a secret.
fn may_be_secret(name: &str) -> bool {
    let lists = SECRETS_OF_LISTS.map(|(_, field)| field);
    let singular = COMMANDS.map(|name| name.trim_end_matches('s'));
    is_one_of(name, &SECRETS)
        || is_one_of(name, &lists)
        || is_one_of(name.trim_end_matches('s'), &singular)
        || is_secret_field(name)
}

/// Masks the values of attributes with the name of a secret, and values next to an attribute with such a name:
/// `<input name="token" value="…">`.
fn mask_attributes(head: &str) -> String {
    let attributes = attributes(head);
    let has_secret_name = attributes
        .iter()
        .any(|(name, value)| is_one_of(name, &NAMES) && is_secret_field(&head[value.clone()]));
    let is_secret = |name: &str| {
        let is_value = is_one_of(name, &["content", "value"]);
        has_secret_name && is_value || is_secret_field(name)
    };
    let mut masked = head.to_owned();
    let secrets = attributes
        .into_iter()
        .filter(|(name, value)| is_secret(name) && !value.is_empty());
    for (_, value) in secrets.rev() {
        masked.replace_range(value, MASK);
    }
    masked
}

/// Returns the names of the attributes of an element and the positions of their values.
fn attributes(head: &str) -> Vec<(&str, Range<usize>)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(sign) = head[at..].find('=').map(|sign| at + sign) {
        let before = head[at..sign].trim_end();
        let name = before
            .rsplit(char::is_whitespace)
            .next()
            .unwrap_or_default();
        let value = head[sign + 1..].trim_start();
        let from = head.len() - value.len();
        let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
        let (from, length) = match quote {
            Some(quote) => (from + 1, value[1..].find(quote)),
            None => (from, value.find(char::is_whitespace)),
        };
        let end = length.map_or(head.len(), |length| from + length);
        found.push((name, from..end));
        at = head.len().min(end + usize::from(quote.is_some()));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(text: &str) -> String {
        mask_xml(text, |text| mask_urls(text).into_owned())
    }

    #[test]
    fn xml_texts_are_masked_by_the_names_of_their_elements() {
        let document = "<R a='1'><State>Failed</State><Args><Arg>s3cret</Arg></Args>\
            <Key>DB</Key><Value>s3cret</Value><apiToken>s3cret</apiToken>\n<Url>http://u:s3cret@h</Url>";
        assert_eq!(
            masked(document),
            "<R a='1'><State>Failed</State><Args><Arg>***</Arg></Args>\
            <Key>DB</Key><Value>***</Value><apiToken>***</apiToken>\n<Url>http://***@h</Url>"
        );
        assert_eq!(
            masked("<Value><![CDATA[s3<cr>et]]></Value><State><![CDATA[Failed]]></State>"),
            "<Value><![CDATA[***]]></Value><State><![CDATA[Failed]]></State>"
        );
        assert_eq!(masked("no < xml >"), "no < xml >");
    }

    #[test]
    fn xml_attributes_are_masked_by_their_own_or_an_adjacent_name() {
        for (text, expected) in [
            (
                "<User name=\"x\" password='s3cret' role=admin>",
                "<User name=\"x\" password='***' role=admin>",
            ),
            (
                "<input type=\"hidden\" name=\"csrf_token\" value = \"s3cret\"/>",
                "<input type=\"hidden\" name=\"csrf_token\" value = \"***\"/>",
            ),
            (
                "<meta content=s3cret name=api-key>",
                "<meta content=*** name=api-key>",
            ),
            (
                "<a href=\"http://u:s3cret@h/?a=1\" token='' value='模型'>",
                "<a href=\"http://***@h/?a=1\" token='' value='模型'>",
            ),
            ("<a b=\"open", "<a b=\"open"),
            ("<a b=", "<a b="),
        ] {
            assert_eq!(masked(text), expected);
        }
    }
}
