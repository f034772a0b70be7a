//! Emulates Tencent Cloud: CCS (API 2.0), TI-ONE and Batch (API 3.0). Each API uses a single path.

mod batch_job;
mod clusters;
mod parameters;
mod service;
mod training_task;
mod verify;

use std::str::FromStr;

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::api::{EmulatedApi, EmulatedCall, EmulatedError, EmulatedKind, Route};
use super::imds::{CREDENTIALS, Imds, ROLE};
use super::message::{ServerRequest, ServerResponse};
use super::state::merge;
use super::tokens::{TEST_ID, TEST_SECRET, TokenError};
use crate::crypto::sha256_hex;
use crate::providers::tencent::products::{BATCH, Product, TIONE};

/// The emulated cloud.
pub struct Ccs;

/// Prefix of the ids of temporary keys.
const PREFIX: &str = "AKID";

/// The field that contains every response of API 3.0.
const RESPONSE: &str = "Response";

/// The metadata service of an emulated instance.
static IMDS: Imds = Imds {
    routes: &[
        Route::public(ROLE, "/latest/meta-data/cam/security-credentials/"),
        Route::public(CREDENTIALS, "/latest/meta-data/cam/security-credentials/{}"),
    ],
    token_header: "",
    prefix: PREFIX,
    lifetime: TimeDelta::hours(6),
    document: |key, _| {
        json!({
            "TmpSecretId": key.id, "TmpSecretKey": key.secret, "Token": key.token,
            "ExpiredTime": key.expires_at.timestamp(), "Expiration": key.expires_at.to_rfc3339(),
            "Code": "Success",
        })
    },
};

impl EmulatedApi for Ccs {
    fn environment(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("TENCENTCLOUD_REGION", "ap-guangzhou"),
            ("TENCENTCLOUD_SECRET_ID", TEST_ID),
            ("TENCENTCLOUD_SECRET_KEY", TEST_SECRET),
        ]
    }

    fn kinds(&self) -> &'static [&'static dyn EmulatedKind] {
        const {
            &[
                &service::SERVICE,
                &clusters::CLUSTERS,
                &training_task::TRAINING_TASK,
                &batch_job::BATCH_JOB,
                &IMDS,
            ]
        }
    }

    fn action(&self, request: &ServerRequest) -> Option<String> {
        let action = || request.parameter("Action");
        if !is_product(request) {
            let is_ours = request.path == "/v2/index.php";
            return is_ours.then(|| action().unwrap_or_else(|| "unnamed".to_owned()));
        }
        let named = request.header("x-tc-action").map(str::to_owned);
        named.or_else(|| request.parameter("SecretId").and_then(|_| action()))
    }

    fn parameters(&self, request: &ServerRequest) -> Vec<(String, String)> {
        parameters::joined(request.parameters())
    }

    fn verify(&self, call: &EmulatedCall<'_>) -> Result<(), EmulatedError> {
        match (is_product(call.request), product_of(call.operation)) {
            (true, Some(product)) => verify::product(call, product),
            (false, None) => verify::api_2(call),
            _ => Err(EmulatedError::UnknownOperation),
        }
    }

    fn success(&self, data: Value) -> ServerResponse {
        if data.get(RESPONSE).is_some() {
            return product_response(200, &data);
        }
        let body = json!({"code": 0, "message": "", "codeDesc": "Success", "data": data});
        ServerResponse::json(200, &body)
    }

    fn error(&self, error: EmulatedError) -> ServerResponse {
        use EmulatedError as E;
        let (code, word, message) = match error {
            E::Response(response) => return response,
            E::Missing(name) | E::MissingHeader(name) => (
                4000,
                "InvalidParameter",
                format!("missing parameter {name}"),
            ),
            E::Invalid(name) => (4000, "InvalidParameter", format!("{name} is wrong")),
            E::Signature => (4100, "AuthFailure", "signature verification failed".into()),
            E::Token(_) => (4100, "AuthFailure", "token verification failed".into()),
            E::Refused => (4104, "SecretIdNotFound", "SecretId does not exist".into()),
            E::Throttled => (
                4400,
                "RequestLimitExceeded",
                "quota of requests exceeded".into(),
            ),
            E::Replayed | E::ClockSkew | E::TimeFormat => {
                (4500, "ReplayAttack", "replay attack".into())
            }
            E::NotFound => (5000, "ResourceNotFound", "resource does not exist".into()),
            E::Unavailable(_) => (6000, "InternalError", "internal error".into()),
            E::UnknownOperation | E::Method => {
                (6100, "InvalidAction", "action is not supported".into())
            }
        };
        let message = format!("({code}){message}");
        let body = json!({"code": code, "message": message, "codeDesc": word});
        let status = match error {
            E::Unavailable(status) => status,
            _ => 200,
        };
        ServerResponse::json(status, &body)
    }

    fn error_to(&self, request: &ServerRequest, error: EmulatedError) -> ServerResponse {
        use EmulatedError as E;
        if !is_product(request) {
            return self.error(error);
        }
        let (code, message) = match error {
            E::Response(response) => return response,
            E::Missing(name) | E::MissingHeader(name) => (
                "MissingParameter",
                format!("The request is missing a required parameter `{name}`."),
            ),
            E::Invalid(name) => (
                "InvalidParameterValue",
                format!("The value of {name} is wrong."),
            ),
            E::Signature | E::Token(TokenError::Unknown) => (
                "AuthFailure.SignatureFailure",
                "The provided credentials could not be validated.".into(),
            ),
            E::Token(_) => (
                "AuthFailure.TokenFailure",
                "The provided token is invalid.".into(),
            ),
            E::Refused => (
                "AuthFailure.SecretIdNotFound",
                "The SecretId is not found.".into(),
            ),
            E::Throttled => (
                "RequestLimitExceeded",
                "Your current request times exceed the limit.".into(),
            ),
            E::Replayed | E::ClockSkew | E::TimeFormat => (
                "AuthFailure.SignatureExpire",
                "The provided signature has expired.".into(),
            ),
            E::NotFound => ("ResourceNotFound", "The resource is not found.".into()),
            E::Unavailable(_) => ("InternalError", "An internal error has occurred.".into()),
            E::UnknownOperation | E::Method => ("InvalidAction", "The action is not valid.".into()),
        };
        let status = match error {
            E::Unavailable(status) => status,
            _ => 200,
        };
        let error = json!({"Code": code, "Message": message});
        product_response(
            status,
            &json!({RESPONSE: {"Error": error, "RequestId": request_id(request)}}),
        )
    }
}

