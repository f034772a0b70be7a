//! Reads the objects of many references of one kind with one list for each namespace. If the caller polls, a
//! stream keeps the objects up to date.

use std::collections::BTreeMap;

use futures_util::future::join_all;

pub(super) use super::list::Resource;
use super::object::{check_empty_list, expected};
use super::stream::Stream;
use super::watch::{Listed, Object, Presence, Watch, meta};
use super::{Api, attach_raw, events, list, object_path, path};
use crate::lenient::collect_unreadable;
use crate::providers::EventDetail;
use crate::providers::get_result::summarize;
use crate::providers::lenient;
use crate::providers::prelude::*;

/// A job read from a list or a stream.
pub(super) struct Row {
    pub result: GetResult,
    /// The UID of its object.
    pub uid: String,
    /// Its object.
    pub body: Arc<str>,
}

/// Returns the jobs of several references from lists or streams: one entry for each, in their order.
///
/// # Errors
/// The problem of a namespace, if no namespace could be read.
pub(super) async fn get_many(
    api: &Api,
    resource: &'static Resource,
    batch: BatchRequest<'_>,
) -> Result<Vec<Option<Row>>, Problem> {
    let mut namespaces: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (number, reference) in batch.references.iter().enumerate() {
        let namespace = reference.segment("NAMESPACE").unwrap_or_default();
        namespaces.entry(namespace).or_default().push(number);
    }
    let requests = namespaces.iter().map(async |(namespace, numbers)| {
        let wanted: Vec<_> = numbers
            .iter()
            .map(|number| &batch.references[*number])
            .collect();
        in_namespace(api, resource, namespace, &wanted, batch.options).await
    });
    let outcomes = join_all(requests).await;
    let is_readable = outcomes.iter().any(Result::is_ok);
    let mut rows: Vec<Option<Row>> = batch.references.iter().map(|_| None).collect();
    for (numbers, outcome) in namespaces.values().zip(outcomes) {
        match outcome {
            Ok(found_rows) => numbers
                .iter()
                .zip(found_rows)
                .for_each(|(number, row)| rows[*number] = row),
            // The caller looks up the references of this namespace individually.
            Err(_) if is_readable => numbers
                .iter()
                .for_each(|number| batch.ends.skip(&batch.references[*number])),
            Err(problem) => return Err(problem),
        }
    }
    Ok(rows)
}

/// Returns the jobs of [`get_many`] as the result of a batch lookup.
///
/// # Errors
/// As [`get_many`].
pub(super) async fn batch_get(
    api: &Api,
    resource: &'static Resource,
    batch: BatchRequest<'_>,
) -> BatchResult {
    let rows = get_many(api, resource, batch).await?;
    let results = rows.into_iter().map(|row| Some(row?.result));
    Ok(Some(results.collect()))
}

async fn in_namespace(
    api: &Api,
    resource: &'static Resource,
    namespace: &str,
    references: &[&Reference],
    options: &RequestOptions,
) -> Result<Vec<Option<Row>>, Problem> {
    let path = path(resource.path.0, Some(namespace), resource.path.1);
    let watch = match options.changes {
        Some(_) => api.watches.at(&path),
        None => Arc::default(),
    };
    let jobs: Vec<_> = references
        .iter()
        .map(|reference| (reference.id(), reference.to_string()))
        .collect();
    if !watch.follow(&jobs, options) || options.refresh {
        let listed = list_all(api, resource, &path, &watch, options).await;
        if let Err(problem) = &listed
            && problem.category == Category::PermissionDenied
        {
            watch.reject(&summarize(problem));
        }
        watch.replace(listed?);
    }
    let row = |reference: &&Reference| {
        let object = watch.object(reference.id())?;
        let lookup = GetRequest { reference, options };
        row(api, resource, lookup, &object)
    };
    let mut rows: Vec<_> = references.iter().map(row).collect();
    if let Some(first) = rows.iter_mut().flatten().next() {
        first.result.notices.extend(watch.take_notice());
    }
    let is_open = |row: &Option<Row>| row.as_ref().is_none_or(|row| !row.result.job.ended);
    if rows.iter().any(is_open) {
        Stream::start(api, &watch, resource.watch, path);
    }
    Ok(rows)
}

/// A job that a lookup found.
pub(super) enum FoundJob<T> {
    /// The job as fetched, with the additional data that was decoded from the response.
    Fetched(Box<GetResult>, T),
    /// The job as last read from a list or stream, because it no longer exists, or because it has ended and
    /// the lookup failed or returned an older version. Its events are missing.
    FromWatch(Box<GetResult>),
}

