use super::*;
use crate::http::{Endpoint, Method, Signer as _};
use proptest::prelude::*;
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct Vectors {
    vectors: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    name: String,
    method: String,
    path: String,
    query: Vec<(String, String)>,
    headers: BTreeMap<String, String>,
    body: String,
    access_key_id: String,
    access_key_secret: String,
    security_token: Option<String>,
    timestamp: String,
    nonce: String,
    canonical: String,
    string_to_sign: String,
    signature: String,
    authorization: String,
}

fn vectors() -> Vec<Vector> {
    let files = [
        include_str!("../../../../fixtures/aliyun/vectors/acs3.json"),
        // Operations of other products, some with a path.
        include_str!("../../../../fixtures/aliyun/vectors/acs3-more.json"),
    ];
    let read = |text| serde_json::from_str::<Vectors>(text).unwrap().vectors;
    files.into_iter().flat_map(read).collect()
}

#[test]
fn every_signing_stage_agrees_with_the_vendors_code() {
    let vectors = vectors();
    assert_eq!(vectors.len(), 34);
    for vector in vectors {
        let headers: Vec<_> = vector.headers.into_iter().collect();
        let parts = SigningParams {
            method: &vector.method,
            path: &vector.path,
            query: &vector.query,
            headers: &headers,
            body: vector.body.as_bytes(),
        };
        let canonical = canonical_request(&parts);
        assert_eq!(canonical, vector.canonical, "{}", vector.name);
        let text = string_to_sign(&canonical);
        assert_eq!(text, vector.string_to_sign, "{}", vector.name);
        let signed = signature(&vector.access_key_secret, &text);
        assert_eq!(signed, vector.signature, "{}", vector.name);

        let mut received = headers.clone();
        received.push(("accept-encoding".into(), "gzip".into()));
        let authorization = Authorization::parse(&vector.authorization).unwrap();
        assert_eq!(authorization.access_key_id, vector.access_key_id);
        let received = SigningParams {
            headers: &received,
            ..parts
        };
        assert!(authorization.is_signed_with(&vector.access_key_secret, &received));
        assert!(!authorization.is_signed_with("another", &received));
    }
}

#[test]
fn the_signer_adds_exactly_the_headers_of_the_test_vectors() {
    let mut compared = 0;
    for vector in vectors() {
        let ours =
            |name: &str| name == "host" || name == "content-type" || name.starts_with("x-acs-");
        let readable = matches!(vector.method.as_str(), "GET" | "POST");
        if !readable || !vector.headers.keys().all(|name| ours(name)) {
            continue;
        }
        let host = &vector.headers["host"];
        let scheme = if host.starts_with("127.") {
            "http"
        } else {
            "https"
        };
        let named = |name: &'static str| Some((name, vector.headers.get(name)?.clone()));
        let request = Request {
            operation: "any",
            method: match vector.method.as_str() {
                "GET" => Method::Get,
                _ => Method::Post,
            },
            endpoint: Endpoint::parse(&format!("{scheme}://{host}"), &[], false).unwrap(),
            path: vector.path.clone(),
            query: vector.query.clone(),
            headers: ["x-acs-action", "x-acs-version", "content-type"]
                .into_iter()
                .filter_map(named)
                .chain([("accept", "application/json".to_owned())])
                .collect(),
            body: vector.body.clone().into_bytes(),
            is_optional: false,
        };
        let signer = Signer {
            access_key_id: vector.access_key_id.clone(),
            access_key_secret: Secret::new(&vector.access_key_secret),
            security_token: vector.security_token.clone().map(Secret::new),
        };
        let now = vector.timestamp.parse().unwrap();
        let signing = signer.sign(&request, now, &vector.nonce);
        let added: BTreeMap<_, _> = signing
            .headers
            .iter()
            .map(|(name, value)| (*name, value.expose()))
            .collect();
        assert_eq!(
            added["authorization"], vector.authorization,
            "{}",
            vector.name
        );
        for (name, value) in added {
            let expected = vector.headers.get(name).map(String::as_str);
            assert!(name == "authorization" || expected == Some(value), "{name}");
        }
        assert!(signing.query.is_empty());
        compared += 1;
    }
    assert_eq!(compared, 32);
}

struct Known<'a> {
    method: &'a str,
    action: &'a str,
    query: &'a [(&'a str, &'a str)],
    token: Option<&'a str>,
    canonical_hash: &'a str,
    signature: &'a str,
}

impl Known<'_> {
    fn check(&self) {
        let mut headers = vec![
            ("host", "ehpc.cn-hangzhou.aliyuncs.com"),
            ("x-acs-action", self.action),
            ("x-acs-version", "2018-04-12"),
            ("x-acs-date", "2026-01-02T03:04:05Z"),
            ("x-acs-signature-nonce", "0123456789abcdef0123456789abcdef"),
            (
                "x-acs-content-sha256",
                "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            ),
        ];
        if let Some(token) = self.token {
            headers.push(("x-acs-accesskey-id", "testid"));
            headers.push(("x-acs-security-token", token));
        }
        let text = asserted(self.method, self.query, &headers, self.canonical_hash);
        assert_eq!(signature("testsecret", &text), self.signature);
    }
}

