//! Services of a cluster: their events, existence checks, and lists.

use serde::de::IgnoredAny;

use super::{Api, CLOUD_NAME, decode_ccs, errors};
use crate::model::{Event, Object};
use crate::providers::lenient::ListOrObject;
use crate::providers::prelude::*;

/// Services, which report events and no states.
pub static SERVICE: Kind = Kind {
    summary: "Events of a TKE service (retired API)",
    list: Some(ListSpec::new(LIST, ListOrder::Unsorted).without(&[
        UnlistedField::State,
        UnlistedField::User,
        UnlistedField::Queue,
    ])),
    logs: LogSupport::Unavailable("run: joblens logs kubernetes/workload/NAMESPACE/SERVICE"),
    needs_check_exists: true,
    ..Kind::new(
        Template::new(
            CLOUD_NAME,
            Name::new("service", "svc"),
            &[
                Segment::with_setting("CLUSTER", "cluster"),
                Segment::with_setting("NAMESPACE", "namespace"),
                Segment::required("SERVICE"),
            ],
            "tencent/service/cls-xxxxx/default/test-web-service",
        )
        .with_scope_segments(1),
        &[StateTable::new("job", &[])],
        EVENTS,
    )
    .with_details(&[schema_of::<ServiceDetails>], &[])
};

pub(super) const EVENTS: Operation = Operation::new(
    "DescribeServiceEvent",
    "CCS API 2.0 DescribeServiceEvent (retired; use kubernetes/workload)",
    // The second one is only needed by `wait --for no-warnings`, which checks that the service exists.
    "ccs:DescribeServiceEvent, ccs:DescribeClusterServiceInfo",
);

pub(super) const LIST: Operation = operation!("CCS API 2.0", "ccs", "DescribeClusterService");

/// The operation that reports whether a service exists.
pub(super) const INFO: &str = "DescribeClusterServiceInfo";

/// Notice for every list of events: according to the vendor's documentation, it contains only the last hour.
const EVENTS_LIMIT_NOTICE: &str = "Tencent only keeps events of the last hour";

/// Notice for every run that reads a service; it is printed once.
const RETIRED_NOTICE: &str =
    "Tencent has retired the API of tencent/service; use kubernetes/workload";

/// The operations on services.
pub(super) struct Service;

#[async_trait]
impl KindOps<Api> for Service {
    async fn get(&self, api: &Api, lookup: GetRequest<'_>) -> Result<GetResult, Problem> {
        let parameters = address(lookup.reference);
        let decode = |body: &[u8]| decode_events(body, api, lookup);
        let response = api.call_ccs(EVENTS.name, &parameters, lookup.options, decode);
        response.await.map(Decoded::into_result)
    }

    /// Returns all services of a cluster, or of one of its namespaces, in one page.
    async fn list(&self, api: &Api, list: ListRequest<'_>) -> Result<Page, Problem> {
        let namespace = list.scope.segment("NAMESPACE");
        let namespace_parameter = match namespace {
            Some(namespace) => ("namespace", namespace),
            None => ("allnamespace", "1"),
        };
        let cluster = list.scope.segment("CLUSTER").unwrap_or_default();
        let parameters = [("clusterId", cluster), namespace_parameter];
        let rows = |body: &[u8]| services(body, namespace);
        let response = api
            .call_ccs(LIST.name, &parameters, list.options, rows)
            .await?;
        let total = i64::try_from(response.data.len()).ok();
        let address = |row: &ServiceDetails| match namespace {
            _ if row.namespace.is_unreadable => None,
            Some(_) => list.scope.reference(&[row.service_name.trimmed()?]),
            None => {
                let row_namespace = row.namespace.value.trimmed()?;
                list.scope
                    .reference(&[row_namespace, row.service_name.trimmed()?])
            }
        };
        let read = |row: ServiceDetails, reference: &_| row.into_result(reference, api);
        let mut page = Page::from_addressed_rows(list.cursor, total, response.data, address, read);
        page.notices.extend(response.unreadable);
        Ok(page)
    }

    /// Checks whether a service exists. An empty list of events does not prove that it does.
    async fn check_exists(&self, api: &Api, lookup: GetRequest<'_>) -> Result<(), Problem> {
        let parameters = address(lookup.reference);
        let check = |body: &[u8]| find_service(body, lookup.reference);
        let response = api.call_ccs(INFO, &parameters, lookup.options, check).await;
        response.map(|response| response.data)
    }
}

