//! Masks the texts of XML that may be incomplete or invalid.

use crate::secret::MASK;

/// Masks the texts of elements, except those named in `shown` in any namespace, and the values of attributes, even if
/// the XML is incomplete. At the first place where it is not the XML of an API, the rest is dropped: after a quote that
/// is not escaped, a value cannot be distinguished from a name.
pub(in crate::http) fn mask_xml_texts(text: &str, shown: &[&str]) -> String {
    let mut masker = Masker {
        rest: text,
        masked: String::with_capacity(text.len()),
        open: Vec::new(),
        has_text: false,
        shown,
    };
    loop {
        let length = masker.rest.find('<').unwrap_or(masker.rest.len());
        let (text, rest) = masker.rest.split_at(length);
        masker.text(text);
        masker.rest = rest;
        if rest.is_empty() {
            return masker.masked;
        }
        if masker.markup().is_none() {
            return masker.masked + "<" + MASK;
        }
    }
}

struct Masker<'a> {
    rest: &'a str,
    masked: String,
    /// Names of the elements that are not closed.
    open: Vec<&'a str>,
    /// A text precedes the next tag, which therefore must close the element: the elements of an API contain either
    /// a text or other elements, so that a tag in a text is a part of a value.
    has_text: bool,
    shown: &'a [&'a str],
}

impl<'a> Masker<'a> {
    fn text(&mut self, text: &str) {
        let is_blank = text.trim().is_empty();
        let is_shown = is_blank
            || self
                .open
                .last()
                .and_then(|name| name.rsplit(':').next())
                .is_some_and(|name| self.shown.contains(&name));
        self.masked.push_str(if is_shown { text } else { MASK });
        self.has_text |= !is_blank;
    }

    /// Copies a tag or another construct that begins with `<`. `None` if it is not valid here.
    fn markup(&mut self) -> Option<()> {
        if let Some(rest) = self.rest.strip_prefix("<![CDATA[") {
            let (text, rest) = rest.split_once("]]>")?;
            self.masked.push_str("<![CDATA[");
            self.text(text);
            self.masked.push_str("]]>");
            self.rest = rest;
            return Some(());
        }
        if let Some(rest) = self.rest.strip_prefix("<!--") {
            let (_, rest) = rest.split_once("-->")?;
            self.masked.push_str(&format!("<!--{MASK}-->"));
            self.rest = rest;
            return Some(());
        }
        if let Some(rest) = self.rest.strip_prefix("</") {
            let (name, rest) = rest.split_once('>')?;
            self.open.pop().filter(|open| *open == name.trim_end())?;
            self.masked.push_str(&format!("</{name}>"));
            (self.rest, self.has_text) = (rest, false);
            return Some(());
        }
        let tag = Tag::parse(self.rest).filter(|_| !self.has_text)?;
        self.masked.push_str(&tag.masked);
        self.rest = tag.rest;
        if !tag.is_empty {
            self.open.push(tag.name);
        }
        Some(())
    }
}

/// An opening tag, an empty element, or the declaration of a document.
struct Tag<'a> {
    name: &'a str,
    /// The tag with masked values of its attributes.
    masked: String,
    /// Nothing closes it.
    is_empty: bool,
    /// The text after it.
    rest: &'a str,
}

impl<'a> Tag<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let text = text.strip_prefix('<')?;
        let (name, mut rest) = split_name(text.strip_prefix('?').unwrap_or(text))?;
        let is_declaration = text.starts_with('?');
        let end = if is_declaration { "?>" } else { "/>" };
        let mut masked = format!("<{}{name}", if is_declaration { "?" } else { "" });
        loop {
            let after = rest.trim_start();
            let blanks = &rest[..rest.len() - after.len()];
            masked.push_str(blanks);
            for (end, is_empty) in [(end, true), (">", is_declaration)] {
                if let Some(rest) = after.strip_prefix(end) {
                    masked.push_str(end);
                    return Some(Self {
                        name,
                        masked,
                        is_empty,
                        rest,
                    });
                }
            }
            let (attribute, after) = split_name(after).filter(|_| !blanks.is_empty())?;
            let value = after.trim_start().strip_prefix('=')?.trim_start();
            let quote = value.chars().next().filter(|c| ['"', '\''].contains(c))?;
            let (value, after) = value[1..].split_once(quote)?;
            // The version and the encoding of a document.
            let is_shown = value.is_empty() || (is_declaration && value.len() <= 8);
            let value = if is_shown { value } else { MASK };
            masked.push_str(&format!("{attribute}={quote}{value}{quote}"));
            rest = after;
        }
    }
}

