//! Responses of the clouds, by the clients of their accounts: from the body to what is shown.
//!
//! An input is text in parts that begin with the character 0x1e. The first part is the request:
//! the kind and a call, such as `job get`. Each part is a response: a line with the name of its operation
//! and the HTTP status, and the body.

use std::cell::RefCell;
use std::time::Duration;

use crate::error::Problem;
use crate::http::fuzz::with_responses;
use crate::http::{ClientOptions, Deadline, Request, Response, Transport};
use crate::kind::Kind;
use crate::model::{Notice, Time};
use crate::output::document::Envelope;
use crate::output::{self, Extent, Format, OutputOptions, PageOptions, RenderContext, Zone};
use crate::providers::{
    self, COMPARED_BYTES, Client, Cloud, Cursor, Filter, GetOptions, GetResult, LogParams,
    LogPosition, LogRequest, mask_job,
};
use crate::reference::{DEFAULT_PROFILE, Reference, ReferenceParser, Scope, Target};
use crate::settings::{Environment, Settings};

/// An address without a server; nothing is sent.
const ORIGIN: &str = "http://127.0.0.1:1";

/// A time for models, signatures and ages.
const NOW: &str = "2026-01-02T03:04:05Z";

/// The request, and the responses.
struct Input<'a> {
    kind: &'static Kind,
    call: &'a str,
    parts: Vec<Part<'a>>,
}

struct Part<'a> {
    operation: &'a str,
    status: u16,
    body: &'a [u8],
}

impl<'a> Input<'a> {
    fn parse(cloud: &Cloud, data: &'a [u8]) -> Option<Self> {
        let mut parts = data.split(|byte| *byte == 0x1e);
        let head = std::str::from_utf8(parts.next()?).ok()?;
        let (kind, call) = head.trim().split_once(' ')?;
        let kind = cloud
            .kinds
            .iter()
            .find(|known| known.template.kind == kind)?;
        let part = |part: &'a [u8]| {
            let end = part.iter().position(|byte| *byte == b'\n')?;
            let head = std::str::from_utf8(&part[..end]).ok()?;
            let (operation, status) = head.split_once(' ')?;
            Some(Part {
                operation,
                status: status.parse().ok()?,
                body: &part[end + 1..],
            })
        };
        Some(Self {
            kind,
            call,
            parts: parts.map(part).collect::<Option<_>>()?,
        })
    }

    /// What responds to requests: each part once, to its own operation where there is one.
    fn responder(&self) -> Box<dyn FnMut(&Request) -> Response> {
        let parts = self.parts.iter().map(|part| {
            let response = Response {
                status: part.status,
                headers: Vec::new(),
                body: part.body.to_vec(),
            };
            (part.operation.to_owned(), response)
        });
        let parts = RefCell::new(parts.collect::<Vec<_>>());
        Box::new(move |request| {
            let mut parts = parts.borrow_mut();
            let own = parts.iter().position(|(name, _)| name == request.operation);
            match own.or(Some(0)).filter(|_| !parts.is_empty()) {
                Some(at) => parts.remove(at).1,
                None => Response {
                    status: 404,
                    ..Response::default()
                },
            }
        })
    }
}

/// Reads responses of a cloud and shows what comes of them.
pub(super) fn read(cloud: &str, data: &[u8]) {
    let cloud = providers::cloud(cloud).expect("a target is named after a cloud");
    let Some(input) = Input::parse(cloud, data) else {
        return;
    };
    let (found, problem) = with_responses(input.responder(), || {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let runtime = builder.enable_all().start_paused(true).build();
        let runtime = runtime.expect("a runtime can be made");
        runtime.block_on(async {
            match ask(cloud, &input).await {
                Ok(found) => (found, None),
                Err(problem) => (Vec::new(), Some(problem)),
            }
        })
    });
    show(found, problem);
}

/// The client of an account, as the environment of the emulator makes one.
fn client(cloud: &'static Cloud) -> Box<dyn Client> {
    let now = Time::from_rfc3339(NOW).expect("a time in RFC 3339");
    let options = ClientOptions {
        max_attempts: 1,
        ..ClientOptions::default()
    };
    let clock = std::sync::Arc::new(move || now.to_datetime());
    let transport = Transport::new(options, &[], clock, std::sync::Arc::new(|_| {}));
    let transport = transport.expect("there are no CA files");
    let environment = Environment::new(crate::emulator::environment(ORIGIN));
    let settings = Settings::from_environment(environment);
    let chain = providers::credential_chain(&settings, &crate::credentials::SourceCache::default());
    let profile = chain.profile(&cloud.settings_schema(), DEFAULT_PROFILE);
    let profile = profile.expect("the environment has a credential");
    (cloud.connect)(&profile, &transport).expect("the environment has all settings")
}