pub(super) fn address(reference: &Reference) -> [(&'static str, &str); 3] {
    let segment = |name| reference.segment(name).unwrap_or_default();
    [
        ("clusterId", segment("CLUSTER")),
        ("namespace", segment("NAMESPACE")),
        ("serviceName", reference.id()),
    ]
}

#[derive(Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct EventList {
    event_list: Required<List<ServiceEvent>>,
    /// Null means that no events are known.
    data: Required<OptionalObject<IgnoredAny>>,
}

/// Returns the events, in `data` or at the top level, and whether some may be missing: null in place of the list
/// does not prove that there are none.
fn events(body: &[u8]) -> Result<(Vec<ServiceEvent>, bool), String> {
    let inner = decode_ccs::<EventList>(body)?.event_list;
    let (is_list, is_blank) = match inner {
        Required::Present(List(mut events)) if !events.is_empty() => {
            // Either list may contain events that the other lacks.
            return match lenient::decode_response::<EventList>(body)?.event_list {
                Required::Present(List(outer)) if outer != events => {
                    events.extend(outer);
                    Ok((events, false))
                }
                Required::Unreadable => Err("eventList".to_owned()),
                _ => Ok((events, false)),
            };
        }
        Required::Unreadable => return Err("eventList".to_owned()),
        Required::Present(_) => (true, false),
        Required::Null | Required::Empty => (false, true),
        Required::Missing => (false, false),
    };
    let outer: EventList = lenient::decode_response(body)?;
    match outer.event_list {
        Required::Present(List(events)) => Ok((events, false)),
        Required::Null | Required::Empty => Ok((Vec::new(), true)),
        Required::Missing if is_list => Ok((Vec::new(), false)),
        Required::Missing if is_blank || outer.data == Required::Null => Ok((Vec::new(), true)),
        Required::Missing | Required::Unreadable => Err("eventList".to_owned()),
    }
}

#[derive(Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ServiceEvent {
    first_seen: Timestamp,
    last_seen: Timestamp,
    count: Int,
    level: Text,
    obj_type: Text,
    obj_name: Text,
    reason: Text,
    message: Text,
}

/// Decodes events. The response contains neither the service's name nor a state.
pub(super) fn decode_events(
    body: &[u8],
    api: &Api,
    lookup: GetRequest<'_>,
) -> Result<GetResult, String> {
    let (events, events_unreadable) = events(body)?;
    let mut notices = vec![
        Notice::new(NoticeCode::EventsTruncated, EVENTS_LIMIT_NOTICE),
        Notice::new(NoticeCode::RetiredApi, RETIRED_NOTICE),
    ];
    let times = events
        .iter()
        .flat_map(|event| [&event.first_seen, &event.last_seen]);
    api.clock.note_assumed("tencent", times, &mut notices);
    let events = events.into_iter().map(|event| event.into_model(api.clock));
    let job = Job {
        name: Some(lookup.reference.id().to_owned()),
        // The order of the events is not documented.
        events: EventOrder::OldestFirst.newest_first(events.collect()),
        events_unreadable,
        ..job_at(lookup.reference, Some(&api.region))
    };
    Ok(GetResult { job, notices }.with_raw(body, lookup.options))
}

impl ServiceEvent {
    fn into_model(self, clock: WallClock) -> Event {
        Event {
            count: self.count.unsigned(),
            object: Object {
                kind: self.obj_type.0,
                name: self.obj_name.0,
            },
            reason: self.reason.0,
            message: self.message.0,
            ..clock.event(&self.level, self.first_seen, self.last_seen)
        }
    }
}

/// A service, or a list of one service, as in a table of the documentation.
#[derive(Default, PartialEq, Deserialize)]
#[serde(default)]
struct ServiceInfo {
    service: Checked<ListOrObject<ServiceName, ServiceName>>,
}

#[derive(Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ServiceName {
    service_name: Text,
    namespace: Text,
}