/// Splits a name from the text after it.
fn split_name(text: &str) -> Option<(&str, &str)> {
    let is_name = |c: char| c.is_alphanumeric() || "_-.:".contains(c);
    let end = text.find(|c| !is_name(c)).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn valid_xml_keeps_its_structure() {
        for (text, masked) in [
            (
                "<?xml version=\"1.0\" encoding='UTF-8'?>\n<R a = 'x' b=\"\">\n <V>x</V >\n</R>",
                "<?xml version=\"1.0\" encoding='UTF-8'?>\n<R a='***' b=\"\">\n <V>***</V >\n</R>",
            ),
            ("<R><V/><ns:W x='y' /></R>", "<R><V/><ns:W x='***' /></R>"),
            ("<A>x</A><B>y", "<A>***</A><B>***"),
            (
                "<A><![CDATA[x]]></A><!-- x --><B><![CDATA[ ]]></B>",
                "<A><![CDATA[***]]></A><!--***--><B><![CDATA[ ]]></B>",
            ),
            (
                "<E><Code>Bad</Code><HostId>h</HostId><Message><![CDATA[no]]></Message></E>",
                "<E><Code>Bad</Code><HostId>***</HostId><Message><![CDATA[no]]></Message></E>",
            ),
            (
                "<s:E xmlns:s='x'><s:Code>Bad</s:Code><Code:s>x</Code:s></s:E>",
                "<s:E xmlns:s='***'><s:Code>Bad</s:Code><Code:s>***</Code:s></s:E>",
            ),
        ] {
            assert_eq!(mask_xml_texts(text, &["Code", "Message"]), masked);
        }
    }

    #[test]
    fn nothing_is_shown_after_the_first_place_that_is_not_xml_of_an_api() {
        for (text, masked) in [
            ("<V a=\"x\"y\" b=\"hunter\">", "<***"),
            ("<R><V a=\"x\" y\" b=\"hunter\">", "<R><***"),
            ("<V a=hunter>", "<***"),
            ("<V hunter>", "<***"),
            ("<V>a<hunter>b</V>", "<V>***<***"),
            ("<Code>a<hunter/></Code>", "<Code>a<***"),
            ("<V><![CDATA[hunter</V>", "<V><***"),
            ("<V><!-- hunter</V>", "<V><***"),
            ("<V></hunter>", "<V><***"),
            ("</hunter>", "<***"),
            ("<R/>hunter<V>", "<R/>***<***"),
            ("<!DOCTYPE R [<!ENTITY a 'hunter'>]>", "<***"),
            ("<R><hunter", "<R><***"),
        ] {
            assert_eq!(mask_xml_texts(text, &["Code"]), masked, "{text}");
        }
    }

    /// A document whose values are marked.
    const SAMPLE: &str = r#"<?xml version="1.0"?><R x="hunter-1" y='hunter 2'><V>hunter &lt; 3</V>
        <W z="hunter=4"/><!-- hunter --><C><![CDATA[hunter <5]]></C> <D>hunter, hunter</D></R>"#;

    #[test]
    fn a_quote_or_bracket_anywhere_in_a_document_discloses_no_value() {
        for at in 0..=SAMPLE.len() {
            for added in ["\"", "'", "<", ">", "/"] {
                let text = format!("{}{added}{}", &SAMPLE[..at], &SAMPLE[at..]);
                let shown = mask_xml_texts(&text, &[]);
                // A bracket within a word divides it.
                assert!(!shown.contains("hunter"), "{text}: {shown}");
            }
            if at < SAMPLE.len() {
                let text = format!("{}{}", &SAMPLE[..at], &SAMPLE[at + 1..]);
                let shown = mask_xml_texts(&text, &[]);
                assert!(!shown.contains("hunter"), "{text}: {shown}");
            }
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(<|>|/|\\?|=|\"|'| |a|<!--|-->|<!\\[CDATA\\[|\\]\\]>|\\PC){0,30}") {
            mask_xml_texts(&text, &["a"]);
        }
    }
}
