//! Finds out what HTTP 404 means: the object does not exist, the server does not serve its API, or a proxy
//! responded.

use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::Value;

use super::errors::{CHECK_OBJECT, NOT_INSTALLED};
use super::object::ObjectList;
use super::{Api, RequestOptions};
use crate::crypto::percent_decode;
use crate::error::{Category, FailureDetail, Problem};
use crate::providers::lenient;

/// The APIs that every API server serves.
const BUILT_IN: [&str; 3] = ["/api/v1/", "/apis/batch/v1/", "/apis/apps/v1/"];

const LIST: &str = "ListNamespacedObject";
const CHECK_PROXY: &str =
    "try again; a proxy or load balancer in front of the API server can send such responses";
/// How long the list that contains a missing object is awaited.
const LIST_TIMEOUT: Duration = Duration::from_secs(5);

/// Returns `true` if the server does not serve the API of a request.
pub(super) fn is_not_served(problem: &Problem) -> bool {
    let is_listed = problem.detail == Some(FailureDetail::ListedObjectNotFound);
    problem.category == Category::ServiceError && problem.http_status == Some(404) && !is_listed
}

/// The object that a path refers to.
#[derive(Debug, PartialEq)]
struct NamedObject<'a> {
    /// The path of the list that contains it.
    list: &'a str,
    /// The resource, such as `pods`.
    resource: &'a str,
    name: &'a str,
    /// True for a path below the object, such as that of a log.
    has_subresource: bool,
}

impl<'a> NamedObject<'a> {
    /// Parses a path, such as `/api/v1/namespaces/ci/pods/p/log`; `None` for the path of a list.
    fn of(path: &'a str) -> Option<Self> {
        let api_segments = match path.starts_with("/apis/") {
            true => 4,
            false => 3,
        };
        let mut ends = path.match_indices('/').map(|(at, _)| at).skip(1);
        let api = ends.nth(api_segments - 2)?;
        let in_namespace = path[api..].strip_prefix("/namespaces/")?.contains('/');
        // The end of `namespaces`, or of the resource if the path continues with a namespace.
        let end = ends.nth(if in_namespace { 2 } else { 0 })?;
        let list = &path[..end];
        let mut names = path[end + 1..].split('/');
        let name = names.next();
        Some(Self {
            list,
            resource: list.rsplit('/').next()?,
            name: name.filter(|name| !name.is_empty())?,
            has_subresource: names.next().is_some(),
        })
    }

    /// Returns the name as it is in the object.
    fn decoded_name(&self) -> String {
        percent_decode(self.name).unwrap_or_else(|| self.name.to_owned())
    }

    /// Explains HTTP 404 for the object by whether its list contains it.
    fn explain_by_list(&self, is_listed: bool, problem: Problem) -> Problem {
        let (resource, name) = (self.resource, self.decoded_name());
        match is_listed {
            false => Problem {
                category: Category::NotFound,
                retryable: false,
                hint: Some(CHECK_OBJECT.to_owned()),
                message: format!("{resource} \"{name}\" not found"),
                ..problem
            },
            true => Problem {
                category: Category::ServiceError,
                retryable: true,
                detail: Some(FailureDetail::ListedObjectNotFound),
                hint: Some(CHECK_PROXY.to_owned()),
                message: format!("HTTP 404 for {resource} \"{name}\", which the server lists"),
                ..problem
            },
        }
    }
}

fn is_built_in(path: &str) -> bool {
    BUILT_IN.iter().any(|api| path.starts_with(api))
}

impl Api {
    /// Explains a failed request for a path: adds hints, and finds out what HTTP 404 means.
    pub(super) async fn explain(
        &self,
        path: &str,
        problem: Problem,
        options: &RequestOptions,
    ) -> Problem {
        let problem = self.with_host_hint(problem);
        let Some(object) = NamedObject::of(path) else {
            return self.without_api(path, problem);
        };
        let name = object.decoded_name();
        // A response that clearly reports a missing API is checked again only for an API that every server has.
        let may_lack_api = is_not_served(&problem) && (problem.code.is_none() || is_built_in(path));
        let is_about_another = problem.category == Category::NotFound
            && problem.http_status == Some(404)
            && !problem.message.contains(&format!("\"{name}\""));
        if !may_lack_api && !is_about_another {
            return self.without_api(path, problem);
        }
        match self.exists(&object, options).await {
            // A log of the object can be missing, for example because its node is.
            Some(is_listed) if !is_listed || !object.has_subresource => {
                object.explain_by_list(is_listed, problem)
            }
            _ if is_about_another && !object.has_subresource => Problem {
                category: Category::ServiceError,
                retryable: true,
                hint: Some(NOT_INSTALLED.to_owned()),
                ..problem
            },
            _ => self.without_api(path, problem),
        }
    }

    /// Explains HTTP 404 for objects of custom resources, at these paths, that may not be installed. If the server
    /// serves the list of one of the resources, the resource is installed.
    pub(super) async fn explain_custom(
        &self,
        paths: &[String],
        problem: Problem,
        options: &RequestOptions,
    ) -> Problem {
        // The list was already requested, unless the response clearly reported a missing API.
        if problem.code.is_none() {
            return problem;
        }
        let objects = paths.iter().filter_map(|path| NamedObject::of(path));
        let lists = objects.map(async |object| {
            let is_listed = self.exists(&object, options).await?;
            Some((is_listed, object))
        });
        let lists = join_all(lists).await;
        let found = lists.into_iter().flatten();
        match found.max_by_key(|(is_listed, _)| *is_listed) {
            Some((is_listed, object)) => object.explain_by_list(is_listed, problem),
            None => problem,
        }
    }

    /// Finds out from its list whether an object exists; `None` if the server does not return the list.
    async fn exists(&self, object: &NamedObject<'_>, options: &RequestOptions) -> Option<bool> {
        let selector = format!("metadata.name={}", object.decoded_name());
        let query = [("fieldSelector", selector.as_str()), ("limit", "1")];
        let request = self.server.request(LIST, object.list, &query);
        let decode = |body: &[u8]| {
            let mut list: ObjectList<Value> = lenient::decode_response(body)?;
            list.take_rows()
        };
        let options = RequestOptions {
            details_timeout: options.details_timeout.or(Some(LIST_TIMEOUT)),
            ..options.clone()
        };
        let deadline = options.for_details().deadline;
        let client = &self.server.client;
        let response = client.call(&request, deadline, decode).await.ok()?;
        self.has_responded.store(true, Ordering::Relaxed);
        Some(!response.data.is_empty())
    }

    /// Makes the problem permanent if the server does not serve an API that every API server has. If the
    /// server has responded as an API server before, it could be restarting, so the problem remains
    /// temporary.
    fn without_api(&self, path: &str, mut problem: Problem) -> Problem {
        let has_responded = self.has_responded.load(Ordering::Relaxed);
        if is_not_served(&problem) && is_built_in(path) && !has_responded {
            (problem.category, problem.retryable) = (Category::InvalidArgument, false);
        }
        problem
    }
}

#[cfg(test)]
mod tests;
