//! Sets and deletes the targets of paths. Setting creates missing values on the path.

use std::collections::HashMap;
use std::hash::Hash;
use std::ops::Range;
use std::rc::Rc;

use jaq_core::{Error, ValR};
use jaq_json::{Map, Val};
use jaq_std::ValT as _;

/// A larger index is an error, since all elements before it would be filled with null.
const MAX_INDEX: usize = 1 << 24;

fn error<T>(message: impl ToString) -> Result<T, Error<Val>> {
    Err(Error::str(message))
}

/// Returns the elements of a path.
pub(super) fn keys(path: &Val) -> Result<&[Val], Error<Val>> {
    match path {
        Val::Arr(keys) if keys.len() > super::MAX_DEPTH => error("Path too deep"),
        Val::Arr(keys) => Ok(keys),
        _ => error("Path must be specified as an array"),
    }
}

/// Evaluates `.[key]`; a missing value is null.
pub(super) fn get(value: &Val, key: &Val) -> ValR<Val> {
    match (value, key) {
        (Val::Null, Val::Null | Val::Num(_) | Val::TStr(_) | Val::Obj(_)) => Ok(Val::Null),
        (Val::Obj(object), Val::TStr(_)) => Ok(object.get(key).cloned().unwrap_or_default()),
        (Val::Arr(array), Val::Num(_)) => {
            let index = position(key, array.len());
            Ok(index
                .and_then(|index| array.get(index))
                .cloned()
                .unwrap_or_default())
        }
        (Val::Arr(array), Val::Obj(bounds)) => {
            Ok(array[slice(bounds, array.len())?].iter().cloned().collect())
        }
        (Val::TStr(text), Val::Obj(bounds)) => {
            let text = String::from_utf8_lossy(text);
            let range = slice(bounds, text.chars().count())?;
            let part: String = text.chars().skip(range.start).take(range.len()).collect();
            Ok(Val::from(part))
        }
        (Val::Arr(_), Val::Arr(_)) => jaq_core::ValT::index(value.clone(), key),
        _ => Err(Error::index(value.clone(), key.clone())),
    }
}

/// Evaluates `setpath(path; value)`.
pub(super) fn set(target: Val, path: &[Val], value: Val) -> ValR<Val> {
    let Some((key, rest)) = path.split_first() else {
        return Ok(value);
    };
    match (target, key) {
        (Val::Null, Val::TStr(_)) => set(Val::obj(Map::default()), path, value),
        (Val::Null, Val::Num(_) | Val::Obj(_)) => set(Val::Arr(Rc::default()), path, value),
        (Val::Obj(mut object), Val::TStr(_)) => {
            let slot = Rc::make_mut(&mut object).entry(key.clone()).or_default();
            *slot = set(std::mem::take(slot), rest, value)?;
            Ok(Val::Obj(object))
        }
        (Val::Arr(mut array), Val::Num(_)) => {
            let Some(index) = position(key, array.len()) else {
                return error("Out of bounds negative array index");
            };
            if index >= MAX_INDEX {
                return error("Array index too large");
            }
            let array_mut = Rc::make_mut(&mut array);
            if array_mut.len() <= index {
                array_mut.resize(index + 1, Val::Null);
            }
            let slot = &mut array_mut[index];
            *slot = set(std::mem::take(slot), rest, value)?;
            Ok(Val::Arr(array))
        }
        (Val::Arr(mut array), Val::Obj(bounds)) => {
            let range = slice(bounds, array.len())?;
            let part = array[range.clone()].iter().cloned().collect();
            match set(part, rest, value)? {
                Val::Arr(new) => {
                    Rc::make_mut(&mut array).splice(range, new.iter().cloned());
                    Ok(Val::Arr(array))
                }
                _ => error("A slice of an array can only be assigned another array"),
            }
        }
        (target, key) => Err(Error::index(target, key.clone())),
    }
}

