use super::super::text::width;
use super::*;
use crate::error::Category;
use crate::model::Time;
use crate::output::document::{CheckName, Envelope, Exit};

fn diagnosis() -> DoctorReport {
    let checks = vec![
        Check::ok(CheckName::Settings, "key LTAI…3Qk from aliyun-cli profile 生产 (/home/研究员/.aliyun/config.json), region cn-hangzhou"),
        Check::warn(
            CheckName::Files,
            "/home/研究员/.aliyun/config.json contains a secret and is readable by others (mode 644)",
            "chmod 600 '/home/研究员/.aliyun/config.json'",
        ),
        Check::fail(
            CheckName::Permission,
            Category::PermissionDenied,
            "ListClusters: 用户没有权限执行此操作，请联系管理员授予该账号在当前资源组内的只读权限后重试\u{1b}[2J",
        )
        .hint(Some("grant the permission ehpc:ListClusters".to_owned())),
    ];
    DoctorReport {
        schema: Envelope::SCHEMA,
        command: "doctor",
        machine: HostInfo {
            version: "9.9.9",
            os: "linux",
            arch: "x86_64",
            time: Time::from_unix(1_700_000_000).unwrap(),
            utc_offset_seconds: 0,
            settings_file: None,
        },
        checks: vec![Check::ok(CheckName::Proxy, "none")],
        accounts: vec![AccountCheck {
            cloud: "aliyun",
            profile: "生产".to_owned(),
            status: CheckStatus::Fail,
            source: None,
            location: None,
            key: None,
            region: None,
            endpoint: None,
            operation: None,
            clock_ahead_seconds: None,
            checks,
            problem: None,
        }],
        exit: Exit::new(4),
    }
}

fn page(width: Option<usize>, color: bool) -> String {
    let context = RenderContext {
        width,
        color,
        now: Time::from_unix(1_700_000_000).unwrap(),
        zone: Zone::Utc,
    };
    let options = OutputOptions {
        format: Format::Table,
        columns: None,
        headers: true,
        query: None,
    };
    let mut out = Vec::new();
    write_diagnosis(&mut out, &diagnosis(), &options, &context).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn a_page_of_80_columns_wraps_and_cuts_nothing() {
    let page = page(Some(80), false);
    let (first, rest) = page.split_once('\n').unwrap();
    // The time zone is that of the machine that runs the test.
    assert!(
        first.starts_with("joblens 9.9.9 on linux x86_64, 2023-11-1"),
        "{first}"
    );
    let expected = "  ok    proxy         none

aliyun 生产: fail
  ok    settings      key LTAI…3Qk from aliyun-cli profile 生产
                      (/home/研究员/.aliyun/config.json), region cn-hangzhou
  warn  files         /home/研究员/.aliyun/config.json contains a secret and is
                      readable by others (mode 644)
        hint          chmod 600 '/home/研究员/.aliyun/config.json'
  fail  permission    ListClusters: 用户没有权限执行此操作，请联系管理员授予该账
                      号在当前资源组内的只读权限后重试\\u{1b}[2J
        hint          grant the permission ehpc:ListClusters

1 account: 1 fail
";
    assert_eq!(rest, expected);
    assert!(page.lines().all(|line| width(line) <= 80), "{page}");
}

#[test]
fn no_line_of_a_narrow_page_exceeds_it_or_cuts_a_word_that_fits() {
    for columns in [24, 30, 40, 60] {
        let page = page(Some(columns), false);
        for line in page.lines().filter(|line| line.starts_with("  ")) {
            assert!(width(line) <= columns, "{columns}: {line}");
        }
        for word in ["cn-hangzhou", "ehpc:ListClusters", "readable"] {
            assert!(page.contains(word), "{columns}: {page}");
        }
    }
}

#[test]
fn the_marks_are_words_and_colors_add_no_information() {
    let colored = page(None, true);
    for mark in [
        "\u{1b}[32mok  \u{1b}[0m",
        "\u{1b}[33mwarn\u{1b}[0m",
        "\u{1b}[31mfail\u{1b}[0m",
    ] {
        assert!(colored.contains(mark), "{colored}");
    }
    let colors = [
        "\u{1b}[0m",
        "\u{1b}[1m",
        "\u{1b}[31m",
        "\u{1b}[32m",
        "\u{1b}[33m",
    ];
    let bare = colors
        .iter()
        .fold(colored, |text, color| text.replace(color, ""));
    assert_eq!(bare, page(None, false));
}
