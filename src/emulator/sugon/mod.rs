//! Emulates Sugon SCNet: a token in a header, and error codes in the body of responses with status 200.

mod instance;
mod job;
mod tokens;

use serde_json::{Value, json};

use super::api::{EmulatedApi, EmulatedCall, EmulatedError, EmulatedKind};
use super::message::ServerResponse;
use super::tokens::TokenError;

/// A token in the documented format that is valid only in the emulator; it expires in 2100.
const TEST_TOKEN: &str = concat!(
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.",
    "eyJjb21wdXRlVXNlciI6ImpvYmxlbnMtZW11bGF0b3IiLCJleHBpcmVUaW1lIjoiNDEwMjQ0N",
    "DgwMDAwMCIsImNsdXN0ZXJJZCI6IjExMTEyIiwidXNlciI6ImpvYmxlbnMtZW11bGF0b3IifQ.",
    "hFCXDWsw_hCIGDevola-zW0X0jR2xMmsi6YPW5X3mL8",
);

/// The token for the platform.
const PLATFORM_TOKEN: &str = concat!(
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.",
    "eyJjb21wdXRlVXNlciI6ImpvYmxlbnMtZW11bGF0b3IiLCJleHBpcmVUaW1lIjoiNDEwMjQ0N",
    "DgwMDAwMCIsImNsdXN0ZXJJZCI6IjAiLCJ1c2VyIjoiam9ibGVucy1lbXVsYXRvciJ9.",
    "L_E8MW8ALTKwdIZ0Q9AZryTxpKjtd2zY5AHxr0FLoHI",
);

/// The emulated cloud.
pub struct ScNet;

impl EmulatedApi for ScNet {
    fn environment(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("JOBLENS_SUGON_TOKEN", TEST_TOKEN),
            ("JOBLENS_SUGON_PLATFORM_TOKEN", PLATFORM_TOKEN),
            ("JOBLENS_SUGON_CLUSTER_ID", tokens::REGION),
        ]
    }

    fn kinds(&self) -> &'static [&'static dyn EmulatedKind] {
        const { &[&instance::INSTANCE, &job::JOB, &tokens::PLATFORM_SERVICES] }
    }

    fn verify(&self, call: &EmulatedCall<'_>) -> Result<(), EmulatedError> {
        let token = call.request.header("token");
        let token = token.ok_or(EmulatedError::MissingHeader("token"))?;
        let id = tokens::region_or_platform(token, call.now())?;
        // The platform lists the jobs of all regions; the regions serve everything else.
        let is_platform = call.request.path.starts_with("/ac/openapi/v2/jobs/");
        match is_platform == (id == tokens::PLATFORM) {
            true => Ok(()),
            false => Err(EmulatedError::Token(TokenError::Unknown)),
        }
    }

    fn success(&self, data: Value) -> ServerResponse {
        ServerResponse::json(200, &json!({"code": "0", "msg": "success", "data": data}))
    }

    fn error(&self, error: EmulatedError) -> ServerResponse {
        use EmulatedError as E;
        let (code, message) = match error {
            E::Response(response) => return response,
            // The response for a missing instance is a success without data.
            E::NotFound => return self.success(Value::Null),
            // Throttling is not documented for this API; the gateways return HTTP 429.
            E::Throttled => return gateway_page(429),
            E::Unavailable(status) => return gateway_page(status),
            E::Missing(_) | E::MissingHeader(_) => ("10003", "缺少必要参数"),
            E::Invalid(_) | E::Method | E::UnknownOperation => ("10004", "参数不合法"),
            E::Refused | E::Token(_) => ("10008", "权限不足"),
            E::Signature | E::TimeFormat | E::ClockSkew | E::Replayed => ("10009", "验证失败"),
        };
        let body = json!({"code": code, "msg": message, "data": null});
        ServerResponse::json(200, &body)
    }
}

fn gateway_page(status: u16) -> ServerResponse {
    let page = format!("<html><head><title>{status}</title></head></html>");
    ServerResponse::html(status, page)
}
