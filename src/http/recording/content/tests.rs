use serde_json::json;

use super::*;
use crate::secret::Secret;

const MASKS: RecordingMasks = RecordingMasks {
    document: |document| document["Env"] = "***".into(),
    text: |text| *text = text.replace("hunter2", "***"),
    key_ids: &["AccessKeyId"],
};

const MAX_TEST_BODY: usize = 4000;

fn masker<'a>(redactor: &'a Redactor, credential: Option<&str>) -> Masker<'a> {
    Masker {
        masks: MASKS,
        redactor,
        max_body: MAX_TEST_BODY,
        credential: credential.map(str::to_owned),
    }
}

fn content(credential: Option<&str>, body: &[u8]) -> (Content, Extent) {
    let redactor = Redactor::default();
    redactor.add([&Secret::new("tok-s3cret-value-77")]);
    masker(&redactor, credential).content(body, None)
}

#[test]
fn log_lines_are_recorded_unchanged_unless_they_contain_a_secret() {
    let redactor = Redactor::default();
    redactor.add([&Secret::new("tok-s3cret-value-77")]);
    let masker = Masker {
        masks: RecordingMasks {
            document: |_| {},
            text: |_| {},
            key_ids: &[],
        },
        redactor: &redactor,
        max_body: MAX_TEST_BODY,
        credential: None,
    };
    let log = "{\"a\":  1}\n{\"a\":  \"tok-s3cret-value-77\"}\n 步骤 tok-s3cret-value-77";
    let (content, _) = masker.content(log.as_bytes(), Some(&mut PrivateKeyMasker::default()));
    let masked = "{\"a\":  1}\n{\"a\":\"***\"}\n 步骤 ***".to_owned();
    assert_eq!(content, Content::Text(masked));
    let (content, _) = masker.content(b"{\"a\":  1}\n", Some(&mut PrivateKeyMasker::default()));
    assert_eq!(content, Content::Text("{\"a\":  1}\n".to_owned()));
}

#[test]
fn a_private_key_in_several_responses_of_a_log_is_masked() {
    let redactor = Redactor::default();
    let masker = masker(&redactor, None);
    let mut keys = PrivateKeyMasker::default();
    let mut recorded = |log: &str| masker.content(log.as_bytes(), Some(&mut keys)).0;
    let first = "MIIA\n-----END RSA PRIVATE KEY-----\nstart\n-----BEGIN PRIVATE KEY-----\nMIIB\n";
    assert_eq!(
        recorded(first),
        Content::Text("***\n***\nstart\n***\n***\n".to_owned())
    );
    let second = "MIIC\n-----END PRIVATE KEY-----\nMIID\n";
    assert_eq!(
        recorded(second),
        Content::Text("***\n***\nMIID\n".to_owned())
    );
}

#[test]
fn a_body_is_recorded_as_json_text_or_bytes() {
    let document = json!({"id": 12345678901234567890_u64, "Env": "x", "a": "tok-s3cret-value-77"});
    let masked = json!({"id": 12345678901234567890_u64, "Env": "***", "a": "***"});
    let body = document.to_string();
    assert_eq!(
        content(None, body.as_bytes()),
        (Content::Json(masked), Extent::Whole)
    );
    let text = |text: &str| (Content::Text(text.to_owned()), Extent::Whole);
    assert_eq!(
        content(None, "模型 hunter2\n".as_bytes()),
        text("模型 ***\n")
    );
    assert_eq!(
        content(None, b"{\"a\": tok-s3cret-value-77"),
        (Content::Text("{\"a\": ***".to_owned()), Extent::Masked)
    );
    assert_eq!(content(None, b""), text(""));
    let log = |body: &[u8]| {
        let redactor = Redactor::default();
        redactor.add([&Secret::new("tok-s3cret-value-77")]);
        masker(&redactor, None).content(body, Some(&mut PrivateKeyMasker::default()))
    };
    assert_eq!(
        log(&[0x1f, 0x8b, 0xff]),
        (Content::Text("***".to_owned()), Extent::Masked)
    );
    let bytes = [0x50, 0x8b, 0xff];
    let (recorded, _) = log(&bytes);
    assert_eq!(recorded, Content::Base64("UIv/".to_owned()));
    assert_eq!(recorded.bytes().unwrap(), bytes);
    assert_eq!(log(b"\xff tok-s3cret-value-77"), text("\u{fffd} ***"));
    assert_eq!(Content::Base64("?".to_owned()).bytes(), None);
}

