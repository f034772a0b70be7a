use super::*;
use crate::http::{Endpoint, Method, Signer as _};
use crate::providers::tencent::products::TIONE;
use crate::providers::test_support;

#[test]
fn every_signing_stage_agrees_with_the_vendors_code() {
    let file = test_support::json("tencent/vectors/v2.json");
    let vectors = file["vectors"].as_array().unwrap();
    let mut signed = 0;
    for vector in vectors {
        let text = |key: &str| vector[key].as_str().unwrap();
        let name = text("name");
        let parameters: Vec<(&str, &str)> = vector["query"]
            .as_array()
            .unwrap()
            .iter()
            .map(|pair| (pair[0].as_str().unwrap(), pair[1].as_str().unwrap()))
            .collect();
        assert_eq!(canonical_query(&parameters), text("canonical"), "{name}");
        let to_sign = string_to_sign(text("method"), text("host"), text("path"), &parameters);
        assert_eq!(to_sign, text("string_to_sign"), "{name}");
        // SHA-1 is not implemented, so these test vectors end at the text to sign.
        if parameters.contains(&("SignatureMethod", METHOD)) {
            let signature = signature(text("access_key_secret"), &to_sign);
            assert_eq!(signature, text("signature"), "{name}");
            signed += 1;
        }
    }
    assert_eq!((vectors.len(), signed), (23, 9));
}

const SIGNED_AS_DOCUMENTED: [(&str, &str); 9] = [
    ("Action", "DescribeServiceEvent"),
    ("Region", "gz"),
    ("clusterId", "cls-xxxxx"),
    ("namespace", "default"),
    ("serviceName", "test-web-service"),
    ("Timestamp", "1480000000"),
    ("Nonce", "12345"),
    ("SecretId", "testid"),
    ("SignatureMethod", METHOD),
];

fn signed(
    method: &str,
    change: Option<(&'static str, &'static str)>,
    more: &[(&'static str, &'static str)],
) -> String {
    let mut parameters = SIGNED_AS_DOCUMENTED.to_vec();
    for (name, value) in &mut parameters {
        if let Some((_, changed)) = change.filter(|(changed, _)| changed == name) {
            *value = changed;
        }
    }
    parameters.extend_from_slice(more);
    let text = string_to_sign(method, "ccs.api.qcloud.com", "/v2/index.php", &parameters);
    signature("testsecret", &text)
}

#[test]
fn signatures_with_sha_256_match_the_known_answers() {
    assert_eq!(
        signed("GET", None, &[]),
        "ve3A8ElolrCrBwOKBcl8uggcxB525pZ5aHVA3B6zfeo="
    );
    assert_eq!(
        signed("POST", None, &[]),
        "aUN2gU3dTN15Wr1DePNzcu+y2+KQrRyzGt9hyCbD/mE="
    );
    assert_eq!(
        signed("GET", Some(("Region", "ap-guangzhou")), &[]),
        "/mZU4u2CXv6m1A27GA6gkJcpmYQ0iBggraLi+OVnTCw="
    );
    for (more, expected) in [
        (
            ("Token", "tok+en/=="),
            "sXFFHcAbkPbEqcK+DaFAKTrAJXeFor8iBeGZLSAlfpg=",
        ),
        (
            ("a_b", "x_y"),
            "/2JzaEM84joOo5Fx0QpO2fyf+U9bSIMj53RWnWfWz0g=",
        ),
        (
            ("RequestClient", "SDK_PYTHON_2.0.15"),
            "QjcmUaf7nwLZmf70170+nj5G2a0e3tIcOTZHjwP2YEo=",
        ),
    ] {
        assert_eq!(signed("GET", None, &[more]), expected);
    }
}

