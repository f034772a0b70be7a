use super::*;

const SEE_KINDS: &str = "expected CLOUD/KIND/SEGMENT…; see: joblens kinds";

/// Input, error message, marked part, and hint.
const BLANKS: &str = "write one reference per line, and %20 for a blank in an ID; to print references: joblens list -o name";
const SEVERAL: &str = "write one reference per line, or pass each as an argument";
const COMMENT: &str = "write the comment on a line of its own";

/// Input, error message, marked part, and hint of texts with several words.
const SEVERAL_WORDS: [(&str, &str, &str, &str); 13] = [
    (
        "aliyun/job/c/10_3 # trailing",
        "a comment follows the reference",
        " ",
        COMMENT,
    ),
    (
        "aliyun/job/c/10_3 10_4",
        "a reference contains no blanks",
        " ",
        BLANKS,
    ),
    (
        "aliyun/job/c/10\t4",
        "a reference contains no blanks",
        "\t",
        BLANKS,
    ),
    (
        "aliyun/job/c/训练\u{3000}任务",
        "a reference contains no blanks",
        "\u{3000}",
        BLANKS,
    ),
    (
        "aliyun/job/c/5\u{a0}x",
        "a reference contains no blanks",
        "\u{a0}",
        BLANKS,
    ),
    (
        "aliyun@my prod/job/c/5",
        "a reference contains no blanks",
        " ",
        BLANKS,
    ),
    (
        "aliyun/job/c/5  failed  resnet",
        "a reference contains no blanks",
        " ",
        BLANKS,
    ),
    (
        "aliyun/job/c/5 aliyun/job/c/6",
        "these are several references",
        " ",
        SEVERAL,
    ),
    (
        "aliyun/job/c/5,ali@prod/job/c/6",
        "these are several references",
        ",",
        SEVERAL,
    ),
    (
        "aliyun/job/c/5, ali/job/c/6",
        "these are several references",
        ",",
        SEVERAL,
    ),
    (
        "aliyun/job/c/5；ali/job/c/6",
        "these are several references",
        "；",
        SEVERAL,
    ),
    (
        "\"aliyun/job/c/5\" \"aliyun/job/c/6\"",
        "these are several references",
        " ",
        SEVERAL,
    ),
    (
        "aliyun/job/c/5\naliyun/job/c/6",
        "these are several references",
        "\n",
        SEVERAL,
    ),
];

