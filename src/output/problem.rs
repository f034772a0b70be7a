use std::io::{self, Write};

use super::text::width;
use super::{RenderContext, escape};
use crate::error::Problem;

/// One layout for every failure: what, whom we asked, what the cloud said, what to do.
pub(super) fn write(
    err: &mut dyn Write,
    problem: &Problem,
    screen: &RenderContext,
) -> io::Result<()> {
    let (bold, red, plain) = match screen.colour {
        true => ("\u{1b}[1m", "\u{1b}[31m", "\u{1b}[0m"),
        false => ("", "", ""),
    };
    let subject = problem.reference.as_deref().or(problem.input.as_deref());
    let subject = subject.filter(|text| !text.trim().is_empty());
    let subject = subject.map_or_else(String::new, |text| format!("{}: ", escape(text)));
    let message = escape(problem.message.trim());
    writeln!(err, "{red}joblens:{plain} {bold}{subject}{plain}{message}")?;
    let input = problem.input.as_ref();
    let input = input.filter(|text| !text.trim().is_empty());
    if let (Some(span), Some(input)) = (&problem.span, input) {
        // Columns are counted on the text as it is shown, which is the input while it is harmless.
        if let (Some(before), Some(part)) = (input.get(..span.start), input.get(span.clone())) {
            let indent = "joblens: ".len() + width(&escape(before));
            let marks = "^".repeat(width(&escape(part)).max(1));
            writeln!(err, "{}{red}{marks}{plain}", " ".repeat(indent))?;
        }
    }
    for (label, text) in [
        ("asked", context_line(problem)),
        ("cloud", server_line(problem)),
        ("try", problem.hint.clone()),
    ] {
        if let Some(text) = text {
            writeln!(err, "  {label:<5}  {}", escape(&text))?;
        }
    }
    Ok(())
}

/// Operation, host, profile and key.
fn context_line(problem: &Problem) -> Option<String> {
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

/// The cloud's code, the HTTP status and the id of the request.
fn server_line(problem: &Problem) -> Option<String> {
    let status = problem.http_status?;
    let code = problem
        .code
        .as_deref()
        .map_or_else(String::new, |code| format!("{code}, "));
    let request = problem.request_id.as_deref().unwrap_or("none");
    Some(format!("{code}HTTP {status}, request {request}"))
}

#[cfg(test)]
mod tests {
    use super::super::Zone;
    use super::*;
    use crate::error::Category;
    use crate::model::Time;

    fn written(problem: &Problem) -> String {
        let screen = RenderContext {
            width: None,
            colour: false,
            now: Time::from_unix(1_700_000_000).unwrap(),
            zone: Zone::Utc,
        };
        let mut out = Vec::new();
        write(&mut out, problem, &screen).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn says_what_whom_what_the_cloud_said_and_what_to_do() {
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
            "joblens: aliyun/job/ehpc-hz-FYUr32/5: cluster not found\n  \
             asked  DescribeServerlessJobs at ehpc.cn-shanghai.aliyuncs.com, profile default, key LTAI…3Qk (environment)\n  \
             cloud  ClusterNotFound, HTTP 404, request 04F0F334\n  \
             try    set region\n"
        );
    }

    #[test]
    fn points_at_the_wrong_part_by_columns() {
        let mut problem = Problem::usage("there is no such kind");
        problem.input = Some("阿里/jbo/c".into());
        problem.span = Some(7..10);
        let written = written(&problem);
        let marks = written.lines().nth(1).unwrap();
        assert_eq!(marks, format!("{}^^^", " ".repeat("joblens: ".len() + 5)));
    }

    #[test]
    fn a_clouds_text_cannot_start_a_row_of_its_own() {
        let problem = Problem::new(Category::ServiceError, "bad\n::error::x\u{1b}[2J");
        assert_eq!(written(&problem), "joblens: bad\\n::error::x\\u{1b}[2J\n");
    }
}
