//! Edits fixtures, so that inputs get past the decoders. An input selects a fixture, values in its bodies, and the
//! changes to them.

use serde_json::{Value, json};

/// First byte of an input that contains edits. No request begins with it.
pub(super) const EDITS_PREFIX: u8 = 0x02;

/// Numbers at the limits of computations.
const NUMBERS: [i64; 8] = [0, 1, -1, 137, 255, 1 << 32, i64::MAX, i64::MIN];

/// Maximum size of an edited body. Larger results are discarded, because repetitions of repetitions
/// would take too much time and memory.
const MAX_BODY: usize = 1 << 20;

/// Applies the edits, of six bytes each, to the fixture that the input selects; `None` for other inputs. Some edits
/// insert `secret`.
pub(super) fn edited(seeds: &[Vec<u8>], data: &[u8], secret: &str) -> Option<Vec<u8>> {
    let (&EDITS_PREFIX, [low, high, edits @ ..]) = data.split_first()? else {
        return None;
    };
    let seed = seeds.get(number([*low, *high]) % seeds.len().max(1))?;
    let parts = seed.split(|byte| *byte == 0x1e);
    let mut parts: Vec<Vec<u8>> = parts.map(<[u8]>::to_vec).collect();
    let words = words(&parts);
    let (edits, _) = edits.as_chunks::<6>();
    for [part, low, high, edit, first, second] in edits {
        let count = parts.len();
        let part = &mut parts[usize::from(*part) % count];
        let Some(head) = part.iter().position(|byte| *byte == b'\n') else {
            continue;
        };
        let Ok(mut body) = serde_json::from_slice::<Value>(&part[head + 1..]) else {
            continue;
        };
        let argument = number([*first, *second]);
        let mut at = number([*low, *high]) % nodes(&body);
        visit(&mut body, &mut at, &mut |value| {
            change(value, *edit, argument, &words, secret);
        });
        let body = body.to_string();
        if body.len() <= MAX_BODY {
            part.truncate(head + 1);
            part.extend(body.into_bytes());
        }
    }
    Some(parts.join(&0x1e))
}

fn number(bytes: [u8; 2]) -> usize {
    usize::from(u16::from_le_bytes(bytes))
}

/// Returns the strings of the bodies, such as states, which edits insert elsewhere.
fn words(parts: &[Vec<u8>]) -> Vec<String> {
    let text = parts.iter().flat_map(|part| part.utf8_chunks());
    let words = text.flat_map(|chunk| chunk.valid().split('"'));
    let words = words.filter(|word| !word.is_empty() && word.len() <= 64);
    words.map(str::to_owned).collect()
}

/// Counts the values, including nested ones.
fn nodes(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(nodes).sum::<usize>(),
        Value::Object(fields) => fields.values().map(nodes).sum(),
        _ => 0,
    }
}

/// Edits the value with index `at`.
fn visit(value: &mut Value, at: &mut usize, edit: &mut dyn FnMut(&mut Value)) -> bool {
    if *at == 0 {
        edit(value);
        return true;
    }
    *at -= 1;
    match value {
        Value::Array(items) => items.iter_mut().any(|item| visit(item, at, edit)),
        Value::Object(fields) => fields.values_mut().any(|field| visit(field, at, edit)),
        _ => false,
    }
}

fn change(value: &mut Value, edit: u8, argument: usize, words: &[String], secret: &str) {
    *value = match edit % 9 {
        0 => Value::Null,
        1 => words.get(argument % words.len().max(1)).cloned().into(),
        2 => NUMBERS[argument % NUMBERS.len()].into(),
        3 => secret.into(),
        4 => format!("--key={secret} {argument}").into(),
        5 => json!([value, value]),
        6 => "\u{1b}[31m\u{202e}a\r\n\u{7}\u{9b}b".into(),
        7 => argument.to_string().into(),
        _ => {
            if let Value::Object(fields) = value {
                let name = fields.keys().nth(argument % fields.len().max(1)).cloned();
                name.and_then(|name| fields.shift_remove(&name));
            }
            value.take()
        }
    };
}