/// Checks that a response contains the requested service.
fn find_service(body: &[u8], reference: &Reference) -> Result<(), DecodeError> {
    let ServiceInfo { service } = decode_ccs(body)?;
    let ListOrObject { list, object } = service.value;
    let mut services = list.unwrap_or_default();
    services.extend(object);
    // An empty object may mean that the service does not exist.
    services.retain(|service| *service != ServiceName::default());
    let matches = |service: &ServiceName| {
        let namespace = service.namespace.trimmed();
        service.service_name.trimmed() == Some(reference.id())
            && namespace.is_none_or(|name| Some(name) == reference.segment("NAMESPACE"))
    };
    match services.iter().any(matches) {
        true if !service.is_unreadable => Ok(()),
        _ if service.is_unreadable || !services.is_empty() => {
            Err("the requested service".to_owned().into())
        }
        _ => {
            let message = format!("service {} not found in the cluster", reference.id());
            Err(DecodeError::not_found(message, Some(errors::CHECK_ADDRESS)))
        }
    }
}

#[derive(Default, PartialEq, Deserialize)]
#[serde(default)]
struct ServiceList {
    services: Required<List<ServiceDetails>>,
}

/// Returns the services of a namespace, or of all namespaces. Services of other namespaces are left out.
fn services(body: &[u8], namespace: Option<&str>) -> Result<Vec<ServiceDetails>, String> {
    let list: ServiceList = decode_ccs(body)?;
    // Null means no services.
    let total = (list.services == Required::Null).then_some(0);
    let mut services = list.services.rows("services", total)?;
    services.retain(|service| {
        let service_namespace = service.namespace.value.trimmed();
        namespace.is_none() || service_namespace.is_none() || service_namespace == namespace
    });
    Ok(services)
}

detail_structs! { "camelCase" =>
    /// Fields of a Tencent service in the list, in addition to its name.
    #[schemars(rename = "TencentService")]
    ServiceDetails {
        /// Health of the containers, not a state: `Normal`, `Abnormal`, `Waiting`, `Paused`, `Updating`,
        /// `RollingBack`.
        status: Text,
        /// Why containers are unhealthy, with the number of containers per reason.
        #[serde(rename(deserialize = "reasonMap"))]
        reasons: Map<Int>,
        /// Current number of replicas.
        current_replicas: Int,
        /// Desired number of replicas.
        desired_replicas: Int,
        /// Load balancer in front of the service.
        #[serde(skip_deserializing)]
        #[schemars(!skip_deserializing)]
        load_balancer: LoadBalancer,
        /// Address outside the cluster.
        external_ip: Text,
    } => {
        service_name: Text,
        namespace: Checked<Text>,
        created_at: Timestamp,
        lb_id: Text,
        lb_status: Text,
    }
    /// Load balancer in front of a service.
    LoadBalancer {
        /// Id, as assigned by the cloud.
        id: Text,
        /// Status: `None`, `Creating` or `Running`.
        status: Text,
    }
}

impl ServiceDetails {
    /// Converts a service of the list. Its status describes its containers and does not show whether the service will
    /// end, so it is not used as the state.
    fn into_result(mut self, reference: &Reference, api: &Api) -> GetResult {
        let (clock, mut notices) = (api.clock, Vec::new());
        clock.note_assumed("tencent", [&self.created_at], &mut notices);
        self.status = Text(self.status.trimmed().map(str::to_owned));
        self.load_balancer.id = std::mem::take(&mut self.lb_id);
        self.load_balancer.status = std::mem::take(&mut self.lb_status);
        let job = Job {
            name: Some(reference.id().to_owned()),
            reason: self.status.0.clone().map(Reason::from),
            message: self.summary(),
            created_at: clock.at(&self.created_at),
            details: Some(Arc::new(self)),
            ..job_at(reference, Some(&api.region))
        };
        GetResult { job, notices }
    }

    /// Summarizes the containers, for example `1 of 3 replicas; ImagePullBackOff 2`.
    fn summary(&self) -> Option<String> {
        let replicas = match (self.current_replicas.0, self.desired_replicas.0) {
            (Some(current), Some(desired)) => Some(format!("{current} of {desired} replicas")),
            _ => None,
        };
        let reasons = self.reasons.0.iter().map(|(reason, count)| match count.0 {
            Some(count) => format!("{reason} {count}"),
            None => reason.clone(),
        });
        let parts: Vec<String> = replicas.into_iter().chain(reasons).collect();
        (!parts.is_empty()).then(|| parts.join("; "))
    }
}

#[cfg(test)]
mod tests;
