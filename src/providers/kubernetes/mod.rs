//! Kubernetes: reads jobs and pods from the API server of a cluster.

mod certificate;
mod conditions;
mod container;
mod credential;
mod custom;
mod deletion;
mod discovery;
mod document;
mod errors;
mod events;
mod evidence;
mod job;
mod job_pods;
mod kind;
mod kubeconfig;
mod list;
mod logs;
mod namespaces;
mod not_found;
mod object;
mod objects;
mod parts;
mod pod;
mod prefetch;
mod selector;
mod signer;
mod stream;
mod watch;
mod workload;

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use url::Url;

use super::api::{DecodeError, Decoded, SigningClient};
use super::{
    Cloud, CloudApi, CloudClient, CredentialInfo, KindEntry, RequestOptions, ScopeListRequest,
    ScopeListSpec, ScopePage, kinds_of,
};
use crate::credentials::CredentialCache;
use crate::error::{Category, Problem, TransportFailureKind};
use crate::http::{
    ApiClient, CLIENT_CERTIFICATE_HINT, Endpoint, Request, Session, Transport, pairs,
};
use crate::kind::{DetailTypes, Kind, Name, Segment};
use crate::reference::Reference;
use crate::settings::{CA_DATA, PROXY_URL, Profile, SettingSpec, SettingsSchema, TLS_SERVER_NAME};
use crate::sync::lock;
use certificate::{
    check_certificate, has_fixed_certificate, rejection_hint, renewal_hint, unauthorized_hint,
};
use credential::{check_verification, credential, label, no_context, no_endpoint, proxy_hint};
use custom::{
    ARGO_WORKFLOW, ARGO_WORKFLOWS, JOBSET, JOBSETS, KUBEFLOW_JOB, KUBEFLOW_JOBS, VOLCANO_JOB,
    VOLCANO_JOBS,
};
use discovery::ServedApis;
use document::attach_raw;
use job::{JOB, Jobs};
use kubeconfig::{CONTEXT, KUBECONFIG, SERVER};
use object::{object_path, path};
use parts::SeenPods;
use pod::{POD, Pods};
use signer::Signer;
use watch::Watches;
use workload::{WORKLOAD, Workloads};

/// Every kind of the cloud, with its operations.
static KINDS: [KindEntry<Api>; 7] = [
    (&JOB, &Jobs),
    (&POD, &Pods),
    (&WORKLOAD, &Workloads),
    (&VOLCANO_JOB, &VOLCANO_JOBS),
    (&KUBEFLOW_JOB, &KUBEFLOW_JOBS),
    (&JOBSET, &JOBSETS),
    (&ARGO_WORKFLOW, &ARGO_WORKFLOWS),
];

/// The names of the cloud.
const CLOUD_NAME: Name = Name::new("kubernetes", "k8s");

/// Kubernetes.
pub static CLOUD: Cloud = Cloud {
    schema: &SettingsSchema {
        cloud: CLOUD_NAME.long,
        keys: &[
            SettingSpec::setting(CONTEXT, &[]),
            SettingSpec::setting(KUBECONFIG, &[]),
            SettingSpec::setting("namespace", &[]),
            SettingSpec::setting(PROXY_URL, &[]),
            SettingSpec::setting(TLS_SERVER_NAME, &[]),
            SettingSpec::name("user", &[]),
            SettingSpec::secret("token", &["JOBLENS_KUBERNETES_TOKEN"]),
            SettingSpec::secret("client_certificate_data", &[]),
            SettingSpec::secret("client_key_data", &[]),
        ],
        all_public_domains: super::all_public_domains,
        variable_prefixes: &[],
        client_cert_is_credential: true,
    },
    kinds: &kinds_of(&KINDS),
    scope_listings: &[ScopeListSpec {
        kinds: &[&JOB],
        optional_kinds: &[&VOLCANO_JOB, &KUBEFLOW_JOB, &JOBSET, &ARGO_WORKFLOW],
        operation: "core/v1 ListNamespace",
        permission: "list on namespaces",
    }],
    scope_details: DetailTypes::NONE,
    minimal_keys: &[CONTEXT],
    sources: &kubeconfig::SOURCES,
    public_domains: &[],
    endpoint: |profile, transport| {
        let chosen = [CONTEXT, KUBECONFIG].into_iter();
        let chosen = chosen.rev().find(|key| profile.get(key).is_some());
        match (chosen, profile.get("endpoint")) {
            (Some(key), Some(_)) => Err(profile.invalid(key, "cannot be used with endpoint")),
            _ => server(profile, transport).map(|(endpoint, _)| endpoint),
        }
    },
    new_client: |profile, transport| Ok(Box::new(new_client(profile, transport)?)),
};

