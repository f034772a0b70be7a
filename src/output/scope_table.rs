use std::io::{self, BufWriter, Write};

use super::cell::Cell;
use super::table::{RenderedColumn, Row, fit_to_width, table};
use super::{RenderContext, escape};
use crate::model::ScopeSummary;

type Column = (&'static str, &'static str, fn(&ScopeSummary) -> Cell<'_>);

/// The name by which a column gives way on a narrow screen, its title and its cells.
const COLUMNS: [Column; 5] = [
    ("scope", "SCOPE", |place| Cell::text(Some(&place.scope))),
    ("status", "STATUS", |place| {
        Cell::text(place.status.as_deref())
    }),
    ("name", "NAME", |place| Cell::text(place.name.as_deref())),
    ("age", "AGE", |place| {
        place.created_at.map_or(Cell::Absent, Cell::Age)
    }),
    ("region", "REGION", |place| {
        Cell::text(place.region.as_deref())
    }),
];

/// Writes one row for each place. REGION and AGE give way on a narrow screen, then NAME.
pub(super) fn write(
    out: &mut dyn Write,
    places: &[ScopeSummary],
    headers: bool,
    screen: &RenderContext,
) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    if places.is_empty() {
        return out.flush();
    }
    let shown = |cell: Cell<'_>| {
        let text = cell.display(screen).unwrap_or("-".into());
        escape(text.trim()).into_owned()
    };
    let columns = COLUMNS.map(|(name, title, cell)| RenderedColumn {
        name: name.into(),
        title: title.to_owned(),
        cells: places.iter().map(|place| shown(cell(place))).collect(),
    });
    let mut columns = Vec::from(columns);
    if let Some(width) = screen.width {
        fit_to_width(&mut columns, width);
    }
    let rows: Vec<Row> = places
        .iter()
        .map(|place| Row {
            reference: place.scope.clone(),
            job: None,
            read_failure: None,
        })
        .collect();
    for line in table(&columns, &rows, headers, screen.colour).lines() {
        writeln!(out, "{}", line.trim_end())?;
    }
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::super::Zone;
    use super::*;
    use crate::model::Time;

    fn written(width: Option<usize>, headers: bool) -> String {
        let place = |scope: &str, name: Option<&str>| ScopeSummary {
            scope: scope.to_owned(),
            name: name.map(str::to_owned),
            status: Some("uninit\u{1b}[2J".to_owned()),
            created_at: Time::from_unix(1_699_990_000),
            region: Some("cn-hangzhou".to_owned()),
            details: None,
        };
        let places = [
            place("aliyun/job/ehpc-hz-1/", Some("训练集群")),
            place("aliyun/job/ehpc-hz-22/", None),
        ];
        let screen = RenderContext {
            width,
            colour: false,
            now: Time::from_unix(1_700_000_000).unwrap(),
            zone: Zone::Utc,
        };
        let mut out = Vec::new();
        write(&mut out, &places, headers, &screen).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_place_is_a_row_with_its_scope_first() {
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
