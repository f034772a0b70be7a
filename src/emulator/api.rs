//! Shared by all emulated clouds: matches a request to an operation, verifies it and returns the response.
//!
//! A cloud verifies a request like its real gateway (signature, time, nonce); the kind of the operation then
//! responds with data of the [`EmulatedState`]. [`EmulatedError`] lists the errors, and each cloud formats them.

mod error;

use std::ops::RangeInclusive;
use std::str::FromStr;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use super::message::{ServerRequest, ServerResponse};
use super::state::{EmulatedState, JobView};
use super::tokens::{TEST_ID, TEST_SECRET, TEST_TOKEN, TemporaryKey};
use crate::crypto::percent_decode;

pub use error::EmulatedError;

/// What the handler of an operation returns: the response, or the error.
pub type HandlerResult = Result<ServerResponse, EmulatedError>;

/// A cloud of the emulator.
pub trait EmulatedApi: Sync {
    /// Returns the variables that make a run use the emulator, in addition to the endpoints, which are set for
    /// every cloud in the same way.
    fn environment(&self) -> &'static [(&'static str, &'static str)];

    /// Returns the kinds of the cloud, and the services that issue credentials.
    fn kinds(&self) -> &'static [&'static dyn EmulatedKind];

    /// Returns the operation that a request names in a header or parameter, even if it is unknown. Returns `None` for
    /// requests to other clouds, and in clouds whose operations have separate paths.
    fn action(&self, _request: &ServerRequest) -> Option<String> {
        None
    }

    /// Returns the API version that a request names; `None` in clouds whose requests name none.
    fn version(&self, _request: &ServerRequest) -> Option<String> {
        None
    }

    /// Returns the decoded parameters of a request.
    fn parameters(&self, request: &ServerRequest) -> Vec<(String, String)> {
        request.parameters()
    }

    /// Verifies the credential, signature and time of a request.
    ///
    /// # Errors
    /// The error that the gateway returns.
    fn verify(&self, call: &EmulatedCall<'_>) -> Result<(), EmulatedError>;

    /// Returns the response that contains the data of an operation.
    fn success(&self, data: Value) -> ServerResponse {
        ServerResponse::json(200, &data)
    }

    /// Returns the response for a document of the scenario.
    fn document(&self, text: &str) -> ServerResponse {
        ServerResponse::document(200, text)
    }

    /// Returns the response to a failed request.
    fn error(&self, error: EmulatedError) -> ServerResponse;

    /// Returns the response to a failed request, in clouds where it depends on the requested API.
    fn error_to(&self, _request: &ServerRequest, error: EmulatedError) -> ServerResponse {
        self.error(error)
    }
}

impl dyn EmulatedApi {
    /// Returns the cloud's name of the requested operation; `None` if the request is not for this cloud.
    pub fn operation(&self, request: &ServerRequest) -> Option<String> {
        let action = self.action(request);
        let (_, route, _) = self.find(action.as_deref(), request);
        let known = Some(route.operation).filter(|name| !name.is_empty());
        known.map(str::to_owned).or(action)
    }

    /// Returns the response to a request for this cloud.
    pub fn respond(&self, request: &ServerRequest, state: &EmulatedState) -> ServerResponse {
        let (kind, route, segments) = self.find(self.action(request).as_deref(), request);
        let call = EmulatedCall {
            api: self,
            request,
            state,
            operation: route.operation,
            segments,
            parameters: self.parameters(request),
        };
        let verified = match route.is_public {
            true => Ok(()),
            false => self.verify(&call),
        };
        let has_method =
            route.methods.is_empty() || route.methods.contains(&request.method.as_str());
        let result = verified.and_then(|()| match has_method {
            true => match route.handler {
                Some(handler) => handler(&call),
                None => kind.respond(&call),
            },
            false => Err(EmulatedError::Method),
        });
        result.unwrap_or_else(|error| match error {
            EmulatedError::Response(response) => response,
            error => self.error_to(request, error),
        })
    }

    /// Finds the kind and operation of a request, and the variable segments of its path.
    fn find(
        &self,
        action: Option<&str>,
        request: &ServerRequest,
    ) -> (&'static dyn EmulatedKind, &'static Route, Vec<String>) {
        let version = self.version(request);
        for kind in self.kinds() {
            for route in kind
                .routes()
                .iter()
                .filter(|route| route.matches_version(version.as_deref()))
            {
                if let Some(segments) = route.segments(action, &request.path) {
                    return (*kind, route, segments);
                }
            }
        }
        (&UNKNOWN, &UNKNOWN[0], Vec::new())
    }
}

