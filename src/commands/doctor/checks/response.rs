//! Derives checks from a response.

use super::super::credential::{credential, key};
use super::super::hints::hint_for;
use super::ExaminedCall;
use crate::error::{Category, Problem};
use crate::http::Route;
use crate::output::document::{Check, CheckName};

impl ExaminedCall<'_> {
    /// Returns the checks of credential, permission and call, from the cloud's response.
    pub(super) fn response_checks(&self, route: &Route) -> Vec<Check> {
        let known = || {
            let message = format!("{} accepted", key(self.account));
            Check::ok(CheckName::Credential, message)
        };
        let Some(problem) = self.problem else {
            let operation = self
                .response_info()
                .map_or("the request", |response| response.operation);
            let spent = self.elapsed.as_millis();
            return vec![
                known(),
                Check::ok(CheckName::Permission, format!("{operation} permitted")),
                Check::ok(
                    CheckName::Response,
                    format!("{operation} responded in {spent} ms"),
                ),
            ];
        };
        if let Some(page) = self.unexpected_page(problem, route) {
            return vec![page];
        }
        let has_code = problem.code.is_some();
        let fail = |name| {
            Check::fail(name, problem.category, cause_text(problem)).hint(problem.hint.clone())
        };
        match problem.category {
            // The clock check reports it.
            Category::ClockSkew => Vec::new(),
            Category::Usage | Category::MissingCredentials => vec![fail(CheckName::Settings)],
            Category::Unauthenticated => {
                let message = format!(
                    "{} rejected: {}",
                    credential(self.account),
                    cause_text(problem)
                );
                let check = Check::fail(CheckName::Credential, problem.category, message);
                vec![check.hint(problem.hint.clone())]
            }
            Category::PermissionDenied if has_code => vec![known(), fail(CheckName::Permission)],
            Category::PermissionDenied => vec![fail(CheckName::Permission)],
            Category::NotFound if has_code => vec![known(), fail(CheckName::Response)],
            Category::Network => {
                let fault = problem.transport_failure;
                let hint = fault.and_then(|fault| hint_for(fault, self.host(), route));
                let hint = hint.or_else(|| problem.hint.clone());
                vec![fail(CheckName::Response).hint(hint)]
            }
            Category::NotFound
            | Category::Throttled
            | Category::ServiceError
            | Category::InvalidArgument
            | Category::InvalidResponse => vec![fail(CheckName::Response)],
        }
    }

    /// Reports a web page or a redirect in place of the cloud's response.
    fn unexpected_page(&self, problem: &Problem, route: &Route) -> Option<Check> {
        let response = self.response_info()?;
        let page = response.html_page.as_deref();
        let page = page.filter(|_| response.status < 500);
        let is_elsewhere = (300..400).contains(&response.status) && response.status != 304;
        if problem.code.is_some() || !(page.is_some() || is_elsewhere) {
            return None;
        }
        let description = page.unwrap_or("got a redirect instead of an API response");
        let from_server = response.server.as_ref();
        let from_server =
            from_server.map_or_else(String::new, |from_server| format!(" from '{from_server}'"));
        let message = format!(
            "{}: {description}: HTTP {}{from_server}",
            response.host, response.status
        );
        let between = match route {
            Route::Proxied { variable, .. } => {
                format!("the proxy of {variable} may require a login or block the host")
            }
            _ => "a captive portal or proxy may be intercepting the request".to_owned(),
        };
        let hint = format!("{between}; check the endpoint too");
        let check = Check::fail(CheckName::Response, Category::InvalidResponse, message);
        Some(check.hint(Some(hint)))
    }
}

/// Returns operation, message, and the details that the cloud's support requires.
pub(super) fn cause_text(problem: &Problem) -> String {
    let operation = problem.operation.as_ref();
    let operation = operation.map_or_else(String::new, |name| format!("{name}: "));
    let mut known = Vec::new();
    known.extend(problem.code.clone());
    known.extend(problem.http_status.map(|status| format!("HTTP {status}")));
    known.extend(
        problem
            .request_id
            .as_ref()
            .map(|id| format!("request id {id}")),
    );
    let known = match known.is_empty() {
        true => String::new(),
        false => format!(" ({})", known.join(", ")),
    };
    format!("{operation}{}{known}", problem.message)
}
