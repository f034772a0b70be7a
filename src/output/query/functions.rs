//! Functions of jq in Rust: those that jaq lacks or implements differently, or that must not be used here.

use std::cell::Cell;
use std::io;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use jaq_core::box_iter::box_once;
use jaq_core::data::JustLut;
use jaq_core::native::{Filter, Fun, bome, run, v};
use jaq_core::{Error, Exn, Native, RunPtr, ValR, ValXs};
use jaq_json::Val;
use jaq_std::ValT as _;

use super::text::Json;
use super::{MAX_DEPTH, memory, parse, paths, regex};

/// The data type of the engine.
pub(super) type Data = JustLut<Val>;

/// The maximum stack usage of a query; the rest is for functions of limited depth.
const MAX_STACK: usize = super::STACK_SIZE / 4 * 3;

thread_local! {
    static STACK_BASE: Cell<usize> = const { Cell::new(0) };
}

/// Records the current position as the bottom of the stack.
pub(super) fn mark_stack() {
    STACK_BASE.set(stack_address());
}

#[inline(never)]
fn stack_address() -> usize {
    let local = 0_u8;
    std::ptr::from_ref(std::hint::black_box(&local)).addr()
}

/// Returns all functions of the engine.
pub(super) fn all() -> impl Iterator<Item = Fun<Data>> {
    let standard = jaq_core::funs()
        .chain(jaq_std::funs())
        .chain(jaq_json::funs());
    let standard = standard.filter(|(name, ..)| !REPLACED.contains(name));
    let standard = standard.map(|(name, arguments, function)| match name {
        // The prelude checks the count.
        "limit" => ("_limit", arguments, function),
        "skip" => ("_skip", arguments, function),
        _ => (name, arguments, function),
    });
    let own = own_functions().into_iter().map(|own| run::<Data>(own));
    standard.chain(own).chain([("_index", v(1), index())])
}

/// Returns the functions that cannot be used in paths.
fn own_functions() -> [Filter<RunPtr<Data>>; 17] {
    [
        ("_guard", v(0), |cv| bome(check_depth(&cv.1))),
        ("_counted", v(0), |cv| {
            bome(memory::count(&cv.1).map(|()| cv.1))
        }),
        ("delpaths", v(1), |mut cv| {
            let all = cv.0.pop_var();
            bome(delete(cv.1, &all))
        }),
        ("_divide", v(2), |mut cv| {
            let (right, left) = (cv.0.pop_var(), cv.0.pop_var());
            bome(divide(left, right))
        }),
        ("_multiply", v(2), |mut cv| {
            let (right, left) = (cv.0.pop_var(), cv.0.pop_var());
            bome(multiply(left, right))
        }),
        ("_modulo", v(2), |mut cv| {
            let (right, left) = (cv.0.pop_var(), cv.0.pop_var());
            bome(modulo(left, right))
        }),
        ("setpath", v(2), |mut cv| {
            let (value, path) = (cv.0.pop_var(), cv.0.pop_var());
            bome(paths::keys(&path).and_then(|keys| paths::set(cv.1, keys, value)))
        }),
        ("_match", v(2), |mut cv| {
            let (flags, pattern) = (cv.0.pop_var(), cv.0.pop_var());
            bome(regex::matches(&cv.1, &pattern, &flags))
        }),
        ("_gaps", v(2), |mut cv| {
            let (flags, pattern) = (cv.0.pop_var(), cv.0.pop_var());
            bome(regex::gaps(&cv.1, &pattern, &flags))
        }),
        ("tojson", v(0), |cv| bome(to_json(&cv.1).map(Val::from))),
        ("fromjson", v(0), |cv| bome(text(&cv.1).and_then(from_json))),
        ("_tonumber", v(0), |cv| {
            bome(text(&cv.1).and_then(to_number))
        }),
        ("_base64d", v(0), |cv| {
            bome(text(&cv.1).and_then(decode_base64))
        }),
        ("_base32", v(0), |cv| {
            bome(text(&cv.1).map(|text| Val::from(encode_base32(text))))
        }),
        ("_base32d", v(0), |cv| {
            bome(text(&cv.1).and_then(decode_base32))
        }),
        ("halt", v(1), |_| {
            refuse("halt is not available: joblens sets the exit code")
        }),
        ("_indices", v(1), |mut cv| {
            let part = cv.0.pop_var();
            bome(indices(&cv.1, &part))
        }),
    ]
}

