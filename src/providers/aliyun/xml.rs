use quick_xml::Reader;
use quick_xml::events::{BytesRef, Event};
use serde_json::{Map, Value};

/// Maximum number of elements in a response.
const MAX_ELEMENTS: usize = 200_000;
/// Maximum nesting depth; documented responses are nested four levels deep.
const MAX_DEPTH: usize = 32;
/// Elements that are items of a list even if there is only one of them.
const ITEMS: [&str; 2] = ["InvokeInstance", "InvocationResult"];

/// Returns `true` if a body is XML rather than JSON.
pub(super) fn is_xml(body: &[u8]) -> bool {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    body.trim_ascii_start().starts_with(b"<")
}

/// Converts an XML document to JSON text with the root as its only key.
///
/// # Errors
/// As [`tree`].
pub(super) fn json(body: &[u8], root: &str) -> Result<String, String> {
    let (tree, is_broken) = tree(body, root)?;
    let json = tree.to_string();
    Ok(match is_broken {
        false => json,
        // The JSON reader reports the position of an invalid character.
        true => json.replace('\u{fffd}', r"\ud800"),
    })
}

/// Converts an XML document to `{ROOT: {CHILD: text, …}}`. Also returns whether it contains unreadable characters.
///
/// Attributes, comments and text next to elements are dropped; invalid UTF-8 and references to characters that
/// do not exist become U+FFFD. Custom entities are never expanded; a document type is an error.
///
/// # Errors
/// The expected document, without any text of the response.
pub(super) fn tree(body: &[u8], root: &str) -> Result<(Value, bool), String> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let text = String::from_utf8_lossy(body);
    let mut reader = Reader::from_str(text.trim_start());
    let mut open: Vec<Element> = Vec::new();
    let mut elements = 0;
    let mut is_broken = std::str::from_utf8(body).is_err();
    let mut document = None;
    loop {
        let position = reader.buffer_position();
        let malformed = || format!("well-formed XML at byte {position}");
        let event = reader.read_event().map_err(|_| malformed())?;
        if matches!(event, Event::Start(_) | Event::Empty(_)) {
            elements += 1;
            if elements > MAX_ELEMENTS {
                return Err(format!("at most {MAX_ELEMENTS} elements in one response"));
            }
        }
        match event {
            Event::Start(start) => {
                let name = start.local_name().as_ref().to_owned();
                if open.is_empty() && (name != root || document.is_some()) {
                    return Err(format!("XML with the root {root}"));
                }
                if open.len() == MAX_DEPTH {
                    return Err(format!("XML nested at most {MAX_DEPTH} deep"));
                }
                open.push(Element::new(name));
            }
            Event::Empty(start) => {
                let name = start.local_name().as_ref().to_owned();
                match open.last_mut() {
                    Some(parent) => parent.add(name, Value::Null)?,
                    None => return Err(format!("XML with a non-empty root {root}")),
                }
            }
            Event::End(_) => {
                let element = open.pop().ok_or_else(malformed)?;
                let (name, value) = element.close();
                match open.last_mut() {
                    Some(parent) => parent.add(name, value)?,
                    None => document = Some(Value::Object(Map::from_iter([(name, value)]))),
                }
            }
            Event::Text(text) => {
                if let Some(element) = open.last_mut() {
                    element.text.push_str(&text.xml10_content());
                }
            }
            Event::CData(text) => {
                if let Some(element) = open.last_mut() {
                    element.text.push_str(&text.xml10_content());
                }
            }
            Event::GeneralRef(reference) => {
                let resolved = entity(&reference)?;
                is_broken |= resolved == "\u{fffd}";
                if let Some(element) = open.last_mut() {
                    element.text.push_str(&resolved);
                }
            }
            Event::DocType(_) => return Err("XML without a DOCTYPE".to_owned()),
            Event::Eof => break,
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
        }
    }
    let document = document
        .filter(|_| open.is_empty())
        .ok_or_else(|| format!("XML with the root {root}, to its end"))?;
    Ok((document, is_broken))
}

