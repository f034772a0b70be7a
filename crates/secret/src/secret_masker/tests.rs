use super::*;

#[test]
fn an_echoed_secret_is_masked_in_every_spelling() {
    let secret = Secret::new("to/ken+==");
    let masker = SecretMasker::new([&secret]);
    let text = r#"a to/ken+== b to%2Fken%2B%3D%3D c to\/ken+== d to%2fken%2b%3d%3d e"#;
    assert_eq!(masker.text(text), "a *** b *** c *** d *** e");
    let text = r"a to/ken\u002b\u003d\u003d b to/ken\u002B\u003D\u003D c";
    assert_eq!(masker.text(text), "a *** b *** c");
}

fn shown(secret: &str, text: &str) -> (String, String) {
    let masker = SecretMasker::new([&Secret::new(secret)]);
    let mut value = text.to_owned();
    masker.mask_value(&mut value);
    (masker.text(text), value)
}

#[test]
fn a_value_that_equals_a_secret_like_a_word_or_id_is_not_masked() {
    let secrets = [
        "Warning",
        "123456",
        "status",
        "Completed",
        "8a85c1",
        "1234567890123456789",
        "8a85c1f2c6b34b5f8e2d9a7b6c5d4e3f",
        "04F0F334-1335-436C-A1D7-6C044FE73368",
    ];
    for secret in secrets {
        let (_, value) = shown(secret, secret);
        assert_eq!(value, secret);
    }
    let (_, value) = shown(
        "8a85c1f2c6b34b5f8e2d9a7b6c5d4e3f",
        "token=8a85c1f2c6b34b5f8e2d9a7b6c5d4e3f",
    );
    assert_eq!(value, "token=***", "a part of a longer text is not an id");
    assert_eq!(
        shown("hunter2", "bad hunter2").1,
        "bad ***",
        "no id has a space"
    );
    assert_eq!(shown("hunter2", "口令hunter2").1, "口令***");
}

#[test]
fn a_distinctive_secret_is_masked_in_values_too() {
    for secret in ["to/ken+==", "sugonTOKENabcdef0123456789xyz", "p@ss w0rd!"] {
        let (text, value) = shown(secret, &format!("id-{secret}-x"));
        assert_eq!((text.as_str(), value.as_str()), ("id-***-x", "id-***-x"));
    }
}

#[test]
fn a_short_secret_is_masked_as_a_whole_word_in_any_script() {
    let text = |text| shown("hunter2", text).0;
    assert_eq!(text("bad:hunter2, hunter2!"), "bad:***, ***!");
    assert_eq!(text("口令hunter2无效"), "口令***无效");
    assert_eq!(text("a_hunter2-b"), "a_***-b");
    assert_eq!(text("hunter23 xhunter2"), "hunter23 xhunter2");
    assert_eq!(shown("p@ss", "xp@ss").0, "xp@ss");
    assert_eq!(shown("@ss@", "x@ss@y").0, "x***y");
    assert_eq!(shown("abc", "abc").0, "abc", "too short to hide");
}

#[test]
fn a_longer_secret_is_masked_within_words() {
    assert_eq!(shown("hunter2pw", "xhunter2pwx").0, "x***x");
    let masker = SecretMasker::new([&Secret::new("abcdefgh"), &Secret::new("abcdefgh12345678")]);
    assert_eq!(masker.text("abcdefgh12345678 abcdefgh1"), "*** ***1");
}

