use serde_json::json;

use super::*;

fn masked(mut document: Value) -> Value {
    mask_document(&mut document);
    document
}

#[test]
fn fields_are_masked_by_their_names_at_any_depth() {
    let document = json!({
        "apiKey": "s3cret", "SessionToken": 12345, "password": null, "secret": "",
        "new": [{"connectionString": "s3cret", "token": {"name": "x", "valid": true, "days": 1}}],
        "PASSWORD": ["s3cret", {"value": "s3cret"}], "tokens": 5, "Credentials": "s3cret",
        "Secret": {"data": {"a": "s3cret"}}, "auths": {"r.io": {"auth": "s3cret"}},
        "UserPasswordHash": "s3cret", "imagePullSecrets": [{"name": "regcred"}], "auth": "basic",
        "labels": [{"Key": "DB_PASSWORD", "Value": "s3cret"}, {"name": "n", "value": "v"}],
        "tags": [{"TagKey": "DB_PASSWORD", "TagValue": "s3cret"}, {"TagKey": "k", "TagValue": "v"}],
        "JobDescription": "run.sh --token s3cret", "remark": "password=s3cret x",
        "config": "{\"password\": \"s3cret\"}",
        "url": "http://h/p?token=s3cret",
        "words": ["run", "--token", "s3cret", 1], "cmd": ["mysql", "-ps3cret"],
        "lines": ["export TOKEN='s3cret'", "DB_PASSWORD=s3cret", "Authorization: Bearer s3cret"],
        "message": "cannot pull https://u:s3cret@h/p, the password is wrong",
    });
    assert_eq!(
        masked(document),
        json!({
            "apiKey": "***", "SessionToken": "***", "password": null, "secret": "",
            "new": [{"connectionString": "***", "token": {"name": "x", "valid": true, "days": 1}}],
            "PASSWORD": ["***", {"value": "***"}], "tokens": 5, "Credentials": "***",
            "Secret": {"data": {"a": "***"}}, "auths": {"r.io": {"auth": "***"}},
            "UserPasswordHash": "***", "imagePullSecrets": [{"name": "regcred"}], "auth": "basic",
            "labels": [{"Key": "DB_PASSWORD", "Value": "***"}, {"name": "n", "value": "v"}],
            "tags": [{"TagKey": "DB_PASSWORD", "TagValue": "***"}, {"TagKey": "k", "TagValue": "v"}],
            "JobDescription": "run.sh --token ***", "remark": "password=*** x",
            "config": "{\"password\":***",
            "url": "http://h/p?token=***",
            "words": ["run", "--token", "***", 1], "cmd": ["mysql", "-p***"],
            "lines": ["export TOKEN=***", "DB_PASSWORD=***", "Authorization: ***"],
            "message": "cannot pull https://***@h/p, the password is wrong",
        })
    );
}

#[test]
fn parameters_of_a_workflow_are_masked_by_their_names() {
    let document = json!({"spec": {"arguments": {"parameters": [
        {"name": "db-password", "value": "s3cret"},
        {"name": "api_token", "default": "s3cret", "enum": ["s3cret", "s3cret-2"]},
        {"name": "epochs", "value": "3", "default": "1", "enum": ["1", "3"]},
    ]}}});
    let shown = json!({"spec": {"arguments": {"parameters": [
        {"name": "db-password", "value": "***"},
        {"name": "api_token", "default": "***", "enum": "***"},
        {"name": "epochs", "value": "3", "default": "1", "enum": ["1", "3"]},
    ]}}});
    assert_eq!(masked(document), shown);
}

#[test]
fn the_value_of_a_secret_option_in_another_field_is_masked() {
    let document = json!({"Args": [12345, "x"], "Commands": ["app", "--token"]});
    let shown = json!({"Args": ["***", "x"], "Commands": ["app", "--token"]});
    assert_eq!(masked(document), shown);
    let kept = json!({"Args": [1, true, null], "Command": {"Args": "x"}});
    assert_eq!(masked(kept.clone()), kept);
}

#[test]
fn objects_in_a_list_of_commands_stay_objects() {
    let document = json!({"Commands": {"Command": [
        {"CommandId": "c-1", "CommandContent": "solve --password s3cret"},
        {"CommandId": "c-2", "CommandContent": "solve"},
    ]}});
    let shown = json!({"Commands": {"Command": [
        {"CommandId": "c-1", "CommandContent": "solve --password ***"},
        {"CommandId": "c-2", "CommandContent": "solve"},
    ]}});
    assert_eq!(masked(document), shown);
}
