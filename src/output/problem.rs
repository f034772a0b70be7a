use std::io::{self, Write};

use super::style::styled;
use super::text::width;
use super::{RenderContext, escape};
use crate::error::Problem;

/// The label of the line with the message; invalid parts of an input are marked below it.
const ERROR: &str = "error:";

/// Writes a problem for people. Every error has the same layout: what failed, the
/// request, the response, the next step.
///
/// # Errors
/// Returns errors of the writer.
pub fn write(err: &mut dyn Write, problem: &Problem, context: &RenderContext) -> io::Result<()> {
    let input = problem.input.as_deref();
    let input = input.filter(|text| !text.trim().is_empty());
    let subject = problem.reference.as_deref().or(input);
    let subject = subject.filter(|text| !text.trim().is_empty());
    let subject = subject.map_or_else(String::new, |text| {
        styled("1", &format!("{}: ", escape(text)), context)
    });
    let message = escape(problem.message.trim());
    let label = styled("1;31", ERROR, context);
    writeln!(err, "{label} {subject}{message}")?;
    if let (Some(span), Some(input)) = (&problem.span, input) {
        // Columns are counted in the displayed text, which equals the input unless something was escaped.
        if let (Some(before), Some(part)) = (input.get(..span.start), input.get(span.clone())) {
            let indent = " ".repeat(ERROR.len() + 1 + width(&escape(before)));
            let marks = "^".repeat(width(&escape(part)).max(1));
            writeln!(err, "{indent}{}", styled("1;31", &marks, context))?;
        }
    }
    for (label, text) in [
        ("request", request_line(problem)),
        ("response", response_line(problem)),
    ] {
        if let Some(text) = text {
            writeln!(err, "  {label}: {}", escape(&text))?;
        }
    }
    match &problem.hint {
        None => Ok(()),
        Some(hint) => writeln!(err, "{} {}", styled("1", "hint:", context), escape(hint)),
    }
}

/// Returns a problem on one line, for logs: message, category, request, response and hint.
pub fn one_line(problem: &Problem) -> String {
    let parts = [request_line(problem), response_line(problem)];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    let mut text = format!("{} ({}", problem.message.trim(), problem.category.as_str());
    for part in parts {
        text += "; ";
        text += &part;
    }
    text.push(')');
    if let Some(hint) = &problem.hint {
        text += "; hint: ";
        text += hint;
    }
    text
}

/// Returns operation, host, profile and key.
fn request_line(problem: &Problem) -> Option<String> {
    let operation = problem.operation.as_deref()?;
    let mut text = operation.to_owned();
    if let Some(host) = &problem.host {
        text += &format!(" at {host}");
    }
    if let Some(profile) = &problem.profile {
        text += &format!(", profile {profile}");
    }
    if let Some(credential) = &problem.credential {
        text += &format!(", {credential}");
    }
    match problem.attempts {
        0 => text += ", not sent",
        1 => {}
        attempts => text += &format!(", {attempts} attempts"),
    }
    Some(text)
}

/// Returns the cloud's code, the HTTP status and the request id.
fn response_line(problem: &Problem) -> Option<String> {
    let status = problem.http_status?;
    let code = problem.code.as_deref();
    let code = code.map_or_else(String::new, |code| format!("{code}, "));
    let id = match &problem.request_id {
        None => "request id: none".to_owned(),
        Some(id) => format!("request id {id}"),
    };
    Some(format!("{code}HTTP {status}, {id}"))
}

#[cfg(test)]
mod tests {
    use super::super::Zone;
    use super::*;
    use crate::error::Category;
    use crate::model::Time;

    fn written(problem: &Problem) -> String {
        let context = RenderContext {
            width: None,
            color: false,
            now: Time::from_unix(1_700_000_000).unwrap(),
            zone: Zone::Utc,
        };
        let mut out = Vec::new();
        write(&mut out, problem, &context).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn shows_what_failed_the_request_the_response_and_the_next_step() {
        let mut problem =
            Problem::new(Category::NotFound, "cluster not found").with_hint("set region");
        problem.reference = Some("aliyun/job/ehpc-hz-FYUr32/5".into());
        problem.operation = Some("DescribeServerlessJobs".into());
        problem.host = Some("ehpc.cn-shanghai.aliyuncs.com".into());
        problem.profile = Some("default".into());
        problem.credential = Some("key LTAI…3Qk (environment)".into());
        problem.code = Some("ClusterNotFound".into());
        problem.http_status = Some(404);
        problem.request_id = Some("04F0F334".into());
        problem.attempts = 1;
        assert_eq!(
            written(&problem),
            "error: aliyun/job/ehpc-hz-FYUr32/5: cluster not found\n  \
             request: DescribeServerlessJobs at ehpc.cn-shanghai.aliyuncs.com, profile default, key LTAI…3Qk (environment)\n  \
             response: ClusterNotFound, HTTP 404, request id 04F0F334\n\
             hint: set region\n"
        );
        problem.request_id = None;
        assert!(written(&problem).contains("HTTP 404, request id: none\n"));
    }

    #[test]
    fn marks_the_invalid_part_by_display_columns() {
        let mut problem = Problem::usage("there is no such kind");
        problem.input = Some("阿里/jbo/c".into());
        problem.span = Some(7..10);
        let written = written(&problem);
        let marks = written.lines().nth(1).unwrap();
        assert_eq!(marks, format!("{}^^^", " ".repeat("error: ".len() + 5)));
    }

    #[test]
    fn text_from_a_cloud_cannot_start_a_line() {
        let problem = Problem::new(Category::ServiceError, "bad\n::error::x\u{1b}[2J");
        assert_eq!(written(&problem), "error: bad\\n::error::x\\u{1b}[2J\n");
    }
}