#[test]
fn a_short_word_or_number_is_masked_only_as_the_value_of_a_credential() {
    for secret in ["main", "failed", "BackOff", "123456", "not-ok", "10.0.0"] {
        let text = format!("the {secret} is {secret}");
        assert_eq!(shown(secret, &text).0, text);
    }
    for (text, expected) in [
        ("SecretId=testid&Token=x", "SecretId=***&Token=x"),
        (r#"{"access_key": "testid"}"#, r#"{"access_key": "***"}"#),
        ("x-auth-token: testid", "x-auth-token: ***"),
        (
            "state=testid, the key testid",
            "state=testid, the key testid",
        ),
    ] {
        assert_eq!(shown("testid", text).0, expected);
    }
    assert_eq!(shown("8a85c1", "key 8a85c1").0, "key ***");
    assert_eq!(shown("password", "a password").0, "a ***");
}

#[test]
fn a_secret_that_is_a_word_is_not_masked_in_a_name_without_spaces() {
    let name = |secret: &str, text: &str| {
        let mut text = text.to_owned();
        SecretMasker::new([&Secret::new(secret)]).mask_name(&mut text);
        text
    };
    assert_eq!(name("training", "training"), "training");
    assert_eq!(name("training", "/data/training"), "/data/training");
    assert_eq!(name("training", "job of training"), "job of ***");
    assert_eq!(name("hunter2", "job-hunter2"), "job-***");
}

/// Has the form of an STS security token.
const TOKEN: &str = "CAISstsTok+en/abc==xyzLONGLONG";

#[test]
fn a_part_of_a_password_is_masked_unless_it_is_a_word_or_number() {
    for (secret, text, shown) in [
        (
            "Winter\\Sommer24!xyz",
            "denied for Winter\\Sommer24",
            "denied for ***",
        ),
        (
            "Winter\\Sommer24!xyz",
            "of winter and sommer",
            "of winter and sommer",
        ),
        (
            "Shanghai#2024!",
            "cannot log in with Shanghai#2",
            "cannot log in with ***",
        ),
        (
            "Shanghai#2024!",
            "region Shanghai, 2024",
            "region Shanghai, 2024",
        ),
        ("2026-11-28#abc", "at 2026-11-28", "at 2026-11-28"),
    ] {
        let masker = SecretMasker::new([&Secret::new(secret)]);
        assert_eq!(masker.text(text), shown);
    }
}

#[test]
fn a_secret_is_masked_in_other_spellings() {
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};
    let html = |encode: fn(char) -> String| -> String {
        let encode = |c: char| match c.is_ascii_alphanumeric() {
            true => c.to_string(),
            false => encode(c),
        };
        TOKEN.chars().map(encode).collect()
    };
    let percent = percent_encode(TOKEN);
    let hex = |gap: &str| -> String {
        let pairs: Vec<_> = TOKEN.bytes().map(|byte| format!("{byte:02X}")).collect();
        pairs.join(gap)
    };
    let wrapped = |gap: &str| {
        let pieces: Vec<&str> = (0..TOKEN.len())
            .step_by(5)
            .map(|at| &TOKEN[at..TOKEN.len().min(at + 5)])
            .collect();
        pieces.join(gap)
    };
    let spellings = [
        TOKEN[..TOKEN.len() - 1].to_owned(),
        TOKEN[..20].to_owned(),
        TOKEN[8..].to_owned(),
        html(|c| format!("&#x{:X};", u32::from(c))),
        html(|c| format!("&#{};", u32::from(c))),
        html(|c| format!("&amp;#x{:02x};", u32::from(c))),
        html(|c| format!("\\u{:04x}", u32::from(c))),
        html(|c| format!("\\\\u{:04X}", u32::from(c))),
        html(|c| format!("\\{c}")),
        TOKEN.replace('+', " "),
        TOKEN.replace('+', "%20"),
        format!("{} {}", &TOKEN[..16], &TOKEN[16..]),
        format!("{}\r\n{}", &TOKEN[..5], &TOKEN[5..]),
        format!("{}\\n{}", &TOKEN[..16], &TOKEN[16..]),
        html(|c| format!("&#{}", u32::from(c))),
        html(|c| format!("\\{:03o}", u32::from(c))),
        html(|c| format!("\\U{:08x}", u32::from(c))),
        wrapped("\u{200b}"),
        wrapped("\u{200c}"),
        wrapped("\u{2028}"),
        wrapped("\u{2060}"),
        wrapped("\u{3000}"),
        wrapped("\u{feff}"),
        wrapped("\0"),
        wrapped("<br>"),
        wrapped("<WBR>"),
        wrapped("=\n"),
        wrapped("\u{1b}[1;31m"),
        TOKEN.to_uppercase(),
        percent.replace('%', "%25"),
        percent.to_lowercase(),
        STANDARD.encode(TOKEN),
        URL_SAFE.encode(format!("bob:{TOKEN}")),
        STANDARD.encode(format!("ab{TOKEN}cd")),
        STANDARD.encode(STANDARD.encode(TOKEN)),
        STANDARD.encode(format!("ab{}", STANDARD.encode(TOKEN))),
        hex(""),
        hex(":"),
        hex(" "),
    ];
    for spelling in spellings {
        let (shown, value) = shown(TOKEN, &format!("bad token {spelling}, 令牌"));
        let rest = shown.replace("***", "");
        // The Base64 of the surrounding text shares a few characters with that of the secret.
        let is_bare = rest.len() <= "bad token , 令牌".len() + 12;
        assert!(shown.contains("***") && is_bare, "{spelling}: {shown}");
        assert_eq!(shown, value);
    }
}

