mod names;

use std::io::{self, BufWriter, Write};

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use super::cause::message_of_several_lines;
use super::test_case::{CaseOutcome, TestCase, cases, verdict};
use super::text::{escape, escape_lines, truncate_chars};
use crate::gate::Verdict;
use crate::model::Time;
use crate::output::document::Envelope;

/// Maximum number of characters of a name or of a message in an attribute.
const MAX_ATTRIBUTE_CHARS: usize = 500;
/// Maximum number of characters of a cause.
const MAX_TEXT_CHARS: usize = 20_000;

/// Writes the report as JUnit XML: a suite with one test for each reference.
///
/// The schemas of Jenkins (`junit-10.xsd`) and Surefire allow properties only in a suite, so each reference has its
/// own suite with the property `ref`, and with `from_list` if only the row of a list was read for the job.
///
/// # Errors
/// Returns errors of the writer.
pub fn write(out: &mut dyn Write, envelope: &Envelope) -> io::Result<()> {
    let cases = cases(envelope);
    let count = |wanted| {
        cases
            .iter()
            .filter(|case| element(case, envelope) == Some(wanted))
            .count()
    };
    let (failures, errors) = (count(Element::Failure), count(Element::Error));
    let elapsed = envelope
        .gate
        .as_ref()
        .map_or(0, |gate| gate.elapsed_seconds);
    let mut xml = Writer::new_with_indent(BufWriter::new(out), b' ', 2);
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    xml.create_element("testsuites")
        .with_attribute(("name", "joblens"))
        .with_attribute(("tests", cases.len().to_string().as_str()))
        .with_attribute(("failures", failures.to_string().as_str()))
        .with_attribute(("errors", errors.to_string().as_str()))
        .with_attribute(("time", elapsed.to_string().as_str()))
        .write_inner_content(|xml| {
            let mut named = cases.iter().zip(names::names(&cases));
            named.try_for_each(|(case, name)| suite(xml, case, &name, envelope))
        })?;
    let mut out = xml.into_inner();
    out.write_all(b"\n")?;
    out.flush()
}

fn suite<W: Write>(
    xml: &mut Writer<W>,
    case: &TestCase<'_>,
    name: &str,
    envelope: &Envelope,
) -> io::Result<()> {
    let case_element = element(case, envelope);
    let count = |wanted| {
        if case_element == Some(wanted) {
            "1"
        } else {
            "0"
        }
    };
    let reference = attribute(case.reference);
    let ran = case.job.and_then(|job| job.duration_seconds).unwrap_or(0);
    let time = ran.max(0).to_string();
    let mut suite = xml
        .create_element("testsuite")
        .with_attribute(("name", reference.as_str()))
        .with_attribute(("tests", "1"))
        .with_attribute(("failures", count(Element::Failure)))
        .with_attribute(("errors", count(Element::Error)))
        .with_attribute(("skipped", count(Element::Skipped)))
        .with_attribute(("time", time.as_str()));
    let observed_at = case.job.and_then(|job| job.observed_at).map(Time::rfc3339);
    if let Some(observed_at) = &observed_at {
        // By convention without a time zone: it is UTC.
        suite = suite.with_attribute(("timestamp", observed_at.trim_end_matches('Z')));
    }
    suite.write_inner_content(|xml| {
        xml.create_element("properties")
            .write_inner_content(|xml| {
                let from_list = case.job.is_some_and(|job| job.from_list);
                let from_list = from_list.then_some(("from_list", "true"));
                let mut all = [("ref", reference.as_str())].into_iter().chain(from_list);
                all.try_for_each(|(name, value)| {
                    let property = xml.create_element("property");
                    let property = property.with_attributes([("name", name), ("value", value)]);
                    property.write_empty().map(|_| ())
                })
            })?;
        let test = xml
            .create_element("testcase")
            .with_attribute(("classname", attribute(&case.class()).as_str()))
            .with_attribute(("name", name))
            .with_attribute(("time", time.as_str()));
        match case_element {
            None => test.write_empty(),
            Some(case_element) => {
                test.write_inner_content(|xml| result(xml, case, case_element, envelope))
            }
        }?;
        Ok(())
    })?;
    Ok(())
}

fn result<W: Write>(
    xml: &mut Writer<W>,
    case: &TestCase<'_>,
    own: Element,
    envelope: &Envelope,
) -> io::Result<()> {
    let reason = case.explanation(envelope);
    let message = attribute(&reason);
    let lines = case.job.and_then(message_of_several_lines);
    let body = lines.map_or_else(|| reason.clone(), |lines| format!("{reason}\n{lines}"));
    let kind = case.kind(envelope);
    let name = match own {
        Element::Error => "error",
        Element::Failure => "failure",
        Element::Skipped => "skipped",
    };
    let element = xml
        .create_element(name)
        .with_attribute(("message", message.as_str()));
    match own {
        Element::Skipped => element.write_empty(),
        _ => element
            .with_attribute(("type", kind))
            .write_text_content(BytesText::new(&text(&body))),
    }?;
    Ok(())
}

/// The element of a test that has not passed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Element {
    Error,
    Failure,
    Skipped,
}

/// Returns `None` for a test that has passed. If the gate has passed, as with `--any`,
/// failed tests must not make a build unstable.
fn element(case: &TestCase<'_>, envelope: &Envelope) -> Option<Element> {
    let has_passed = verdict(envelope) == Verdict::Passed;
    match case.outcome {
        CaseOutcome::Passed => None,
        CaseOutcome::NotNeeded => Some(Element::Skipped),
        _ if has_passed => Some(Element::Skipped),
        CaseOutcome::Failed | CaseOutcome::StillRunning => Some(Element::Failure),
        CaseOutcome::ReadError(_) => Some(Element::Error),
    }
}

/// Formats a text on one line.
fn attribute(text: &str) -> String {
    let legal: String = text.chars().filter(|c| is_legal(*c)).collect();
    truncate_chars(&escape(legal.trim()), MAX_ATTRIBUTE_CHARS).into_owned()
}

/// Formats a text with its line breaks.
fn text(text: &str) -> String {
    let legal: String = text.chars().filter(|c| is_legal(*c)).collect();
    truncate_chars(&escape_lines(legal.trim()), MAX_TEXT_CHARS).into_owned()
}

/// Returns `true` if XML 1.0 allows a character (section 2.2, production 2). Character references to others are
/// invalid, too.
fn is_legal(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

#[cfg(test)]
mod tests;
