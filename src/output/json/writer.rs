//! Writes JSON that is safe to be shown in a terminal and in the log of a CI job. Large responses are
//! mostly names of fields and indentation, which serde_json writes in many small pieces.

use std::fmt::Display;
use std::io::{self, Write};

use serde::ser::{
    Error, Impossible, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeTuple,
    SerializeTupleStruct, Serializer,
};

use super::write_escaped;

/// serde_json hands numbers with all their digits on as a struct of this name, whose only field is
/// the text.
pub(in super::super) const EXACT_NUMBER: &str = "$serde_json::private::Number";

/// So many bytes are written at once.
const CHUNK: usize = 1 << 16;

/// The end of a line and the indentation of the next one; deeper levels take several pieces.
const LINE: &[u8; 66] = b",\n                                                                ";

/// A failure of the output, or a document that has something that JSON does not have.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(super) struct Failure(pub(super) io::Error);

impl Error for Failure {
    fn custom<T: Display>(message: T) -> Self {
        Self(io::Error::new(
            io::ErrorKind::InvalidData,
            message.to_string(),
        ))
    }
}

fn impossible<T>(what: &str) -> Result<T, Failure> {
    Err(Failure::custom(format_args!("{what} is not valid in JSON")))
}

/// Writes a document, indented or on one line, with a line end.
///
/// # Errors
/// Those of the output.
pub(super) fn write(
    out: &mut dyn Write,
    document: &impl Serialize,
    is_indented: bool,
) -> io::Result<()> {
    let mut writer = Writer {
        out,
        buffer: Vec::with_capacity(if is_indented { CHUNK * 2 } else { 1024 }),
        is_indented,
        depth: 0,
        quote: b"\"",
    };
    document
        .serialize(&mut writer)
        .map_err(|Failure(error)| error)?;
    writer.buffer.push(b'\n');
    writer.out.write_all(&writer.buffer)?;
    writer.out.flush()
}

struct Writer<'a> {
    out: &'a mut dyn Write,
    buffer: Vec<u8>,
    is_indented: bool,
    depth: usize,
    /// What stands around texts.
    quote: &'static [u8],
}

impl Writer<'_> {
    /// Ends a line, with a comma between two values, and indents the next one.
    fn line(&mut self, comma: bool) {
        let head = usize::from(!comma);
        if !self.is_indented {
            self.buffer.extend_from_slice(&LINE[head..1]);
            return;
        }
        let mut spaces = 2 * self.depth;
        let piece = spaces.min(LINE.len() - 2);
        self.buffer.extend_from_slice(&LINE[head..2 + piece]);
        spaces -= piece;
        self.buffer.extend(std::iter::repeat_n(b' ', spaces));
    }

    fn colon(&mut self) {
        let colon: &[u8] = if self.is_indented { b": " } else { b":" };
        self.buffer.extend_from_slice(colon);
    }

    fn text(&mut self, text: &str) -> Result<(), Failure> {
        self.buffer.extend_from_slice(self.quote);
        match text.len() < CHUNK {
            true => write_text(&mut self.buffer, text).map_err(Failure)?,
            false => {
                self.flush()?;
                write_text(self.out, text).map_err(Failure)?;
            }
        }
        self.buffer.extend_from_slice(self.quote);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Failure> {
        self.out.write_all(&self.buffer).map_err(Failure)?;
        self.buffer.clear();
        Ok(())
    }

    fn number(&mut self, number: impl Serialize) -> Result<(), Failure> {
        serde_json::to_writer(&mut self.buffer, &number).map_err(Failure::custom)
    }

    fn begin(&mut self, bracket: u8) {
        self.buffer.push(bracket);
        self.depth += 1;
    }
}

/// Writes what stands between the quotes of a text.
fn write_text<W: ?Sized + Write>(out: &mut W, text: &str) -> io::Result<()> {
    let is_escaped = |byte: &u8| matches!(byte, 0..b' ' | b'"' | b'\\');
    // `#` begins the commands of CI logs.
    let is_plain = |byte: u8| matches!(byte, b' '..=b'~') && byte != b'#' && !is_escaped(&byte);
    if text.bytes().all(is_plain) {
        return out.write_all(text.as_bytes());
    }
    let mut rest = text;
    while let Some(at) = rest.as_bytes().iter().position(|byte| is_escaped(byte)) {
        write_escaped(out, &rest[..at])?;
        let byte = rest.as_bytes()[at];
        match byte {
            b'"' | b'\\' => out.write_all(&[b'\\', byte])?,
            b'\n' => out.write_all(b"\\n")?,
            b'\r' => out.write_all(b"\\r")?,
            b'\t' => out.write_all(b"\\t")?,
            0x08 => out.write_all(b"\\b")?,
            0x0c => out.write_all(b"\\f")?,
            byte => write!(out, "\\u{byte:04x}")?,
        }
        rest = &rest[at + 1..];
    }
    write_escaped(out, rest)
}

