//! Prepares the raw response for output.

use serde_json::Value;

use super::xml;
use crate::providers::mask::mask_xml;
use crate::providers::{RequestOptions, raw};
use crate::secret::mask_urls;

/// Returns the raw response: JSON as received, XML as one text; `None` if it is nested too deeply.
///
/// Secrets are masked unless `show_secrets` is set.
pub(super) fn read(body: &[u8], options: &RequestOptions) -> Option<Value> {
    if !xml::is_xml(body) {
        return raw::document(body, options);
    }
    let text = String::from_utf8_lossy(body);
    Some(Value::String(match options.show_secrets {
        true => text.into_owned(),
        false => mask_xml(&text, |text| mask_urls(text).into_owned()),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::test_support;
    use serde_json::json;

    fn shown(body: &[u8], show_secrets: bool) -> Option<Value> {
        let options = RequestOptions {
            show_secrets,
            ..test_support::get_options()
        };
        read(body, &options)
    }

    #[test]
    fn secrets_of_the_document_are_masked_unless_requested() {
        let body = json!({"JobInfos": [{"ContainerGroups": [{
            "Volumes": [{
                "ConfigFileVolumeConfigFileToPaths": [{"Content": "s3cret", "Path": "/p"}],
                "FlexVolumeOptions": {"password": "s3cret"},
            }],
            "Containers": [{
                "EnvironmentVars": [{"Key": "K", "Value": "s3cret"}, {"Key": "N", "Value": null}],
                "Args": ["--token", "s3cret", "--n", "3"],
                "Commands": ["sh", "-c", "PGPASSWORD=s3cret psql"],
                "LivenessProbe": {"Execs": ["--password=s3cret"]},
            }],
            "InitContainers": [{"Command": ["--api-key", "s3cret"], "Args": ["--secret", 12345]}],
        }]}]})
        .to_string();
        let masked = shown(body.as_bytes(), false).unwrap();
        let text = masked.to_string();
        assert!(
            !text.contains("s3cret") && !text.contains("12345"),
            "{text}"
        );
        let container = &masked["JobInfos"][0]["ContainerGroups"][0]["Containers"][0];
        assert_eq!(container["Args"], json!(["--token", "***", "--n", "3"]));
        assert_eq!(container["EnvironmentVars"][1]["Value"], Value::Null);
        let other = br#"{"New": {"Command": "run --token s3cret"}}"#;
        assert!(!shown(other, false).unwrap().to_string().contains("s3cret"));
        assert_eq!(shown(body.as_bytes(), true).unwrap().to_string(), body);
    }

    #[test]
    fn a_too_deeply_nested_document_is_omitted_and_xml_is_kept_as_text() {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(500), "]".repeat(500));
        assert_eq!(shown(deep.as_bytes(), false), None);
        assert_eq!(shown(b"<R/>", false), Some(json!("<R/>")));
    }
}
