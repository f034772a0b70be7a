use serde::Deserialize;

use crate::error::Category;
use crate::http::{RequestError, Response, RetryAction};
use crate::model::{Event, Job, Level, Notice, NoticeCode, Object, UnreadableTimes};
use crate::providers::lenient::{self, Int, List, OptionalObject, Text};
use crate::providers::wall_clock::WallClock;
use crate::providers::{GetOptions, GetResult, job_at, vendor};
use crate::reference::Reference;

mod clusters;
mod list;

pub use clusters::{ClusterDetails, decode as read_clusters};
pub use list::{LoadBalancer, ServiceDetails, ServiceRow, read_services};

/// Said where the API itself may be gone.
pub const RETIRED: &str = "API 2.0 may be retired (the vendor announced it for 2020); the cluster's own Kubernetes API has the same events";

/// Said beside every list of events: the vendor's page promises those of the last hour.
const LAST_HOUR: &str = "Tencent only keeps events of the last hour";

/// Said where a service is not found.
pub const CHECK_ADDRESS: &str =
    "check cluster, namespace, service and region, or run: joblens list tencent";

/// The envelope without its data.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ErrorHead {
    code: Text,
    message: Text,
    code_desc: Text,
}

/// The documentation's table has the list at the top, its sample within `data`.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Envelope {
    code: Text,
    /// Null stands for no events; an empty list or text does not.
    #[serde(deserialize_with = "lenient::deserialize_some")]
    data: Option<Option<OptionalObject<Data>>>,
    #[serde(deserialize_with = "lenient::deserialize_some")]
    event_list: Option<List<ServiceEvent>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Data {
    #[serde(deserialize_with = "lenient::deserialize_some")]
    event_list: Option<List<ServiceEvent>>,
}

impl Envelope {
    /// The events, within `data` or at the top.
    ///
    /// # Errors
    /// What was expected, where neither place has a list or null.
    fn events(self) -> Result<Vec<ServiceEvent>, String> {
        let inner = match self.data {
            Some(None) => Some(List::default()),
            Some(Some(data)) => data.0.and_then(|data| data.event_list),
            None => None,
        };
        match (inner, self.event_list) {
            (None, None) => Err("eventList".to_owned()),
            (Some(list), None) | (None, Some(list)) => Ok(list.0),
            (Some(inner), Some(outer)) if inner.0.is_empty() => Ok(outer.0),
            (Some(inner), Some(_)) => Ok(inner.0),
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ServiceEvent {
    first_seen: Text,
    last_seen: Text,
    count: Int,
    level: Text,
    obj_type: Text,
    obj_name: Text,
    reason: Text,
    message: Text,
}

/// Reads a "no": by the code in the body first (errors come with HTTP 200), by the HTTP status
/// where there is none.
pub fn classify(answer: &Response) -> Option<RequestError> {
    let head = lenient::decode::<ErrorHead>(&answer.body).unwrap_or_default();
    let by_status = RequestError::from_status(answer);
    let described = head.code_desc.trimmed().filter(|word| !is_success(word));
    let said = head.message.0.as_deref().map(str::trim);
    let (code, mut refusal) = match head.code.trimmed() {
        None => return by_status.map(without_code),
        // A success that is described as something else is none.
        Some("0") => match (by_status, described) {
            (Some(refusal), _) => return Some(refusal),
            (None, None) => return None,
            (None, Some(word)) => (
                word,
                RequestError::new(Category::ServiceError, "service error"),
            ),
        },
        Some(code) => (code, by_code(code, by_status)),
    };
    refusal.message = match (said, described) {
        (Some(said), Some(word)) if word != code => format!("{said} ({word})"),
        (Some(said), _) => said.to_owned(),
        (None, Some(word)) if word != code => word.to_owned(),
        (None, _) => refusal.message,
    };
    refusal.code = Some(code.to_owned());
    Some(refusal)
}

/// A failure without a code did not come from this API.
fn without_code(mut refusal: RequestError) -> RequestError {
    if refusal.category == Category::InvalidArgument {
        refusal.hint = Some(format!("check the endpoint; {RETIRED}"));
    }
    refusal
}

fn is_success(word: &str) -> bool {
    word.eq_ignore_ascii_case("success")
}

fn by_code(code: &str, by_status: Option<RequestError>) -> RequestError {
    use Category::{
        ClockSkew, InvalidArgument, NotFound, PermissionDenied, ServiceError, Throttled,
        Unauthenticated,
    };
    const CLOCK: &str = "check the local clock";
    const KEY: &str = "check secret id, secret key and token";
    let (category, retry, what, hint) = match code {
        "4000" => (
            InvalidArgument,
            RetryAction::No,
            "a parameter is wrong or missing",
            None,
        ),
        "4100" | "4104" | "4105" | "4106" => (
            Unauthenticated,
            RetryAction::No,
            "authentication failed",
            Some(KEY),
        ),
        "4101" | "4102" | "4103" | "4110" | "4300" => {
            (PermissionDenied, RetryAction::No, "permission denied", None)
        }
        "4200" => (
            ClockSkew,
            RetryAction::AfterClockSync,
            "the request has expired",
            Some(CLOCK),
        ),
        "4400" => (Throttled, RetryAction::Backoff, "rate limited", None),
        "4500" => (
            ClockSkew,
            RetryAction::Immediate,
            "the request was rejected as a replay, or its time is too far off",
            Some(CLOCK),
        ),
        "4600" => (
            InvalidArgument,
            RetryAction::No,
            "the protocol is not supported",
            Some("set an endpoint with https://"),
        ),
        "5000" => (
            NotFound,
            RetryAction::No,
            "resource not found",
            Some(CHECK_ADDRESS),
        ),
        "6000" => (ServiceError, RetryAction::Backoff, "internal error", None),
        "6100" => (
            ServiceError,
            RetryAction::No,
            "the operation is not supported",
            Some(RETIRED),
        ),
        "6200" => (
            ServiceError,
            RetryAction::Backoff,
            "temporarily unavailable",
            None,
        ),
        "5100" => (ServiceError, RetryAction::No, "the operation failed", None),
        _ => match by_status {
            Some(refusal) => return refusal,
            None => (ServiceError, RetryAction::No, "service error", None),
        },
    };
    RequestError {
        retry,
        hint: hint.map(str::to_owned),
        ..RequestError::new(category, what)
    }
}

/// Reads an answer that `classify` let pass. Nothing in it names the service, and no state is
/// reported; what it holds are events.
///
/// # Errors
/// What was expected and not there.
pub fn decode(
    body: &[u8],
    reference: &Reference,
    ask: &GetOptions,
    region: Option<&str>,
    clock: WallClock,
) -> Result<GetResult, String> {
    let envelope: Envelope = lenient::decode(body)?;
    if envelope.code.trimmed() != Some("0") {
        return Err("code 0".to_owned());
    }
    let events: Vec<Event> = envelope
        .events()?
        .into_iter()
        .map(|event| read_event(event, clock))
        .collect();
    let mut notices = vec![Notice::new(NoticeCode::EventsTruncated, LAST_HOUR)];
    let times: Vec<_> = events
        .iter()
        .flat_map(|event| [event.first_at, event.last_at])
        .collect();
    clock.note_assumed("tencent", &times, &mut notices);
    let mut job = Job {
        name: Some(reference.id().to_owned()),
        events,
        ..job_at(reference, region)
    };
    vendor::attach_raw(&mut job, &mut notices, body, ask, &mut |_, _| {});
    Ok(GetResult { job, notices })
}

/// An answer about one service; samples write `returnCode` and put the service at the top. `S` is
/// one service, or the list of one that the documentation's table has.
#[derive(Default, Deserialize)]
#[serde(
    default,
    rename_all = "camelCase",
    bound = "S: Default + Deserialize<'de>"
)]
struct InfoEnvelope<S> {
    code: Text,
    return_code: Text,
    data: OptionalObject<InfoData<S>>,
    service: S,
}

#[derive(Default, Deserialize)]
#[serde(
    default,
    rename_all = "camelCase",
    bound = "S: Default + Deserialize<'de>"
)]
struct InfoData<S> {
    service: S,
}

