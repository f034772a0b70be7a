//! Objects of many references of one kind: by one list for each namespace, which a stream keeps up to
//! date where the caller asks again.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::join_all;
use serde_json::Value;

use super::stream::Stream;
use super::watch::{Listed, Object, Presence, meta};
use super::{Api, attach_raw, list, object_path, path};
use crate::error::Problem;
use crate::kind::Operation;
use crate::lenient::collect_unreadable;
use crate::model::{Job, State};
use crate::providers::lenient;
use crate::providers::{GetOptions, GetResult};
use crate::reference::Reference;

/// How the objects of a kind are listed, watched and read.
pub(super) struct Resource {
    /// How they are listed.
    pub list: &'static Operation,
    /// The name of a list that goes on as a stream.
    pub watch: &'static str,
    /// The path of the API, and the name of the resource below it.
    pub path: (&'static str, &'static str),
    /// Makes a job of one of them.
    pub read: fn(&[u8], &Reference, &Api, &GetOptions) -> Result<GetResult, String>,
}

/// A job of a list or a stream.
pub(super) struct Row {
    pub found: GetResult,
    /// The UID of its object.
    pub uid: String,
}

/// What lists or streams tell of several references: one entry for each, in their order.
///
/// # Errors
/// What went wrong where no namespace could be read.
pub(super) async fn get_many(
    api: &Api,
    resource: &'static Resource,
    references: &[Reference],
    options: &GetOptions,
) -> Result<Vec<Option<Row>>, Problem> {
    let mut namespaces: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (number, reference) in references.iter().enumerate() {
        let namespace = reference.segment("NAMESPACE").unwrap_or_default();
        namespaces.entry(namespace).or_default().push(number);
    }
    let calls = namespaces.iter().map(async |(namespace, numbers)| {
        let wanted: Vec<_> = numbers.iter().map(|number| &references[*number]).collect();
        in_namespace(api, resource, namespace, &wanted, options).await
    });
    let outcomes = join_all(calls).await;
    let is_readable = outcomes.iter().any(Result::is_ok);
    let mut rows: Vec<Option<Row>> = references.iter().map(|_| None).collect();
    for (numbers, outcome) in namespaces.values().zip(outcomes) {
        match outcome {
            Ok(found) => numbers
                .iter()
                .zip(found)
                .for_each(|(number, row)| rows[*number] = row),
            // Its references are looked up one by one.
            Err(_) if is_readable => {}
            Err(problem) => return Err(problem),
        }
    }
    Ok(rows)
}

async fn in_namespace(
    api: &Api,
    resource: &'static Resource,
    namespace: &str,
    references: &[&Reference],
    options: &GetOptions,
) -> Result<Vec<Option<Row>>, Problem> {
    let path = path(resource.path.0, Some(namespace), resource.path.1);
    let watch = match options.changes {
        Some(_) => api.watches.at(&path),
        None => Arc::default(),
    };
    if !watch.follow(references, options) || options.is_last {
        let listed = list_all(api, resource, &path, watch.selector(), options).await?;
        watch.replace(listed);
    }
    let row = |reference: &&Reference| {
        let object = watch.object(reference.id())?;
        row(api, resource, reference, &object, options)
    };
    let mut rows: Vec<_> = references.iter().map(row).collect();
    if let Some(first) = rows.iter_mut().flatten().next() {
        first.found.notices.extend(watch.take_notice());
    }
    if rows.iter().flatten().any(|row| !row.found.job.ended) {
        Stream::start(api, &watch, resource.watch, path);
    }
    Ok(rows)
}

/// What is known of a job that no longer exists; `None` where nothing is.
fn last_seen(
    api: &Api,
    resource: &'static Resource,
    reference: &Reference,
    options: &GetOptions,
) -> Option<GetResult> {
    let namespace = reference.segment("NAMESPACE");
    let watch = api
        .watches
        .known(&path(resource.path.0, namespace, resource.path.1))?;
    let object = watch.object(reference.id())?;
    let is_gone = object.presence != Presence::Present;
    let row = is_gone.then(|| row(api, resource, reference, &object, options));
    Some(row??.found)
}

/// What a lookup of one job has come to.
pub(super) enum Lookup<T> {
    /// Its own response, and what was decoded beside it.
    Read(Box<GetResult>, T),
    /// What lists and streams have shown: it no longer exists, or its end is known and the lookup failed.
    Known(Box<GetResult>),
}

