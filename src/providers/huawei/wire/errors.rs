use serde_json::{Map, Value};

use crate::error::Category;
use crate::http::{RequestError, Response, RetryAction};
use crate::providers::lenient;

/// Error bodies are short; a longer body is not searched for a code.
const MAX_ERROR_BYTES: usize = 1 << 20;

/// Names of code and message in the order the vendor's SDK 3.1.219 looks for them.
const SPELLINGS: [(&str, &str); 3] = [
    ("error_code", "error_msg"),
    ("errorCode", "errorMsg"),
    ("code", "message"),
];

/// Reads a "no": by the code in the body first, by the HTTP status where there is none.
pub fn classify(answer: &Response) -> Option<RequestError> {
    let document = Some(&answer.body)
        .filter(|body| body.len() <= MAX_ERROR_BYTES)
        .and_then(|body| lenient::parse_raw(body));
    let top = document.as_ref().and_then(Value::as_object);
    let by_status = match RequestError::from_status(answer) {
        Some(refusal) => refusal,
        // A job has no error fields of its own, so one that stands there is no job.
        None => match top.and_then(|map| error_in_object(map, &SPELLINGS[..2])) {
            Some(ErrorBody { code: Some(_), .. }) => {
                RequestError::new(Category::ServiceError, "service error")
            }
            _ => return None,
        },
    };
    let said = top.and_then(error_in).unwrap_or_default();
    let mut refusal = by_code(answer.status, said.code.as_deref(), by_status);
    if let Some(message) = said.message {
        refusal.message = strip_echo(&message);
    }
    refusal.code = said.code;
    refusal.request_id = answer
        .header("x-request-id")
        .map(str::to_owned)
        .or_else(|| Some(top?.get("request_id")?.as_str()?.to_owned()));
    Some(refusal)
}

fn by_code(status: u16, code: Option<&str>, by_status: RequestError) -> RequestError {
    const LOCKED: &str =
        "check the key before retrying: five failures in a row lock it for five minutes";
    const PERMISSION: &str = "grant the permission Workspace ReadOnlyAccess in this project";
    const ELSEWHERE: &str = "check the job id, the region and the project id";
    let of = |category, retry, hint: Option<&str>| RequestError {
        category,
        retry,
        hint: hint.map(str::to_owned),
        ..by_status.clone()
    };
    match code {
        Some("APIGW.0301" | "APIGW.0305") => {
            of(Category::Unauthenticated, RetryAction::No, Some(LOCKED))
        }
        Some("APIGW.0303") => of(Category::ClockSkew, RetryAction::AfterClockSync, None),
        Some("APIGW.0302" | "APIGW.0306") => of(
            Category::PermissionDenied,
            RetryAction::No,
            Some(PERMISSION),
        ),
        Some("APIGW.0308") => of(Category::Throttled, RetryAction::Backoff, None),
        Some("APIGW.0101") => of(
            Category::InvalidArgument,
            RetryAction::No,
            Some("unknown API on this host: wrong endpoint or region"),
        ),
        Some("WKS.0202") => of(Category::NotFound, RetryAction::No, Some(ELSEWHERE)),
        // The service answers 500 for its own errors too, which a second call does not heal.
        Some(code) if status == 500 && code.starts_with("WKS.") => {
            of(Category::ServiceError, RetryAction::No, None)
        }
        _ if by_status.category == Category::Unauthenticated => {
            of(Category::Unauthenticated, RetryAction::No, Some(LOCKED))
        }
        _ if by_status.category == Category::PermissionDenied => of(
            Category::PermissionDenied,
            RetryAction::No,
            Some(PERMISSION),
        ),
        _ if status == 404 => of(Category::NotFound, RetryAction::No, Some(ELSEWHERE)),
        _ => by_status,
    }
}

/// Code and message of an error body.
#[derive(Default)]
struct ErrorBody {
    code: Option<String>,
    message: Option<String>,
}

/// The error of an object itself, else of the first object in it that has one.
fn error_in(map: &Map<String, Value>) -> Option<ErrorBody> {
    error_in_object(map, &SPELLINGS)
        .or_else(|| map.values().filter_map(Value::as_object).find_map(error_in))
}

fn error_in_object(map: &Map<String, Value>, spellings: &[(&str, &str)]) -> Option<ErrorBody> {
    spellings.iter().find_map(|(code, message)| {
        let said = ErrorBody {
            code: map.get(*code).and_then(text),
            message: map.get(*message).and_then(text),
        };
        (said.code.is_some() || said.message.is_some()).then_some(said)
    })
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// On a wrong signature the gateway echoes its canonical request, headers and all, with `|` for
/// line ends; nobody but the signer's own tests can use it.
fn strip_echo(message: &str) -> String {
    match message.split_once('|') {
        Some((head, _)) => format!("{head}…"),
        None => message.to_owned(),
    }
}
