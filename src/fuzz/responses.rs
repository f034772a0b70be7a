//! Reads responses of the clouds with the clients, from the body to the output.
//!
//! An input is a text whose parts are separated by the character 0x1e. The first part is the request: a kind
//! and a call, such as `job get`. Each further part is a response: a line with the name of the operation and
//! the HTTP status, then the body, in which each byte 0x1f is replaced by the secret of the account.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

use crate::error::Problem;
use crate::http::fuzz::{Responder, set_responder};
use crate::http::{ClientOptions, Deadline, Response, Transport};
use crate::kind::Kind;
use crate::model::{Notice, State, Time};
use crate::output::document::Envelope;
use crate::output::{self, DetailLevel, Format, OutputOptions, PageOptions, RenderContext, Zone};
use crate::providers::{
    self, COMPARED_BYTES, Client, Cloud, Cursor, Filter, GetResult, LogParams, LogPosition,
    LogRequest, RequestOptions, ScopeListRequest, mask_job, mask_row_ids,
};
use crate::reference::{DEFAULT_PROFILE, Reference, ReferenceParser, Scope, Target};
use crate::secret::Redactor;
use crate::settings::{Environment, Profile, Settings};

use super::{edits, fixtures};

/// An address without a server; no request is sent.
const ORIGIN: &str = "http://127.0.0.1:1";

/// A secret of the account that cannot occur as a word, name or id.
const SECRET: &str = "Zk9vQ2xX7pR4tW8mN3sB6yH1cJ5dFg";

/// Secrets of the emulator that are words; they are not masked everywhere.
const WORDS: [&str; 2] = ["testsecret", "joblens-emulator-token"];

/// The time for models, signatures and ages.
const NOW: &str = "2026-01-02T03:04:05Z";

/// The request and the responses of an input.
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

    /// Returns the responder: it uses each part once, if possible for a request of the same operation.
    fn responder(&self) -> Responder {
        let parts = self.parts.iter().map(|part| {
            let response = Response {
                status: part.status,
                headers: Vec::new(),
                body: part.body.to_vec(),
            };
            (part.operation.to_owned(), response)
        });
        let parts = RefCell::new(parts.collect::<Vec<_>>());
        Box::new(move |request, _| {
            let mut parts = parts.borrow_mut();
            let own = parts.iter().position(|(name, _)| name == request.operation);
            Some(match own.or(Some(0)).filter(|_| !parts.is_empty()) {
                Some(at) => parts.remove(at).1,
                None => Response {
                    status: 404,
                    ..Response::default()
                },
            })
        })
    }
}

/// An account with the emulator's environment, and data that is shared by all inputs.
struct Account {
    runtime: Runtime,
    transport: Arc<Transport>,
    profile: Profile,
    secret: String,
    seeds: OnceCell<Vec<Vec<u8>>>,
}

thread_local! {
    static ACCOUNTS: RefCell<BTreeMap<&'static str, Rc<Account>>> = const { RefCell::new(BTreeMap::new()) };
}

impl Account {
    /// Returns the thread's account in a cloud.
    fn of(cloud: &'static Cloud) -> Rc<Self> {
        ACCOUNTS.with_borrow_mut(|accounts| {
            let account = accounts.entry(cloud.name());
            account.or_insert_with(|| Rc::new(Self::new(cloud))).clone()
        })
    }

    fn new(cloud: &Cloud) -> Self {
        let now = Time::from_rfc3339(NOW).expect("a time in RFC 3339");
        let options = ClientOptions {
            max_attempts: 1,
            ..ClientOptions::default()
        };
        let clock = Arc::new(move || now.to_datetime());
        let transport = Transport::new(options, &[], clock, Arc::new(|_| {}));
        let variables = crate::emulator::environment(ORIGIN).into_iter();
        let variables: Vec<_> = variables
            .map(|(name, value)| match WORDS.contains(&value.as_str()) {
                true => (name, SECRET.to_owned()),
                false => (name, value),
            })
            .collect();
        let token = variables
            .iter()
            .find(|(name, _)| cloud.name() == "sugon" && name == "JOBLENS_SUGON_TOKEN");
        let secret = token.map_or(SECRET, |(_, token)| token).to_owned();
        let settings = Settings::from_environment(Environment::new(variables));
        let sources = crate::credentials::SourceCache::default();
        let chain = providers::credential_chain(&settings, &sources);
        let profile = chain.profile(cloud.schema, DEFAULT_PROFILE);
        let mut builder = Builder::new_current_thread();
        let runtime = builder.enable_time().start_paused(true).build();
        Self {
            runtime: runtime.expect("a runtime can be made"),
            transport: transport.expect("there are no CA files"),
            profile: profile.expect("the environment has a credential"),
            secret,
            seeds: OnceCell::new(),
        }
    }