impl<T> FoundJob<T> {
    /// Returns the job if it was fetched.
    pub fn fetched(&self) -> Option<&Job> {
        match self {
            Self::Fetched(result, _) => Some(&result.job),
            Self::FromWatch(_) => None,
        }
    }
}

/// Looks up one job. An object with the same name but another UID is a different job.
///
/// # Errors
/// The lookup failed, and no list or stream has reported the end of the job, or its events are also needed and the
/// failure may be temporary.
pub(super) async fn lookup<T: Send>(
    api: &Api,
    resource: &'static Resource,
    lookup: GetRequest<'_>,
    decode: impl Fn(&[u8]) -> Result<(GetResult, T), String> + Send + Sync,
) -> Result<FoundJob<T>, Problem> {
    let GetRequest { reference, options } = lookup;
    let (group, plural) = resource.path;
    let path = path(group, reference.segment("NAMESPACE"), plural);
    let watch = api.watches.known(&path);
    let known = || {
        let object = watch.as_ref()?.object(reference.id())?;
        let result = row(api, resource, lookup, &object)?.result;
        Some((object, result))
    };
    let known_end = || known().filter(|(_, result)| result.job.ended);
    let final_result = || match known() {
        Some((object, _)) if object.presence == Presence::Present => None,
        Some((_, result)) => Some(Ok(from_watch(result, None, options))),
        None => {
            let object = watch.as_ref()?.object(reference.id())?;
            (object.presence == Presence::Replaced).then(|| Err(replaced()))
        }
    };
    if let Some(final_result) = final_result() {
        return final_result;
    }
    let (mut decoded, mut is_behind) = (None, false);
    let decode_newest = |body: &[u8]| {
        let (mut result, mut read) = decode(body)?;
        let object = lenient::parse(body).and_then(|object| Object::read(object, &path));
        let object = object.ok_or_else(|| expected(reference))?;
        // An object with the name of a followed job but another UID is a different job.
        if let Some(watch) = &watch {
            is_behind = !watch.update_from_lookup(object);
        }
        // The events of a job that has ended are read with its newest version.
        let needs_newer = is_behind && options.events.needs_all_warnings();
        let newer = needs_newer.then(known_end).flatten();
        let newer = newer.map(|(object, _)| object.body);
        if let Some(newer) = &newer {
            (result, read) = decode(newer.as_bytes())?;
            is_behind = false;
        }
        decoded = Some(read);
        attach_raw(
            &mut result,
            newer.as_ref().map_or(body, |newer| newer.as_bytes()),
            options,
        );
        let notice = watch.as_ref().and_then(|watch| watch.take_notice());
        result.notices.extend(notice);
        Ok::<_, String>(result)
    };
    let own_path = object_path(resource.path, reference);
    let response = api.call(resource.get, &own_path, &[], options, decode_newest);
    let response = response.await;
    if let (Some(final_result), true) = (final_result(), response.is_ok()) {
        return final_result;
    }
    let response = match (response, known_end()) {
        (Err(failure), Some((_, result))) if !needs_lookup(&result.job, &failure, options) => {
            return Ok(from_watch(result, Some(&failure), options));
        }
        (Ok(_), Some((_, result))) if is_behind => return Ok(from_watch(result, None, options)),
        (response, _) => response?,
    };
    let decoded = decoded.expect("the response of a success was decoded");
    Ok(FoundJob::Fetched(Box::new(response.into_result()), decoded))
}

/// Returns `true` if the lookup of a job whose end is known has to be repeated after this failure: its events are
/// needed, and the failure may be temporary. The warnings of a job that has failed do not matter to a gate.
fn needs_lookup(job: &Job, failure: &Problem, options: &RequestOptions) -> bool {
    let needs_events = match options.events {
        EventDetail::ForState => false,
        EventDetail::Warnings => !job.state.is_unsuccessful(),
        EventDetail::All => true,
    };
    needs_events && failure.is_transient()
}

/// Returns a job as last read from a list or stream, after this failure of its lookup, if there was one. Its events
/// were not read.
fn from_watch<T>(
    mut result: GetResult,
    failure: Option<&Problem>,
    options: &RequestOptions,
) -> FoundJob<T> {
    result.job.lookup_failed = failure.is_some_and(Problem::is_transient);
    // The events of a job that no longer exists are not read.
    let failure = failure.filter(|failure| failure.category != Category::NotFound);
    match failure {
        _ if !options.events.needs_all_warnings() => {}
        Some(failure) => events::note_failed(&mut result, failure),
        None => events::note_unread(&mut result, "its end was reported by a list or watch only"),
    }
    FoundJob::FromWatch(Box::new(result))
}

