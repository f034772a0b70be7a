//! Tests the effect of wrongly typed fields: replaces each field of each documented response by
//! values of all types, one at a time.
//!
//! If the field is neither essential nor evidence, only its value may be lost, and one message must name it. If
//! it is essential, such as the id or the state, the result must be an error, an unknown state or the same state
//! as before. If it is evidence, such as an exit code, the state may change, but not to a success. A field of these
//! two groups that occurs twice or is `NaN` has the effect of a value of another type.

mod paths;
mod unreadable;

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::fs;
use std::rc::Rc;
use std::sync::Arc;

use serde_json::{Value, json};

use super::kinds::{OBSERVED_AT, fixtures, profile_at, reference, scope};
use super::{EmulatedState, emulated, incoming, received, start_time};
use crate::error::Problem;
use crate::http::fuzz::set_responder;
use crate::http::{ClientOptions, Response, Transport};
use crate::kind::{Kind, ends_with_any};
use crate::model::{NoticeCode, State};
use crate::providers::test_support::{get_options, json as read_json, model, path};
use crate::providers::{self, Client, Cursor, Filter, ScopeListRequest, scope_listing};
use crate::reference::{DEFAULT_PROFILE, Reference};
use paths::{pattern, pointers_of};

/// Fields that affect the result, by the end of their path without indices, such as `JobInfos[].State`.
#[derive(Clone, Copy)]
pub struct Fields {
    /// Fields without which nothing is known about the job.
    pub essential: &'static [&'static str],
    /// Fields that confirm a state.
    pub evidence: &'static [&'static str],
    /// Ends of paths of fields without which a success is undecided.
    pub evidence_keys: &'static [&'static str],
}

impl Fields {
    fn is_evidence(&self, pattern: &str) -> bool {
        let path = pattern.replace("[]", "");
        self.evidence.contains(&pattern) || ends_with_any(&path, self.evidence_keys)
    }
}

/// The tested action of a client.
#[derive(Clone)]
pub enum Action {
    /// Lookup of this reference.
    Get(Reference),
    /// List of the jobs of the kind.
    List,
    /// List of the cloud's scopes.
    Scopes,
    /// Check whether this reference exists.
    Exists(Reference),
}

/// The action to test, and the files with its responses.
pub struct Case {
    pub kind: &'static Kind,
    pub action: Action,
    /// Operation, and file below `fixtures/`.
    pub files: Vec<(String, String)>,
}

/// Placeholder for the replaced value.
const PLACEHOLDER: &str = "place of the value";

/// Result of an action.
#[derive(Debug, Clone, PartialEq)]
struct Outcome {
    /// Reference and state of each job, and whether the job has ended.
    states: Vec<(String, State, bool)>,
    /// The complete output, if it is compared.
    shown: Value,
    /// Messages about unreadable fields.
    unreadable: Vec<String>,
}

/// A replaced value.
struct Mutation {
    /// Path of the field, such as `JobInfos[0].State`.
    path: String,
    /// Path without indices, such as `JobInfos[].State`.
    pattern: String,
    old: Value,
    new: Value,
    /// The document that contains the new value.
    text: String,
}

impl Mutation {
    /// Returns `true` if the new value cannot be converted to the old type.
    fn has_other_type(&self) -> bool {
        match self.old.is_object() || self.old.is_array() {
            true => self.new.is_number() || self.new == json!("text"),
            false => self.new.is_array() || self.new == json!({"a": 1}),
        }
    }

    /// Returns `true` if a message must name the field when its value is lost.
    fn must_be_named(&self, fields: Fields) -> bool {
        let is_text = !fields.evidence.contains(&self.pattern.as_str());
        is_text && self.has_other_type() && !self.old.is_null()
    }
}

/// Checks the fixtures of a kind.
pub async fn check_kind(kind: &'static Kind, fields: Fields) {
    let checks = fixtures(kind).into_iter().map(|name| {
        // A fixture of every field takes as long as all others together.
        std::thread::spawn(move || {
            let mut builder = tokio::runtime::Builder::new_current_thread();
            let runtime = builder.enable_all().build().unwrap();
            runtime.block_on(check(case(kind, &name), fields));
        })
    });
    let checks: Vec<_> = checks.collect();
    for check in checks {
        if let Err(panic) = check.join() {
            std::panic::resume_unwind(panic);
        }
    }
}

/// Returns the test case of a fixture, with the files of its other operations.
fn case(kind: &'static Kind, name: &str) -> Case {
    let expected = read_json(&format!("{name}.model.json"));
    let (action, main) = match &expected {
        Value::Array(_) => (Action::List, kind.list.as_ref().unwrap().operation.name),
        job => {
            let text = job["ref"].as_str().unwrap_or(kind.template.sample);
            (Action::Get(reference(kind, text)), kind.get.name)
        }
    };
    let mut files = vec![(main.to_owned(), format!("{name}.json"))];
    let (folder, stem) = name.rsplit_once('/').unwrap();
    for file in fs::read_dir(path(folder)).unwrap() {
        let file = file.unwrap().file_name().into_string().unwrap();
        let operation = file
            .strip_prefix(&format!("{stem}."))
            .and_then(|rest| rest.strip_suffix(".json"));
        let is_operation = |word: &&str| word.starts_with(char::is_uppercase);
        if let Some(operation) = operation.filter(is_operation) {
            files.push((operation.to_owned(), format!("{folder}/{file}")));
        }
    }
    Case {
        kind,
        action,
        files,
    }
}