#[test]
fn signatures_of_raw_text_and_of_the_vendors_example_match() {
    let text = "GETccs.api.qcloud.com/v2/index.php?Action=DescribeCluster&Nonce=12345&Region=gz&SecretId=testid&SignatureMethod=HmacSHA256&Timestamp=1480000000&Token=to/ken+==&clusterIds.0=cls-a&clusterIds.1=cls-b&clusterName=测试 集群/1+2";
    let (_, query) = text.split_once('?').unwrap();
    let mut parameters: Vec<(&str, &str)> = query
        .split('&')
        .map(|pair| pair.split_once('=').unwrap())
        .collect();
    parameters.reverse();
    let made = string_to_sign("GET", "ccs.api.qcloud.com", "/v2/index.php", &parameters);
    assert_eq!(made, text);
    assert_eq!(
        signature("testsecret", &made),
        "VcBwiCYpCWlEDIoolAfblzlfsHqPWebezG/TfpkpSys="
    );
    let documented = "GETcvm.api.qcloud.com/v2/index.php?Action=DescribeInstances&InstanceIds.0=ins-09dx96dg&Nonce=11886&Region=ap-guangzhou&SecretId=AKIDz8krbsJ5yKBZQpn74WFkmLPx3gnPhESA&SignatureMethod=HmacSHA256&Timestamp=1465185768";
    assert_eq!(
        signature("Gu5t9xGARNpq86cd98joQYCN3Cozk1qA", documented),
        "0EEm/HtGRr/VJXTAD9tYMth1Bzm3lLHz5RCDv1GdM8s="
    );
}

#[test]
fn the_signer_adds_its_parameters_and_signs_them_all() {
    let request = Request {
        operation: "",
        method: Method::Get,
        endpoint: Endpoint::parse("https://ccs.api.qcloud.com", &[], false).unwrap(),
        path: "/v2/index.php".to_owned(),
        query: SIGNED_AS_DOCUMENTED[..5]
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_string()))
            .collect(),
        headers: Vec::new(),
        body: Vec::new(),
        is_optional: false,
    };
    let signer = Signer {
        secret_id: Secret::new("testid"),
        secret_key: Secret::new("testsecret"),
        token: Some(Secret::new("tok+en/==")),
    };
    let now = DateTime::from_timestamp(1_480_000_000, 0).unwrap();
    // 0x6072 is twice 12345
    let proof = signer.sign(&request, now, &format!("{:032x}", 0x6072));
    let names: Vec<&str> = proof.query.iter().map(|(name, _)| *name).collect();
    assert_eq!(
        names,
        [
            "Timestamp",
            "Nonce",
            "SecretId",
            "SignatureMethod",
            "Token",
            "Signature"
        ]
    );
    assert_eq!(
        proof.query[5].1.expose(),
        "sXFFHcAbkPbEqcK+DaFAKTrAJXeFor8iBeGZLSAlfpg="
    );
    assert!(proof.headers.is_empty());
}

#[test]
fn nonces_are_positive_and_below_two_to_the_63() {
    assert_eq!(number_of(&"f".repeat(32)), i64::MAX as u64);
    assert_eq!(number_of(&"0".repeat(32)), 1);
    assert_eq!(number_of(""), 1);
}

#[test]
fn requests_of_api_3_are_signed_with_tc3() {
    let file = test_support::json("tencent/vectors/tc3-products.json");
    let mut vectors = file["vectors"].as_array().unwrap().iter();
    let vector = vectors
        .find(|vector| vector["name"] == "tione-describe-training-task-sts")
        .unwrap();
    let text = |key: &str| vector[key].as_str().unwrap().to_owned();
    let request = Request {
        operation: "",
        method: Method::Post,
        endpoint: Endpoint::parse("https://tione.tencentcloudapi.com", &[], false).unwrap(),
        path: "/".to_owned(),
        query: Vec::new(),
        headers: vec![("x-tc-version", TIONE.version.to_owned())],
        body: text("body").into_bytes(),
        is_optional: false,
    };
    let signer = Signer {
        secret_id: Secret::new("testid"),
        secret_key: Secret::new("testsecret"),
        token: vector["security_token"].as_str().map(Secret::new),
    };
    let proof = signer.sign(
        &request,
        DateTime::from_timestamp(1_716_201_589, 0).unwrap(),
        "",
    );
    let shown = |at: usize| (proof.headers[at].0, proof.headers[at].1.expose().to_owned());
    assert_eq!(shown(0), ("x-tc-timestamp", text("timestamp")));
    assert_eq!(shown(1), ("authorization", text("authorization")));
    assert_eq!(shown(2), ("x-tc-token", text("security_token")));
    assert!(proof.query.is_empty());
}
