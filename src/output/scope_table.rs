use std::io::{self, Write};

use super::RenderContext;
use super::cell::Cell;
use super::column::Column;
use super::table::TextTable;
use crate::model::ScopeSummary;

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

/// Writes one row per scope. On a narrow screen, REGION and AGE are omitted first, then NAME.
pub(super) fn write(
    out: &mut dyn Write,
    scopes: &[ScopeSummary],
    headers: bool,
    context: &RenderContext,
) -> io::Result<()> {
    if scopes.is_empty() {
        return out.flush();
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
    use super::super::Zone;
    use super::*;
    use crate::model::Time;

    fn written(width: Option<usize>, headers: bool) -> String {
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
        write(&mut out, &scopes, headers, &context).unwrap();
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
    fn a_narrow_screen_keeps_scope_and_status() {
        assert_eq!(
            written(Some(41), false),
            "aliyun/job/ehpc-hz-1/   uninit\\u{1b}[2J\n\
             aliyun/job/ehpc-hz-22/  uninit\\u{1b}[2J\n"
        );
    }
}