/// A kind of a cloud, or a service that issues credentials.
pub trait EmulatedKind: Sync {
    /// Returns its operations.
    fn routes(&self) -> &'static [Route];

    /// Handles the operations whose routes have no [`Handler`]: those of kinds that share one function and differ only
    /// in their data.
    ///
    /// # Errors
    /// The error of the request.
    fn respond(&self, _: &EmulatedCall<'_>) -> HandlerResult {
        Err(EmulatedError::UnknownOperation)
    }
}

/// A function that handles an operation.
pub type Handler = fn(&EmulatedCall<'_>) -> HandlerResult;

/// A kind that consists of routes only.
impl EmulatedKind for &'static [Route] {
    fn routes(&self) -> &'static [Route] {
        self
    }
}

/// The route for requests that match no kind.
static UNKNOWN: &[Route] = &[Route::action("")];

/// An operation and the requests that call it.
#[derive(Debug, Clone, Copy)]
pub struct Route {
    /// The cloud's name of the operation.
    pub operation: &'static str,
    /// Methods in upper case; if empty, all are allowed.
    methods: &'static [&'static str],
    /// The path, in which `{}` matches one segment; empty if requests name the operation.
    path: &'static str,
    /// The API version; empty if requests name none.
    version: &'static str,
    /// The operation skips the checks of the gateway.
    is_public: bool,
    /// The function that handles the operation; `None` for [`EmulatedKind::respond`].
    handler: Option<Handler>,
}

impl Route {
    /// Creates a route for an operation that requests name, with any method.
    pub const fn action(operation: &'static str) -> Self {
        Self {
            operation,
            methods: &[],
            path: "",
            version: "",
            is_public: false,
            handler: None,
        }
    }

    /// Creates a route for an operation with a separate path whose handler checks the method and credentials.
    pub const fn public(operation: &'static str, path: &'static str) -> Self {
        Self {
            path,
            is_public: true,
            ..Self::action(operation)
        }
    }

    /// Creates a route for an operation with a separate path.
    pub const fn get(operation: &'static str, path: &'static str) -> Self {
        Self {
            path,
            ..Self::action(operation).only(&["GET"])
        }
    }

    /// Creates a route for an operation with a separate path that reads data but uses POST.
    pub const fn post(operation: &'static str, path: &'static str) -> Self {
        Self::get(operation, path).only(&["POST"])
    }

    /// Restricts the route to these methods.
    pub const fn only(self, methods: &'static [&'static str]) -> Self {
        Self { methods, ..self }
    }

    /// Restricts the route to an API version.
    pub const fn version(self, version: &'static str) -> Self {
        Self { version, ..self }
    }

    /// Sets the handler.
    pub const fn to(self, handler: Handler) -> Self {
        Self {
            handler: Some(handler),
            ..self
        }
    }

    /// Returns `true` if the path belongs to the operation.
    pub fn has_path(&self, path: &str) -> bool {
        self.segments(Some(self.operation), path).is_some()
    }

    /// Returns `true` if the request names the operation's version, or if the operation has none.
    fn matches_version(&self, version: Option<&str>) -> bool {
        self.version.is_empty() || version == Some(self.version)
    }

    /// Returns the decoded segments that match `{}`; `None` if the request is for another operation.
    fn segments(&self, action: Option<&str>, path: &str) -> Option<Vec<String>> {
        let mut segments = Vec::new();
        let is_named = action == Some(self.operation);
        if self.path.is_empty() || (action.is_some() && !is_named) {
            return (self.path.is_empty() && is_named).then_some(segments);
        }
        let (mut wanted, mut given) = (self.path.split('/'), path.split('/'));
        loop {
            match (wanted.next(), given.next()) {
                (None, None) => return Some(segments),
                (Some("{}"), Some(segment)) if !segment.is_empty() => {
                    segments.push(percent_decode(segment)?);
                }
                (Some(wanted), Some(given)) if wanted == given => {}
                _ => return None,
            }
        }
    }
}

