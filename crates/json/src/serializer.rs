//! Writes serde documents as JSON.

use std::fmt::{self, Display};
use std::io::{self, Write};

use serde::ser::{
    Error, Impossible, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeTuple,
    SerializeTupleStruct, Serializer,
};

use crate::writer::Writer;

/// The name of the struct as which serde_json passes numbers with all their digits. Its only field is the text.
pub const EXACT_NUMBER: &str = "$serde_json::private::Number";

/// An error of the output, or of a document with a value that JSON does not support.
#[derive(Debug)]
pub struct SerializeError(io::Error);

impl From<io::Error> for SerializeError {
    fn from(error: io::Error) -> Self {
        Self(error)
    }
}

impl From<SerializeError> for io::Error {
    fn from(error: SerializeError) -> Self {
        error.0
    }
}

impl Display for SerializeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for SerializeError {}

impl Error for SerializeError {
    fn custom<T: Display>(message: T) -> Self {
        Self(io::Error::new(
            io::ErrorKind::InvalidData,
            message.to_string(),
        ))
    }
}

fn impossible<T>(what: &str) -> Result<T, SerializeError> {
    Err(SerializeError::custom(format_args!(
        "{what} is not valid in JSON"
    )))
}

/// Writes a document, indented or on one line, followed by a line end.
///
/// # Errors
/// An error of the output.
pub fn write(out: &mut dyn Write, document: &impl Serialize, is_indented: bool) -> io::Result<()> {
    let mut writer = Writer::new(out, is_indented);
    document.serialize(&mut writer)?;
    writer.write_all(b"\n")?;
    writer.flush()
}

/// Appends a document on one line, with all texts and keys unescaped so that they can be searched.
///
/// # Errors
/// The document contains a value that JSON does not support.
pub fn collect_texts<T: ?Sized + Serialize>(texts: &mut Vec<u8>, document: &T) -> io::Result<()> {
    let mut writer = Writer::new(texts, false).without_escapes();
    document.serialize(&mut writer)?;
    writer.flush()
}

/// A list or an object that is being written.
pub struct Compound<'a, 'b> {
    writer: &'a mut Writer<'b>,
    is_empty: bool,
    /// Its closing bracket; `None` for a number with all its digits.
    end: Option<u8>,
}

impl Compound<'_, '_> {
    fn next(&mut self) -> Result<(), SerializeError> {
        let comma = !std::mem::replace(&mut self.is_empty, false);
        Ok(self.writer.line(comma)?)
    }

    fn begin_field(&mut self, name: &'static str) -> Result<(), SerializeError> {
        if self.end.is_none() {
            // The digits are passed as a text.
            self.writer.set_quotes(false);
            return Ok(());
        }
        let comma = !std::mem::replace(&mut self.is_empty, false);
        // Field names of the program need no escapes.
        Ok(self.writer.field(comma, name)?)
    }

    fn end_field(&mut self) {
        if self.end.is_none() {
            self.writer.set_quotes(true);
        }
    }

    fn element<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), SerializeError> {
        self.next()?;
        value.serialize(&mut *self.writer)
    }

    fn finish(self) -> Result<(), SerializeError> {
        if let Some(bracket) = self.end {
            self.writer.end(bracket, self.is_empty)?;
        }
        Ok(())
    }
}

macro_rules! numbers {
    ($($method:ident: $type:ty),*) => {
        $(fn $method(self, number: $type) -> Result<(), SerializeError> {
            serde_json::to_writer(self, &number).map_err(|error| SerializeError(error.into()))
        })*
    };
}

impl<'a, 'b> Serializer for &'a mut Writer<'b> {
    type Ok = ();
    type Error = SerializeError;
    type SerializeSeq = Compound<'a, 'b>;
    type SerializeTuple = Compound<'a, 'b>;
    type SerializeTupleStruct = Compound<'a, 'b>;
    type SerializeTupleVariant = Impossible<(), SerializeError>;
    type SerializeMap = Compound<'a, 'b>;
    type SerializeStruct = Compound<'a, 'b>;
    type SerializeStructVariant = Impossible<(), SerializeError>;

