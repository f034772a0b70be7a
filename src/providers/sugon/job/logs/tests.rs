use super::*;
use crate::providers::test_support;

fn page(text: &str, pages: Option<u64>, lines: Option<u64>) -> FilePage {
    FilePage {
        text: text.to_owned(),
        pages,
        lines,
    }
}

#[test]
fn a_page_of_a_log_file_is_decoded() {
    let body = test_support::read("sugon/job/file-content.json");
    let expected = page("epoch 1\n损失 0.7\n", Some(1), Some(2));
    assert_eq!(decode(&body), Ok(expected));
    let empty = br#"{"code": "0", "msg": "success", "data": null}"#;
    assert_eq!(decode(empty), Ok(FilePage::default()));
    let other = br#"{"code": "0", "data": {"data": {"text": "x"}}}"#;
    assert!(matches!(decode(other), Err(DecodeError::Invalid(_))));
}

#[test]
fn a_missing_log_file_is_not_found() {
    let category = |message: &str| {
        let body =
            serde_json::json!({"code": "0", "data": {"success": "false", "errmsg": message}});
        match decode(body.to_string().as_bytes()) {
            Err(DecodeError::Failed(error)) => error.category,
            other => panic!("{other:?}"),
        }
    };
    for missing in [
        "File does not exist",
        "/o: No such file or directory",
        "file NOT FOUND",
        "文件不存在",
    ] {
        assert_eq!(category(missing), Category::NotFound, "{missing}");
    }
    for other in ["disk error", "", "Permission denied: existing file"] {
        assert_eq!(category(other), Category::ServiceError, "{other}");
    }
}

#[test]
fn a_partial_line_is_continued_and_a_full_page_ends_its_last_line() {
    let mark = |page, bytes| Mark { page, bytes };
    let after = |file: FilePage, at: Mark| {
        let chunk = file.after(at);
        let text = String::from_utf8(chunk.data).unwrap();
        (text, Mark::parse(&chunk.next.unwrap()), chunk.has_more)
    };
    let grows = after(page("a\nb", Some(1), Some(2)), Mark::START);
    assert_eq!(grows, ("a\nb".to_owned(), mark(1, 3), false));
    let grown = after(page("a\nbc\nd", Some(2), Some(4)), mark(1, 3));
    assert_eq!(grown, ("c\nd\n".to_owned(), mark(2, 0), true));
    let last = after(page("e", Some(2), Some(4)), mark(2, 0));
    assert_eq!(last, ("e".to_owned(), mark(2, 1), false));
    let empty = after(page("", Some(3), Some(2500)), mark(2, 0));
    assert_eq!(empty, (String::new(), mark(2, 0), false));
}

#[test]
fn an_empty_page_before_the_last_one_makes_the_log_incomplete() {
    let lacks_rest = |text, page_number| {
        let file = page(text, Some(3), None);
        let at = Mark {
            page: page_number,
            bytes: 0,
        };
        file.after(at).lacks_rest
    };
    assert!(lacks_rest("", 1) && lacks_rest("", 2));
    assert!(!lacks_rest("a\n", 1) && !lacks_rest("", 3));
}

#[test]
fn a_truncated_log_file_is_recognized() {
    let mark = Mark { page: 1, bytes: 4 };
    assert!(page("abcd", Some(1), None).has(mark, b"abcd"));
    assert!(page("abcdef", None, None).has(mark, b"xyz\nabcd"));
    assert!(page("a损失", None, None).has(mark, "a\u{fffd}".as_bytes()));
    assert!(!page("abc", Some(1), None).has(mark, b"abcd"));
    assert!(!page("xbcdef", Some(1), None).has(mark, b"abcd"));
    assert!(!page("损失", Some(1), None).has(mark, b"abcd"));
    assert!(!page("", Some(1), None).has(Mark { page: 2, bytes: 0 }, b"a\n"));
}

#[test]
fn the_first_page_of_the_last_lines_is_counted_from_the_end() {
    let first = page(&"x\n".repeat(1000), Some(3), Some(2500));
    let pages = [0, 1, 500, 501, 1500, 1501, 9999].map(|lines| first.page_of_last(lines));
    assert_eq!(pages, [3, 3, 3, 2, 2, 1, 1]);
    assert_eq!(page("x\n", Some(1), Some(1)).page_of_last(1), 1);
    assert_eq!(page("x\n", None, None).page_of_last(1), 1);
}
