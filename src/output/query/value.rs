//! Converts a document to values of jaq, without converting it to text first.

use std::rc::Rc;

use jaq_core::ValT as _;
use jaq_json::{Map, Num, Val};
use serde::ser::{
    Impossible, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeTuple,
    SerializeTupleStruct, Serializer,
};

use super::projection::Part;
use crate::json::EXACT_NUMBER;

type ValueError = serde::de::value::Error;

/// Converts a document to a value.
///
/// # Errors
/// Returns an error if the document contains something that JSON cannot represent.
pub(super) fn to_jaq(document: &impl Serialize) -> Result<Val, ValueError> {
    part_to_jaq(document, Part::Whole)
}

/// Converts a part of a document to a value.
///
/// # Errors
/// Returns an error if the part contains something that JSON cannot represent.
pub(super) fn part_to_jaq(document: &impl Serialize, part: Part<'_>) -> Result<Val, ValueError> {
    document.serialize(JaqSerializer(part))
}

struct JaqSerializer<'a>(Part<'a>);

fn impossible<T>(what: &str) -> Result<T, ValueError> {
    let message = format_args!("{what} is not valid in JSON");
    Err(<ValueError as serde::ser::Error>::custom(message))
}

macro_rules! integers {
    ($($method:ident: $type:ty),*) => {
        $(fn $method(self, number: $type) -> Result<Val, ValueError> {
            Ok(Val::Num(Num::from_integral(number)))
        })*
    };
}

impl<'a> Serializer for JaqSerializer<'a> {
    type Ok = Val;
    type Error = ValueError;
    type SerializeSeq = List<'a>;
    type SerializeTuple = List<'a>;
    type SerializeTupleStruct = List<'a>;
    type SerializeTupleVariant = Impossible<Val, ValueError>;
    type SerializeMap = Object<'a>;
    type SerializeStruct = Object<'a>;
    type SerializeStructVariant = Impossible<Val, ValueError>;

    integers!(
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64
    );

    fn serialize_bool(self, flag: bool) -> Result<Val, ValueError> {
        Ok(Val::Bool(flag))
    }

    fn serialize_f32(self, number: f32) -> Result<Val, ValueError> {
        self.serialize_f64(f64::from(number))
    }

    fn serialize_f64(self, number: f64) -> Result<Val, ValueError> {
        Ok(match number.is_finite() {
            true => Val::Num(Num::Float(number)),
            // The same as serde_json.
            false => Val::Null,
        })
    }

    fn serialize_char(self, c: char) -> Result<Val, ValueError> {
        self.serialize_str(c.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, text: &str) -> Result<Val, ValueError> {
        Ok(Val::utf8_str(text.as_bytes().to_vec()))
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<Val, ValueError> {
        impossible("a text of bytes")
    }

    fn serialize_none(self) -> Result<Val, ValueError> {
        Ok(Val::Null)
    }

    fn serialize_some<T: ?Sized + Serialize>(self, value: &T) -> Result<Val, ValueError> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<Val, ValueError> {
        Ok(Val::Null)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Val, ValueError> {
        Ok(Val::Null)
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<Val, ValueError> {
        Ok(Val::utf8_str(variant))
    }

    fn serialize_newtype_struct<T: ?Sized + Serialize>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<Val, ValueError> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: ?Sized + Serialize>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Val, ValueError> {
        let mut object = self.serialize_map(Some(1))?;
        SerializeStruct::serialize_field(&mut object, variant, value)?;
        SerializeMap::end(object)
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<List<'a>, ValueError> {
        let each = self.0.each();
        let length = each.and(length).unwrap_or_default();
        Ok(List {
            elements: Vec::with_capacity(length),
            each,
        })
    }

    fn serialize_tuple(self, length: usize) -> Result<List<'a>, ValueError> {
        self.serialize_seq(Some(length))
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        length: usize,
    ) -> Result<List<'a>, ValueError> {
        self.serialize_seq(Some(length))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, ValueError> {
        impossible("a variant of several values")
    }

    fn serialize_map(self, length: Option<usize>) -> Result<Object<'a>, ValueError> {
        let length = match self.0 {
            Part::Whole => length.unwrap_or_default(),
            Part::Of(..) => 0,
        };
        Ok(Object {
            fields: Map::with_capacity_and_hasher(length, Default::default()),
            part: self.0,
            key: None,
            is_number: false,
        })
    }

    fn serialize_struct(self, name: &'static str, length: usize) -> Result<Object<'a>, ValueError> {
        let is_number = name == EXACT_NUMBER;
        let part = if is_number { Part::Whole } else { self.0 };
        let mut object = JaqSerializer(part).serialize_map(Some(length))?;
        object.is_number = is_number;
        Ok(object)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, ValueError> {
        impossible("a variant of several values")
    }
}

/// The elements of a list so far.
struct List<'a> {
    elements: Vec<Val>,
    /// The selected part of each element.
    each: Option<Part<'a>>,
}

impl SerializeSeq for List<'_> {
    type Ok = Val;
    type Error = ValueError;

    fn serialize_element<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), ValueError> {
        if let Some(part) = self.each {
            let value = value.serialize(JaqSerializer(part))?;
            push_shared(&mut self.elements, value);
        }
        Ok(())
    }

    fn end(self) -> Result<Val, ValueError> {
        Ok(Val::Arr(self.elements.into()))
    }
}

impl SerializeTuple for List<'_> {
    type Ok = Val;
    type Error = ValueError;