/// Returns the text of a character reference or of a predefined entity.
fn entity(reference: &BytesRef<'_>) -> Result<String, String> {
    match reference.resolve_char_ref() {
        Err(_) => Ok("\u{fffd}".to_owned()),
        Ok(Some(character)) => Ok(character.to_string()),
        Ok(None) => quick_xml::escape::resolve_predefined_entity(&reference.xml10_content())
            .map(str::to_owned)
            .ok_or_else(|| "XML without custom entities".to_owned()),
    }
}

struct Element {
    name: String,
    text: String,
    children: Map<String, Value>,
}

impl Element {
    fn new(name: String) -> Self {
        Self {
            name,
            text: String::new(),
            children: Map::new(),
        }
    }

    /// # Errors
    /// A repeated element that is not a list item, because it is not known which one is valid.
    fn add(&mut self, name: String, value: Value) -> Result<(), String> {
        let is_item = ITEMS.contains(&name.as_str());
        match self.children.get_mut(&name) {
            Some(Value::Array(items)) if is_item => items.push(value),
            Some(_) => return Err("XML with each element once".to_owned()),
            None if is_item => {
                self.children.insert(name, Value::Array(vec![value]));
            }
            None => {
                self.children.insert(name, value);
            }
        }
        Ok(())
    }

    fn close(self) -> (String, Value) {
        let value = if self.children.is_empty() {
            Value::String(self.text)
        } else {
            Value::Object(self.children)
        };
        (self.name, value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn an_xml_element_becomes_the_equivalent_json() {
        let body = "\u{feff} <?xml version='1.0'?><!-- c --><R a='b'><Id>x &lt;&#65;<![CDATA[&]]></Id>\
                    <InvokeInstance><A/></InvokeInstance><Other>1</Other><InvokeInstance/></R>";
        assert_eq!(
            tree(body.as_bytes(), "R").unwrap().0,
            json!({"R": {"Id": "x <A&", "InvokeInstance": [{"A": null}, null], "Other": "1"}})
        );
    }

    #[test]
    fn xml_with_another_root_a_document_type_or_bad_syntax_is_an_error() {
        let bomb =
            "<!DOCTYPE R [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;'>]><R><X>&b;</X></R>";
        for body in [
            "<html><body/></html>",
            "<html/>",
            "<R/>",
            "<R><X>&b;</X></R>",
            "<R><X></R>",
            "<R><X>",
            "<R></R><R></R>",
            "<R><State>Running</State><State>Finished</State></R>",
            "<",
            bomb,
        ] {
            assert!(tree(body.as_bytes(), "R").is_err(), "{body}");
        }
        assert_eq!(json(b"<R>\xff</R>", "R").unwrap(), r#"{"R":"\ud800"}"#);
        for reference in ["&#xFFFFFF;", "&#0;", "&#xD800;", "&#99999999999;"] {
            let body = format!("<R><A>x{reference}</A><B>y</B></R>");
            let expected = r#"{"R":{"A":"x\ud800","B":"y"}}"#;
            assert_eq!(json(body.as_bytes(), "R").unwrap(), expected, "{reference}");
        }
    }

    #[test]
    fn xml_with_too_many_or_too_deep_elements_is_an_error() {
        let deep = format!("<R>{}", "<a>".repeat(1_000_000));
        assert!(tree(deep.as_bytes(), "R").unwrap_err().contains("deep"));
        let many = format!("<R>{}</R>", "<InvokeInstance/>".repeat(200_001));
        assert!(tree(many.as_bytes(), "R").unwrap_err().contains("at most"));
    }

    proptest! {
        #[test]
        fn no_text_makes_the_xml_parser_panic(text in "[<>/!?&;#\\[\\]A-C\"'= x-]{0,60}") {
            let _ = tree(text.as_bytes(), "A");
        }
    }
}
