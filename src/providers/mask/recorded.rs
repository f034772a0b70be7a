//! Masks the secrets in recordings, for responses of any kind.

use serde_json::Value;

use super::document::{hide_below, mask_document, mask_named, mask_string};
use super::xml::mask_xml;
use crate::http::RecordingMasks;
use crate::secret::mask_text;

/// The functions that mask secrets in recordings.
pub const RECORDING_MASKS: RecordingMasks = RecordingMasks {
    document: mask_recorded,
    text: mask_recorded_text,
    key_ids: &["AccessKeyId", "TmpSecretId", "access"],
};

/// Fields whose values are all masked, in addition to those that are masked in all documents.
const SECRETS: [&str; 11] = [
    "AssumeUserInfo",
    "CustomEnvs",
    "Envs",
    "SystemEnvs",
    "VariableList",
    "Variable_List",
    "argument_list",
    "arguments",
    "environments",
    "kubectl.kubernetes.io/last-applied-configuration",
    "task_urls",
];

/// Fields with a command line or with text that a user wrote.
const TEXTS: [&str; 13] = [
    "Command",
    "CommandContent",
    "CommandLine",
    "Comment",
    "MountOptions",
    "SubmitLine",
    "Submit_arguments",
    "UserCommand",
    "UserScript",
    "command",
    "comment",
    "description",
    "value",
];

/// Fields that contain a document as text. Masking that text directly would make it invalid.
const DOCUMENTS: [&str; 2] = ["JobInfo", "VariableList"];

/// Masks the secrets of a response of any kind: at least those that are masked in raw responses.
fn mask_recorded(document: &mut Value) {
    let mut inner = Vec::new();
    take_documents(document, &mut inner);
    mask_document(document);
    mask_named(document, &SECRETS, &TEXTS);
    mask_texts(document);
    inner.reverse();
    put_documents(document, &mut inner);
}

/// Masks every text as a command line, or as a document if it is one, because a user can have written either
/// into any field.
fn mask_texts(value: &mut Value) {
    match value {
        Value::String(text) => match serde_json::from_str(text) {
            Ok(document @ (Value::Object(_) | Value::Array(_))) => {
                let mut masked = document.clone();
                mask_recorded(&mut masked);
                // A document without secrets keeps its original text.
                if masked != document {
                    *text = masked.to_string();
                }
            }
            _ => *text = mask_text(text),
        },
        Value::Array(list) => list.iter_mut().for_each(mask_texts),
        Value::Object(map) => map.values_mut().for_each(mask_texts),
        _ => {}
    }
}

/// Replaces documents in texts by null and collects them in order.
fn take_documents(value: &mut Value, inner: &mut Vec<Value>) {
    for_each_document(value, &mut |_, field| {
        let text = field.as_str().unwrap_or_default();
        if let Ok(document @ (Value::Object(_) | Value::Array(_))) = serde_json::from_str(text) {
            *field = Value::Null;
            inner.push(document);
        }
    });
}

/// Puts the collected documents back, masked. `inner` is in reverse order.
fn put_documents(value: &mut Value, inner: &mut Vec<Value>) {
    for_each_document(value, &mut |name, field| {
        if field.is_null()
            && let Some(mut document) = inner.pop()
        {
            match SECRETS.contains(&name) {
                true => hide_below(&mut document),
                false => mask_recorded(&mut document),
            }
            *field = document.to_string().into();
        }
    });
}

fn for_each_document(value: &mut Value, apply: &mut dyn FnMut(&str, &mut Value)) {
    match value {
        Value::Array(list) => list
            .iter_mut()
            .for_each(|value| for_each_document(value, apply)),
        Value::Object(map) => {
            for (name, value) in map {
                match value {
                    Value::String(_) | Value::Null if DOCUMENTS.contains(&name.as_str()) => {
                        apply(name, value);
                    }
                    _ => for_each_document(value, apply),
                }
            }
        }
        _ => {}
    }
}

/// Masks each line of a text that is not a document as a command line. XML and HTML remain parsable.
fn mask_recorded_text(text: &mut String) {
    *text = match text.trim_start().starts_with('<') {
        true => mask_xml(text, masked_lines),
        false => masked_lines(text),
    };
}

fn masked_lines(text: &str) -> String {
    text.split_inclusive('\n').map(masked_line).collect()
}