/// Checks all mutations of a test case.
pub async fn check(case: Case, fields: Fields) {
    let cloud = providers::cloud(case.kind.template.cloud).unwrap();
    let files: Vec<Value> = case.files.iter().map(|(_, file)| read_json(file)).collect();
    let texts: Vec<String> = files.iter().map(Value::to_string).collect();
    let served = Rc::new(RefCell::new(texts.clone()));
    let requested = Rc::new(RefCell::new(HashSet::new()));
    let state = EmulatedState::new(Vec::new(), start_time());
    // Without a connection, since thousands of calls per test are made.
    let _responder = {
        let (served, requested) = (served.clone(), requested.clone());
        let operations: Vec<String> = case.files.iter().map(|(name, _)| name.clone()).collect();
        set_responder(Box::new(move |request, signing| {
            let at = operations.iter().position(|name| name == request.operation);
            let Some(at) = at else {
                // Another operation, such as one for a token.
                let request = incoming(request, signing, start_time());
                return Some(received(emulated(cloud).respond(&request, &state)));
            };
            requested.borrow_mut().insert(at);
            Some(Response {
                status: 200,
                body: served.borrow()[at].clone().into_bytes(),
                ..Response::default()
            })
        }))
    };
    let clock = Arc::new(start_time);
    let transport = Transport::new(ClientOptions::default(), &[], clock, Arc::new(|_| {})).unwrap();
    let profile = profile_at(cloud, "http://127.0.0.1:1");
    // Each action needs a new client, because a client remembers facts about jobs.
    let client = || (cloud.new_client)(&profile, &transport).unwrap();
    let baseline = perform(&*client(), &case, true).await;
    let baseline = baseline.unwrap_or_else(|problem| panic!("{:?}: {problem:?}", case.files));
    assert_eq!(baseline.unreadable, [""; 0], "{:?}", case.files);
    let unused = (0..files.len()).find(|at| !requested.borrow().contains(at));
    assert_eq!(unused.map(|at| &case.files[at]), None, "not requested");
    for (file, document) in files.iter().enumerate() {
        served.borrow_mut()[file] = with_scalars_twice(document);
        let found = perform(&*client(), &case, true).await;
        let what = &case.files[file].1;
        assert_eq!(found.as_ref(), Ok(&baseline), "{what}: keys occur twice");
        for mutation in mutations(document, fields) {
            served.borrow_mut()[file].clone_from(&mutation.text);
            let found = perform(&*client(), &case, mutation.must_be_named(fields)).await;
            let (name, path, new) = (&case.files[file].1, &mutation.path, &mutation.new);
            let what = format!("{name} {path}: {new}");
            let is_list = file == 0 && matches!(case.action, Action::List);
            check_effect(&mutation, &baseline, found, fields, is_list, &what);
        }
        for field in unreadable::fields(document, fields) {
            let mut states = Vec::new();
            for text in &field.texts {
                served.borrow_mut()[file].clone_from(text);
                let found = perform(&*client(), &case, false).await;
                states.push(found.ok().map(|found| found.states));
            }
            let [other_type, unreadable @ ..] = &states[..] else {
                unreachable!()
            };
            for found in unreadable {
                let (name, path) = (&case.files[file].1, &field.path);
                assert_eq!(found, other_type, "{name} {path}: {:?}", field.texts);
            }
        }
        served.borrow_mut()[file] = texts[file].clone();
    }
}

/// Returns the document with duplicate keys for all values that are neither a list nor an object.
fn with_scalars_twice(document: &Value) -> String {
    let join = |parts: Vec<String>| parts.join(",");
    match document {
        Value::Array(list) => format!("[{}]", join(list.iter().map(with_scalars_twice).collect())),
        Value::Object(fields) => {
            let fields = fields.iter().flat_map(|(key, value)| {
                let count = if value.is_array() || value.is_object() {
                    1
                } else {
                    2
                };
                let field = format!("{}:{}", json!(key), with_scalars_twice(value));
                std::iter::repeat_n(field, count)
            });
            format!("{{{}}}", join(fields.collect()))
        }
        scalar => scalar.to_string(),
    }
}

