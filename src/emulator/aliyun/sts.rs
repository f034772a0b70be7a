//! STS in the emulator: checks signatures of version 1 as they are documented, without the code that
//! makes them, and gives the temporary keys of a role.

use chrono::{DateTime, Duration, SecondsFormat, Utc};
use serde_json::{Value, json};

use super::{Failure, TEST_TOKEN, check_time, no_such_key, request_id};
use crate::crypto::{base64, hmac_sha1, percent_decode, percent_encode};
use crate::emulator::api::{ServerRequest, ServerResponse, TEST_ID, TEST_SECRET};
use crate::emulator::state::EmulatedState;
use crate::emulator::tokens::{TemporaryKey, TokenError};

pub const ASSUME_ROLE: &str = "AssumeRole";
const VERSION: &str = "2015-04-01";

/// How ids of temporary keys begin.
const PREFIX: &str = "STS.";

/// Valid lifetimes of keys in seconds.
const LIFETIMES: std::ops::RangeInclusive<i64> = 900..=43_200;

/// True for a call of this service, which names itself in the query.
pub fn is_asked(request: &ServerRequest) -> bool {
    let parameter = |name| request.parameter(name);
    parameter("Action").as_deref() == Some(ASSUME_ROLE)
        && parameter("Version").as_deref() == Some(VERSION)
}

/// Key id and secret that a call may be signed with: the test key, or the temporary one of a token.
pub fn key_of(token: Option<&str>, now: DateTime<Utc>) -> Result<(String, String), Failure> {
    let Some(token) = token.filter(|token| *token != TEST_TOKEN) else {
        return Ok((TEST_ID.to_owned(), TEST_SECRET.to_owned()));
    };
    let wrong =
        |code: &str, what: &str| Failure::new(400, &format!("InvalidSecurityToken.{code}"), what);
    match TemporaryKey::from_token(PREFIX, token, now) {
        Ok(keys) => Ok((keys.id, keys.secret)),
        Err(TokenError::Expired) => Err(wrong("Expired", "Specified SecurityToken is expired.")),
        Err(TokenError::Unknown) => {
            Err(wrong("Malformed", "Specified SecurityToken is malformed."))
        }
    }
}

/// New keys in the form in which the cloud gives them.
pub fn keys(expires_at: DateTime<Utc>) -> Value {
    let keys = TemporaryKey::new(PREFIX, expires_at);
    json!({
        "AccessKeyId": keys.id,
        "AccessKeySecret": keys.secret,
        "SecurityToken": keys.token,
        "Expiration": expires_at.to_rfc3339_opts(SecondsFormat::Secs, true),
    })
}

/// Checks the signature and gives keys for a role.
pub fn assume_role(
    request: &ServerRequest,
    world: &EmulatedState,
) -> Result<ServerResponse, Failure> {
    if request.method != "POST" && request.method != "GET" {
        let message = "This http method is not supported.";
        return Err(Failure::new(405, "UnsupportedHTTPMethod", message));
    }
    let parameters = parameters(request);
    let given = |name: &str| {
        let found = parameters.iter().find(|(known, _)| known == name);
        found
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    };
    let needed = |name: &str| given(name).ok_or_else(|| Failure::missing(name));
    check_time(needed("Timestamp")?, request.now)?;
    let nonce = needed("SignatureNonce")?;
    let (id, secret) = key_of(given("SecurityToken"), request.now)?;
    if needed("AccessKeyId")? != id {
        return Err(no_such_key());
    }
    let is_version_1 =
        given("SignatureMethod") == Some("HMAC-SHA1") && given("SignatureVersion") == Some("1.0");
    let expected = signature(&request.method, &parameters, &secret);
    if !is_version_1 || needed("Signature")? != expected {
        let message = "Specified signature is not matched with our calculation.";
        return Err(Failure::new(400, "SignatureDoesNotMatch", message));
    }
    if !world.use_nonce(nonce) {
        let message = "Specified signature nonce was used already.";
        return Err(Failure::new(400, "SignatureNonceUsed", message));
    }
    let role = needed("RoleArn")?;
    let session = needed("RoleSessionName")?;
    let is_role = role
        .strip_prefix("acs:ram::")
        .and_then(|rest| rest.split_once(":role/"))
        .is_some_and(|(account, name)| !account.is_empty() && !name.is_empty());
    if !is_role {
        let message = "The parameter RoleArn is wrongly formed.";
        return Err(Failure::new(400, "InvalidParameter.RoleArn", message));
    }
    let lifetime = given("DurationSeconds").map_or(Some(3600), |text| text.parse().ok());
    let Some(lifetime) = lifetime.filter(|seconds| LIFETIMES.contains(seconds)) else {
        let message = "The parameter DurationSeconds is out of its range.";
        return Err(Failure::new(
            400,
            "InvalidParameter.DurationSeconds",
            message,
        ));
    };
    Ok(ServerResponse::json(
        200,
        &json!({
            "RequestId": request_id(nonce),
            "AssumedRoleUser": {
                "AssumedRoleId": format!("300000000000000000:{session}"),
                "Arn": format!("{}/{session}", role.replace(":role/", ":assumed-role/")),
            },
            "Credentials": keys(request.now + Duration::seconds(lifetime)),
        }),
    ))
}

/// Decoded parameters of query and body, where `+` is a space.
fn parameters(request: &ServerRequest) -> Vec<(String, String)> {
    let body = String::from_utf8_lossy(&request.body);
    let decode = |text: &str| percent_decode(&text.replace('+', " ")).unwrap_or_default();
    [request.query.as_str(), &body]
        .iter()
        .flat_map(|text| text.split('&'))
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (decode(name), decode(value)))
        .collect()
}

/// The signature that the parameters must have: of all but itself, in the order of their names.
fn signature(method: &str, parameters: &[(String, String)], secret: &str) -> String {
    let mut names: Vec<&str> = parameters.iter().map(|(name, _)| name.as_str()).collect();
    names.retain(|name| *name != "Signature");
    names.sort_unstable();
    names.dedup();
    let mut text = String::new();
    for name in names {
        for (_, value) in parameters.iter().filter(|(known, _)| known == name) {
            let mark = if text.is_empty() { "" } else { "&" };
            text += &format!("{mark}{}={}", percent_encode(name), percent_encode(value));
        }
    }
    let text = [method, &percent_encode("/"), &percent_encode(&text)].join("&");
    base64(&hmac_sha1(format!("{secret}&").as_bytes(), text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::encode_query;
    use crate::providers::test_support;

    #[test]
    fn computes_the_signatures_of_the_vendors_code_by_itself() {
        let document = test_support::json("aliyun/vectors/v1.json");
        let vectors = document["vectors"].as_array().unwrap();
        assert_eq!(vectors.len(), 21);
        for vector in vectors {
            let text = |name: &str| vector[name].as_str().unwrap().to_owned();
            let pairs: Vec<(String, String)> =
                serde_json::from_value(vector["query"].clone()).unwrap();
            let request = ServerRequest {
                method: text("method"),
                path: "/".to_owned(),
                query: encode_query(&pairs),
                headers: Vec::new(),
                body: text("body").into_bytes(),
                now: test_support::moment("2024-05-20T10:39:49Z"),
            };
            let computed = signature(
                &request.method,
                &parameters(&request),
                &text("access_key_secret"),
            );
            assert_eq!(computed, text("signature"), "{}", vector["name"]);
        }
    }
}