    /// Applies the edits of an input and inserts the secret.
    fn input(&self, cloud: &Cloud, data: &[u8]) -> Vec<u8> {
        let edited = match data.first() {
            Some(&edits::EDITS_PREFIX) => {
                let of_cloud = || cloud.kinds.iter().flat_map(|kind| fixtures::inputs(kind));
                let seeds = self.seeds.get_or_init(|| of_cloud().collect());
                edits::edited(seeds, data, &self.secret)
            }
            _ => None,
        };
        let parts = edited
            .as_deref()
            .unwrap_or(data)
            .split(|byte| *byte == 0x1f);
        parts.collect::<Vec<_>>().join(self.secret.as_bytes())
    }
}

/// Reads responses of a cloud and writes the results in all formats.
pub(super) fn read(cloud: &str, data: &[u8]) {
    let cloud = providers::cloud(cloud).expect("a target is named after a cloud");
    let account = Account::of(cloud);
    let data = account.input(cloud, data);
    let Some(input) = Input::parse(cloud, &data) else {
        return;
    };
    // A client stores state from earlier responses, so each input gets a new one.
    let client = (cloud.new_client)(&account.profile, &account.transport);
    let client = client.expect("the environment has all settings");
    let _responder = set_responder(input.responder());
    let sent = account.runtime.block_on(send(cloud, &*client, &input));
    let (found, problem) = match sent {
        Ok(found) => (found, None),
        Err(problem) => (Vec::new(), Some(problem)),
    };
    show(
        found,
        problem,
        account.transport.redactor(),
        &account.secret,
    );
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

/// Sends the requests that the input describes.
async fn send(
    cloud: &Cloud,
    client: &dyn Client,
    input: &Input<'_>,
) -> Result<Vec<GetResult>, Problem> {
    let reference = reference(input.kind);
    let mut options = RequestOptions::new(Deadline::after(Duration::from_secs(60)));
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
                let request = ScopeListRequest::first(listing, DEFAULT_PROFILE, &options);
                client.api().list_scopes(request).await?;
            }
            Ok(Vec::new())
        }
        _ => Ok(Vec::new()),
    }
}

/// Writes jobs in every format, with the masks of the account. Checks that JSON is valid, that text
/// cannot control the terminal, and that nothing contains the secret.
fn show(found: Vec<GetResult>, problem: Option<Problem>, redactor: &Redactor, secret: &str) {
    let now = Time::from_rfc3339(NOW).expect("a time in RFC 3339");
    let (mut jobs, mut notices) = (Vec::new(), Vec::<Notice>::new());
    for mut one in found {
        one.job.finalize(now);
        let job = &one.job;
        assert!(
            job.state != State::Succeeded || job.exit_code.is_none_or(|code| code == 0),
            "{} succeeded with the exit code {:?}",
            job.reference,
            job.exit_code
        );
        mask_job(&mut one.job, redactor, false);
        mask_row_ids(&mut one.job, redactor);
        jobs.push(one.job);
        for mut notice in one.notices {
            redactor.text(&mut notice.message);
            notices.push(notice);
        }
    }
    let context = RenderContext {
        width: Some(80),
        color: false,
        now,
        zone: Zone::Utc,
    };
    let envelope = Envelope::new("get", jobs, problem.into_iter().collect(), notices);
    let write = |format| {
        let options = OutputOptions {
            format,
            columns: None,
            headers: true,
            query: None,
        };
        let mut out = Vec::new();
        let written = output::write(&mut out, &envelope, &options, &context);
        written.expect("memory takes every byte");
        out
    };
    let document = write(Format::Json);
    check_secret(&document, secret);
    let json = serde_json::from_slice::<serde_json::Value>(&document);
    assert!(json.is_ok(), "{json:?}");
    for format in [
        Format::Yaml,
        Format::Csv,
        Format::Tsv,
        Format::Markdown,
        Format::Jsonl,
    ] {
        let out = write(format);
        check_text(&out);
        check_secret(&out, secret);
    }
    let mut page = write(Format::Wide);
    page.extend(write(Format::Table));
    let options = PageOptions::new(DetailLevel::All);
    let written = output::write_pages(&mut page, &envelope.content.jobs, &context, options);
    written.expect("memory takes every byte");
    for problem in &envelope.errors {
        let written = output::write_problem(&mut page, problem, &context);
        written.expect("memory takes every byte");
    }
    check_text(&page);
    check_secret(&page, secret);
}

fn check_secret(out: &[u8], secret: &str) {
    let found = memchr::memmem::find(out, secret.as_bytes());
    assert!(found.is_none(), "{}", String::from_utf8_lossy(out));
}

/// Checks that output is text without control characters, except for ends of lines and cells.
fn check_text(out: &[u8]) {
    let text = std::str::from_utf8(out).expect("output is UTF-8");
    let control = text
        .chars()
        .find(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'));
    assert!(control.is_none(), "{control:?} in {text:?}");
}