/// Performs the action of a case. The output is included only if `is_compared` is set and all fields were readable.
async fn perform(client: &dyn Client, case: &Case, is_compared: bool) -> Result<Outcome, Problem> {
    let options = get_options();
    let (mut jobs, mut shown, mut notices) = (Vec::new(), Value::Null, Vec::new());
    match &case.action {
        Action::Get(reference) => jobs.push(client.get(reference, &options).await?),
        Action::List => {
            let scope = scope(case.kind);
            let filter = Filter {
                page_rows: Some(1),
                ..Filter::default()
            };
            let page = client.list(&scope, &filter, Cursor::FIRST, &options);
            let page = page.await?;
            if let Some(problem) = page.failed_parts.into_iter().next() {
                return Err(problem);
            }
            jobs.extend(page.rows);
            notices.extend(page.notices);
        }
        Action::Scopes => {
            let listing = scope_listing(case.kind).expect("its jobs are in scopes");
            let api = client.api();
            let page = api.list_scopes(ScopeListRequest::first(listing, DEFAULT_PROFILE, &options));
            let page = page.await?;
            shown = serde_json::to_value(&page.rows).unwrap();
            notices.extend(page.notices);
        }
        Action::Exists(reference) => client.check_exists(reference, &options).await?,
    }
    for found in &mut jobs {
        notices.append(&mut found.notices);
    }
    let states = jobs.iter().map(|found| {
        let job = &found.job;
        (job.reference.clone(), job.state, job.ended)
    });
    let mut states: Vec<_> = states.collect();
    states.sort_by(|one, other| one.0.cmp(&other.0));
    notices.retain(|notice| notice.code == NoticeCode::UnreadableField);
    if is_compared && notices.is_empty() && !jobs.is_empty() {
        shown = jobs
            .into_iter()
            .map(|found| model(found, OBSERVED_AT, false))
            .collect();
    }
    Ok(Outcome {
        states,
        shown,
        unreadable: notices.into_iter().map(|notice| notice.message).collect(),
    })
}

/// Returns the mutations: every field of the document with every value. If the same field occurs in many rows, only
/// the first one is used, and for fields that affect the result also the second.
fn mutations(document: &Value, fields: Fields) -> impl Iterator<Item = Mutation> {
    let values = [
        json!(null),
        json!("text"),
        json!(""),
        serde_json::from_str("12345678901234567890123").unwrap(),
        json!(-7),
        json!(1.5),
        json!(true),
        json!([]),
        json!({}),
        json!([{}]),
        json!({"a": 1}),
    ];
    let (mut pointers, mut seen) = (Vec::new(), HashMap::new());
    pointers_of(document, "", "", &mut pointers);
    pointers.retain(|(_, path)| {
        let pattern = pattern(path);
        let known = [fields.essential, fields.evidence].concat();
        let most = 1 + usize::from(known.contains(&pattern.as_str()));
        let count: &mut usize = seen.entry(pattern).or_default();
        *count += 1;
        *count <= most
    });
    pointers.into_iter().flat_map(move |(pointer, path)| {
        let mut mutated = document.clone();
        let place = mutated.pointer_mut(&pointer).unwrap();
        let old = std::mem::replace(place, json!(PLACEHOLDER));
        let text = mutated.to_string();
        values.clone().map(move |new| Mutation {
            pattern: pattern(&path),
            path: path.clone(),
            old: old.clone(),
            text: text.replacen(&json!(PLACEHOLDER).to_string(), &new.to_string(), 1),
            new,
        })
    })
}

/// Fails if a mutation has a larger effect than allowed.
fn check_effect(
    mutation: &Mutation,
    baseline: &Outcome,
    found: Result<Outcome, Problem>,
    fields: Fields,
    is_list: bool,
    case: &str,
) {
    let is_one_of = |patterns: &[&str]| patterns.contains(&mutation.pattern.as_str());
    if is_one_of(fields.essential) {
        // A list may still contain the other rows, unchanged.
        let states = found.map(|found| found.states).unwrap_or_default();
        let name = mutation.pattern.rsplit('.').next().unwrap_or_default();
        let name = name.to_ascii_lowercase();
        if is_list && (name.ends_with("state") || name.ends_with("status")) {
            assert_eq!(states.len(), baseline.states.len(), "{case}: a row is lost");
        }
        for (reference, state, ..) in states {
            let mut known = baseline.states.iter();
            let before = known.find(|(known, ..)| *known == reference);
            // An active job is shown as starting if nothing is known about its parts.
            let is_known = before.is_none_or(|(_, before, ended)| {
                *before == state || (state == State::Starting && !ended)
            });
            assert!(
                is_known || state == State::Unknown,
                "{case}: {reference} is {state}"
            );
        }
        return;
    }
    let found = found.unwrap_or_else(|problem| panic!("{case}: {problem:?}"));
    if fields.is_evidence(&mutation.pattern) {
        for ((reference, state, ..), (_, before, ..)) in found.states.iter().zip(&baseline.states) {
            let is_better = *state == State::Succeeded && state != before;
            assert!(!is_better, "{case}: {reference} is {state}");
        }
    } else {
        assert_eq!(found.states, baseline.states, "{case}");
    }
    let is_named = |message: &String| {
        // The operation's name may also contain the path.
        let (_, fields) = message.split_once(": ").unwrap();
        fields.matches(&mutation.path).count() == 1
    };
    match found.unreadable.as_slice() {
        // The value was readable, or is not part of the output.
        [] => {
            let is_lost = mutation.must_be_named(fields) && found.shown != baseline.shown;
            assert!(!is_lost, "{case}: not named");
        }
        [message] => assert!(is_named(message), "{case}: {message}"),
        more => panic!("{case}: {more:?}"),
    }
}
