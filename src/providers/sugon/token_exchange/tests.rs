use serde_json::json;

use super::*;
use crate::crypto::sha256_hex;
use crate::http::Signer as _;
use crate::providers::test_support;

#[test]
fn every_signing_stage_agrees_with_the_known_answers() {
    let file = test_support::json("sugon/vectors/token-exchange.json");
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let vectors = file["vectors"].as_array().unwrap();
    assert_eq!(vectors.len(), 3);
    for vector in vectors {
        let user = text(&vector["user"]);
        let timestamp = text(&file["timestamp"]);
        let signed_text = message(&text(&file["access_key"]), &timestamp, &user);
        if let Some(message) = vector["message"].as_str() {
            assert_eq!(signed_text, message);
        }
        assert_eq!(
            sha256_hex(signed_text.as_bytes()),
            vector["message_sha256"],
            "{user}"
        );
        let signed = signature(&text(&file["secret_key"]), &signed_text);
        assert_eq!(signed, vector["signature"], "{user}");
        let pair = KeyPair {
            user: user.clone(),
            access_key: Secret::new(text(&file["access_key"])),
            secret_key: Secret::new(text(&file["secret_key"])),
        };
        let request = Request {
            operation: TOKENS,
            method: Method::Post,
            endpoint: Endpoint::parse(HOST, &[], false).unwrap(),
            path: "/".to_owned(),
            query: Vec::new(),
            headers: Vec::new(),
            body: Vec::new(),
            is_optional: false,
        };
        let now = DateTime::from_timestamp(timestamp.parse().unwrap(), 999_000_000).unwrap();
        let proof = pair.sign(&request, now, "0");
        let headers: Vec<_> = proof
            .headers
            .iter()
            .map(|(n, v)| (*n, v.expose()))
            .collect();
        let wanted = [
            ("user", user.as_str()),
            ("accesskey", "testid"),
            ("timestamp", "1764597591"),
            ("signature", signed.as_str()),
        ];
        assert_eq!(headers, wanted);
    }
}

fn chosen(data: &serde_json::Value, wanted: Option<&str>) -> Result<String, (String, String)> {
    let body = json!({"code": "0", "data": data}).to_string();
    let tokens: Tokens = lenient::decode(body.as_bytes()).unwrap();
    select_region_token(&tokens.data.0, wanted)
}

#[test]
fn the_only_region_with_a_token_is_chosen_and_never_the_platform() {
    let data = json!([
        {"clusterName": "ac", "clusterId": "0", "token": "platform"},
        {"clusterName": "east", "clusterId": "11250", "token": null},
        {"clusterName": "north", "clusterId": 11112, "token": "region"},
    ]);
    assert_eq!(chosen(&data, None).unwrap(), "region");
    assert_eq!(chosen(&data, Some("11112")).unwrap(), "region");
    assert_eq!(chosen(&data, Some("north")).unwrap(), "region");
    let (what, hint) = chosen(&data, Some("11250")).unwrap_err();
    assert_eq!(what, "no token issued for region 11250 (east)");
    assert!(hint.contains("top it up"));
    let (what, hint) = chosen(&data, Some("0")).unwrap_err();
    assert_eq!(what, "unknown computing region '0' for this account");
    assert_eq!(hint, "set cluster_id to one of: 11112 (north)");
}

#[test]
fn several_regions_are_an_error_that_lists_them() {
    let data = json!([
        {"clusterName": "ac", "clusterId": "0", "token": "platform"},
        {"clusterName": "east", "clusterId": "11250", "token": "one"},
        {"clusterName": "north", "clusterId": "11112", "token": "two"},
    ]);
    let (what, hint) = chosen(&data, None).unwrap_err();
    assert_eq!(what, "the account has several computing regions");
    assert_eq!(
        hint,
        "set cluster_id to one of: 11250 (east), 11112 (north)"
    );
    assert_eq!(chosen(&data, Some("11250")).unwrap(), "one");
}

#[test]
fn an_account_without_a_token_for_any_region_is_an_error() {
    let none = chosen(&json!(null), None).unwrap_err();
    assert_eq!(none.0, "the account has no computing region");
    let hint = |data: &serde_json::Value| chosen(data, Some("11112")).unwrap_err().1;
    assert_eq!(
        hint(&json!([])),
        "the account has no computing region yet: request one on the platform, or set endpoint and token"
    );
    let stopped = json!([{"clusterName": "east", "clusterId": "11250", "token": null}]);
    assert_eq!(
        hint(&stopped),
        "the account is suspended in all of its regions; top it up"
    );
    let stopped = json!([{"clusterName": "east", "clusterId": "11250", "token": ""}]);
    let (what, _) = chosen(&stopped, None).unwrap_err();
    assert_eq!(
        what,
        "no token issued for any region of the account: 11250 (east)"
    );
}
