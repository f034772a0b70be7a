use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::model::Job;
use crate::providers::lenient::{self, Int, List, OptionalObject, Text};
use crate::providers::wall_clock::WallClock;
use crate::providers::{GetResult, job_at};
use crate::reference::Reference;

/// Reasons beyond so many are left out; a service has a handful.
const MAX_REASONS: usize = 100;

/// What the list tells of a Tencent service besides its name.
#[derive(Debug, JsonSchema, Serialize)]
#[schemars(rename = "TencentService")]
pub struct ServiceDetails {
    /// `Normal`, `Abnormal`, `Waiting`, `Paused`, `Updating`, `RollingBack`: health, not a state.
    pub status: Option<String>,
    /// Why containers are not well, and how many of them.
    pub reasons: BTreeMap<String, Option<i64>>,
    /// How many replicas there are.
    pub current_replicas: Option<i64>,
    /// How many replicas there should be.
    pub desired_replicas: Option<i64>,
    /// The load balancer before it.
    pub load_balancer: LoadBalancer,
    /// Its address outside of the cluster.
    pub external_ip: Option<String>,
}

impl ServiceDetails {
    /// How its containers are, in a sentence: `1 of 3 replicas; ImagePullBackOff 2`.
    fn summary(&self) -> Option<String> {
        let replicas = match (self.current_replicas, self.desired_replicas) {
            (Some(current), Some(desired)) => Some(format!("{current} of {desired} replicas")),
            _ => None,
        };
        let reasons = self.reasons.iter().map(|(reason, count)| match count {
            Some(count) => format!("{reason} {count}"),
            None => reason.clone(),
        });
        let told: Vec<String> = replicas.into_iter().chain(reasons).collect();
        (!told.is_empty()).then(|| told.join("; "))
    }
}

/// The load balancer before a service.
#[derive(Debug, JsonSchema, Serialize)]
pub struct LoadBalancer {
    /// The cloud's id.
    pub id: Option<String>,
    /// `None`, `Creating`, `Running`.
    pub status: Option<String>,
}

/// Samples write `returnCode` and put the list at the top.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Envelope {
    code: Text,
    return_code: Text,
    data: OptionalObject<Data>,
    #[serde(deserialize_with = "lenient::deserialize_some")]
    services: Option<List<ServiceRow>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Data {
    #[serde(deserialize_with = "lenient::deserialize_some")]
    services: Option<List<ServiceRow>>,
}

/// One service of the list.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ServiceRow {
    service_name: Text,
    namespace: Text,
    status: Text,
    reason_map: OptionalObject<Reasons>,
    created_at: Text,
    current_replicas: Int,
    desired_replicas: Int,
    lb_id: Text,
    lb_status: Text,
    external_ip: Text,
}

#[derive(Default)]
struct Reasons(BTreeMap<String, Option<i64>>);

impl<'de> Deserialize<'de> for Reasons {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ReasonsVisitor)
    }
}

struct ReasonsVisitor;

impl<'de> Visitor<'de> for ReasonsVisitor {
    type Value = Reasons;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("reasons with their counts")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Reasons, A::Error> {
        let mut reasons = BTreeMap::new();
        while let Some((reason, count)) = map.next_entry::<String, Int>()? {
            if reasons.len() < MAX_REASONS {
                reasons.insert(reason, count.0);
            }
        }
        Ok(Reasons(reasons))
    }
}

/// Reads the services of a namespace, or of all, from an answer that `classify` let pass. Those that
/// say to be of another namespace than the one asked for are left out.
///
/// # Errors
/// What was expected and not there.
pub fn read_services(body: &[u8], namespace: Option<&str>) -> Result<Vec<ServiceRow>, String> {
    let envelope: Envelope = lenient::decode(body)?;
    let code = envelope.code.trimmed().or(envelope.return_code.trimmed());
    if code != Some("0") {
        return Err("code 0".to_owned());
    }
    let inner = envelope.data.0.and_then(|data| data.services);
    let List(mut services) = inner.or(envelope.services).ok_or("a list services")?;
    services.retain(|service| {
        let its_own = service.namespace.trimmed();
        namespace.is_none() || its_own.is_none() || its_own == namespace
    });
    Ok(services)
}

impl ServiceRow {
    /// The name, which is the id.
    pub fn name(&self) -> Option<&str> {
        self.service_name.trimmed()
    }

    /// The namespace, where the row names it.
    pub fn namespace(&self) -> Option<&str> {
        self.namespace.trimmed()
    }

    /// The service as far as the list tells it. Its status says how its containers are, not whether
    /// it will end, and is therefore no state.
    pub fn into_result(
        self,
        reference: &Reference,
        region: Option<&str>,
        clock: WallClock,
    ) -> GetResult {
        let created_at = clock.parse(&self.created_at);
        let mut notices = Vec::new();
        clock.note_assumed("tencent", &[created_at], &mut notices);
        let details = ServiceDetails {
            status: self.status.trimmed().map(str::to_owned),
            reasons: self.reason_map.0.unwrap_or_default().0,
            current_replicas: self.current_replicas.0,
            desired_replicas: self.desired_replicas.0,
            load_balancer: LoadBalancer {
                id: self.lb_id.0,
                status: self.lb_status.0,
            },
            external_ip: self.external_ip.0,
        };
        let job = Job {
            name: Some(reference.id().to_owned()),
            reason: details.status.clone(),
            message: details.summary(),
            created_at,
            details: Some(Arc::new(details)),
            ..job_at(reference, region)
        };
        GetResult { job, notices }
    }
}

#[cfg(test)]
mod tests;
