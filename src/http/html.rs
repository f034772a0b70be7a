//! Recognizes HTML pages that a proxy, a gateway or a captive portal sends instead of a cloud's response.

use super::response::{mask_sentence, plain_text, shorten};
use super::{CLIENT_CERTIFICATE_HINT, RequestError, Response};
use crate::error::Category;
use crate::secret::Redactor;

const CHECK: &str =
    "a proxy, gateway or captive portal may have answered: check the endpoint, and HTTPS_PROXY";

/// Returns `true` if a response has the content type of an HTML page.
pub(super) fn has_html_content_type(response: &Response) -> bool {
    let content_type = response.header("content-type").unwrap_or_default();
    let content_type = content_type.trim_start().to_ascii_lowercase();
    ["text/html", "application/xhtml+xml"]
        .iter()
        .any(|name| content_type.starts_with(name))
}

/// Returns `true` if a response is an HTML page.
fn is_html(response: &Response) -> bool {
    let is_empty = || response.body.trim_ascii().is_empty();
    begins_as_html(&response.body) || (has_html_content_type(response) && !is_empty())
}

/// Returns `true` if a body begins like an HTML page.
pub(super) fn begins_as_html(body: &[u8]) -> bool {
    const MAX_PROLOGUE_BYTES: usize = 1024;
    let beginning = &body[..body.len().min(MAX_PROLOGUE_BYTES)];
    let beginning = String::from_utf8_lossy(beginning).to_ascii_lowercase();
    let beginning = without_prologue(beginning.trim_start_matches('\u{feff}'));
    ["<!doctype html", "<html"]
        .iter()
        .any(|start| beginning.starts_with(start))
}

/// Removes an XML declaration, comments and blanks from the start of a text.
fn without_prologue(text: &str) -> &str {
    let mut text = text.trim_start();
    for (start, end) in [("<?xml", "?>"), ("<!--", "-->"), ("<!--", "-->")] {
        if text.starts_with(start) {
            text = text
                .split_once(end)
                .map_or("", |(_, rest)| rest)
                .trim_start();
        }
    }
    text
}

const HTML_PAGE_MESSAGE: &str = "got an HTML page instead of an API response";

/// Returns a message that the response is an HTML page, with its title; `None` for other responses.
pub(super) fn describe(response: &Response, redactor: &Redactor) -> Option<String> {
    if !is_html(response) {
        return None;
    }
    Some(match title(&response.body, redactor) {
        Some(title) => format!("{HTML_PAGE_MESSAGE}: '{title}'"),
        None => HTML_PAGE_MESSAGE.to_owned(),
    })
}

/// Returns the title of an HTML page; `None` for other responses.
pub(super) fn page_title(response: &Response, redactor: &Redactor) -> Option<String> {
    is_html(response)
        .then(|| title(&response.body, redactor))
        .flatten()
}

/// Returns the error for a page received instead of a stream.
pub(super) fn page_instead_of_stream(response: &Response, redactor: &Redactor) -> RequestError {
    let page = describe(response, redactor).unwrap_or_else(|| HTML_PAGE_MESSAGE.to_owned());
    let message = format!("invalid response: {page}");
    RequestError::new(Category::InvalidResponse, message).with_hint(hint(response))
}

/// Adds the HTML page, or the text of a gateway, to an error that has no code of the cloud.
///
/// A page is not the cloud's decision on a permission: it comes from a proxy or a firewall. Other statuses keep
/// their meaning whichever server sends them: gateways also reject credentials and filters with a page.
pub(super) fn explain(error: &mut RequestError, response: &Response, redactor: &Redactor) {
    if error.code.is_some() {
        return;
    }
    let Some(page) = describe(response, redactor) else {
        if response.status >= 400
            && let Some(text) = plain_text(&response.body, redactor)
            && !error.message.contains(&text)
        {
            error.message = format!("{}: {text}", error.message);
        }
        return;
    };
    if error.category == Category::PermissionDenied {
        error.category = Category::InvalidResponse;
        error.message = "request rejected".to_owned();
    }
    if matches!(response.status, 200..=499) && !matches!(response.status, 401 | 407 | 408 | 429) {
        error.hint = Some(hint(response).to_owned());
    }
    error.message = format!("{}: {page}", error.message);
}

/// Returns the hint for an HTML page.
pub(super) fn hint(response: &Response) -> &'static str {
    let body = String::from_utf8_lossy(&response.body);
    // nginx sends this text for its statuses 495 and 496.
    let is_about_client = response.status == 400 && body.contains("SSL certificate");
    if is_about_client {
        CLIENT_CERTIFICATE_HINT
    } else {
        CHECK
    }
}

/// Returns the text of the `title` element, else of the first heading, on one line and without secrets.
fn title(body: &[u8], redactor: &Redactor) -> Option<String> {
    const MAX_READ_BYTES: usize = 64 << 10;
    const MAX_TITLE_CHARS: usize = 80;
    let text = String::from_utf8_lossy(&body[..body.len().min(MAX_READ_BYTES)]);
    let lower = text.to_ascii_lowercase();
    let element = |name: &str| {
        let start = lower.find(&format!("<{name}"))?;
        let start = start + lower[start..].find('>')? + 1;
        let end = start + lower[start..].find("</")?;
        let text = decode_entities(&text[start..end]);
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        (!text.is_empty()).then_some(text)
    };
    let mut title = element("title").or_else(|| element("h1"))?;
    redactor.text(&mut title);
    title = mask_sentence(&title);
    shorten(&mut title, MAX_TITLE_CHARS);
    Some(title)
}

