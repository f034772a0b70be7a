use clap::Args;

use super::context::{CommandContext, CommandResult};
use super::introspect;
use crate::kind::{Kind, LogSupport, Template};
use crate::output;
use crate::output::document::{Envelope, KindInfo, KindList};
use crate::providers;

/// List resource kinds with their reference syntax, API calls and permissions
#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  joblens kinds\n  joblens kinds aliyun -o json")]
pub(super) struct Arguments {
    /// Limit to a cloud or kind
    #[arg(value_name = "CLOUD[/KIND]")]
    named: Option<String>,
}

/// Shows the registered kinds.
pub(super) fn run(context: &CommandContext, arguments: &Arguments) -> CommandResult {
    let kinds = introspect::kinds_of(arguments.named.as_deref())?;
    let kinds = KindList {
        schema: Envelope::SCHEMA,
        command: "kinds",
        kinds: kinds.into_iter().map(kind_info).collect(),
    };
    let is_overview = arguments.named.is_none();
    context.print_catalog("kinds", |out, form, render_context| {
        output::write_kinds(out, &kinds, is_overview, form, render_context)
    })
}

fn kind_info(kind: &Kind) -> KindInfo {
    let template = &kind.template;
    let (long, segments) = (template.to_string(), segments(template));
    let scope_list = providers::scope_listing(kind);
    let list = kind.list.as_ref().map(|list| list.operation);
    let logs = match &kind.logs {
        LogSupport::Operation(spec) => Some(spec.operation),
        LogSupport::Unavailable(_) => None,
    };
    let short = format!("{}/{}{segments}", template.cloud_short, template.kind_short);
    KindInfo {
        cloud: template.cloud,
        kind: template.kind,
        summary: kind.summary,
        template: long,
        short,
        sample: template.sample,
        operation: kind.get.description,
        permission: kind.get.permission,
        scope: scope(template),
        list_operation: list.map(|operation| operation.description),
        list_permission: list.map(|operation| operation.permission),
        batch: kind.batch_from.is_some(),
        logs_operation: logs.map(|operation| operation.description),
        logs_permission: logs.map(|operation| operation.permission),
        scopes_parent: scope_list.map(|_| format!("{}/", template.cloud)),
        scopes_operation: scope_list.map(|scope_list| scope_list.operation),
        scopes_permission: scope_list.map(|scope_list| scope_list.permission),
    }
}

fn segments(template: &Template) -> String {
    let names = template.segments.iter().map(|segment| segment.name);
    names.map(|name| format!("/{name}")).collect()
}

/// Returns the form of scopes, with optional segments in brackets.
fn scope(template: &Template) -> String {
    let parents = template.segments.len().saturating_sub(1);
    let mut scope = format!("{}/{}", template.cloud, template.kind);
    for (at, segment) in template.segments.iter().take(parents).enumerate() {
        scope += &match at < template.scope_segments {
            true => format!("/{}", segment.name),
            false => format!("[/{}]", segment.name),
        };
    }
    scope + "/"
}