    fn serialize_element<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), ValueError> {
        SerializeSeq::serialize_element(self, value)
    }

    fn end(self) -> Result<Val, ValueError> {
        SerializeSeq::end(self)
    }
}

impl SerializeTupleStruct for List<'_> {
    type Ok = Val;
    type Error = ValueError;

    fn serialize_field<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), ValueError> {
        SerializeSeq::serialize_element(self, value)
    }

    fn end(self) -> Result<Val, ValueError> {
        SerializeSeq::end(self)
    }
}

/// Adds an element to a list. Parts that equal those of the previous element take no memory.
pub(super) fn push_shared(list: &mut Vec<Val>, mut value: Val) {
    if let Some(last) = list.last() {
        share(&mut value, last);
    }
    list.push(value);
}

/// Shares equal parts with the previous element: elements of a list differ in few fields, and an object takes many
/// times the memory of its source.
fn share(value: &mut Val, last: &Val) {
    match (&mut *value, last) {
        (Val::Obj(new), Val::Obj(old)) => {
            let is_same_shape = new.len() == old.len();
            if let Some(fields) = Rc::get_mut(new).filter(|_| is_same_shape) {
                for (field, (_, old)) in fields.values_mut().zip(old.iter()) {
                    share(field, old);
                }
            }
        }
        (Val::Arr(_), Val::Arr(_)) => {}
        _ => return,
    }
    if is_same(value, last) {
        *value = last.clone();
    }
}

/// Returns `true` if two values have the same text; for jaq, 4.0 equals 4.
fn is_same(left: &Val, right: &Val) -> bool {
    match (left, right) {
        (Val::Null, Val::Null) => true,
        (Val::Bool(left), Val::Bool(right)) => left == right,
        (Val::Num(Num::Int(left)), Val::Num(Num::Int(right))) => left == right,
        (Val::TStr(left), Val::TStr(right)) => left == right,
        (Val::Arr(left), Val::Arr(right)) => {
            let mut pairs = left.iter().zip(right.iter());
            let is_same_len = left.len() == right.len();
            Rc::ptr_eq(left, right)
                || is_same_len && pairs.all(|(left, right)| is_same(left, right))
        }
        (Val::Obj(left), Val::Obj(right)) => {
            let mut pairs = left.iter().zip(right.iter());
            Rc::ptr_eq(left, right)
                || left.len() == right.len()
                    && pairs.all(|((name, left), (other, right))| {
                        is_same(name, other) && is_same(left, right)
                    })
        }
        _ => false,
    }
}

/// The fields of an object so far.
struct Object<'a> {
    fields: Map,
    part: Part<'a>,
    /// The key of the next field and its selected part; `None` if the field is not selected.
    key: Option<(Val, Part<'a>)>,
    is_number: bool,
}

impl SerializeMap for Object<'_> {
    type Ok = Val;
    type Error = ValueError;

    fn serialize_key<T: ?Sized + Serialize>(&mut self, key: &T) -> Result<(), ValueError> {
        let Val::TStr(name) = key.serialize(JaqSerializer(Part::Whole))? else {
            return impossible("a key that is not a string");
        };
        let part = self.part.field(&String::from_utf8_lossy(&name));
        self.key = part.map(|part| (Val::TStr(name), part));
        Ok(())
    }

    fn serialize_value<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), ValueError> {
        if let Some((key, part)) = self.key.take() {
            self.fields
                .insert(key, value.serialize(JaqSerializer(part))?);
        }
        Ok(())
    }

    fn end(self) -> Result<Val, ValueError> {
        Ok(Val::obj(self.fields))
    }
}

impl SerializeStruct for Object<'_> {
    type Ok = Val;
    type Error = ValueError;

    fn serialize_field<T: ?Sized + Serialize>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), ValueError> {
        if let Some(part) = self.part.field(name) {
            let value = value.serialize(JaqSerializer(part))?;
            // Static names are not copied.
            self.fields.insert(Val::utf8_str(name), value);
        }
        Ok(())
    }

    fn end(self) -> Result<Val, ValueError> {
        if !self.is_number {
            return Ok(Val::obj(self.fields));
        }
        match self.fields.into_values().next() {
            Some(Val::TStr(text)) => {
                let text = String::from_utf8_lossy(&text);
                Val::from_num(&text).map_err(<ValueError as serde::ser::Error>::custom)
            }
            _ => impossible("a number without digits"),
        }
    }
}

#[cfg(test)]
mod tests;
