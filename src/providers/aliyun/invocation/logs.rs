//! Reads the output of the nodes of an invocation.
//!
//! The cloud returns all output at once, with standard output and error mixed, and nothing before the command
//! has ended. Other sources mention that it keeps only the first 24 KB; the reference documents no limit.

use super::super::{Api, cluster_of, products::EHPC};
use super::status::ResultsPage;
use super::{RESULTS, is_final};
use crate::http::Method;
use crate::providers::log_text;
use crate::providers::prelude::*;

/// The operation that reads the output.
pub(super) const LOGS: LogSpec = LogSpec {
    storage: LogStorage::Result,
    ..LogSpec::new(Operation::new(
        RESULTS,
        "E-HPC 2018-04-12 ListInvocationResults",
        "ehpc:ListInvocationResults",
    ))
};

pub(super) async fn read(api: &Api, request: LogRequest<'_>) -> Result<LogChunk, Problem> {
    let (reference, node) = (request.reference, request.source.task.as_deref());
    let mut query = vec![
        ("ClusterId", cluster_of(reference.segment("CLUSTER"))),
        ("CommandId", reference.id()),
    ];
    query.extend(node.map(|node| ("Instance.1.Id", node)));
    let decode = |body: &[u8]| {
        let mut results = ResultsPage::decode(body, reference.id())?
            .results
            .into_iter();
        let node_result = results.find(|result| node.is_none() || result.id.as_deref() == node);
        let text = node_result.map(|result| match is_final(result.word.as_deref()) {
            true => log_text(result.message, "Message"),
            false => Ok(String::new()),
        });
        text.transpose()
    };
    let results = api.request(&EHPC, RESULTS, Method::Get, &query);
    let response = api.call(results, request.options, decode).await?;
    let text = response.data.ok_or_else(|| {
        let message = format!("no result of node {}", node.unwrap_or("?"));
        Problem::new(Category::NotFound, message)
    })?;
    Ok(LogChunk {
        data: text.into_bytes(),
        ..LogChunk::default()
    })
}
