//! Answers requests without a network, and runs the readers of bodies on fuzzed data.

use std::cell::RefCell;

use super::{Request, Response, SigningInstructions, body, html};
use crate::secret::Redactor;

/// Makes the response to a request, or returns `None` to send it.
pub(crate) type Responder = Box<dyn FnMut(&Request, &SigningInstructions) -> Option<Response>>;

thread_local! {
    static RESPONDER: RefCell<Option<Responder>> = const { RefCell::new(None) };
}

/// Answers the requests of this thread until it is dropped.
#[must_use]
pub(crate) struct ResponderGuard(());

/// Answers the requests of this thread with `responder` while the returned guard exists.
pub(crate) fn set_responder(responder: Responder) -> ResponderGuard {
    RESPONDER.set(Some(responder));
    ResponderGuard(())
}

impl Drop for ResponderGuard {
    fn drop(&mut self) {
        RESPONDER.take();
    }
}

/// Returns the responder's response to a request; `None` if it is to be sent.
pub(super) fn response_to(request: &Request, signing: &SigningInstructions) -> Option<Response> {
    RESPONDER.with_borrow_mut(|responder| responder.as_mut()?(request, signing))
}

fn response(header: (&str, &str), body: &[u8]) -> Response {
    Response {
        status: 502,
        headers: vec![(header.0.to_owned(), header.1.to_owned())],
        body: body.to_vec(),
    }
}

/// Finds the title of an HTML page.
pub(crate) fn html(data: &[u8]) {
    let redactor = Redactor::default();
    let page = response(("content-type", "text/html"), data);
    let title = html::page_title(&page, &redactor).unwrap_or_default();
    assert!(title.chars().count() <= 81, "{title}");
    html::describe(&response(("server", "x"), data), &redactor);
    html::hint(&page);
}

/// Decompresses a body within a limit, once and twice.
pub(crate) fn gzip(data: &[u8]) {
    const MAX_BODY: u64 = 1 << 20;
    for encoding in ["gzip", "gzip, x-gzip"] {
        let mut response = response(("content-encoding", encoding), data);
        let decoded = body::decode(&mut response, MAX_BODY);
        assert!(decoded.is_err() || response.body.len() as u64 <= MAX_BODY);
    }
}