fn reference(kind: &'static Kind) -> Reference {
    let parser = ReferenceParser {
        kinds: &[kind],
        default_profile: DEFAULT_PROFILE,
        setting: &|_, _, _| Ok(None),
    };
    match parser.parse(kind.template.sample) {
        Ok(Target::Jobs(mut jobs)) => jobs.remove(0),
        other => panic!("{}: {other:?}", kind.template.sample),
    }
}

/// Asks what the input says.
async fn ask(cloud: &'static Cloud, input: &Input<'_>) -> Result<Vec<GetResult>, Problem> {
    let client = client(cloud);
    let reference = reference(input.kind);
    let mut options = GetOptions::new(Deadline::after(Duration::from_secs(60)));
    options.raw = true;
    match input.call {
        "get" => Ok(vec![client.get(&reference, &options).await?]),
        "log" => {
            let found = client.get(&reference, &options).await?;
            for source in client.log_sources(&reference, &found.job).iter().take(3) {
                let mut request = LogRequest {
                    reference: &reference,
                    source,
                    position: &LogPosition::Start,
                    params: &LogParams::default(),
                    before: &[],
                    options: &options,
                };
                let first = client.read_log(request).await?;
                if let Some(next) = &first.next {
                    let before = &first.data[first.data.len().saturating_sub(COMPARED_BYTES)..];
                    (request.position, request.before) = (next, before);
                    client.read_log(request).await?;
                }
            }
            Ok(vec![found])
        }
        "list" => {
            let segments: Vec<&str> = reference.segments.iter().map(String::as_str).collect();
            let (_, parents) = segments.split_last().expect("a reference has segments");
            let scope = Scope::at(input.kind, DEFAULT_PROFILE, parents);
            let scope = scope.expect("a reference without its id is a scope");
            let filter = Filter::default();
            let page = client
                .list(&scope, &filter, Cursor::FIRST, &options)
                .await?;
            Ok(page.rows)
        }
        "batch" => {
            let references = vec![reference; 3];
            let found = client.batch_get(&references, &options).await?;
            Ok(found.into_iter().flatten().collect())
        }
        "exists" => {
            client.check_exists(&reference, &options).await?;
            Ok(Vec::new())
        }
        "scopes" => {
            for listing in cloud.scope_listings {
                let (at, profile) = (Cursor::FIRST, DEFAULT_PROFILE);
                client.list_scopes(listing, profile, at, &options).await?;
            }
            Ok(Vec::new())
        }
        _ => Ok(Vec::new()),
    }
}

/// Shows jobs in every format. JSON must be JSON, and nothing that is shown to people may control their
/// terminal.
fn show(found: Vec<GetResult>, problem: Option<Problem>) {
    let now = Time::from_rfc3339(NOW).expect("a time in RFC 3339");
    let redactor = crate::secret::Redactor::default();
    let (mut jobs, mut notices) = (Vec::new(), Vec::<Notice>::new());
    for mut one in found {
        one.job.finalize(now);
        mask_job(&mut one.job, &redactor, false);
        jobs.push(one.job);
        notices.extend(one.notices);
    }
    let screen = RenderContext {
        width: Some(80),
        colour: false,
        now,
        zone: Zone::Utc,
    };
    let report = Envelope::new("get", jobs, problem.into_iter().collect(), notices);
    let write = |format| {
        let options = OutputOptions {
            format,
            columns: None,
            headers: true,
            query: None,
        };
        let mut out = Vec::new();
        let written = output::write(&mut out, &report, &options, &screen);
        written.expect("memory takes every byte");
        out
    };
    let json = serde_json::from_slice::<serde_json::Value>(&write(Format::Json));
    assert!(json.is_ok(), "{json:?}");
    for format in [
        Format::Yaml,
        Format::Csv,
        Format::Tsv,
        Format::Markdown,
        Format::Jsonl,
    ] {
        check_text(&write(format));
    }
    let mut page = write(Format::Wide);
    page.extend(write(Format::Table));
    let options = PageOptions::new(Extent::All);
    let written = output::write_pages(&mut page, &report.content.jobs, &screen, options);
    written.expect("memory takes every byte");
    for problem in &report.errors {
        let written = output::write_problem(&mut page, problem, &screen);
        written.expect("memory takes every byte");
    }
    check_text(&page);
}

/// What is printed is text, and without control characters but those that end lines and cells.
fn check_text(out: &[u8]) {
    let text = std::str::from_utf8(out).expect("output is UTF-8");
    let control = text
        .chars()
        .find(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'));
    assert!(control.is_none(), "{control:?} in {text:?}");
}
