//! Standard output and error of scheduler jobs.
//!
//! GetJobLog gives the bytes from an offset on, in Base64, and the size of the file, which may be rounded
//! up.

use async_trait::async_trait;
use serde::Deserialize;

use super::super::{Api, cluster_of, products::EHPC_NEXT};
use crate::crypto;
use crate::error::Problem;
use crate::http::Method;
use crate::kind::{LogSpec, Operation};
use crate::providers::lenient::{self, Int, Text};
use crate::providers::{FilePart, GetOptions, LogChunk, LogFile, LogRequest, read_file};
use crate::reference::Reference;

/// How the output is read.
pub(super) const LOGS: LogSpec = LogSpec {
    streams: &STREAMS,
    ..LogSpec::new(Operation::new(
        "GetJobLog",
        "E-HPC 2024-07-30 GetJobLog",
        "ehpc:GetJobLog",
    ))
};

/// The streams of a job.
const STREAMS: [&str; 2] = ["stdout", "stderr"];

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct LogResponse {
    stdout_log: Text,
    stderr_log: Text,
    stdout_log_size: Int,
    stderr_log_size: Int,
}

/// One stream of a job.
struct Stream<'a> {
    api: &'a Api,
    reference: &'a Reference,
    /// `stdout` or `stderr`.
    name: &'a str,
    options: &'a GetOptions,
}

pub(super) async fn read(
    api: &Api,
    request: LogRequest<'_>,
    options: &GetOptions,
) -> Result<LogChunk, Problem> {
    let name = request.source.container.as_deref().unwrap_or(STREAMS[0]);
    let reference = request.reference;
    read_file(
        request,
        &Stream {
            api,
            reference,
            name,
            options,
        },
    )
    .await
}

#[async_trait]
impl LogFile for Stream<'_> {
    const PART_BYTES: u64 = 64 << 10;

    async fn part(&self, offset: u64) -> Result<FilePart, Problem> {
        let (offset, size) = (offset.to_string(), Self::PART_BYTES.to_string());
        let query = [
            ("ClusterId", cluster_of(self.reference.segment("CLUSTER"))),
            ("JobId", self.reference.id()),
            ("LogType", self.name),
            ("Offset", &offset),
            ("Size", &size),
        ];
        let operation = LOGS.operation.name;
        let api = self.api;
        let request = api.product_request(&EHPC_NEXT, operation, Method::Post, &query);
        let decode = |body: &[u8]| decode(body, self.name);
        let found = api
            .client
            .call(&request, self.options.deadline, decode)
            .await;
        found.map(|found| found.data)
    }
}

fn decode(body: &[u8], stream: &str) -> Result<FilePart, String> {
    let response: LogResponse = lenient::decode_response(body)?;
    let (text, size) = match stream == STREAMS[0] {
        true => (response.stdout_log, response.stdout_log_size),
        false => (response.stderr_log, response.stderr_log_size),
    };
    let text = text.0.unwrap_or_default();
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
    fn both_forms_of_the_response_are_read() {
        for sizes in [r#""StdoutLogSize": "4096""#, r#""StdoutLogSize": 4096"#] {
            let body = format!(r#"{{"StdoutLog": "aG9zdG5hbWUK", "StderrLog": "", {sizes}}}"#);
            let part = decode(body.as_bytes(), "stdout").unwrap();
            assert_eq!((&*part.data, part.size), (&b"hostname\n"[..], Some(4096)));
            assert!(decode(body.as_bytes(), "stderr").unwrap().data.is_empty());
        }
        assert!(decode(br#"{"StdoutLog": "%"}"#, "stdout").is_err());
    }
}