#[test]
fn a_too_deep_document_is_recorded_as_text_and_a_too_large_log_is_cut() {
    let deep = format!("{}1{}", "[".repeat(101), "]".repeat(101));
    assert_eq!(
        content(None, deep.as_bytes()),
        (Content::Text(deep), Extent::Masked)
    );
    let large = "长".repeat(MAX_TEST_BODY / 3 + 2);
    let (cut, extent) = {
        let redactor = Redactor::default();
        masker(&redactor, None).content(large.as_bytes(), Some(&mut PrivateKeyMasker::default()))
    };
    assert_eq!(extent, Extent::Cut);
    assert_eq!(cut.bytes().unwrap().len(), MAX_TEST_BODY / 3 * 3);
}

/// Bodies that are not strict JSON, with a value that the masks of a cloud recognize by its name only.
fn odd_bodies() -> Vec<Vec<u8>> {
    let with = |odd: &[u8]| [b"{\"Env\":\"s3cret-env\",\"a\":", odd, b"}"].concat();
    let deep = [b"[".repeat(120), b"]".repeat(120)].concat();
    vec![
        [b"\xef\xbb\xbf", &with(b"1")[..]].concat(),
        with(b"\"\xff\""),
        with(b"\"\\ud800\""),
        with(b"\"\x01\""),
        with(b"NaN"),
        with(&deep),
        with(b"1} {"),
        with(b"\"cut"),
        with(&[&b"\""[..], &b"x".repeat(MAX_TEST_BODY), b"\""].concat()),
        with(b"1,\"Env\":\"s3cret-env\""),
    ]
}

#[test]
fn values_masked_by_name_are_not_recorded_from_non_strict_json() {
    for body in odd_bodies() {
        let (recorded, _) = content(None, &body);
        let recorded = serde_json::to_string(&recorded).unwrap();
        let body = String::from_utf8_lossy(&body);
        assert!(!recorded.contains("s3cret-env"), "{body}: {recorded}");
        let stream = masker(&Redactor::default(), None)
            .lines(&format!("{body}\n"), &mut PrivateKeyMasker::default());
        assert!(!stream.contains("s3cret-env"), "{body}: {stream}");
    }
    for body in [
        &b"\xef\xbb\xbf{\"SecurityToken\":\"s3cret\"}"[..],
        b"{\"SecurityToken\":\"s3cret\xff",
    ] {
        let (recorded, _) = content(Some("***3"), body);
        assert!(!serde_json::to_string(&recorded).unwrap().contains("s3cret"));
    }
}

#[test]
fn a_body_that_may_be_a_document_in_another_format_is_masked() {
    let gzip = [&[0x1f, 0x8b, 8, 0, 0xff][..], b"s3cret-env"].concat();
    for body in [
        &gzip[..],
        b"\xff\xfe{\0\"\0",
        b")]}',\n{\"Env\":\"s3cret-env\"}",
        b"while(1);{\"Env\":\"s3cret-env\"}",
        b"\0{\"Env\":\"s3cret-env\"}",
        b"kind: Job\nEnv: s3cret-env\n",
    ] {
        let masked = (Content::Text("***".to_owned()), Extent::Masked);
        assert_eq!(content(None, body), masked);
    }
    for body in [
        &b"s3cRe7tX9vQ2mL8wK4pZ1nB6yH3t"[..],
        b"s3cret value",
        b"<R><SecretKey><![CDATA[s3cret]]></SecretKey></R>",
        b"SecretKey=s3cret&Expires=1",
        &gzip,
    ] {
        let masked = (Content::Text("***3".to_owned()), Extent::Masked);
        assert_eq!(content(Some("***3"), body), masked);
    }
    for name in ["ecs-role", ""] {
        let whole = (Content::Text(name.to_owned()), Extent::Whole);
        assert_eq!(content(Some("***3"), name.as_bytes()), whole);
    }
    let nested = json!({"data": "{\"AccessKeySecret\":\"s3cret\"}", "code": "0"}).to_string();
    let masked = Content::Json(json!({"data": "***3", "code": "0"}));
    assert_eq!(
        content(Some("***3"), nested.as_bytes()),
        (masked, Extent::Whole)
    );
    for text in ["upstream connect error", "<html><title>502</title></html>"] {
        let whole = (Content::Text(text.to_owned()), Extent::Whole);
        assert_eq!(content(None, text.as_bytes()), whole);
    }
}