/// Returns the problem of a job that no longer exists while another object has its name.
fn replaced() -> Problem {
    let message = "this name now belongs to another object; the previous one is gone";
    Problem::new(Category::NotFound, message)
        .with_hint("its outcome is unknown: see kubectl get events")
}

/// Reads an object as a job; `None` if only a lookup can determine its state.
fn row(api: &Api, resource: &Resource, lookup: GetRequest<'_>, object: &Object) -> Option<Row> {
    let body = object.body.as_bytes();
    let (read, unreadable) = collect_unreadable(|| (resource.read)(body, api, lookup));
    let mut result = read.ok()?;
    result.notices.extend(unreadable.notice(resource.list.name));
    match object.presence {
        Presence::Deleted if !result.job.ended => set_deleted(&mut result.job),
        Presence::Missing | Presence::Replaced if !result.job.ended => return None,
        _ => {}
    }
    let (uid, body) = (object.uid.clone(), Arc::clone(&object.body));
    Some(Row { result, uid, body })
}

/// Marks a job as deleted before its end. If its state could not be read, how it ended remains unknown.
fn set_deleted(job: &mut Job) {
    job.ended = true;
    let is_known = job.state != State::Unknown;
    let deleted = match is_known {
        true => "it was deleted before it ended",
        false => "it was deleted, and how it ended is not known",
    };
    if is_known {
        (job.state, job.state_raw) = (State::Canceled, None);
    }
    // The message explains an unknown state without the reason.
    let reason = job.reason.replace("Deleted".into());
    let reason = [
        reason.filter(|_| is_known).map(String::from),
        job.message.take(),
    ];
    let reason = reason
        .into_iter()
        .flatten()
        .reduce(|one, other| format!("{one}: {other}"));
    job.message = Some(reason.map_or_else(
        || deleted.to_owned(),
        |reason| format!("{deleted}; {reason}"),
    ));
}

/// Lists the objects at a path that a watch selects.
async fn list_all(
    api: &Api,
    resource: &Resource,
    path: &str,
    watch: &Watch,
    options: &RequestOptions,
) -> Result<Listed, Problem> {
    /// Maximum number of objects that are read.
    const MAX_OBJECTS: usize = 10 * list::PAGE_SIZE;
    let mut listed = Listed::default();
    let selector = watch.selector();
    let mut page_size = watch.page_size();
    let mut token: Option<String> = None;
    let mut count = 0;
    while count < MAX_OBJECTS {
        let mut query = Vec::new();
        query.extend(selector.iter().map(|(name, text)| (*name, text.as_str())));
        query.extend(token.iter().map(|token| ("continue", token.as_str())));
        let request = list::PageRequest {
            operation: resource.list.name,
            path,
            query,
        };
        let response = request.send(api, &mut page_size, options, |body: &[u8]| {
            decode_page(body, path)
        });
        let response = response.await;
        watch.set_page_size(page_size);
        let page = match response {
            Ok(page) => page.data,
            // The objects of the previous pages are kept, without a version to stream from.
            Err(_) if token.is_some() => {
                listed.version = None;
                return Ok(listed);
            }
            Err(problem) => return Err(problem),
        };
        if token.is_none() {
            listed.version = page.version;
        }
        count += page_size;
        for (name, object) in page.objects {
            listed.add(name, object);
        }
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

/// Decodes a page of the list at a path. Objects that do not belong to this list are dropped.
fn decode_page(body: &[u8], path: &str) -> Result<ObjectPage, String> {
    let mut page = lenient::parse(body).ok_or("a list of objects")?;
    let items = match page.get_mut("items").map(Value::take) {
        Some(Value::Array(items)) => items,
        Some(Value::Null) => Vec::new(),
        _ => return Err("items".to_owned()),
    };
    if items.is_empty() {
        check_empty_list(page.get("kind").and_then(Value::as_str))?;
    }
    Ok(ObjectPage {
        objects: items
            .into_iter()
            .filter_map(|item| Object::read(item, path))
            .collect(),
        version: meta(&page, "resourceVersion"),
        next: meta(&page, "continue"),
    })
}