fn decode_entities(text: &str) -> String {
    let known = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&nbsp;", " "),
        ("&amp;", "&"),
    ];
    known.iter().fold(text.to_owned(), |text, (name, plain)| {
        text.replace(name, plain)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;
    use proptest::prelude::*;

    fn page(status: u16, body: &str) -> Response {
        Response {
            status,
            headers: Vec::new(),
            body: body.as_bytes().to_vec(),
        }
    }

    #[test]
    fn the_title_of_a_page_is_shown() {
        for (body, title) in [
            (
                "<html><head><title>502 Bad Gateway</title>",
                Some("502 Bad Gateway"),
            ),
            (
                "<!DOCTYPE html>\n<HTML><TITLE lang=zh>\n 上网\n认证 </TITLE>",
                Some("上网 认证"),
            ),
            (
                "<html><title>a &amp; b&nbsp;&lt;c&gt;</title>",
                Some("a & b <c>"),
            ),
            (
                "<html><title></title><h1 class=x>Blocked</h1>",
                Some("Blocked"),
            ),
            ("<html><title>never closed", None),
            ("<html>", None),
        ] {
            let shown = describe(&page(200, body), &Redactor::default()).unwrap();
            match title {
                Some(title) => assert!(shown.ends_with(&format!("'{title}'")), "{shown}"),
                None => assert!(shown.ends_with("API response"), "{shown}"),
            }
        }
    }

    #[test]
    fn a_page_is_recognized_by_its_content_type_or_beginning() {
        let is_page = |content_type: &str, body: &str| {
            let mut page = page(200, body);
            page.headers = vec![("content-type".to_owned(), content_type.to_owned())];
            is_html(&page)
        };
        for (content_type, body, expected) in [
            ("", "{}", false),
            ("application/json", "\u{feff} <!DOCTYPE html><p>", true),
            ("text/html; charset=utf-8", "hello", true),
            ("Application/XHTML+XML", "<p>", true),
            ("text/html", "", false),
            ("text/html", " \r\n", false),
            (
                "",
                "<?xml version='1.0'?>\n<!-- x -->\n<html xmlns='y'>",
                true,
            ),
            (
                "text/xml",
                "<?xml version='1.0'?><!DOCTYPE html PUBLIC 'x'>",
                true,
            ),
            (
                "text/xml",
                "<?xml version='1.0'?><Error><Code>x</Code></Error>",
                false,
            ),
            ("", "<?xml version='1.0'", false),
            ("", "<!-- never closed <html>", false),
        ] {
            assert_eq!(
                is_page(content_type, body),
                expected,
                "{content_type} {body}"
            );
        }
    }

    #[test]
    fn a_title_shows_no_part_of_a_secret() {
        let redactor = Redactor::default();
        redactor.add([&Secret::new("secretQ1W2E3R4T5Y6U7I8")]);
        for gap in 55..85 {
            let body = format!(
                "<html><title>{} secretQ1W2E3R4T5Y6U7I8</title>",
                "x".repeat(gap)
            );
            let shown = describe(&page(200, &body), &redactor).unwrap();
            assert!(!shown.contains("secret"), "{shown}");
        }
    }

    #[test]
    fn an_html_page_with_status_403_is_not_a_denied_permission() {
        for (status, category) in [
            (200, Category::InvalidResponse),
            (302, Category::InvalidResponse),
            (400, Category::InvalidArgument),
            (401, Category::Unauthenticated),
            (403, Category::InvalidResponse),
            (404, Category::InvalidArgument),
            (407, Category::Network),
            (429, Category::Throttled),
            (500, Category::ServiceError),
            (502, Category::ServiceError),
        ] {
            let page = page(status, "<html><title>Login</title>");
            let mut error = RequestError::from_status(&page)
                .unwrap_or_else(|| RequestError::new(Category::InvalidResponse, "no"));
            explain(&mut error, &page, &Redactor::default());
            assert_eq!(error.category, category, "{status}");
            assert!(error.message.ends_with("'Login'"), "{}", error.message);
        }
    }

    #[test]
    fn the_plain_text_of_a_gateway_error_is_shown() {
        let shown = |status, body: &str, code: Option<&str>| {
            let response = page(status, body);
            let mut error = RequestError::new(Category::ServiceError, "service error");
            error.code = code.map(str::to_owned);
            explain(&mut error, &response, &Redactor::default());
            error.message
        };
        let text = "no healthy upstream\n";
        assert_eq!(shown(503, text, None), "service error: no healthy upstream");
        for (status, body, code) in [
            (503, text, Some("Busy")),
            (200, text, None),
            (503, "{\"a\":1}", None),
            (503, "", None),
            (503, "service error", None),
        ] {
            assert_eq!(
                shown(status, body, code),
                "service error",
                "{status} {body}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_page_panics(body in ".{0,80}", wrapped in "(<title|<h1|>|</|&amp;|训|İ| ){0,20}") {
            for body in [body, wrapped] {
                describe(&page(200, &format!("<html>{body}")), &Redactor::default());
            }
        }
    }
}