#[test]
fn signatures_of_the_used_operations_match_known_ones() {
    let cluster = ("ClusterId", "ehpc-hz-FYUr32test");
    let many: Vec<(String, String)> = (1..=11)
        .map(|n| (format!("JobIds.{n}"), format!("j{n}")))
        .collect();
    let many: Vec<(&str, &str)> = std::iter::once(cluster)
        .chain(many.iter().map(|(k, v)| (k.as_str(), v.as_str())))
        .collect();
    let known = [
        Known {
            method: "POST",
            action: "DescribeServerlessJobs",
            query: &[cluster, ("JobIds.1", "10_3")],
            token: None,
            canonical_hash: "b27504208199453dacd1a6de527f58bb4e85d0900bfd08820abe34c06581c929",
            signature: "52a6a7e9fa75c5630cfe4f0a1b8f2a8d2e4f9df34956a2ca5b14b4874ca8acdf",
        },
        Known {
            method: "POST",
            action: "DescribeServerlessJobs",
            query: &[cluster, ("JobIds.1", "10_3")],
            token: Some("testtoken"),
            canonical_hash: "6077564094efc8349266a71a8385672ddee7734b7b15c8335a97b6c4de463f63",
            signature: "04dfb8c3c1a3c9b0360e831c8039551a0538c54be65993f1f2abba521f23d886",
        },
        Known {
            method: "GET",
            action: "ListInvocationStatus",
            query: &[cluster, ("CommandId", "c-hz01v8x80o3test")],
            token: None,
            canonical_hash: "2ad2e49a0429cf95d7d361037cbdc9ca5bca33df97019c9f8ace7c4c598513b8",
            signature: "ab1bfec911f76edc26a6a2ff031db9cd5383e21c9792dfa239b66ab3c52fd825",
        },
        Known {
            method: "POST",
            action: "ListServerlessJobs",
            query: &[
                cluster,
                ("JobNames.1", "a b*c~d/é=&+"),
                ("PageNumber", "1"),
                ("PageSize", "100"),
            ],
            token: None,
            canonical_hash: "4e24d42fa8c1e7f90d886d3fe792cfd23438ea2df44e4baa821b5d5d087706bc",
            signature: "c54bf50f9c3e063932945ae3af4783c7ff7138bde406afe002c8d72598a30499",
        },
        Known {
            method: "POST",
            action: "ListServerlessJobs",
            query: &many,
            token: None,
            canonical_hash: "2e693998e6998872e71adc958790597b2024cb57c6509fe76c7765f0f352f673",
            signature: "bf3ad318a0c13dbed701025ec08a03bcfcf710c09ed4cd271659bffd5993e0ac",
        },
    ];
    known.iter().for_each(Known::check);
}

#[test]
fn the_signature_matches_the_vendors_published_example() {
    let text = asserted(
        "POST",
        &[
            (
                "ImageId",
                "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd",
            ),
            ("RegionId", "cn-shanghai"),
        ],
        &[
            ("host", "ecs.cn-shanghai.aliyuncs.com"),
            ("x-acs-action", "RunInstances"),
            ("x-acs-version", "2014-05-26"),
            ("x-acs-date", "2023-10-26T10:22:32Z"),
            ("x-acs-signature-nonce", "3156853299f313e23d1673dc12e1703d"),
            (
                "x-acs-content-sha256",
                "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            ),
        ],
        "7ea06492da5221eba5297e897ce16e55f964061054b7695beedaac1145b1e259",
    );
    assert_eq!(
        signature("YourAccessKeySecret", &text),
        "06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"
    );
}

/// Returns the string to sign, after checking the hash of the canonical request.
fn asserted(
    method: &str,
    query: &[(&str, &str)],
    headers: &[(&str, &str)],
    canonical_hash: &str,
) -> String {
    let owned = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_string()))
            .collect()
    };
    let canonical = canonical_request(&SigningParams {
        method,
        path: "/",
        query: &owned(query),
        headers: &owned(headers),
        body: b"",
    });
    let text = string_to_sign(&canonical);
    assert_eq!(text, format!("{ALGORITHM}\n{canonical_hash}"));
    text
}

#[test]
fn values_of_a_repeated_header_are_sorted_and_joined() {
    let headers = [("B", "2"), ("a", "x"), ("b", " 1 ")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(signed_headers(&headers), "a;b");
    let canonical = canonical_request(&SigningParams {
        method: "GET",
        path: "/",
        query: &[],
        headers: &headers,
        body: b"",
    });
    assert!(canonical.contains("\na:x\nb:1,2\n\na;b\n"), "{canonical}");
}

#[test]
fn an_incomplete_authorization_header_is_not_parsed() {
    for header in [
        "",
        "Bearer x",
        "ACS3-HMAC-SHA256",
        "ACS3-HMAC-SHA256 Credential=,SignedHeaders=host,Signature=00",
        "ACS3-HMAC-SHA256 Credential=testid,SignedHeaders=host",
    ] {
        assert_eq!(Authorization::parse(header), None, "{header}");
    }
}

proptest! {
    #[test]
    fn a_signature_is_valid_only_for_its_query_in_any_order(
        query in proptest::collection::vec((".{1,12}", ".{0,12}"), 1..6),
        other in ".{1,12}",
    ) {
        let headers = [("host".to_owned(), "h".to_owned())];
        let mut names = std::collections::HashSet::new();
        let mut query = query;
        query.retain(|(name, _)| names.insert(name.clone()));
        let parts = |query| SigningParams { method: "GET", path: "/", query, headers: &headers, body: b"" };
        let text = string_to_sign(&canonical_request(&parts(&query)));
        let authorization = Authorization {
            access_key_id: "testid".into(),
            signed_headers: vec!["host".into()],
            signature: signature("testsecret", &text),
        };
        let mut turned = query.clone();
        turned.reverse();
        prop_assert!(authorization.is_signed_with("testsecret", &parts(&turned)));
        let mut changed = query.clone();
        changed[0].1.push_str(&other);
        prop_assert!(!authorization.is_signed_with("testsecret", &parts(&changed)));
    }
}