/// Input, error message, marked part, and hint.
const INVALID: [(&str, &str, &str, &str); 37] = [
    (
        "“aliyun/job/c/5”",
        "the quotes are a part of it",
        "“aliyun/job/c/5”",
        "did you mean 'aliyun/job/c/5'?",
    ),
    (
        "'aliyun/job/c/5",
        "the quotes are a part of it",
        "'aliyun/job/c/5",
        "did you mean 'aliyun/job/c/5'?",
    ),
    (
        "aliyun/job/c/5\\",
        "it ends with a backslash",
        "\\",
        "did you mean 'aliyun/job/c/5'?",
    ),
    (
        "https://ehpc.console.aliyun.com/job/5",
        "this is a URL, not a reference",
        "https://",
        SEE_KINDS,
    ),
    (
        "C:\\jobs\\5",
        "this is a path, not a reference",
        "C:\\jobs\\5",
        SEE_KINDS,
    ),
    (
        "C:/jobs/5",
        "this is a path, not a reference",
        "C:/jobs/5",
        SEE_KINDS,
    ),
    (
        ".\\jobs\\5",
        "this is a path, not a reference",
        ".\\jobs\\5",
        SEE_KINDS,
    ),
    (
        "/etc/hosts",
        "this is a path, not a reference",
        "/etc/hosts",
        SEE_KINDS,
    ),
    (
        "/aliyun/job/c/5",
        "a reference does not begin with '/'",
        "/",
        "did you mean 'aliyun/job/c/5'?",
    ),
    (
        "aliyun:job:c:5",
        "segments are separated by '/'",
        ":",
        "did you mean 'aliyun/job/c/5'?",
    ),
    (
        "／阿里云/job/c/5",
        "this is a path, not a reference",
        "／阿里云/job/c/5",
        SEE_KINDS,
    ),
    (
        "alyun@prod/jbo/c/5",
        "unknown cloud 'alyun'",
        "alyun",
        "did you mean 'aliyun@prod/job/c/5'?",
    ),
    (
        "./jobs/5",
        "this is a path, not a reference",
        "./jobs/5",
        SEE_KINDS,
    ),
    (
        "aliyun／job／集群/5",
        "segments are separated by '/'",
        "／",
        "did you mean 'aliyun/job/集群/5'?",
    ),
    (
        "aliyun\\job\\c\\5",
        "segments are separated by '/'",
        "\\",
        "did you mean 'aliyun/job/c/5'?",
    ),
    (
        "aliyun/job/c/10_[1-3]",
        "a range of subtasks has no brackets",
        "[1-3]",
        "did you mean 'aliyun/job/c/10_1-3'? (an id with brackets is aliyun/job/c/10_%5B1-3%5D)",
    ),
    (
        "aliyun/job/c/train-*",
        "wildcards are not supported in references",
        "*",
        "to filter by name: joblens list SCOPE --name GLOB -o name",
    ),
    (
        "5",
        "'5' is not a reference",
        "5",
        "expected CLOUD/KIND/SEGMENT…, e.g. aliyun/job/ehpc-hz-FYUr32/5; with a default cluster: aliyun/job/5",
    ),
    (
        "%1",
        "short references work only as arguments in an interactive shell",
        "%1",
        "pass a reference, or pipe references: joblens list -o name | joblens get -",
    ),
    (
        "-",
        "short references work only as arguments in an interactive shell",
        "-",
        "pass a reference, or pipe references: joblens list -o name | joblens get -",
    ),
    (
        "%1-3",
        "'%1-3' is not a reference",
        "%1-3",
        "%1 is the first row of the last list; pass each row as an argument: %1 %2",
    ),
    (
        "％1",
        "the rows of a list begin with '%'",
        "％1",
        "did you mean '%1'?",
    ),
    ("—o", "options begin with '-'", "—o", "did you mean '-o'?"),
    (
        "－ojson",
        "options begin with '-'",
        "－ojson",
        "did you mean '-ojson'?",
    ),
    (
        "——output",
        "options begin with '-'",
        "——output",
        "did you mean '--output'?",
    ),
    (
        "–output",
        "options begin with '-'",
        "–output",
        "did you mean '--output'?",
    ),
    (
        "-x",
        "'-x' is not a reference",
        "-x",
        "expected CLOUD/KIND/SEGMENT…, e.g. aliyun/job/ehpc-hz-FYUr32/5",
    ),
    (
        "aliyun＠prod/job/c/5",
        "a profile and latest follow '@'",
        "＠",
        "did you mean 'aliyun@prod/job/c/5'?",
    ),
    (
        "aliyun/job/c/＠latest",
        "a profile and latest follow '@'",
        "＠",
        "did you mean 'aliyun/job/c/@latest'?",
    ),
    (
        "REF STATE",
        "'REF STATE' is not a reference",
        "REF STATE",
        "expected CLOUD/KIND/SEGMENT…, e.g. aliyun/job/ehpc-hz-FYUr32/5; to print references: joblens list -o name",
    ),
    (
        "aliyun/job/c/@lastest",
        "unknown segment '@lastest'",
        "@lastest",
        "did you mean @latest?",
    ),
    (
        "aliyun/job/c/@me",
        "unknown segment '@me'",
        "@me",
        "use @latest, or %40 for an '@' that belongs to the ID",
    ),
    (
        "aliyun/job/c/5/",
        "this is a scope; expected a single resource",
        "/",
        "did you mean 'aliyun/job/c/5'?",
    ),
    (
        "aliyun/job/c/",
        "this is a scope; expected a single resource",
        "/",
        "to list it: joblens list aliyun/job/c",
    ),
    (
        "aliyun/job/$(id)/",
        "this is a scope; expected a single resource",
        "/",
        "to list it: joblens list 'aliyun/job/$(id)'",
    ),
    (
        "aliyun/job/c/10_5-1:2",
        "the range starts after its end",
        "10_5-1:2",
        "did you mean '10_1-5:2'?",
    ),
    (
        "aliyun/job/c/10_1-20000",
        "a range has at most 10000 subtasks",
        "10_1-20000",
        "split the range",
    ),
];

#[test]
fn explains_texts_that_are_not_a_valid_reference() {
    let wrong = |input: &str| {
        let problem = parse(input).expect_err(input);
        let part = input[problem.span.unwrap()].to_owned();
        (problem.message, part, problem.hint.unwrap())
    };
    for (input, message, part, hint) in INVALID.into_iter().chain(SEVERAL_WORDS) {
        let expected = (message.to_owned(), part.to_owned(), hint.to_owned());
        assert_eq!(wrong(input), expected, "{input}");
    }
    for unknown in ["nocloud", "nocloud/job/c/5"] {
        let hint = wrong(unknown).2;
        assert!(!hint.contains("did you mean"), "{unknown}: {hint}");
    }
    assert!(wrong("liyun/job/c/5").2.contains("aliyun/job/c/5"));
    assert_eq!(parse("alyun").unwrap_err().message, "unknown cloud 'alyun'");
    assert_eq!(
        canonical("aliyun/job/c/%2A%EF%BC%8F"),
        ["aliyun/job/c/%2A%EF%BC%8F"]
    );
}
