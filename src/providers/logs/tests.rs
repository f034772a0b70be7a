use std::sync::Mutex;

use super::*;
use crate::providers::aliyun;
use crate::providers::test_support::{get_options, reference};
use crate::sync::lock;

/// A file, the size that the cloud reports for it, and the offsets that were read.
struct Lines<'a> {
    text: &'a str,
    size: Option<u64>,
    offsets: Mutex<Vec<u64>>,
}

#[async_trait]
impl LogFile for Lines<'_> {
    const PART_BYTES: u64 = 64;

    async fn part(&self, offset: u64) -> Result<FilePart, Problem> {
        lock(&self.offsets).push(offset);
        let bytes = self.text.as_bytes().iter().skip(offset as usize);
        let data = bytes.take(Self::PART_BYTES as usize).copied().collect();
        Ok(FilePart {
            data,
            size: self.size,
        })
    }
}

/// Reads the piece of a file at a position, after the bytes `before`.
async fn piece(
    file: &impl LogFile,
    params: &LogParams,
    position: &LogPosition,
    before: &[u8],
) -> LogChunk {
    let kind = aliyun::CLOUD.kinds[0];
    let (reference, source) = (reference(kind, &["c", "1"]), LogSource::default());
    let request = LogRequest {
        reference: &reference,
        source: &source,
        position,
        params,
        before,
        options: &get_options(),
    };
    read_file(request, file).await.unwrap()
}

/// A file of a cloud that ignores the offset, and its reported size.
struct Same(&'static [u8], Option<u64>);

#[async_trait]
impl LogFile for Same {
    const PART_BYTES: u64 = 8;

    async fn part(&self, _: u64) -> Result<FilePart, Problem> {
        Ok(FilePart {
            data: self.0.to_owned(),
            size: self.1,
        })
    }
}

/// Reads a file piece by piece. Returns its text from the first piece on, and the offsets that were read.
async fn read(text: &str, lines: Option<u64>, size: Option<u64>) -> (String, Vec<u64>) {
    let params = LogParams {
        tail_lines: lines,
        ..LogParams::default()
    };
    let file = Lines {
        text,
        size,
        offsets: Mutex::default(),
    };
    let (mut position, mut text) = (LogPosition::Start, Vec::new());
    loop {
        let before: &[u8] = &text;
        let before = &before[before.len().saturating_sub(16)..];
        let chunk = piece(&file, &params, &position, before).await;
        text.extend(chunk.data);
        position = chunk.next.unwrap();
        if !chunk.has_more {
            return (
                String::from_utf8(text).unwrap(),
                file.offsets.into_inner().unwrap(),
            );
        }
    }
}

fn file(lines: usize) -> String {
    (0..lines)
        .map(|number| format!("第 {number} 行\n"))
        .collect()
}

#[tokio::test]
async fn a_file_is_read_to_its_end_whatever_its_reported_size_is() {
    for lines in [0, 1, 5, 100] {
        let file = file(lines);
        let rounded = (file.len() as u64).next_multiple_of(4096);
        for size in [None, Some(file.len() as u64), Some(rounded)] {
            assert_eq!(
                read(&file, None, size).await.0,
                file,
                "{lines} lines, {size:?}"
            );
        }
    }
}

#[tokio::test]
async fn the_last_lines_of_a_file_are_found_from_its_end() {
    let file = file(10_000);
    let size = Some(file.len() as u64);
    for lines in [1_u64, 3, 50] {
        let (text, offsets) = read(&file, Some(lines), size).await;
        assert!(file.ends_with(&text) && text.starts_with('第'), "{lines}");
        assert!(text.lines().count() as u64 >= lines, "{lines}");
        assert!(offsets.len() < 60, "{offsets:?}");
    }
    let (text, _) = read(&file, Some(20_000), size).await;
    assert!(text == file);
}

#[tokio::test]
async fn a_file_that_was_truncated_is_read_from_its_start() {
    let (params, at) = (LogParams::default(), LogPosition::Offset(4));
    for (text, expected, is_disjoint) in [
        ("a\nb\nc\n", "c\n", false),
        ("a\nb\n", "", false),
        ("x\ny\nz\n", "x\ny\nz\n", true),
        ("x\n", "x\n", true),
        ("", "", true),
    ] {
        let file = Lines {
            text,
            size: None,
            offsets: Mutex::default(),
        };
        let chunk = piece(&file, &params, &at, b"b\n").await;
        let read = (&*chunk.data, chunk.is_disjoint, chunk.truncated.is_some());
        assert_eq!(
            read,
            (expected.as_bytes(), is_disjoint, is_disjoint),
            "{text:?}"
        );
    }
}

#[tokio::test]
async fn if_the_cloud_ignores_the_offset_only_the_first_part_is_read() {
    let read = async |file: Same, position, before: &[u8], tail_lines| {
        let params = LogParams {
            tail_lines,
            ..LogParams::default()
        };
        let chunk = piece(&file, &params, &position, before).await;
        (chunk.data, chunk.lacks_rest, chunk.is_disjoint)
    };
    let (start, later) = (LogPosition::Start, LogPosition::Offset(8));
    let file = || Same(b"a\nb\nc\nd\n", Some(80));
    let part = file().0.to_owned();
    let whole = read(file(), start.clone(), b"", None).await;
    assert_eq!(whole, (part.clone(), false, false));
    assert_eq!(
        read(file(), later.clone(), b"d\n", None).await,
        (vec![], true, false)
    );
    assert_eq!(read(file(), start, b"", Some(1)).await, (part, true, false));
    for lines in [&b"a\na\na\na\n"[..], b"........"] {
        let again = read(Same(lines, None), later.clone(), &lines[6..], None).await;
        assert_eq!(again, (vec![], true, false));
    }
}

#[tokio::test]
async fn a_file_much_shorter_than_its_reported_size_is_incomplete() {
    for (size, lacks_rest) in [(6, false), (4096, false), (70_000, true), (u64::MAX, true)] {
        let file = Lines {
            text: "a\nb\nc\n",
            size: Some(size),
            offsets: Mutex::default(),
        };
        for tail_lines in [None, Some(1)] {
            let params = LogParams {
                tail_lines,
                ..LogParams::default()
            };
            let chunk = piece(&file, &params, &LogPosition::Start, b"").await;
            assert_eq!((&*chunk.data, chunk.lacks_rest), (&b"a\nb\nc\n"[..], false));
            if chunk.has_more {
                let chunk = piece(&file, &params, &LogPosition::Offset(6), b"c\n").await;
                assert_eq!((chunk.data.len(), chunk.lacks_rest), (0, lacks_rest));
            }
            assert_eq!(chunk.has_more, size > 6);
        }
    }
}

#[tokio::test]
async fn a_log_with_repeated_lines_is_read_to_its_end() {
    for line in ["ab\n", "损失 0.7\n", "retry 1\nretry 2\n", "."] {
        for head in ["", "head\n"] {
            let file = format!("{head}{}\nTraceback\n", line.repeat(300));
            for size in [None, Some(file.len() as u64)] {
                assert_eq!(read(&file, None, size).await.0, file, "{head:?} {line:?}");
                let (text, _) = read(&file, Some(1), size).await;
                assert!(text.ends_with("Traceback\n"), "{head:?} {line:?}");
            }
        }
    }
}
