//! Finds the hosts of a computing region's services, which only the platform lists.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde::Deserialize;

use super::host_policy::{AI_HOSTS, HostPolicy};
use super::{CENTRE, sign};
use crate::credentials::StoredFields;
use crate::error::{Category, Problem};
use crate::http::{ApiClient, Deadline, Endpoint, Request, Response};
use crate::providers::api::SigningClient;
use crate::providers::lenient::{self, List, OptionalObject, Text};

/// The default address of the platform.
pub(super) const PLATFORM: &str = "https://www.scnet.cn";

/// Key of the hosts in the stored fields.
const HOSTS: &str = "hosts";

/// A service of a computing region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Service {
    /// Service for container instances.
    Ai,
    /// Service for jobs of schedulers and their files.
    Hpc,
}

impl Service {
    /// All services.
    pub(super) const ALL: [Self; 2] = [Self::Ai, Self::Hpc];

    /// Returns the service that a path belongs to.
    pub(super) fn of_path(path: &str) -> Self {
        match path.starts_with("/hpc/") {
            true => Self::Hpc,
            false => Self::Ai,
        }
    }

    /// Returns the key under which the hosts are stored between runs.
    pub(super) fn stored_key(self) -> &'static str {
        match self {
            Self::Ai => CENTRE,
            Self::Hpc => "GetCenterInfo HPC",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Ai => "AI",
            Self::Hpc => "HPC",
        }
    }
}

/// Hosts that serve the same region.
pub(super) struct Hosts {
    hosts: Vec<(Endpoint, ApiClient)>,
    /// Index of the host that is tried first.
    preferred: AtomicUsize,
}

impl Hosts {
    /// Creates clients for at least one host; they are tried in this order.
    pub(super) fn new(hosts: Vec<Endpoint>, http: &ApiClient, policy: &HostPolicy) -> Self {
        let has_failover = hosts.len() > 1;
        let at = |host| {
            let http = http.for_host(has_failover);
            match policy.is_named_by(&host) {
                true => (host, http),
                // The profile's endpoint settings do not apply to hosts that the platform returned.
                false => (host, http.with_verification()),
            }
        };
        Self {
            hosts: hosts.into_iter().map(at).collect(),
            preferred: AtomicUsize::new(0),
        }
    }

    /// Returns the fields that [`Hosts::from_parts`] reads.
    pub(super) fn parts(&self) -> StoredFields {
        let origins = self.hosts.iter().map(|(host, _)| host.origin());
        let origins = origins.collect::<Vec<_>>().join(" ");
        StoredFields::from([(HOSTS.to_owned(), origins)])
    }

    /// Restores the hosts found by an earlier run; `None` if one of them is not allowed.
    pub(super) fn from_parts(
        parts: &StoredFields,
        http: &ApiClient,
        policy: &HostPolicy,
    ) -> Option<Self> {
        let checked = policy.check(parts.get(HOSTS)?.split(' '));
        let is_usable = checked.rejected.is_none() && !checked.allowed.is_empty();
        is_usable.then(|| Self::new(checked.allowed, http, policy))
    }

