//! Reads standard output and error of scheduler jobs.
//!
//! GetJobLog returns the bytes after an offset in Base64. In E-HPC NEXT it also returns the size of the file,
//! which can be rounded up.

use super::scheduler::check_success;
use super::{Api, cluster_of, products::EHPC_NEXT};
use crate::crypto;
use crate::http::Method;
use crate::providers::prelude::*;
use crate::providers::products::Product;
use crate::providers::{FilePart, LogFile, log_text, read_file};

/// Describes logs that are read with an operation.
pub(super) const fn spec(operation: Operation) -> LogSpec {
    LogSpec {
        storage: LogStorage::File,
        streams: &STREAMS,
        ..LogSpec::new(operation)
    }
}

const OPERATION: &str = "GetJobLog";

/// Names of the streams of a job.
const STREAMS: [&str; 2] = ["stdout", "stderr"];

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct LogResponse {
    success: Checked<Flag>,
    #[serde(alias = "OutputLog")]
    stdout_log: Checked<Text>,
    #[serde(alias = "ErrorLog")]
    stderr_log: Checked<Text>,
    stdout_log_size: Int,
    stderr_log_size: Int,
}

/// One stream of a job.
struct Stream<'a> {
    api: &'a Api,
    product: &'static Product,
    reference: &'a Reference,
    source: &'a LogSource,
    options: &'a RequestOptions,
}

pub(super) async fn read(
    api: &Api,
    product: &'static Product,
    request: LogRequest<'_>,
) -> Result<LogChunk, Problem> {
    let stream = Stream {
        api,
        product,
        reference: request.reference,
        source: request.source,
        options: request.options,
    };
    read_file(request, &stream).await
}

#[async_trait]
impl LogFile for Stream<'_> {
    const PART_BYTES: u64 = 64 << 10;

    async fn part(&self, offset: u64) -> Result<FilePart, Problem> {
        let (offset, size) = (offset.to_string(), Self::PART_BYTES.to_string());
        let source = self.source;
        let name = source.container.as_deref().unwrap_or(STREAMS[0]);
        let (is_next, node) = (self.product == &EHPC_NEXT, source.node.as_deref());
        let mut query = vec![
            ("ClusterId", cluster_of(self.reference.segment("CLUSTER"))),
            ("JobId", self.reference.id()),
            ("Offset", &offset),
            ("Size", &size),
        ];
        let method = match is_next {
            true => Method::Post,
            false => Method::Get,
        };
        query.extend(is_next.then_some(("LogType", name)));
        // E-HPC 1.0 reads the log of a running job from its node.
        let host = node.filter(|_| !is_next && !source.state.is_end());
        query.extend(host.map(|host| ("ExecHost", host)));
        let api = self.api;
        let request = api.request(self.product, OPERATION, method, &query);
        let decode = |body: &[u8]| decode(body, name);
        let response = api.call(request, self.options, decode).await;
        response.map(|response| response.data)
    }
}

fn decode(body: &[u8], stream: &str) -> Result<FilePart, DecodeError> {
    let response: LogResponse = lenient::decode_response(body)?;
    check_success(response.success)?;
    let (text, size) = match stream == STREAMS[0] {
        true => (response.stdout_log, response.stdout_log_size),
        false => (response.stderr_log, response.stderr_log_size),
    };
    let text = log_text(text, &format!("the log of {stream}"))?;
    let data =
        crypto::from_base64(&text).ok_or_else(|| format!("Base64 at the log of {stream}"))?;
    Ok(FilePart {
        data,
        size: size.unsigned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_size_is_read_as_text_or_number_and_bad_base64_is_an_error() {
        for sizes in [r#""StdoutLogSize": "4096""#, r#""StdoutLogSize": 4096"#] {
            let body = format!(r#"{{"StdoutLog": "aG9zdG5hbWUK", "StderrLog": "", {sizes}}}"#);
            let part = decode(body.as_bytes(), "stdout").unwrap();
            assert_eq!((&*part.data, part.size), (&b"hostname\n"[..], Some(4096)));
            assert!(decode(body.as_bytes(), "stderr").unwrap().data.is_empty());
        }
        for other in [
            r#"{"StdoutLog": "%"}"#,
            r#"{"StdoutLog": ["aG9zdG5hbWUK"]}"#,
        ] {
            assert!(decode(other.as_bytes(), "stdout").is_err(), "{other}");
            assert!(decode(other.as_bytes(), "stderr").is_ok(), "{other}");
        }
    }

    #[test]
    fn a_log_response_with_success_false_is_an_error() {
        for (success, is_read) in [("true", true), ("\"true\"", true), ("false", false)] {
            let body = format!(r#"{{"Success": {success}, "StdoutLog": ""}}"#);
            let read = decode(body.as_bytes(), "stdout");
            assert_eq!(read.is_ok(), is_read, "{success}");
        }
    }
}