/// A request for an operation of a cloud.
pub struct EmulatedCall<'a> {
    api: &'a dyn EmulatedApi,
    /// The request.
    pub request: &'a ServerRequest,
    /// The content of the emulated clouds.
    pub state: &'a EmulatedState,
    /// The cloud's name of the operation; empty if the operation is unknown.
    pub operation: &'static str,
    /// Decoded segments of the path, one per `{}` of the route.
    pub segments: Vec<String>,
    /// Decoded parameters of body and query.
    pub parameters: Vec<(String, String)>,
}

impl EmulatedCall<'_> {
    /// Returns the server's time.
    pub fn now(&self) -> DateTime<Utc> {
        self.request.now
    }

    /// Returns a parameter, unless it is empty.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let mut all = self.parameters.iter();
        let entry = all.find(|(known, value)| known == name && !value.is_empty());
        entry.map(|(_, value)| value.as_str())
    }

    /// Returns a required parameter.
    pub fn required(&self, name: &'static str) -> Result<&str, EmulatedError> {
        self.parameter(name).ok_or(EmulatedError::Missing(name))
    }

    /// Returns a required header, which must not be empty.
    pub fn header(&self, name: &'static str) -> Result<&str, EmulatedError> {
        let found = self.request.header(name).filter(|value| !value.is_empty());
        found.ok_or(EmulatedError::MissingHeader(name))
    }

    /// Returns a number within a range, or the default if the parameter is missing.
    pub fn number<T: FromStr + PartialOrd>(
        &self,
        name: &'static str,
        default: T,
        range: RangeInclusive<T>,
    ) -> Result<T, EmulatedError> {
        let Some(text) = self.parameter(name) else {
            return Ok(default);
        };
        let number = text.parse().ok().filter(|number| range.contains(number));
        number.ok_or(EmulatedError::Invalid(name))
    }

    /// Returns the response that contains the data of the operation.
    pub fn data(&self, data: Value) -> HandlerResult {
        Ok(self.api.success(data))
    }

    /// Returns the response about a resource: the document of the scenario, otherwise these data.
    pub fn resource_response(
        &self,
        view: &JobView<'_>,
        data: impl FnOnce() -> Value,
    ) -> HandlerResult {
        match &view.job.document {
            Some(document) => Ok(self.api.document(document)),
            None => self.data(data()),
        }
    }

    /// Returns the resource of a kind (such as `aliyun/job`) with these segments, in its current state.
    pub fn find(&self, kind: &str, segments: &[&str]) -> Result<JobView<'_>, EmulatedError> {
        let job = self.state.find(kind, segments, self.now());
        job.ok_or(EmulatedError::NotFound)
    }

    /// Returns the resources of a kind that appear in a list, in the order of the scenario. A resource that only has
    /// a document has no row: the document is for one response.
    pub fn rows(&self, kind: &str) -> Vec<JobView<'_>> {
        let all = self.state.all(kind, self.now());
        all.filter(|view| view.job.document.is_none() || !view.job.steps.is_empty())
            .collect()
    }

    /// Returns the secret of a key id: of the test key, or of the temporary key with this token, whose id begins with
    /// `prefix`.
    pub fn secret_of(
        &self,
        prefix: &str,
        id: &str,
        token: Option<&str>,
    ) -> Result<String, EmulatedError> {
        let (known, secret) = match token.filter(|token| *token != TEST_TOKEN) {
            None => (TEST_ID.to_owned(), TEST_SECRET.to_owned()),
            Some(token) => {
                let key = TemporaryKey::from_token(prefix, token, self.now());
                let key = key.map_err(EmulatedError::Token)?;
                (key.id, key.secret)
            }
        };
        match id == known {
            true => Ok(secret),
            false => Err(EmulatedError::Refused),
        }
    }

    /// Checks when a request was signed; `None` means that the time is unreadable.
    pub fn check_time(
        &self,
        signed_at: Option<DateTime<Utc>>,
        window: TimeDelta,
    ) -> Result<(), EmulatedError> {
        match signed_at {
            None => Err(EmulatedError::TimeFormat),
            Some(at) if (self.now() - at).abs() > window => Err(EmulatedError::ClockSkew),
            Some(_) => Ok(()),
        }
    }

    /// Checks that a nonce is new.
    pub fn check_nonce(&self, nonce: &str) -> Result<(), EmulatedError> {
        match self.state.use_nonce(nonce) {
            true => Ok(()),
            false => Err(EmulatedError::Replayed),
        }
    }
}