    /// Sends a request to the host that worked last, and to the next host only if the connection fails. Sets the
    /// endpoint of `request` to the last host tried.
    ///
    /// # Errors
    /// The error of a host, or the connection error of the last host.
    pub(super) async fn send(
        &self,
        client: &SigningClient<sign::Signer>,
        request: &mut Request,
        deadline: Deadline,
    ) -> Result<Response, Problem> {
        let first = self.preferred.load(Ordering::Relaxed);
        let mut turn = 0;
        loop {
            let at = (first + turn) % self.hosts.len();
            let (host, http) = &self.hosts[at];
            request.endpoint = host.clone();
            let outcome = client.send(http, request, deadline).await;
            turn += 1;
            let is_broken =
                matches!(&outcome, Err(problem) if problem.category == Category::Network);
            if !is_broken {
                self.preferred.store(at, Ordering::Relaxed);
            }
            if !is_broken || turn == self.hosts.len() || deadline.remaining().is_zero() {
                return outcome;
            }
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ObjectForm {
    data: OptionalObject<CentreAddresses>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ListForm {
    data: List<CentreAddresses>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct CentreAddresses {
    ai_urls: List<Address>,
    hpc_urls: List<Address>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Address {
    url: Text,
    enable: Text,
}

/// Requests the hosts of a service from the platform, for the region of the token.
///
/// # Errors
/// The error of the platform, or an error if it returned no usable host.
pub(super) async fn find(
    client: &SigningClient<sign::Signer>,
    platform: &Endpoint,
    service: Service,
    policy: &HostPolicy,
    deadline: Deadline,
) -> Result<Hosts, Problem> {
    let name = service.name();
    let next = format!("set endpoint to the {name} host of the computing region");
    let request = Request::get(CENTRE, platform, "/ac/openapi/v2/center");
    let http = &client.http;
    let urls = client.call(&request, deadline, |body| enabled(body, service));
    let urls = urls.await?.data;
    let checked = policy.check(urls.iter().map(String::as_str));
    if let (Some(reason), true) = (&checked.rejected, checked.allowed.is_empty()) {
        let message = format!("the platform returned no usable {name} host: {reason}");
        return Err(http
            .problem(&request, Category::InvalidResponse, message)
            .with_hint(format!(
                "if you trust the host, add it to {AI_HOSTS} of the profile; or {next}"
            )));
    }
    if checked.allowed.is_empty() {
        let message = format!("the platform returned no enabled {name} host");
        return Err(http
            .problem(&request, Category::NotFound, message)
            .with_hint(next));
    }
    Ok(Hosts::new(checked.allowed, http, policy))
}

/// Returns the addresses that are enabled with the word `true`. The vendor's table shows a list of centres, but its
/// sample a single centre.
fn enabled(body: &[u8], service: Service) -> Result<Vec<String>, String> {
    let centres: Vec<CentreAddresses> = match lenient::decode::<ListForm>(body) {
        Ok(response) => response.data.0,
        Err(_) => lenient::decode::<ObjectForm>(body)?
            .data
            .0
            .map_or_else(Vec::new, |centre| vec![*centre]),
    };
    let urls = centres.into_iter().flat_map(|centre| match service {
        Service::Ai => centre.ai_urls.0,
        Service::Hpc => centre.hpc_urls.0,
    });
    let is_enabled = |address: &Address| address.enable.trimmed() == Some("true");
    Ok(urls
        .filter(is_enabled)
        .filter_map(|address| address.url.trimmed().map(str::to_owned))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enabled_hosts_are_read_from_one_centre_or_a_list_of_centres() {
        let centre = r#"{"id":11112,"aiUrls":[
            {"url":"https://ai01.example.com:65011/ai","enable":"true"},
            {"url":"https://ai02.example.com/ai","enable":"false"},
            {"url":"https://ai03.example.com/","enable":"true"},
            {"url":null,"enable":"true"},
            {"url":"https://ai04.example.com","enable":null}]}"#;
        let wanted = [
            "https://ai01.example.com:65011/ai",
            "https://ai03.example.com/",
        ];
        for data in [centre.to_owned(), format!("[{centre}]")] {
            let body = format!(r#"{{"code":"0","data":{data}}}"#);
            assert_eq!(enabled(body.as_bytes(), Service::Ai).unwrap(), wanted);
        }
        for data in ["null", "[]", "{}", "\"\""] {
            let body = format!(r#"{{"code":"0","data":{data}}}"#);
            assert!(
                enabled(body.as_bytes(), Service::Ai).unwrap().is_empty(),
                "{data}"
            );
        }
        assert!(enabled(b"<html>", Service::Ai).is_err());
    }
}