/// Looks one job up. Another object of its name is another job.
///
/// # Errors
/// Why the lookup failed, where no list and no stream has shown the end of the job.
pub(super) async fn lookup<T: Send>(
    api: &Api,
    resource: &'static Resource,
    operation: &'static str,
    reference: &Reference,
    options: &GetOptions,
    decode: impl FnOnce(&[u8]) -> Result<(GetResult, T), String> + Send,
) -> Result<Lookup<T>, Problem> {
    if let Some(gone) = last_seen(api, resource, reference, options) {
        return Ok(Lookup::Known(Box::new(gone)));
    }
    let mut beside = None;
    let decode = |body: &[u8]| {
        let (mut found, read) = decode(body)?;
        beside = Some(read);
        attach_raw(&mut found, body, options);
        take_lookup(api, resource, reference, body);
        Ok::<_, String>(found)
    };
    let path = object_path(resource.path, reference);
    let called = match api.call(operation, &path, &[], options, decode).await {
        Ok(called) => called,
        Err(problem) => {
            let end = end_or_problem(api, resource, reference, options, problem)?;
            return Ok(Lookup::Known(Box::new(end)));
        }
    };
    if let Some(replaced) = last_seen(api, resource, reference, options) {
        return Ok(Lookup::Known(Box::new(replaced)));
    }
    let beside = beside.expect("the response of a success was decoded");
    Ok(Lookup::Read(Box::new(called.into_result()), beside))
}

/// Takes in what a lookup has shown of a job that is followed: another of its name is another job, which
/// [`last_seen`] tells.
fn take_lookup(api: &Api, resource: &Resource, reference: &Reference, body: &[u8]) {
    let path = path(
        resource.path.0,
        reference.segment("NAMESPACE"),
        resource.path.1,
    );
    if let Some(watch) = api.watches.known(&path)
        && let Some(object) = lenient::parse_raw(body).and_then(Object::read)
    {
        watch.take_lookup(object);
    }
}

/// How a job ended whose lookup has failed, where a list or a stream has shown its end.
///
/// # Errors
/// Why the lookup failed, where the end is not known.
fn end_or_problem(
    api: &Api,
    resource: &'static Resource,
    reference: &Reference,
    options: &GetOptions,
    problem: Problem,
) -> Result<GetResult, Problem> {
    let path = path(
        resource.path.0,
        reference.segment("NAMESPACE"),
        resource.path.1,
    );
    let object = api
        .watches
        .known(&path)
        .and_then(|watch| watch.object(reference.id()));
    let row = object.and_then(|object| row(api, resource, reference, &object, options));
    match row {
        Some(row) if row.found.job.ended => Ok(row.found),
        _ => Err(problem),
    }
}

/// An object as a job; `None` where only a lookup tells what it is.
fn row(
    api: &Api,
    resource: &Resource,
    reference: &Reference,
    object: &Object,
    options: &GetOptions,
) -> Option<Row> {
    let body = object.body.as_bytes();
    let (read, unreadable) = collect_unreadable(|| (resource.read)(body, reference, api, options));
    let mut found = read.ok()?;
    found.notices.extend(unreadable.notice(resource.list.name));
    match object.presence {
        Presence::Deleted if !found.job.ended => set_deleted(&mut found.job),
        Presence::Missing if !found.job.ended => return None,
        _ => {}
    }
    let uid = object.uid.clone();
    Some(Row { found, uid })
}

/// A job that was deleted before its end. Where its state could not be read, how it ended is not known.
fn set_deleted(job: &mut Job) {
    job.ended = true;
    if job.state != State::Unknown {
        (job.state, job.state_raw) = (State::Canceled, None);
    }
    job.reason = Some("Deleted".to_owned());
    job.message = Some("it was deleted before it ended".to_owned());
}

/// Lists the objects at a path, those of a field selector alone where there is one.
async fn list_all(
    api: &Api,
    resource: &Resource,
    path: &str,
    selector: Option<String>,
    options: &GetOptions,
) -> Result<Listed, Problem> {
    /// So many pages are read at most.
    const MAX_PAGES: usize = 10;
    let mut listed = Listed::default();
    let mut token: Option<String> = None;
    for _ in 0..MAX_PAGES {
        let limit = list::PAGE_SIZE.to_string();
        let mut query = vec![("limit", limit.as_str())];
        query.extend(selector.iter().map(|text| ("fieldSelector", text.as_str())));
        query.extend(token.iter().map(|token| ("continue", token.as_str())));
        let called = api.call(resource.list.name, path, &query, options, decode_page);
        let page = match called.await {
            Ok(page) => page.data,
            // What the pages before it hold is known.
            Err(_) if token.is_some() => {
                listed.version = None;
                return Ok(listed);
            }
            Err(problem) => return Err(problem),
        };
        if token.is_none() {
            listed.version = page.version;
        }
        listed.objects.extend(page.objects);
        token = page.next;
        if token.is_none() {
            return Ok(listed);
        }
    }
    listed.is_too_large = true;
    Ok(listed)
}

struct ObjectPage {
    objects: Vec<(String, Object)>,
    version: Option<String>,
    next: Option<String>,
}

fn decode_page(body: &[u8]) -> Result<ObjectPage, String> {
    let mut page = lenient::parse_raw(body).ok_or("a list of objects")?;
    let items = match page.get_mut("items").map(Value::take) {
        Some(Value::Array(items)) => items,
        Some(Value::Null) => Vec::new(),
        _ => return Err("items".to_owned()),
    };
    Ok(ObjectPage {
        objects: items.into_iter().filter_map(Object::read).collect(),
        version: meta(&page, "resourceVersion"),
        next: meta(&page, "continue"),
    })
}
