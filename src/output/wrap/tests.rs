use proptest::prelude::*;

use super::super::text::{ci_command_at, escape};
use super::*;

#[test]
fn breaks_lines_at_spaces_and_inside_words_longer_than_a_line() {
    assert_eq!(wrap("one two  three", 8), ["one two", "three"]);
    assert_eq!(wrap("  in  dented", 20), ["  in  dented"]);
    assert_eq!(wrap("  in  dented", 8), ["  in", "dented"]);
    assert_eq!(wrap("一二三四五六七", 10), ["一二三四五", "六七"]);
    assert_eq!(
        wrap("a 0123456789012345678", 12),
        ["a 0123456789", "012345678"]
    );
    assert_eq!(
        wrap("abcdefgh 0123456789012345678", 12),
        ["abcdefgh", "012345678901", "2345678"]
    );
    assert_eq!(wrap("", 10), Vec::<String>::new());
    assert_eq!(wrap("   ", 2), Vec::<String>::new());
    assert_eq!(wrap("字", 1), ["字"]);
}

#[test]
fn a_word_that_fits_on_a_line_is_not_cut() {
    assert_eq!(
        wrap("145 CA certificates in the system's store", 18),
        ["145 CA", "certificates in", "the system's store"]
    );
    assert_eq!(
        wrap("region cn-hangzhou, http://127.0.0.1", 18),
        ["region", "cn-hangzhou,", "http://127.0.0.1"]
    );
    assert_eq!(
        wrap("用户代码错误：ModuleNotFoundError", 19),
        ["用户代码错误：", "ModuleNotFoundError"]
    );
}

#[test]
fn chinese_punctuation_neither_begins_nor_ends_a_line_wrongly() {
    for (text, columns, lines) in [
        (
            "请增大内存规格，详情",
            14,
            &["请增大内存规", "格，详情"][..],
        ),
        ("一二三四（五六）七", 10, &["一二三四", "（五六）七"]),
        ("一二三四 ，五", 8, &["一二三", "四 ，五"]),
        ("一二三（ 四五", 8, &["一二三", "（ 四五"]),
        ("一二三四.json", 8, &["一二三", "四.json"]),
        ("一二三(四)五", 8, &["一二三", "(四)五"]),
        ("abcdefghijkl，m", 12, &["abcdefghijk", "l，m"]),
        ("一二三四！？五", 10, &["一二三", "四！？五"]),
    ] {
        assert_eq!(wrap(text, columns), lines, "{text}");
    }
    // Nothing can be moved.
    assert_eq!(wrap("，，，，，", 4), ["，，", "，，", "，"]);
}

#[test]
fn a_path_that_fits_on_a_line_is_not_broken_at_chinese_characters() {
    assert_eq!(
        wrap("配置 文件 /home/研究员/config", 20),
        ["配置 文件", "/home/研究员/config"]
    );
    assert_eq!(wrap("/研究员/研究员/a", 10), ["/研究员/研", "究员/a"]);
}

#[test]
fn characters_that_are_drawn_together_stay_together() {
    assert_eq!(wrap("👩‍🚀👩🏽👩‍🚀", 4), ["👩‍🚀👩🏽", "👩‍🚀"]);
    assert_eq!(wrap("字\u{301}字\u{301}", 3), ["字\u{301}", "字\u{301}"]);
}

#[test]
fn a_longer_text_ends_with_an_ellipsis() {
    assert_eq!(
        wrap_at_most(" one two three four ", 10, 9),
        ["one two", "three four"]
    );
    assert_eq!(
        wrap_at_most("one two three four five", 10, 2),
        ["one two", "three fou…"]
    );
    assert_eq!(wrap_at_most("one two", 1, 1), ["one two"]);
}

#[test]
fn a_text_of_256_kib_is_wrapped_quickly() {
    for part in [
        "word ",
        "字",
        "a\u{301}",
        "\u{200d}",
        "，",
        "（",
        "（ ",
        " ，",
        " ",
        "字\u{301}",
        "👩\u{200d}",
        "/字",
    ] {
        let text = part.repeat((1 << 18) / part.len());
        for columns in [60, usize::MAX] {
            let started = std::time::Instant::now();
            assert!(
                wrap(&text, columns).concat().replace(' ', "") == text.replace(' ', ""),
                "{part:?}"
            );
            assert!(started.elapsed().as_secs() < 20, "{part:?}");
        }
    }
}

#[test]
fn a_line_like_a_ci_command_leaves_room_for_its_escape() {
    assert_eq!(wrap("one two ::x", 10), ["one two", "\\u{3a}:x"]);
    assert_eq!(wrap("0 0A0!! ::", 12), ["0 0A0!! ::"]);
    for text in [
        ":: 0123456789012345678",
        "::0123456789012345678",
        "  ::0123456789012345678",
    ] {
        for columns in 9..16 {
            let lines = wrap(text, columns);
            let widest = lines.iter().map(|line| width(line)).max().unwrap();
            assert!(widest <= columns, "{columns}: {lines:?}");
        }
    }
}

proptest! {
    #[test]
    fn no_line_exceeds_the_width_and_only_spaces_are_lost(
        text in "[ 一，（。👩\u{200d}\u{301}[\\PC&&[^\\p{Zl}\\p{Zp}]]]{0,80}", columns in 4_usize..40,
    ) {
        // The escaped colon at the beginning of a CI command.
        const ESCAPED: &str = "\\u{3a}:";
        let text = escape(&text);
        let lines = wrap(&text, columns);
        for line in &lines {
            let is_escaped = line.trim_start().starts_with(ESCAPED);
            let room = if is_escaped { columns.max(ESCAPED.len() + 2) } else { columns };
            prop_assert!(width(line) <= room, "{line:?}");
        }
        let shown = lines.concat().replace(ESCAPED, "::");
        prop_assert_eq!(shown.replace(' ', ""), text.replace(ESCAPED, "::").replace(' ', ""));
    }

    #[test]
    fn no_line_begins_with_closing_or_ends_with_opening_punctuation(
        text in "[一二ab ]{1,3}([一二ab][ab一 ]{0,12}[，。；：、）！？》」』】]|（《[一二ab]|[ ]一){0,12}",
        columns in 12_usize..40,
    ) {
        let text = text.trim();
        let lines = wrap(text, columns);
        for line in &lines {
            prop_assert!(!line.starts_with(|c| CLOSING.contains(c)), "{lines:?}");
            prop_assert!(!line.ends_with(|c| OPENING.contains(c)), "{lines:?}");
        }
    }

    #[test]
    fn a_word_is_cut_only_if_it_is_longer_than_a_line(
        text in "[a-z]{1,12}( [a-z]{1,12}){0,8}", columns in 12_usize..30,
    ) {
        let lines = wrap(&text, columns);
        prop_assert_eq!(lines.join(" "), text);
    }

    #[test]
    fn at_most_the_given_lines_are_returned(
        text in "(\\PC| ::x| ##\\[){0,60}", columns in 10_usize..40, most in 1_usize..4,
    ) {
        let lines = wrap_at_most(&escape(&text), columns, most);
        prop_assert!(lines.len() <= most);
        for line in lines {
            prop_assert!(width(&line) <= columns, "{line:?}");
            prop_assert!(!line.trim_start().starts_with("::"), "{line:?}");
            prop_assert!(ci_command_at(&line).is_none(), "{line:?}");
        }
    }
}
