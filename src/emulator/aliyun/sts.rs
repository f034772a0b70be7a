use super::{PREFIX, STS, failure, key_document, request_id};
use crate::emulator::prelude::*;
use crate::emulator::tokens::TemporaryKey;

/// Routes of the service that issues temporary keys for a role.
pub static STS_KEYS: &[Route] = &[Route::action("AssumeRole")
    .only(&["GET", "POST"])
    .version(STS)
    .to(assume_role)];

fn assume_role(call: &EmulatedCall<'_>) -> HandlerResult {
    let invalid = |name: &str, what: &str| {
        let message = format!("The parameter {name} is {what}.");
        let code = format!("InvalidParameter.{name}");
        EmulatedError::Response(failure(400, &code, &message))
    };
    let role = call.required("RoleArn")?;
    let session = call.required("RoleSessionName")?;
    let rest = role.strip_prefix("acs:ram::");
    let is_role = rest
        .and_then(|rest| rest.split_once(":role/"))
        .is_some_and(|(account, name)| !account.is_empty() && !name.is_empty());
    if !is_role {
        return Err(invalid("RoleArn", "wrongly formed"));
    }
    let lifetime = call
        .number("DurationSeconds", 3600, 900..=43_200)
        .map_err(|_| invalid("DurationSeconds", "out of its range"))?;
    let key = TemporaryKey::new(PREFIX, call.now() + TimeDelta::seconds(lifetime));
    call.data(json!({
        "RequestId": request_id(&key.id),
        "AssumedRoleUser": {
            "AssumedRoleId": format!("300000000000000000:{session}"),
            "Arn": format!("{}/{session}", role.replace(":role/", ":assumed-role/")),
        },
        "Credentials": key_document(&key),
    }))
}