/// The domain of the API servers of TKE.
const TKE_DOMAIN: &str = ".ccs.tencent-cloud.com";

fn new_client(profile: &Profile, transport: &Arc<Transport>) -> Result<CloudClient<Api>, Problem> {
    Ok(CloudClient::new(Api::new(profile, transport)?, &KINDS))
}

/// The namespace segment of every reference.
const NAMESPACE: Segment = Segment::with_setting("NAMESPACE", "namespace");

/// The API of a cluster as one user calls it, and the state that is kept between requests.
struct Api {
    server: Arc<Server>,
    watches: Watches,
    /// `continue` tokens of lists, by path and page number.
    continues: Mutex<HashMap<(String, usize), String>>,
    custom_jobs: custom::Cache,
    /// Pods of the jobs whose warnings are needed, by the UID of the job.
    seen_pods: Mutex<HashMap<String, SeenPods>>,
    /// Lists of pods (path and label) that a page of a list of jobs could not read.
    unread_pods: Mutex<HashSet<String>>,
    /// The APIs that the server serves, once they have been listed.
    served_apis: Mutex<ServedApis>,
    /// True once a response has confirmed that the server is an API server.
    has_responded: AtomicBool,
}

/// An API server and the client that one user calls it with.
struct Server {
    client: SigningClient<Signer>,
    endpoint: Endpoint,
    /// The prefix of every path, such as that of a proxy; can be empty.
    prefix: String,
    /// True if only the CA of the cluster's kubeconfig entry is trusted.
    has_configured_ca: bool,
    /// How to renew the client certificate, if it was not printed by a program.
    certificate_renewal: Option<String>,
    /// The hint for a rejected or missing client certificate, if it is not about `client_cert`.
    rejection_hint: Option<String>,
    /// The hint for a credential that the server does not know, if it is `client_cert`.
    unauthorized_hint: Option<String>,
    /// The hint for problems with the proxy of the profile, if it has one.
    proxy_hint: Option<String>,
}

impl Server {
    /// Builds a GET request for a path.
    fn request(&self, operation: &'static str, path: &str, query: &[(&str, &str)]) -> Request {
        Request {
            query: pairs(query),
            headers: vec![("accept", "application/json, */*".to_owned())],
            ..Request::get(operation, &self.endpoint, format!("{}{path}", self.prefix))
        }
    }
}

impl Api {
    fn new(profile: &Profile, transport: &Arc<Transport>) -> Result<Self, Problem> {
        let account = |problem: Problem| problem.with_account(profile.cloud(), &profile.name);
        check_verification(profile)?;
        let (endpoint, prefix) = server(profile, transport)?;
        let credentials = CredentialCache::from_profile(profile, credential, label)?;
        // A recording contains no certificate to check.
        if !matches!(transport.options().session, Session::Replay(_)) {
            check_certificate(profile, transport).map_err(account)?;
        }
        let secrets = ["token", "client_key_data"];
        let secrets = secrets.iter().filter_map(|key| profile.secret(key));
        let http = ApiClient::new(transport, profile, label(profile), secrets);
        let client = SigningClient {
            http: http.with_first_requests(prefetch::REQUESTS),
            credentials,
            errors: &errors::ERRORS,
            region: None,
        };
        Ok(Self {
            server: Arc::new(Server {
                client,
                endpoint,
                prefix,
                has_configured_ca: profile.secret(CA_DATA).is_some(),
                certificate_renewal: has_fixed_certificate(profile).then(|| renewal_hint(profile)),
                rejection_hint: rejection_hint(profile),
                unauthorized_hint: unauthorized_hint(profile),
                proxy_hint: profile.origin(PROXY_URL).map(proxy_hint),
            }),
            watches: Watches::default(),
            continues: Mutex::default(),
            custom_jobs: custom::Cache::default(),
            seen_pods: Mutex::default(),
            unread_pods: Mutex::default(),
            served_apis: Mutex::default(),
            has_responded: AtomicBool::default(),
        })
    }

    /// Returns the host of the API server, which is used as the region.
    fn host(&self) -> &str {
        self.server.endpoint.host()
    }

    /// Sends a GET request for a path and decodes the response; see [`SigningClient::call`].
    async fn call<T, E: Into<DecodeError>>(
        &self,
        operation: &'static str,
        path: &str,
        query: &[(&str, &str)],
        options: &RequestOptions,
        decode: impl FnOnce(&[u8]) -> Result<T, E> + Send,
    ) -> Result<Decoded<T>, Problem> {
        let request = Request {
            is_optional: options.is_prefetch,
            ..self.server.request(operation, path, query)
        };
        let client = &self.server.client;
        let response = client.call(&request, options.deadline, decode).await;
        if response.is_ok() {
            self.has_responded.store(true, Ordering::Relaxed);
        }
        match response {
            Ok(decoded) => Ok(decoded),
            Err(problem) => Err(self.explain(path, problem, options).await),
        }
    }

