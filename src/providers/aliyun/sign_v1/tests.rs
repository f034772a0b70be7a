use serde::Deserialize;

use super::*;
use crate::http::{Endpoint, Method, Signer as _, encode_query};

#[derive(Deserialize)]
struct Vectors {
    vectors: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    name: String,
    method: String,
    host: String,
    query: Params,
    body: String,
    access_key_id: String,
    access_key_secret: String,
    security_token: Option<String>,
    timestamp: String,
    nonce: String,
    canonical: String,
    string_to_sign: String,
    signature: String,
}

fn vectors() -> Vec<Vector> {
    let text = include_str!("../../../../fixtures/aliyun/vectors/v1.json");
    serde_json::from_str::<Vectors>(text).unwrap().vectors
}

#[test]
fn every_signing_stage_agrees_with_the_vendors_code() {
    let vectors = vectors();
    assert_eq!(vectors.len(), 21);
    for vector in vectors {
        let mut all = vector.query;
        all.extend(parse_form(vector.body.as_bytes()));
        let canonical = canonical_query(&all);
        assert_eq!(canonical, vector.canonical, "{}", vector.name);
        let text = string_to_sign(&vector.method, &canonical);
        assert_eq!(text, vector.string_to_sign, "{}", vector.name);
        let signed = signature(&vector.access_key_secret, &text);
        assert_eq!(signed, vector.signature, "{}", vector.name);
    }
}

#[test]
fn the_signer_adds_exactly_the_parameters_of_the_test_vectors() {
    const ADDED: [&str; 6] = [
        "AccessKeyId",
        "SignatureMethod",
        "SignatureNonce",
        "SignatureVersion",
        "Timestamp",
        "SecurityToken",
    ];
    for vector in vectors() {
        let is_added = |(name, _): &(String, String)| ADDED.contains(&name.as_str());
        let (mut expected, query): (Params, Params) = vector.query.into_iter().partition(is_added);
        let request = Request {
            operation: "any",
            method: match vector.method.as_str() {
                "GET" => Method::Get,
                _ => Method::Post,
            },
            endpoint: Endpoint::parse(&format!("https://{}", vector.host), &[], false).unwrap(),
            path: "/".to_owned(),
            query,
            headers: Vec::new(),
            body: vector.body.into_bytes(),
            is_optional: false,
        };
        let signer = Signer(sign::Signer {
            access_key_id: vector.access_key_id,
            access_key_secret: Secret::new(&vector.access_key_secret),
            security_token: vector.security_token.map(Secret::new),
        });
        let now = vector.timestamp.parse().unwrap();
        let signing = signer.sign(&request, now, &vector.nonce);
        assert!(signing.headers.is_empty());
        let shown = signing.query.iter();
        let mut added: Params = shown
            .map(|(name, value)| ((*name).to_owned(), value.expose().to_owned()))
            .collect();
        assert_eq!(added.pop().unwrap().1, vector.signature, "{}", vector.name);
        added.sort();
        expected.sort();
        assert_eq!(added, expected, "{}", vector.name);
    }
}

#[test]
fn an_encoded_form_is_parsed_to_the_same_parameters() {
    let pairs: Params = [("RoleArn", "acs:ram::1:role/试 &=+%"), ("Empty", "")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec();
    assert_eq!(parse_form(encode_query(&pairs).as_bytes()), pairs);
    assert_eq!(parse_form(b""), Params::new());
}