/// Returns the function that reads the value at a key.
fn index() -> Native<Data> {
    let index = Native::<Data>::new(|mut cv| {
        let key = cv.0.pop_var();
        bome(paths::get(&cv.1, &key))
    });
    index.with_paths(|mut cv| {
        let key = cv.0.pop_var();
        let (value, path) = cv.1;
        let found = paths::get(&value, &key).map_err(Exn::from);
        box_once(found.map(|found| (found, path.cons(key))))
    })
}

/// Functions of jaq that are replaced here.
const REPLACED: [&str; 5] = ["env", "halt", "tojson", "fromjson", "stderr_empty"];

fn refuse<'a>(reason: &str) -> ValXs<'a, Val> {
    bome(Err(Error::str(reason)))
}

fn text(value: &Val) -> Result<&str, Error<Val>> {
    match value {
        Val::TStr(text) | Val::BStr(text) => {
            std::str::from_utf8(text).map_err(|_| Error::str("string is not valid UTF-8"))
        }
        _ => Err(Error::str("input is not a string")),
    }
}

fn delete(target: Val, all: &Val) -> ValR<Val> {
    let Val::Arr(all) = all else {
        return Err(Error::str("Paths must be specified as an array"));
    };
    let all: Result<Vec<_>, _> = all.iter().map(paths::keys).collect();
    paths::delete(target, &all?)
}

fn divide(left: Val, right: Val) -> ValR<Val> {
    match (&left, &right) {
        (Val::Num(_), Val::Num(_)) if right.as_f64() == Some(0.0) => {
            Err(Error::str("cannot divide by zero"))
        }
        _ => left / right,
    }
}

/// Returns the remainder of two numbers, truncated to integers.
fn modulo(left: Val, right: Val) -> ValR<Val> {
    let (Val::Num(_), Val::Num(_)) = (&left, &right) else {
        return left % right;
    };
    let [whole, divisor] = [&left, &right].map(|one| one.as_f64().unwrap_or(f64::NAN));
    if whole.is_nan() || divisor.is_nan() {
        return Ok(Val::from(f64::NAN));
    }
    // Converting a float saturates at the limits of the integer.
    let divisor = (divisor as i64).unsigned_abs();
    if divisor == 0 {
        return Err(Error::str("cannot divide by zero"));
    }
    let remainder = (whole as i64).unsigned_abs() % divisor;
    let remainder = isize::try_from(remainder).unwrap_or(isize::MAX);
    Ok(Val::from(if whole < 0.0 { -remainder } else { remainder }))
}

/// Multiplies two values. A string is repeated: a negative count returns null, and the length is limited.
fn multiply(left: Val, right: Val) -> ValR<Val> {
    let (text, count) = match (&left, &right) {
        (Val::TStr(text), count @ Val::Num(_)) | (count @ Val::Num(_), Val::TStr(text)) => {
            (text, count.as_f64().unwrap_or(f64::NAN))
        }
        _ => return left * right,
    };
    match count {
        count if count >= 0.0 && count * text.len() as f64 > MAX_REPEATED => {
            Err(Error::str("Repeat string result too long"))
        }
        count if count >= 0.0 => {
            memory::count_bytes(count as usize * text.len())?;
            Ok(lossy(&text.repeat(count as usize)))
        }
        _ => Ok(Val::Null),
    }
}