/// Returns `true` for requests of API 3.0.
fn is_product(request: &ServerRequest) -> bool {
    request.path == "/"
}

/// Returns the product of API 3.0 that an operation belongs to.
fn product_of(operation: &str) -> Option<&'static Product> {
    let products = [
        (training_task::TRAINING_TASK, &TIONE),
        (batch_job::BATCH_JOB, &BATCH),
    ];
    let mut products = products.into_iter();
    let product =
        products.find(|(routes, _)| routes.iter().any(|route| route.operation == operation));
    product.map(|(_, product)| product)
}

/// Returns a response of API 3.0. The vendor's SDKs read errors only if they have this content type.
fn product_response(status: u16, body: &Value) -> ServerResponse {
    let mut response = ServerResponse::json(status, body);
    response.headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    response
}

/// Returns a response of API 3.0 with this data.
fn response(call: &EmulatedCall<'_>, mut data: Value) -> Value {
    merge(&mut data, json!({"RequestId": request_id(call.request)}));
    json!({RESPONSE: data})
}

fn request_id(request: &ServerRequest) -> String {
    let hash = sha256_hex(&request.body);
    format!("7c1f2f3a-5b0e-4d0c-9f3e-{}", &hash[..12])
}

/// Returns the items of a list; outside of JSON, they are text. Returns `None` if the parameter is missing.
fn items<T: FromStr>(
    call: &EmulatedCall<'_>,
    name: &'static str,
) -> Result<Option<Vec<T>>, EmulatedError> {
    let Some(text) = call.parameter(name) else {
        return Ok(None);
    };
    let invalid = || EmulatedError::Invalid(name);
    let items: Vec<Value> = serde_json::from_str(text).map_err(|_| invalid())?;
    let items = items.iter().map(|item| match item.as_str() {
        Some(text) => text.parse().ok(),
        None => item.to_string().parse().ok(),
    });
    let items: Option<Vec<T>> = items.collect();
    items.map(Some).ok_or_else(invalid)
}

/// Returns the values of an API 3.0 filter; `None` if it is missing.
fn filter_values(
    call: &EmulatedCall<'_>,
    name: &str,
) -> Result<Option<Vec<String>>, EmulatedError> {
    let filters = call.parameter("Filters").unwrap_or("[]");
    let filters: Vec<Value> =
        serde_json::from_str(filters).map_err(|_| EmulatedError::Invalid("Filters"))?;
    let found = filters.into_iter().find(|filter| filter["Name"] == name);
    let values = found.map(|mut filter| serde_json::from_value(filter["Values"].take()));
    values
        .transpose()
        .map_err(|_| EmulatedError::Invalid("Filters"))
}
