//! Writes values as JSON text.

use jaq_json::{Num, Val};
use serde::ser::{Error as _, Serialize, SerializeMap, Serializer};

/// A value in the format of jq: NaN is null, infinity the largest number, and whole numbers have no decimal point.
/// Numbers that were not calculated keep their digits.
pub(super) struct Json<'a>(pub(super) &'a Val);

impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Val::Null => serializer.serialize_unit(),
            Val::Bool(flag) => serializer.serialize_bool(*flag),
            Val::Num(number) => serialize_number(number, serializer),
            Val::TStr(text) | Val::BStr(text) => {
                serializer.serialize_str(&String::from_utf8_lossy(text))
            }
            Val::Arr(elements) => serializer.collect_seq(elements.iter().map(Json)),
            Val::Obj(fields) => {
                let mut map = serializer.serialize_map(Some(fields.len()))?;
                for (key, value) in fields.iter() {
                    let Val::TStr(key) = key else {
                        return Err(S::Error::custom("object keys must be strings"));
                    };
                    map.serialize_entry(&String::from_utf8_lossy(key), &Json(value))?;
                }
                map.end()
            }
        }
    }
}

fn serialize_number<S: Serializer>(number: &Num, serializer: S) -> Result<S::Ok, S::Error> {
    /// All whole numbers below it are exact.
    const MAX_EXACT_INTEGER: f64 = 1e17;
    match number {
        Num::Int(number) => serializer.serialize_i64(*number as i64),
        Num::Float(number) if number.is_nan() => serializer.serialize_unit(),
        Num::Float(number) if number.fract() == 0.0 && number.abs() < MAX_EXACT_INTEGER => {
            match number.is_sign_negative() && *number == 0.0 {
                true => exact("-0", serializer),
                false => serializer.serialize_i64(*number as i64),
            }
        }
        Num::Float(number) => serializer.serialize_f64(number.clamp(f64::MIN, f64::MAX)),
        Num::BigInt(number) => exact(&number.to_string(), serializer),
        Num::Dec(digits) => exact(digits, serializer),
    }
}

fn exact<S: Serializer>(digits: &str, serializer: S) -> Result<S::Ok, S::Error> {
    let number: serde_json::Number = digits.parse().map_err(S::Error::custom)?;
    number.serialize(serializer)
}