#[test]
fn a_secret_of_letters_or_with_escapes_is_masked_in_other_spellings() {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    for secret in [
        "CorrectHorseBatteryStaple",
        "Abc%41def12345$x",
        "Qx7&amp;zz91Lmn#p2w",
    ] {
        let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
        for spelling in [
            secret.to_owned(),
            secret.to_lowercase(),
            secret.replace('&', "&amp;"),
            percent_encode(secret),
            STANDARD.encode(secret),
            hex,
        ] {
            let text = format!("bad {spelling}, x");
            let (shown, _) = shown(secret, &text);
            assert!(shown.starts_with("bad ***"), "{spelling}: {shown}");
            assert!(shown.len() < "bad ***, x".len() + 6, "{spelling}: {shown}");
        }
    }
    let name = shown("train-resnet-on-imagenet", "job train-resnet-on-imagenet");
    assert_eq!(name.0, "job ***");
    let value = shown("train-resnet-on-imagenet", "train-resnet-on-imagenet").1;
    assert_eq!(value, "train-resnet-on-imagenet");
}

#[test]
fn a_short_secret_without_its_first_or_last_character_is_masked() {
    let text = |text| shown("hunter2hunter2", text).0;
    assert_eq!(text("bad hunter2hunter, x"), "bad ***, x");
    assert_eq!(text("bad unter2hunter2"), "bad ***");
    let name = |text| shown("gpu-node-0001", text).0;
    assert_eq!(name("on gpu-node-0002"), "on gpu-node-0002");
    assert_eq!(name("on gpu-node-0001"), "on ***");
}

#[test]
fn ordinary_words_contained_in_a_secret_are_not_masked() {
    for (secret, text) in [
        (
            "aliyunSecretQ1W2E3R4T5",
            "the aliyun secret of aliyunSecret is wrong",
        ),
        ("sugonTOKENabcdef0123456789xyz", "the sugonTOKEN is wrong"),
        ("p@ssword1!", "the password is wrong"),
        (TOKEN, "CAISsts Tok abc LONGLONG"),
    ] {
        assert_eq!(shown(secret, text).0, text);
    }
}

#[test]
fn the_id_of_a_key_is_shown_in_its_short_form() {
    let masker = SecretMasker::new([&Secret::key_id("LTAI5tExampleKey3Qk")]);
    for text in [
        "key LTAI5tExampleKey3Qk is wrong",
        "key ltai5texamplekey3qk is wrong",
    ] {
        assert_eq!(masker.text(text), "key LTAI…3Qk is wrong");
    }
    assert_eq!(masker.text("LTAI…3Qk"), "LTAI…3Qk");
}

/// Returns a text of words, of runs of one character, of pieces of `secret`, and of ends of it after a run of their
/// first character.
fn with_runs(secret: &str, parts: &[(u8, usize, usize, String)]) -> String {
    let part = |(sort, from, length, word): &(u8, usize, usize, String)| {
        let end = &secret[from % (secret.len() + 1)..];
        let run = |text: &str| text.chars().take(1).collect::<String>().repeat(*length);
        match sort {
            0 => word.clone(),
            1 => run(word),
            2 => end.chars().take(*length).collect(),
            _ => run(end) + end,
        }
    };
    parts.iter().map(part).collect()
}

proptest::proptest! {
    #[test]
    fn no_text_makes_masking_panic(text in "([%&\\\\#;u+ ]|25|amp;|[0-9a-f]{2,6}|CAISsts|密){0,30}") {
        SecretMasker::new([&Secret::new(TOKEN), &Secret::new("密码密码密码12")]).text(&text);
    }

    #[test]
    fn masking_with_and_without_the_filter_has_the_same_result(
        secret in proptest::collection::vec((0_u8..2, 0_usize..1, 1_usize..24, "[a-c03A/=:#-]{1,8}"), 1..5),
        parts in proptest::collection::vec((0_u8..4, 0_usize..60, 1_usize..30, "[a-c03A/=:#\n \\\\-]{1,4}"), 1..4),
    ) {
        let secret = with_runs("", &secret);
        let text = with_runs(&secret, &parts);
        let mut masker = SecretMasker::of_signature(&Secret::new(&secret));
        masker.needles.clear();
        let index = Index::new(&masker.folded);
        let unfiltered = folded::mask(&text, &masker.folded, &index, |_| true);
        proptest::prop_assert_eq!(masker.text(&text), unfiltered, "{} in {}", secret, text);
    }
}