/// Returns `true`, or an error if the stack or the value is too deep.
pub(super) fn check_depth(value: &Val) -> ValR<Val> {
    if STACK_BASE.get().abs_diff(stack_address()) > MAX_STACK {
        return Err(Error::str("recursion too deep"));
    }
    memory::count(value)?;
    // A value that grows in a loop grows at its first or last element.
    let mut has_two_ends = true;
    for pick in [<[Val]>::first, <[Val]>::last] {
        if !std::mem::take(&mut has_two_ends) {
            break;
        }
        let (mut inner, mut depth) = (Some(value), 0);
        while let Some(outer) = inner {
            depth += 1;
            if depth > MAX_DEPTH {
                return Err(Error::str("value too deep"));
            }
            inner = match outer {
                Val::Arr(elements) => {
                    has_two_ends |= elements.len() > 1;
                    pick(elements)
                }
                Val::Obj(fields) => fields.values().next_back(),
                _ => None,
            };
        }
    }
    Ok(Val::Bool(true))
}

fn to_json(value: &Val) -> Result<String, Error<Val>> {
    let mut text = JsonText(Vec::new());
    serde_json::to_writer(&mut text, &Json(value)).map_err(Error::str)?;
    Ok(String::from_utf8_lossy(&text.0).into_owned())
}

/// A text whose bytes are counted, because shared parts of a value are written several times.
struct JsonText(Vec<u8>);

impl io::Write for JsonText {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let counted = memory::count_bytes(bytes.len());
        counted.map_err(|error| io::Error::other(error.to_string()))?;
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn from_json(text: &str) -> ValR<Val> {
    if text.trim() == "nan" {
        return Ok(Val::from(f64::NAN));
    }
    parse::from_json(text).map_err(|error| Error::str(format!("invalid JSON: {error}")))
}

fn to_number(text: &str) -> ValR<Val> {
    let is_decimal = text.bytes().all(|byte| b"0123456789+-.eE".contains(&byte));
    match text.parse::<f64>() {
        Ok(_) if text.parse::<serde_json::Number>().is_ok() => jaq_core::ValT::from_num(text),
        Ok(number) if is_decimal => Ok(Val::from(number)),
        Ok(number) if text == "nan" => Ok(Val::from(number)),
        _ => Err(Error::str("string cannot be parsed as a number")),
    }
}

fn decode_base64(text: &str) -> ValR<Val> {
    let lenient = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    let engine = GeneralPurpose::new(&alphabet::STANDARD, lenient);
    let bytes = engine.decode(text.trim_end_matches('='));
    let bytes = bytes.map_err(|_| Error::str("string is not valid base64 data"))?;
    Ok(lossy(&bytes))
}

fn lossy(bytes: &[u8]) -> Val {
    Val::from(String::from_utf8_lossy(bytes).into_owned())
}

/// Maximum number of bytes of a repeated string.
const MAX_REPEATED: f64 = (64 << 20) as f64;

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

fn encode_base32(text: &str) -> String {
    let mut encoded = String::new();
    for chunk in text.as_bytes().chunks(5) {
        let bits = (0..5).fold(0_u64, |bits, at| {
            bits << 8 | u64::from(chunk.get(at).copied().unwrap_or(0))
        });
        for at in 0..8 {
            let is_used = at * 5 < chunk.len() * 8;
            let digit = BASE32[(bits >> (35 - 5 * at)) as usize & 31];
            encoded.push(if is_used { digit.into() } else { '=' });
        }
    }
    encoded
}

fn decode_base32(text: &str) -> ValR<Val> {
    let (mut bits, mut count, mut bytes) = (0_u32, 0, Vec::new());
    for byte in text.trim_end_matches('=').bytes() {
        let digit = BASE32.iter().position(|digit| *digit == byte);
        let digit = digit.ok_or_else(|| Error::str("string is not valid base32 data"))?;
        bits = bits << 5 | digit as u32;
        count += 5;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    Ok(lossy(&bytes))
}

/// Returns the positions of a text in another, in characters.
fn indices(whole: &Val, part: &Val) -> ValR<Val> {
    let (whole, part) = match (whole, part) {
        (Val::TStr(_), Val::TStr(_)) => (text(whole)?, text(part)?),
        _ => return Err(Error::index(whole.clone(), part.clone())),
    };
    if part.is_empty() {
        return Ok(Val::Null);
    }
    let places = whole.char_indices().enumerate();
    let places = places.filter(|(_, (at, _))| whole[*at..].starts_with(part));
    Ok(places.map(|(place, _)| Val::from(place)).collect())
}
