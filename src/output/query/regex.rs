//! Regular expressions; groups that did not match are null.

use jaq_core::{Error, ValR};
use jaq_json::{Map, Val};
use regex_bites::{Captures, Regex, RegexBuilder};

use super::memory;

/// The size of a matched group in bytes.
const MATCH_SIZE: usize = 512;

/// Returns the matches of a pattern: `[{offset, length, string, captures}]`, in characters.
pub(super) fn matches(input: &Val, pattern: &Val, flags: &Val) -> ValR<Val> {
    let search = Search::new(input, pattern, flags)?;
    let names: Vec<_> = search.regex.capture_names().collect();
    let mut offset = CharOffset::default();
    let found = search.found().map(|one| {
        let group = |at: usize, offset: &mut CharOffset| {
            let group = one.get(at);
            offset.group(
                &search.input,
                group.map(|group| (group.start(), group.as_str())),
            )
        };
        let mut all = group(0, &mut offset);
        let captures = (1..names.len()).map(|at| {
            let mut fields = group(at, &mut offset);
            let name = names[at].map_or(Val::Null, |name| Val::from(name.to_owned()));
            fields.insert(Val::utf8_str("name"), name);
            Val::obj(fields)
        });
        let captures = captures.collect();
        all.insert(Val::utf8_str("captures"), captures);
        memory::count_bytes(MATCH_SIZE * names.len())?;
        Ok(Val::obj(all))
    });
    found.collect()
}

/// Returns the texts before, between and after the matches of a pattern.
pub(super) fn gaps(input: &Val, pattern: &Val, flags: &Val) -> ValR<Val> {
    let search = Search::new(input, pattern, flags)?;
    let mut end = 0;
    let mut gaps = Vec::new();
    for all in search.found().filter_map(|one| one.get(0)) {
        gaps.push(search.input[end..all.start()].to_owned());
        end = all.end();
    }
    gaps.push(search.input[end..].to_owned());
    Ok(gaps.into_iter().map(Val::from).collect())
}

/// A pattern and the text to search.
struct Search {
    input: String,
    regex: Regex,
    is_global: bool,
    skips_empty: bool,
}

impl Search {
    fn new(input: &Val, pattern: &Val, flags: &Val) -> Result<Self, Error<Val>> {
        let (Val::TStr(input), Val::TStr(pattern)) = (input, pattern) else {
            return Err(Error::str(
                "a regular expression and its input must be strings",
            ));
        };
        let input = String::from_utf8_lossy(input).into_owned();
        let flags = match flags {
            Val::Null => String::new(),
            Val::TStr(flags) => String::from_utf8_lossy(flags).into_owned(),
            _ => return Err(Error::str("flags of a regular expression must be a string")),
        };
        if let Some(unknown) = flags.chars().find(|flag| !"gimnpslx".contains(*flag)) {
            return Err(Error::str(format!(
                "{unknown} is not a regular expression flag"
            )));
        }
        let has = |flag| flags.contains(flag);
        let regex = RegexBuilder::new(&String::from_utf8_lossy(pattern))
            .case_insensitive(has('i'))
            .multi_line(has('m') || has('p'))
            .dot_matches_new_line(has('p'))
            .swap_greed(has('l'))
            .ignore_whitespace(has('x'))
            .build();
        let regex =
            regex.map_err(|error| Error::str(format!("invalid regular expression: {error}")))?;
        let (is_global, skips_empty) = (has('g'), has('n'));
        Ok(Self {
            input,
            regex,
            is_global,
            skips_empty,
        })
    }

    fn found(&self) -> impl Iterator<Item = Captures<'_>> {
        let found = self.regex.captures_iter(&self.input);
        let found = found.take(if self.is_global { usize::MAX } else { 1 });
        let is_empty = |one: &Captures<'_>| one.get(0).is_some_and(|all| all.is_empty());
        found.filter(move |one| !(self.skips_empty && is_empty(one)))
    }
}

/// Counts the characters before a byte of the input, continuing from the previous call.
#[derive(Default)]
struct CharOffset {
    byte: usize,
    characters: usize,
}

impl CharOffset {
    fn at(&mut self, input: &str, byte: usize) -> usize {
        if byte < self.byte {
            self.characters -= input[byte..self.byte].chars().count();
        } else {
            self.characters += input[self.byte..byte].chars().count();
        }
        self.byte = byte;
        self.characters
    }

    fn group(&mut self, input: &str, group: Option<(usize, &str)>) -> Map {
        let fields = match group {
            Some((start, text)) => [
                ("offset", Val::from(self.at(input, start))),
                ("length", Val::from(text.chars().count())),
                ("string", Val::from(text.to_owned())),
            ],
            None => [
                ("offset", Val::from(-1_isize)),
                ("length", Val::from(0_usize)),
                ("string", Val::Null),
            ],
        };
        fields
            .into_iter()
            .map(|(name, value)| (Val::utf8_str(name), value))
            .collect()
    }
}
