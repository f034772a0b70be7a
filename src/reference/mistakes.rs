//! Texts that are not references, recognized by what they look like.

use crate::error::Problem;

const HINT: &str = "expected CLOUD/KIND/SEGMENT…; see: joblens kinds";

/// Characters that look like a slash.
const SLASHES: [char; 5] = ['／', '⁄', '∕', '＼', '\\'];

/// A usage error for a URL, a path, another character in place of the slash, or a wildcard.
pub(super) fn find(input: &str) -> Option<Problem> {
    let with_slashes = input.replace(SLASHES, "/");
    let begins = |text: &&str| input.starts_with(text);
    let is_drive = input.get(1..3) == Some(":\\") || input.starts_with("\\\\");
    let (message, hint, at) = if let Some(at) = input.find("://") {
        ("this is a URL, not a reference", HINT.to_owned(), 0..at + 3)
    } else if is_drive || ["./", "../", "~/"].iter().any(begins) {
        (
            "this is a path, not a reference",
            HINT.to_owned(),
            0..input.len(),
        )
    } else if let Some((at, slash)) = input.char_indices().find(|(_, c)| SLASHES.contains(c)) {
        let hint = format!("did you mean '{with_slashes}'?");
        (
            "segments are separated by '/'",
            hint,
            at..at + slash.len_utf8(),
        )
    } else {
        let at = input.find('*')?;
        let hint = "to filter by name: joblens list SCOPE --name GLOB -o name";
        (
            "wildcards are not supported in references",
            hint.to_owned(),
            at..at + 1,
        )
    };
    let mut problem = Problem::usage(message).with_hint(hint);
    problem.input = Some(input.to_owned());
    problem.span = Some(at);
    Some(problem)
}
