use serde::Deserialize;
use toml::Spanned;

use super::spans::{ScenarioParser, Text};
use crate::emulator::{self, Effect, Fault};
use crate::error::{Problem, closest_match};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FaultTable {
    operation: Text,
    cloud: Option<Text>,
    kind: Text,
    times: Option<u64>,
    skip: Option<u64>,
    status: Option<Spanned<u16>>,
    delay: Option<Text>,
    location: Option<Text>,
    retry_after: Option<Text>,
    from: Option<Text>,
    until: Option<Text>,
}

const KINDS: &str =
    "throttle, refuse, status, html, truncate, reset, slow, drip, empty and redirect";

impl ScenarioParser<'_> {
    pub fn fault(&self, fault: &FaultTable) -> Result<Fault, Problem> {
        let cloud = fault
            .cloud
            .as_ref()
            .map(|text| self.cloud(text))
            .transpose()?;
        let operation = Some(fault.operation.get_ref().clone()).filter(|name| name != "*");
        if let Some(name) = &operation {
            let mut known: Vec<&str> = emulator::operations(cloud).collect();
            known.sort_unstable();
            known.dedup();
            if !known.contains(&name.as_str()) {
                let lower: Vec<String> = known.iter().map(|name| name.to_lowercase()).collect();
                let closest =
                    closest_match(lower.iter().map(String::as_str), name).and_then(|closest| {
                        known.iter().find(|name| name.eq_ignore_ascii_case(closest))
                    });
                let closest = closest
                    .map_or_else(String::new, |closest| format!("did you mean '{closest}'? "));
                let hint = format!("{closest}operations: {}", known.join(", "));
                let message = "is not a known operation";
                return Err(self
                    .error_at_text(&fault.operation, message)
                    .with_hint(hint));
            }
        }
        let effect = self.effect(fault)?;
        let retry_after = match &fault.retry_after {
            Some(text) if !matches!(effect, Effect::Throttle | Effect::Status(_)) => {
                let message = "is for the kinds throttle and status only";
                return Err(self.error_at_text(text, message));
            }
            Some(text) => Some(self.duration(text)?),
            None => None,
        };
        let (from, until) = self.span(fault.from.as_ref(), fault.until.as_ref())?;
        Ok(Fault {
            cloud,
            operation,
            effect,
            skip: fault.skip.unwrap_or(0),
            times: fault.times,
            retry_after,
            from,
            until,
        })
    }

    fn cloud(&self, text: &Text) -> Result<&'static str, Problem> {
        self.kinds
            .iter()
            .map(|kind| kind.template.cloud)
            .find(|cloud| cloud == text.get_ref())
            .ok_or_else(|| self.error_at_text(text, "is not a known cloud"))
    }

    fn effect(&self, fault: &FaultTable) -> Result<Effect, Problem> {
        let kind = fault.kind.get_ref().as_str();
        let only = |at: usize, key: &str, kinds: &str| {
            Err(self.error_at_offset(at, &format!("{key} is for faults of the kind {kinds} only")))
        };
        if let Some(status) = &fault.status
            && !["status", "html"].contains(&kind)
        {
            return only(status.span().start, "status", "status or html");
        }
        if let Some(delay) = fault.delay.as_ref().filter(|_| kind != "slow") {
            return only(delay.span().start, "delay", "slow");
        }
        if let Some(location) = fault.location.as_ref().filter(|_| kind != "redirect") {
            return only(location.span().start, "location", "redirect");
        }
        let missing = |key: &str| self.error_at_text(&fault.kind, &format!("needs {key}"));
        Ok(match kind {
            "throttle" => Effect::Throttle,
            "refuse" => Effect::Refuse,
            "status" => Effect::Status(self.status(fault, 503, 400)?),
            "html" => Effect::Html(self.status(fault, 502, 200)?),
            "truncate" => Effect::Truncate,
            "reset" => Effect::Reset,
            "slow" => {
                let delay = fault.delay.as_ref().ok_or_else(|| missing("delay"))?;
                Effect::Slow(self.duration(delay)?)
            }
            "drip" => Effect::Drip,
            "empty" => Effect::Empty,
            "redirect" => {
                let location = fault.location.as_ref().ok_or_else(|| missing("location"))?;
                let text = location.get_ref();
                if text.is_empty() || !text.bytes().all(|b| b.is_ascii_graphic()) {
                    return Err(self.error_at_text(location, "is not a valid URL"));
                }
                Effect::Redirect(text.clone())
            }
            _ => {
                let message = format!("is not a known fault; expected one of {KINDS}");
                return Err(self.error_at_text(&fault.kind, &message));
            }
        })
    }

    fn status(&self, fault: &FaultTable, default: u16, lowest: u16) -> Result<u16, Problem> {
        match &fault.status {
            None => Ok(default),
            Some(status) if (lowest..=599).contains(status.get_ref()) => Ok(*status.get_ref()),
            Some(status) => {
                let kind = fault.kind.get_ref();
                let message = format!("status must be from {lowest} to 599 for the kind {kind}");
                Err(self.error_at_offset(status.span().start, &message))
            }
        }
    }
}