/// Masks the secrets of a line and keeps its line end.
fn masked_line(line: &str) -> String {
    let (line, end) = line
        .strip_suffix('\n')
        .map_or((line, ""), |line| (line, "\n"));
    let mut line = line.to_owned();
    mask_string(&mut line);
    mask_text(&line) + end
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_json_document_in_a_text_is_masked_and_stays_json() {
        let inner = json!({"1.x": {"Variable_List": {"A": "s3cret"}, "state": "R"}}).to_string();
        let mut document = json!({
            "Message": {"JobInfo": inner},
            "other": {"JobInfo": null},
            "env": [{"name": "A", "value": "{\"a\": \"s3cret\"}"}],
        });
        mask_recorded(&mut document);
        let masked = json!({"1.x": {"Variable_List": {"A": "***"}, "state": "R"}}).to_string();
        assert_eq!(
            document,
            json!({
                "Message": {"JobInfo": masked},
                "other": {"JobInfo": null},
                "env": [{"name": "A", "value": "***"}],
            })
        );
    }

    #[test]
    fn a_secret_that_was_written_into_any_field_is_masked() {
        let mut document = json!({
            "metadata": {"annotations": {"note": "db password: s3cret", "spec": "{\"env\":[{\"name\":\"TOKEN\",\"value\":\"s3cret\"}]}"}},
            "message": "mysql --password s3cret failed",
            "state": "Running",
            "image": "registry/a/b:1.0@sha256:0123456789abcdef",
        });
        mask_recorded(&mut document);
        assert!(!document.to_string().contains("s3cret"), "{document:#}");
        assert_eq!(document["state"], "Running");
        assert_eq!(
            document["image"],
            "registry/a/b:1.0@sha256:0123456789abcdef"
        );
    }

    #[test]
    fn secrets_are_masked_in_raw_documents_and_in_recordings() {
        let document = json!({
            "cut": "{\"password\": \"s3cret",
            "annotations": {
                "basic": "Basic czNjcmV0OnMzY3JldA==", "yaml": "password: s3cret\nuser: x",
                "json": "{\"password\": \"s3cret\", \"env\": [{\"name\": \"A\", \"value\": \"s3cret\"}]}",
                "plain": "{\"a\": 1}", "a/token": "{\"a\": \"s3cret\"}",
            },
            "httpGet": {"path": "/h?token=s3cret", "httpHeaders": [{"name": "X", "value": "s3cret"}]},
            "flexVolume": {"driver": "d", "options": {"opt": "s3cret"}},
            "args": ["-u", "user:s3cret", "-u", "1000:1000", "--user", "x"],
            "status": {"message": "cmd --password s3cret failed"}, "outputs": {"result": "s3cret"},
            "artifact": {"raw": {"data": "s3cret"}},
        });
        let expected = json!({
            "cut": "{\"password\": ***",
            "annotations": {
                "basic": "***", "yaml": "password: ***\nuser: x",
                "json": "{\"password\":\"***\",\"env\":[{\"name\":\"A\",\"value\":\"***\"}]}",
                "plain": "{\"a\": 1}", "a/token": "***",
            },
            "httpGet": {"path": "/h?token=***", "httpHeaders": [{"name": "X", "value": "***"}]},
            "flexVolume": {"driver": "d", "options": "***"},
            "args": ["-u", "user:***", "-u", "1000:1000", "--user", "x"],
            "status": {"message": "cmd --password *** failed"}, "outputs": {"result": "***"},
            "artifact": {"raw": {"data": "***"}},
        });
        for mask in [mask_document, mask_recorded] {
            let mut masked = document.clone();
            mask(&mut masked);
            assert_eq!(masked, expected);
        }
    }

    #[test]
    fn each_line_of_a_recorded_text_is_masked() {
        let mut text = "step 1\nexport TOKEN=s3cret\r\nGET http://u:s3cret@h/\n模型".to_owned();
        mask_recorded_text(&mut text);
        assert_eq!(text, "step 1\nexport TOKEN=***\r\nGET http://***@h/\n模型");
        let mut text =
            "mysql -ps3cret db\nlogin --password s3cret -v\napi_key: s3cret\n".to_owned();
        mask_recorded_text(&mut text);
        assert_eq!(
            text,
            "mysql -p*** db\nlogin --password *** -v\napi_key: ***\n"
        );
        let mut page = "<E><!-- password: s3cret --><M>token=s3cret</M>\n<R>x</R></E>".to_owned();
        mask_recorded_text(&mut page);
        assert_eq!(
            page,
            "<E><!-- password: *** --><M>token=***</M>\n<R>x</R></E>"
        );
    }
}
