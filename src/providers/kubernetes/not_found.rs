//! Finds out what HTTP 404 means: the object does not exist, the server does not serve its API, or a proxy
//! responded.

use std::sync::atomic::Ordering;

use serde_json::Value;

use super::errors::CHECK_OBJECT;
use super::object::{ObjectList, rows};
use super::{Api, GetOptions};
use crate::crypto::percent_decode;
use crate::error::{Category, Problem};
use crate::providers::lenient;

/// The APIs that every API server serves.
const BUILT_IN: [&str; 3] = ["/api/v1/", "/apis/batch/v1/", "/apis/apps/v1/"];

const LIST: &str = "ListNamespacedObject";

/// Returns true if the server does not serve the API of a request.
pub(super) fn is_not_served(problem: &Problem) -> bool {
    problem.category == Category::ServiceError && problem.http_status == Some(404)
}

/// The object that a path refers to.
#[derive(Debug, PartialEq)]
struct NamedObject<'a> {
    /// The path of the list that contains it.
    list: &'a str,
    /// The resource, such as `pods`.
    resource: &'a str,
    name: &'a str,
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
        let name = path[end + 1..].split('/').next();
        Some(Self {
            list,
            resource: list.rsplit('/').next()?,
            name: name.filter(|name| !name.is_empty())?,
        })
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
        options: &GetOptions,
    ) -> Problem {
        let problem = self.with_host_hint(problem);
        // A response that clearly reports a missing API is doubted only for an API that every server has.
        let is_unclear = is_not_served(&problem) && (problem.code.is_none() || is_built_in(path));
        match NamedObject::of(path).filter(|_| is_unclear) {
            Some(object) if self.lists(object.list, options).await => {
                let name = percent_decode(object.name);
                let name = name.as_deref().unwrap_or(object.name);
                let message = format!("{} \"{name}\" not found", object.resource);
                Problem {
                    category: Category::NotFound,
                    retryable: false,
                    hint: Some(CHECK_OBJECT.to_owned()),
                    message,
                    ..problem
                }
            }
            _ => self.without_api(path, problem),
        }
    }

    /// Returns true if the server has the list at a path, so that an object for which it responds with HTTP
    /// 404 does not exist. HTTP 403 for the list is evidence only for an API that every server has, since
    /// permissions are checked before the existence of a resource.
    async fn lists(&self, path: &str, options: &GetOptions) -> bool {
        let request = self.server.request(LIST, path, &[("limit", "1")]);
        let decode = |body: &[u8]| {
            let list: ObjectList<Value> = lenient::decode_response(body)?;
            rows(list.items).map(|_| ())
        };
        let client = &self.server.client;
        let has_list = match client.call(&request, options.deadline, decode).await {
            Ok(_) => true,
            Err(problem) => problem.code.as_deref() == Some("Forbidden") && is_built_in(path),
        };
        if has_list {
            self.has_responded.store(true, Ordering::Relaxed);
        }
        has_list
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