/// Evaluates `delpaths(paths)`. Deletes all targets at once, because deleting an element of an array moves the
/// others. Ignores paths without a target.
pub(super) fn delete(target: Val, paths: &[&[Val]]) -> ValR<Val> {
    if paths.iter().any(|path| path.is_empty()) {
        return Ok(Val::Null);
    }
    match target {
        _ if paths.is_empty() => Ok(target),
        Val::Null => Ok(Val::Null),
        Val::Obj(mut object) => {
            let groups = group(paths, |path| match &path[0] {
                Val::TStr(_) => Ok(vec![(path[0].clone(), &path[1..])]),
                key => error(format!("Cannot delete {} of object", type_name(key))),
            })?;
            let fields = Rc::make_mut(&mut object);
            for (key, rest) in groups {
                if rest.iter().any(|rest| rest.is_empty()) {
                    fields.shift_remove(&key);
                } else if let Some(child) = fields.get_mut(&key) {
                    *child = delete(std::mem::take(child), &rest)?;
                }
            }
            Ok(Val::Obj(object))
        }
        Val::Arr(mut array) => {
            let len = array.len();
            let groups = group(paths, |path| within(path, 0..len))?;
            let elements = Rc::make_mut(&mut array);
            let mut removed = vec![false; len];
            for (index, rest) in groups {
                removed[index] = rest.iter().any(|rest| rest.is_empty());
                elements[index] = delete(std::mem::take(&mut elements[index]), &rest)?;
            }
            let mut removed = removed.into_iter();
            elements.retain(|_| !removed.next().unwrap_or(false));
            Ok(Val::Arr(array))
        }
        target => error(format!("Cannot delete a part of {}", type_name(&target))),
    }
}

/// Groups paths by their first element.
fn group<'a, K: Hash + Eq>(
    paths: &[&'a [Val]],
    split: impl Fn(&'a [Val]) -> Result<Vec<(K, &'a [Val])>, Error<Val>>,
) -> Result<HashMap<K, Vec<&'a [Val]>>, Error<Val>> {
    let mut groups = HashMap::<K, Vec<&[Val]>>::new();
    for path in paths {
        for (key, rest) in split(path)? {
            groups.entry(key).or_default().push(rest);
        }
    }
    Ok(groups)
}

/// Returns the elements to which a path leads in a part of an array, with the rest of the path.
fn within(path: &[Val], part: Range<usize>) -> Result<Vec<(usize, &[Val])>, Error<Val>> {
    let Some((key, rest)) = path.split_first() else {
        return Ok(part.map(|index| (index, path)).collect());
    };
    match key {
        Val::Num(_) => {
            let index = position(key, part.len()).filter(|index| *index < part.len());
            Ok(index
                .map(|index| (part.start + index, rest))
                .into_iter()
                .collect())
        }
        Val::Obj(bounds) => {
            let inner = slice(bounds, part.len())?;
            within(rest, part.start + inner.start..part.start + inner.end)
        }
        key => error(format!("Cannot delete {} of array", type_name(key))),
    }
}

/// Returns the name of a type for messages.
pub(super) fn type_name(value: &Val) -> &'static str {
    match value {
        Val::Null => "null",
        Val::Bool(_) => "boolean",
        Val::Num(_) => "number",
        Val::TStr(_) | Val::BStr(_) => "string",
        Val::Arr(_) => "array",
        Val::Obj(_) => "object",
    }
}

/// Returns the position for an index, which counts from the end if negative; `None` before the start.
fn position(index: &Val, len: usize) -> Option<usize> {
    let index = index.as_f64().unwrap_or(f64::NAN).floor();
    let index = if index < 0.0 {
        index + len as f64
    } else {
        index
    };
    (index >= 0.0).then_some(index as usize)
}

/// Returns the range for `{"start": from, "end": upto}`.
fn slice(bounds: &Map, len: usize) -> Result<Range<usize>, Error<Val>> {
    let bound = |name: &'static str, default: usize, round: fn(f64) -> f64| match bounds
        .get(&Val::utf8_str(name))
    {
        None | Some(Val::Null) => Ok(default),
        Some(number @ Val::Num(_)) => {
            let number = Val::from(round(number.as_f64().unwrap_or_default()));
            Ok(position(&number, len).unwrap_or(0).min(len))
        }
        Some(_) => error("Start and end indices of an array slice must be numbers"),
    };
    let start = bound("start", 0, f64::floor)?;
    Ok(start..bound("end", len, f64::ceil)?.max(start))
}