    /// Replaces a hint about the connection by one about the proxy, the client certificate, the CA or the TKE host.
    fn with_host_hint(&self, mut problem: Problem) -> Problem {
        let own_hints = [
            ("check proxy_url", &self.server.proxy_hint),
            ("HTTPS_PROXY", &self.server.proxy_hint),
            (CLIENT_CERTIFICATE_HINT, &self.server.rejection_hint),
        ];
        for (words, own) in own_hints {
            let hint = problem.hint.as_ref().filter(|hint| hint.contains(words));
            if let (Some(own), Some(hint)) = (own, hint) {
                let end = hint.strip_prefix(words).unwrap_or_default();
                problem.hint = Some(format!("{own}{end}"));
            }
        }
        if problem.category == Category::Unauthenticated {
            let own = self.server.unauthorized_hint.clone();
            problem.hint = own.or(problem.hint);
        }
        let failure = problem.transport_failure.map(|failure| failure.kind);
        if failure == Some(TransportFailureKind::UnknownIssuer) && self.server.has_configured_ca {
            let hint = "only the certificate-authority of the kubeconfig is trusted: download a new kubeconfig";
            problem.hint = Some(hint.to_owned());
        }
        if failure == Some(TransportFailureKind::UnknownHost) && self.host().ends_with(TKE_DOMAIN) {
            let hint = "add to /etc/hosts the entry that the TKE console shows";
            problem.hint = Some(hint.to_owned());
        }
        problem
    }

    /// Returns the `continue` token of a page of the list at a path.
    fn continue_at(&self, path: &str, page: usize) -> Option<String> {
        lock(&self.continues).get(&(path.to_owned(), page)).cloned()
    }

    /// Stores the `continue` token of a page of the list at a path.
    fn set_continue(&self, path: &str, page: usize, token: &str) {
        lock(&self.continues).insert((path.to_owned(), page), token.to_owned());
    }
}

#[async_trait]
impl CloudApi for Api {
    fn forget(&self, reference: &Reference) {
        self.watches.forget(reference);
        self.custom_jobs.forget(reference);
    }

    fn endpoint(&self) -> Option<String> {
        Some(self.server.endpoint.origin())
    }

    fn proxy(&self) -> Option<String> {
        self.server.client.http.profile_proxy()
    }

    fn credential(&self) -> CredentialInfo {
        CredentialInfo {
            certificate_renewal: self.server.certificate_renewal.clone(),
            ..self.server.client.credentials.credential()
        }
    }

    async fn list_scopes(&self, request: ScopeListRequest<'_>) -> Result<ScopePage, Problem> {
        namespaces::list(self, request).await
    }

    async fn served_kinds(
        &self,
        listing: &'static ScopeListSpec,
        options: &RequestOptions,
    ) -> Vec<&'static Kind> {
        discovery::served_kinds(self, listing, options).await
    }
}

/// Returns the endpoint of the API server and the path prefix of its URL.
fn server(profile: &Profile, transport: &Transport) -> Result<(Endpoint, String), Problem> {
    let (key, server) = match (profile.get(SERVER), profile.get("endpoint")) {
        (Some(_), Some(_)) => {
            let message = "is set, but the credential comes from a kubeconfig";
            let problem = profile.invalid("endpoint", message);
            return Err(problem.with_hint(
                "unset endpoint, or set token, or client_cert and client_key, as well",
            ));
        }
        (Some(server), None) => (SERVER, server),
        (None, Some(server)) => ("endpoint", server),
        (None, None) if profile.secret("token").is_some() => return Err(no_endpoint(profile)),
        (None, None) => return Err(no_context(profile)),
    };
    let url = Url::parse(server.trim()).ok();
    let prefix = url
        .as_ref()
        .map_or("", |url| url.path().trim_end_matches('/'));
    let origin = url.clone().map_or_else(
        || server.to_owned(),
        |mut url| {
            url.set_path("");
            url.to_string()
        },
    );
    let endpoint = Endpoint::parse(&origin, &[], transport.options().allow_http);
    let endpoint = endpoint.map_err(|problem| profile.unusable(key, problem))?;
    Ok((endpoint, prefix.to_owned()))
}

#[cfg(test)]
mod tests;