    numbers!(
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64,
        serialize_f32: f32, serialize_f64: f64
    );

    fn serialize_bool(self, flag: bool) -> Result<(), SerializeError> {
        let word: &[u8] = if flag { b"true" } else { b"false" };
        Ok(self.put(word)?)
    }

    fn serialize_char(self, c: char) -> Result<(), SerializeError> {
        Ok(self.text(c.encode_utf8(&mut [0; 4]))?)
    }

    fn serialize_str(self, text: &str) -> Result<(), SerializeError> {
        Ok(self.text(text)?)
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<(), SerializeError> {
        impossible("a text of bytes")
    }

    fn serialize_none(self) -> Result<(), SerializeError> {
        self.serialize_unit()
    }

    fn serialize_some<T: ?Sized + Serialize>(self, value: &T) -> Result<(), SerializeError> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), SerializeError> {
        Ok(self.put(b"null")?)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), SerializeError> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), SerializeError> {
        Ok(self.text(variant)?)
    }

    fn serialize_newtype_struct<T: ?Sized + Serialize>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), SerializeError> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: ?Sized + Serialize>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), SerializeError> {
        let mut object = self.serialize_map(Some(1))?;
        object.serialize_entry(variant, value)?;
        object.finish()
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Compound<'a, 'b>, SerializeError> {
        self.begin(b'[')?;
        Ok(Compound {
            writer: self,
            is_empty: true,
            end: Some(b']'),
        })
    }

    fn serialize_tuple(self, length: usize) -> Result<Compound<'a, 'b>, SerializeError> {
        self.serialize_seq(Some(length))
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        length: usize,
    ) -> Result<Compound<'a, 'b>, SerializeError> {
        self.serialize_seq(Some(length))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, SerializeError> {
        impossible("a variant of several values")
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Compound<'a, 'b>, SerializeError> {
        self.begin(b'{')?;
        Ok(Compound {
            writer: self,
            is_empty: true,
            end: Some(b'}'),
        })
    }

    fn serialize_struct(
        self,
        name: &'static str,
        length: usize,
    ) -> Result<Compound<'a, 'b>, SerializeError> {
        if name != EXACT_NUMBER {
            return self.serialize_map(Some(length));
        }
        Ok(Compound {
            writer: self,
            is_empty: true,
            end: None,
        })
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, SerializeError> {
        impossible("a variant of several values")
    }
}

macro_rules! list {
    ($trait:ident, $method:ident) => {
        impl $trait for Compound<'_, '_> {
            type Ok = ();
            type Error = SerializeError;

            fn $method<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), SerializeError> {
                self.element(value)
            }

            fn end(self) -> Result<(), SerializeError> {
                self.finish()
            }
        }
    };
}

list!(SerializeSeq, serialize_element);
list!(SerializeTuple, serialize_element);
list!(SerializeTupleStruct, serialize_field);

impl SerializeMap for Compound<'_, '_> {
    type Ok = ();
    type Error = SerializeError;

    fn serialize_key<T: ?Sized + Serialize>(&mut self, key: &T) -> Result<(), SerializeError> {
        self.next()?;
        key.serialize(&mut *self.writer)?;
        match self.writer.ends_with_quote() {
            true => Ok(self.writer.colon()?),
            false => impossible("a key that is not a string"),
        }
    }

    fn serialize_value<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), SerializeError> {
        value.serialize(&mut *self.writer)
    }

    fn end(self) -> Result<(), SerializeError> {
        self.finish()
    }
}

impl SerializeStruct for Compound<'_, '_> {
    type Ok = ();
    type Error = SerializeError;

    fn serialize_field<T: ?Sized + Serialize>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), SerializeError> {
        self.begin_field(name)?;
        value.serialize(&mut *self.writer)?;
        self.end_field();
        Ok(())
    }

    fn end(self) -> Result<(), SerializeError> {
        self.finish()
    }
}