#[test]
fn the_error_of_an_xml_body_is_recorded_and_its_other_texts_are_masked() {
    let error = "<?xml version='1.0'?><Error><Code>Busy</Code><Message>no hunter2</Message>\
        <RequestId>R-1</RequestId></Error>";
    let whole = (
        Content::Text(error.replace("hunter2", "***")),
        Extent::Whole,
    );
    assert_eq!(content(None, error.as_bytes()), whole);
    for (text, masked) in [
        (
            "<R><DbPassword>s3cret</DbPassword><Env>FOO s3cret</Env><Code>0</Code></R>",
            "<R><DbPassword>***</DbPassword><Env>***</Env><Code>0</Code></R>",
        ),
        ("<R a=\"x\"y\" b=\"s3cret\">", "<***"),
    ] {
        let masked = (Content::Text(masked.to_owned()), Extent::Masked);
        assert_eq!(content(None, text.as_bytes()), masked);
    }
    let damaged = br#"{"Note":"say "hi there","Token":"s3cret","Env":"FOO s3cret"}"#;
    let masked = (
        Content::Text(r#"{"Note":"***"***"#.to_owned()),
        Extent::Masked,
    );
    assert_eq!(content(None, damaged), masked);
}

#[test]
fn a_body_recorded_whole_is_decoded_like_the_original_body() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Fields {
        #[serde(default)]
        a: lenient::Text,
        #[serde(default)]
        state: lenient::Text,
    }
    let with = |fields: &[u8]| [b"{\"state\":\"Failed\",", fields, b"}"].concat();
    let mut bodies = odd_bodies();
    bodies.extend([
        with(b"\"state\":\"Succeeded\""),
        with(b"\"state\":\"Failed\""),
        with(b"\"a\":1.50"),
        with(b"\"a\":123456789012345678901234567890"),
        with(b"\"a\":\"\\u6a21 x\""),
    ]);
    let mut whole = 0;
    for body in bodies {
        let (recorded, extent) = content(None, &body);
        if extent == Extent::Whole {
            whole += 1;
            let read = |body: &[u8]| lenient::decode_response::<Fields>(body).ok();
            assert_eq!(read(&recorded.bytes().unwrap()), read(&body));
        }
    }
    assert_eq!(whole, 11);
}

#[test]
fn unreadable_values_of_a_body_stay_unreadable_in_the_recording() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Fields {
        #[serde(default)]
        code: lenient::Int,
        #[serde(default)]
        text: lenient::Text,
        #[serde(default)]
        list: lenient::List<lenient::Text>,
    }
    let read = |body: &[u8]| {
        lenient::collect_unreadable(|| lenient::decode_response::<Fields>(body).unwrap())
    };
    for body in [
        &b"{\"code\":NaN}"[..],
        b"{\"a\":[1, -Infinity], \"code\": NaN , \"b\":NaN}",
        b"{\"text\":\"a\xffb \\\" \xff\",\"code\":1}",
        b"{\"list\":[\"a\",\"\\ud800\",\"\\q\"],\"\xff\":2}",
        "{\"text\":\"\u{fffe}\\ud800\",\"list\":[\"\u{fffd}\"]}".as_bytes(),
    ] {
        let recorded = content(None, body).0.bytes().unwrap();
        let (before, after) = (read(body), read(&recorded));
        assert!(before.1.count > 0, "{before:?}");
        assert_eq!(after.1, before.1, "{}", String::from_utf8_lossy(&recorded));
        let is_marked = String::from_utf8_lossy(body).contains('\u{fffe}');
        assert!(is_marked || after.0 == before.0, "{after:?} {before:?}");
    }
    let masked = content(
        None,
        b"{\"code\":1,\"text\":\"tok-s3cret-value-77 \xff\",\"Env\":\"\xff\"}",
    );
    let expected = r#"{"code":1,"text":"*** \ud800","Env":"***"}"#.to_owned();
    assert_eq!(masked, (Content::Text(expected), Extent::Whole));
}

#[test]
fn only_secrets_in_the_response_of_a_credential_service_are_masked() {
    let body = json!({
        "Credentials": {"AccessKeyId": "STS.x", "AccessKeySecret": "y", "SecurityToken": "z",
            "Expiration": "2026-01-02T03:04:05Z"},
        "data": [{"clusterId": "7", "token": "t"}, {"clusterId": "8", "token": "t"}],
    });
    let masked = json!({
        "Credentials": {"AccessKeyId": "***3", "AccessKeySecret": "***3.2",
            "SecurityToken": "***3.3", "Expiration": "2026-01-02T03:04:05Z"},
        "data": [{"clusterId": "7", "token": "***3.4"}, {"clusterId": "8", "token": "***3.4"}],
    });
    let recorded = content(Some("***3"), body.to_string().as_bytes());
    assert_eq!(recorded, (Content::Json(masked), Extent::Whole));
}

#[test]
fn xml_is_recognized_by_its_beginning() {
    for (text, is_xml) in [
        ("\u{feff} <R><V>***</V></R>", true),
        ("<R><***", true),
        ("***", false),
        ("{\"a\":", false),
    ] {
        assert_eq!(Content::Text(text.to_owned()).is_xml(), is_xml, "{text}");
    }
    assert!(!Content::Json(json!("<R/>")).is_xml());
}
