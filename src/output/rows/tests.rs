use proptest::prelude::*;

use super::super::delimited::for_spreadsheets;
use super::super::text::{ci_command_at, needs_escape};
use super::super::{Format, Zone};
use super::*;
use crate::model::{State, Time};

fn options_for(format: Format, columns: &[&str]) -> OutputOptions {
    let columns: Vec<JobColumn> = JobColumn::all(columns);
    OutputOptions {
        format,
        columns: Some(columns).filter(|columns| !columns.is_empty()),
        headers: true,
        query: None,
    }
}

fn context() -> RenderContext {
    RenderContext {
        width: None,
        color: false,
        now: Time::from_unix(1_700_000_000).unwrap(),
        zone: Zone::Utc,
    }
}

fn job(name: &str) -> Job {
    Job {
        reference: "aliyun/job/c/10_3".into(),
        name: Some(name.into()),
        state: State::Failed,
        ..Job::default()
    }
}

fn written(options: &OutputOptions, jobs: &[Job], scopes: &[ScopeSummary]) -> String {
    let mut out = Vec::new();
    let mut rows = RowWriter::new(options, context()).unwrap();
    rows.jobs(&mut out, jobs).unwrap();
    rows.scopes(&mut out, scopes).unwrap();
    let envelope = Envelope::new("list", vec![], vec![], vec![]);
    rows.end(&mut out, &envelope, Some("cut after 2,\nas requested"))
        .unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn csv_has_a_byte_order_mark_and_quotes_where_required() {
    let options = options_for(Format::Csv, &["ref", "state", "name"]);
    let shown = written(&options, &[job("训练, \"big\"\n::x"), job("plain")], &[]);
    assert_eq!(
        shown,
        "\u{feff}ref,state,name\r\n\
         aliyun/job/c/10_3,failed,\"训练, \"\"big\"\"\\n::x\"\r\n\
         aliyun/job/c/10_3,failed,plain\r\n"
    );
}

#[test]
fn no_cell_of_csv_is_a_formula_and_numbers_stay_numbers() {
    for formula in [
        "=1+1",
        "+A1",
        "-A1",
        "@SUM(A1)",
        " =1",
        "\t=1",
        "＝1",
        "=cmd|' /C calc'!A0",
    ] {
        let shown = for_spreadsheets(formula);
        let first = shown.trim_start().chars().next().unwrap();
        assert!(!"=+-@＝".contains(first), "{formula}: {shown}");
    }
    assert_eq!(for_spreadsheets("-1"), "-1");
    assert_eq!(for_spreadsheets("-1.5e3"), "-1.5e3");
    assert_eq!(for_spreadsheets("a=b"), "a=b");
}

#[test]
fn tsv_can_be_read_back() {
    let options = options_for(Format::Tsv, &["name", "exit_code", "state"]);
    assert_eq!(
        written(&options, &[job("a\tb\\n\nc\u{1b}")], &[]),
        "name\texit_code\tstate\na\\tb\\\\n\\nc\\u{1b}\t\tfailed\n"
    );
}

#[test]
fn scopes_are_printed_in_the_columns_of_jobs() {
    let place = ScopeSummary {
        scope: "aliyun/job/ehpc-1/".into(),
        name: Some("生产".into()),
        status: Some("running".into()),
        ..ScopeSummary::default()
    };
    let options = options_for(
        Format::Tsv,
        &["ref", "name", "state", "state_raw", "tasks", "created_at"],
    );
    assert_eq!(
        written(&options, &[], std::slice::from_ref(&place)),
        "ref\tname\tstate\tstate_raw\ttasks\tcreated_at\naliyun/job/ehpc-1/\t生产\t\trunning\t\t\n"
    );
}

#[test]
fn the_name_format_prints_only_references_and_marks_a_cut_list() {
    let place = ScopeSummary {
        scope: "aliyun/job/ehpc-1/".into(),
        ..ScopeSummary::default()
    };
    assert_eq!(
        written(&options_for(Format::Name, &[]), &[job("x")], &[place]),
        "aliyun/job/c/10_3\naliyun/job/ehpc-1/\n#!incomplete: cut after 2,\\nas requested\n"
    );
}

#[test]
fn an_empty_list_prints_only_headers_or_nothing_without_headers() {
    let mut options = options_for(Format::Tsv, &["ref"]);
    assert_eq!(written(&options, &[], &[]), "ref\n");
    options.headers = false;
    assert_eq!(written(&options, &[], &[]), "");
}

fn read_back(cell: &str) -> String {
    let mut text = String::new();
    let mut rest = cell.chars();
    while let Some(c) = rest.next() {
        match (c, c == '\\') {
            (c, false) => text.push(c),
            (_, true) => match rest.next().unwrap() {
                't' => text.push('\t'),
                'n' => text.push('\n'),
                'r' => text.push('\r'),
                'u' => {
                    let hex: String = rest.by_ref().skip(1).take_while(|c| *c != '}').collect();
                    text.push(char::from_u32(u32::from_str_radix(&hex, 16).unwrap()).unwrap());
                }
                other => text.push(other),
            },
        }
    }
    text
}

proptest! {
    #[test]
    fn tsv_keeps_every_text_with_one_line_per_row(name in any::<String>()) {
        let mut options = options_for(Format::Tsv, &["name", "ref"]);
        options.headers = false;
        let shown = written(&options, &[job(&name)], &[]);
        let row = shown.strip_suffix('\n').unwrap();
        prop_assert!(!row.replace('\t', "").contains(needs_escape));
        let (cell, _) = row.split_once('\t').unwrap();
        prop_assert_eq!(read_back(cell), name);
    }

    #[test]
    fn no_text_emits_a_control_character_or_a_ci_command(name in "(::|##\\[|[\t\n\r\u{1b}\u{202e}=+@-])*\\PC{0,9}") {
        for format in [Format::Csv, Format::Tsv, Format::Jsonl, Format::Name] {
            let columns: &[&str] = match format {
                Format::Csv | Format::Tsv => &["name"],
                _ => &[],
            };
            let shown = written(&options_for(format, columns), &[job(&name)], &[]);
            for line in shown.trim_start_matches('\u{feff}').lines() {
                prop_assert!(!line.replace('\t', "").contains(needs_escape), "{line:?}");
                prop_assert!(!line.trim_start().starts_with("::"), "{line:?}");
                prop_assert!(ci_command_at(line).is_none(), "{line:?}");
            }
        }
    }
}