#[derive(Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Service {
    service_name: Text,
    namespace: Text,
}

impl<S> InfoEnvelope<S> {
    fn map<T>(self, change: fn(S) -> T) -> InfoEnvelope<T> {
        InfoEnvelope {
            code: self.code,
            return_code: self.return_code,
            data: OptionalObject(self.data.0.map(|data| {
                Box::new(InfoData {
                    service: change(data.service),
                })
            })),
            service: change(self.service),
        }
    }
}

/// Reads from an answer that `classify` let pass whether it holds the service.
///
/// # Errors
/// What was expected and not there, such as the requested service and no other.
pub fn has_service(body: &[u8], reference: &Reference) -> Result<bool, String> {
    let one = lenient::decode::<InfoEnvelope<OptionalObject<Service>>>(body)
        .map(|one| one.map(|service| service.0.map(|service| *service).into_iter().collect()));
    let envelope: InfoEnvelope<Vec<Service>> = one.or_else(|expected| {
        lenient::decode::<InfoEnvelope<List<Service>>>(body)
            .map(|list| list.map(|services| services.0))
            .map_err(|_| expected)
    })?;
    let code = envelope.code.trimmed().or(envelope.return_code.trimmed());
    if code != Some("0") {
        return Err("code 0".to_owned());
    }
    let is_asked = |service: &Service| {
        let namespace = service.namespace.trimmed();
        service.service_name.trimmed() == Some(reference.id())
            && namespace.is_none_or(|name| Some(name) == reference.segment("NAMESPACE"))
    };
    let inner = envelope.data.0.map(|data| data.service);
    let mut services = inner.unwrap_or_default();
    services.extend(envelope.service);
    // An object with nothing in it is what an absent one may be printed as.
    services.retain(|service| *service != Service::default());
    match services.iter().any(is_asked) {
        false if !services.is_empty() => Err("the requested service".to_owned()),
        is_there => Ok(is_there),
    }
}

fn read_event(event: ServiceEvent, clock: WallClock) -> Event {
    let level_raw = event.level.trimmed().map(str::to_owned);
    let (first_at, last_at) = (
        clock.parse(&event.first_seen),
        clock.parse(&event.last_seen),
    );
    Event {
        level: level_raw.as_deref().and_then(Level::parse),
        level_raw,
        first_at,
        last_at,
        unreadable_times: UnreadableTimes {
            first: event.first_seen.unread(first_at),
            last: event.last_seen.unread(last_at),
        },
        count: event.count.unsigned(),
        object: Object {
            kind: event.obj_type.0,
            name: event.obj_name.0,
        },
        task: None,
        reason: event.reason.0,
        message: event.message.0,
    }
}

#[cfg(test)]
mod tests;
