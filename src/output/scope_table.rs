use std::io::{self, Write};

use super::cell::Cell;
use super::column::Column;
use super::scope_row::{scope_row, shared_columns};
use super::table::TextTable;
use super::{OutputOptions, RenderContext};
use crate::model::{Job, ScopeSummary};

/// Returns the columns on terminals.
fn columns() -> [Column<ScopeSummary>; 5] {
    columns_with(Column::new("age", |scope, _| {
        scope.created_at.map_or(Cell::Absent, Cell::Age)
    }))
}

/// Returns the columns in documents, which are read later.
pub(super) fn document_columns() -> [Column<ScopeSummary>; 5] {
    columns_with(Column::with_header("created_at", "CREATED", |scope, _| {
        scope.created_at.into()
    }))
}

fn columns_with(created: Column<ScopeSummary>) -> [Column<ScopeSummary>; 5] {
    [
        Column::new("scope", |scope, _| Cell::from(&scope.scope)),
        Column::new("status", |scope, _| scope.status.as_deref().into()),
        Column::new("name", |scope, _| scope.name.as_deref().into()),
        created,
        Column::new("region", |scope, _| scope.region.as_deref().into()),
    ]
}

/// Writes one row per scope. On a narrow screen, REGION and AGE are omitted first, then NAME. Chosen columns are those
/// of resources.
pub(super) fn write(
    out: &mut dyn Write,
    scopes: &[ScopeSummary],
    options: &OutputOptions,
    context: &RenderContext,
) -> io::Result<()> {
    if scopes.is_empty() {
        return out.flush();
    }
    let headers = options.headers;
    if let Some(chosen) = &options.columns {
        let rows: Vec<Job> = scopes.iter().map(scope_row).collect();
        let table = TextTable::new(&shared_columns(chosen), &rows, headers, context);
        return table.write(out, context.width);
    }
    let columns = match context.width {
        Some(_) => columns(),
        None => document_columns(),
    };
    let table = TextTable::new(&columns, scopes, headers, context);
    let table = TextTable {
        shrinks: true,
        ..table
    };
    table.write(out, context.width)
}

#[cfg(test)]
mod tests {
    use super::super::{Format, JobColumn, Zone};
    use super::*;
    use crate::model::Time;

    fn written(width: Option<usize>, headers: bool) -> String {
        written_with(width, headers, None)
    }

    fn written_with(width: Option<usize>, headers: bool, chosen: Option<&[&str]>) -> String {
        let summary = |scope: &str, name: Option<&str>| ScopeSummary {
            scope: scope.to_owned(),
            name: name.map(str::to_owned),
            status: Some("uninit\u{1b}[2J".to_owned()),
            created_at: Time::from_unix(1_699_990_000),
            region: Some("cn-hangzhou".to_owned()),
            details: None,
        };
        let scopes = [
            summary("aliyun/job/ehpc-hz-1/", Some("训练集群")),
            summary("aliyun/job/ehpc-hz-22/", None),
        ];
        let context = RenderContext {
            width,
            color: false,
            now: Time::from_unix(1_700_000_000).unwrap(),
            zone: Zone::Utc,
        };
        let mut out = Vec::new();
        let options = OutputOptions {
            format: Format::Table,
            columns: chosen.map(JobColumn::all),
            headers,
            query: None,
        };
        write(&mut out, &scopes, &options, &context).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn each_scope_is_a_row_that_begins_with_the_scope() {
        assert_eq!(
            written(Some(100), true),
            "SCOPE                   STATUS           NAME      AGE    REGION\n\
             aliyun/job/ehpc-hz-1/   uninit\\u{1b}[2J  训练集群  2h46m  cn-hangzhou\n\
             aliyun/job/ehpc-hz-22/  uninit\\u{1b}[2J  -         2h46m  cn-hangzhou\n"
        );
    }

    #[test]
    fn chosen_columns_are_shown_if_scopes_have_them() {
        let chosen = ["region", "exit_code", "ref"];
        assert_eq!(
            written_with(Some(20), true, Some(&chosen)),
            "REGION       REF\n\
             cn-hangzhou  aliyun/job/ehpc-hz-1/\n\
             cn-hangzhou  aliyun/job/ehpc-hz-22/\n"
        );
        assert_eq!(
            written_with(None, false, Some(&["exit_code"])),
            "aliyun/job/ehpc-hz-1/\naliyun/job/ehpc-hz-22/\n"
        );
    }

    #[test]
    fn a_narrow_screen_keeps_scope_and_status() {
        assert_eq!(
            written(Some(41), false),
            "aliyun/job/ehpc-hz-1/   uninit\\u{1b}[2J\n\
             aliyun/job/ehpc-hz-22/  uninit\\u{1b}[2J\n"
        );
    }
}