/// A list or an object, as far as it has been written.
struct Compound<'a, 'b> {
    writer: &'a mut Writer<'b>,
    is_empty: bool,
    /// What ends it; `None` for a number with all its digits.
    end: Option<u8>,
}

impl Compound<'_, '_> {
    fn next(&mut self) -> Result<(), Failure> {
        let writer = &mut *self.writer;
        if writer.buffer.len() >= CHUNK {
            writer.flush()?;
        }
        writer.line(!self.is_empty);
        self.is_empty = false;
        Ok(())
    }

    fn element<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), Failure> {
        self.next()?;
        value.serialize(&mut *self.writer)
    }

    fn finish(self) -> Result<(), Failure> {
        if let Some(bracket) = self.end {
            self.writer.depth -= 1;
            if !self.is_empty && self.writer.is_indented {
                self.writer.line(false);
            }
            self.writer.buffer.push(bracket);
        }
        Ok(())
    }
}

macro_rules! numbers {
    ($($method:ident: $type:ty),*) => {
        $(fn $method(self, number: $type) -> Result<(), Failure> {
            self.number(number)
        })*
    };
}

impl<'a, 'b> Serializer for &'a mut Writer<'b> {
    type Ok = ();
    type Error = Failure;
    type SerializeSeq = Compound<'a, 'b>;
    type SerializeTuple = Compound<'a, 'b>;
    type SerializeTupleStruct = Compound<'a, 'b>;
    type SerializeTupleVariant = Impossible<(), Failure>;
    type SerializeMap = Compound<'a, 'b>;
    type SerializeStruct = Compound<'a, 'b>;
    type SerializeStructVariant = Impossible<(), Failure>;

    numbers!(
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64,
        serialize_f32: f32, serialize_f64: f64
    );

    fn serialize_bool(self, flag: bool) -> Result<(), Failure> {
        let word: &[u8] = if flag { b"true" } else { b"false" };
        self.buffer.extend_from_slice(word);
        Ok(())
    }

    fn serialize_char(self, c: char) -> Result<(), Failure> {
        self.text(c.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, text: &str) -> Result<(), Failure> {
        self.text(text)
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<(), Failure> {
        impossible("a text of bytes")
    }

    fn serialize_none(self) -> Result<(), Failure> {
        self.serialize_unit()
    }

    fn serialize_some<T: ?Sized + Serialize>(self, value: &T) -> Result<(), Failure> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Failure> {
        self.buffer.extend_from_slice(b"null");
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Failure> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), Failure> {
        self.text(variant)
    }

    fn serialize_newtype_struct<T: ?Sized + Serialize>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Failure> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: ?Sized + Serialize>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Failure> {
        let mut object = self.serialize_map(Some(1))?;
        object.serialize_entry(variant, value)?;
        object.finish()
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Compound<'a, 'b>, Failure> {
        self.begin(b'[');
        Ok(Compound {
            writer: self,
            is_empty: true,
            end: Some(b']'),
        })
    }

    fn serialize_tuple(self, length: usize) -> Result<Compound<'a, 'b>, Failure> {
        self.serialize_seq(Some(length))
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        length: usize,
    ) -> Result<Compound<'a, 'b>, Failure> {
        self.serialize_seq(Some(length))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Failure> {
        impossible("a variant of several values")
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Compound<'a, 'b>, Failure> {
        self.begin(b'{');
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
    ) -> Result<Compound<'a, 'b>, Failure> {
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
    ) -> Result<Self::SerializeStructVariant, Failure> {
        impossible("a variant of several values")
    }
}

macro_rules! list {
    ($trait:ident, $method:ident) => {
        impl $trait for Compound<'_, '_> {
            type Ok = ();
            type Error = Failure;

            fn $method<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), Failure> {
                self.element(value)
            }

            fn end(self) -> Result<(), Failure> {
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
    type Error = Failure;

    fn serialize_key<T: ?Sized + Serialize>(&mut self, key: &T) -> Result<(), Failure> {
        self.next()?;
        key.serialize(&mut *self.writer)?;
        if !self.writer.buffer.ends_with(b"\"") {
            return impossible("a key that is not a string");
        }
        self.writer.colon();
        Ok(())
    }

    fn serialize_value<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), Failure> {
        value.serialize(&mut *self.writer)
    }

    fn end(self) -> Result<(), Failure> {
        self.finish()
    }
}

impl SerializeStruct for Compound<'_, '_> {
    type Ok = ();
    type Error = Failure;

    fn serialize_field<T: ?Sized + Serialize>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Failure> {
        if self.end.is_none() {
            // The digits come as a text.
            self.writer.quote = b"";
            value.serialize(&mut *self.writer)?;
            self.writer.quote = b"\"";
            return Ok(());
        }
        self.next()?;
        // The names of fields in the program need no escapes.
        self.writer.buffer.push(b'"');
        self.writer.buffer.extend_from_slice(name.as_bytes());
        self.writer.buffer.push(b'"');
        self.writer.colon();
        value.serialize(&mut *self.writer)
    }

    fn end(self) -> Result<(), Failure> {
        self.finish()
    }
}
