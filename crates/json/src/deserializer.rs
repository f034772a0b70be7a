//! Reads types of serde from JSON.
//!
//! The generic code is compiled once per type, so most of the work is in functions that are not generic.

use serde::de::{self, DeserializeSeed, Error as _, MapAccess, SeqAccess, Unexpected, Visitor};

use crate::EXACT_NUMBER;
use crate::error::{Error, ErrorKind};
use crate::reader::{MAX_DEPTH, Reader, Token};

/// The only key of an object in place of a value that cannot be read. No struct and no map is read from it.
pub const UNREADABLE: &str = "$unreadable";

/// The beginning of an object in place of a value that cannot be read, after its brace.
const UNREADABLE_KEY: &str = "\"$unreadable\"";

/// Deserializes types from a document in UTF-8, by the rules of serde_json with `arbitrary_precision`: numbers that
/// do not fit an integer type are passed as a map of [`EXACT_NUMBER`] and their digits.
#[derive(Debug)]
pub struct Deserializer<'de> {
    reader: Reader<'de>,
    /// The digits of a number whose key was read.
    digits: Option<&'de str>,
    depth: u8,
}

impl<'de> Deserializer<'de> {
    /// Creates a deserializer at the beginning of this document.
    pub fn new(text: &'de str) -> Self {
        Self {
            reader: Reader::new(text),
            digits: None,
            depth: 0,
        }
    }

    /// Checks that only blanks follow.
    ///
    /// # Errors
    /// Other data follows.
    pub fn end(&mut self) -> Result<(), Error> {
        self.reader.end_of_document()
    }

    fn token(&mut self) -> Result<Token<'de>, Error> {
        match self.digits.take() {
            Some(digits) => Ok(Token::Text(digits)),
            None => self.reader.token(),
        }
    }

    /// Returns `true` if the token is an object in place of a value that cannot be read.
    fn is_unreadable(&self, token: Token<'de>) -> bool {
        token == Token::Object && self.reader.is_next(UNREADABLE_KEY)
    }

    /// Enters a list or an object, or a number as a map.
    fn enter(&mut self, token: Token<'de>) -> Result<Elements<'_, 'de>, Error> {
        let position = match token {
            Token::Number(digits) => Position::Digits(digits),
            _ if self.depth == MAX_DEPTH => {
                return Err(Error::at(ErrorKind::Syntax, self.reader.offset()));
            }
            _ => Position::Begin,
        };
        self.depth += 1;
        let document = self;
        Ok(Elements { document, position })
    }

    /// Leaves a list, an object or a number.
    fn leave(&mut self, token: Token<'de>) -> Result<(), Error> {
        self.depth -= 1;
        match token {
            Token::List => self.reader.end(b']'),
            Token::Object => self.reader.end(b'}'),
            _ => Ok(()),
        }
    }

    /// Adds the current position to an error that has none.
    #[cold]
    fn located(&self, error: Error) -> Error {
        error.or_at(self.reader.offset())
    }

    fn skip(&mut self) -> Result<(), Error> {
        match self.digits.take() {
            Some(_) => Ok(()),
            None => self.reader.skip(),
        }
    }

    fn visit<V: Visitor<'de>>(&mut self, token: Token<'de>, visitor: V) -> Result<V::Value, Error> {
        let value = match token {
            Token::Text(text) => return visitor.visit_borrowed_str(text),
            Token::Decoded => return visitor.visit_str(&self.reader.decoded),
            Token::Unsigned(number) => return visitor.visit_u64(number),
            Token::Signed(number) => return visitor.visit_i64(number),
            Token::Null => return visitor.visit_unit(),
            Token::Flag(flag) => return visitor.visit_bool(flag),
            Token::List => visitor.visit_seq(self.enter(token)?),
            Token::Object | Token::Number(_) => visitor.visit_map(self.enter(token)?),
        };
        let end = self.leave(token);
        let value = value?;
        end.map(|()| value)
    }
}

impl<'de> de::Deserializer<'de> for &mut Deserializer<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let token = self.token()?;
        let read = self.visit(token, visitor);
        read.map_err(|error| self.located(error))
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let token = self.token()?;
        let read = match token {
            Token::Number(digits) => match digits.parse::<f64>() {
                Ok(number) if number.is_finite() => visitor.visit_f64(number),
                _ => self.visit(token, visitor),
            },
            token => self.visit(token, visitor),
        };
        read.map_err(|error| self.located(error))
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.digits.is_none() && self.reader.null()? {
            true => visitor.visit_none(),
            false => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let word = self.token()?;
        let decoded = &self.reader.decoded;
        let read = Key { word, decoded }.deserialize_enum(name, variants, visitor);
        read.map_err(|error| self.located(error))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let token = self.token()?;
        let read = match token {
            Token::Object if !self.is_unreadable(token) => self.visit(token, visitor),
            // The visitor of a struct would also accept a list, with its fields in order.
            _ => {
                let found = Unexpected::Other("another value");
                Err(Error::invalid_type(found, &visitor))
            }
        };
        read.map_err(|error| self.located(error))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_map(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.skip()?;
        visitor.visit_unit()
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 char str string bytes byte_buf unit unit_struct
        seq tuple tuple_struct identifier
    }
}

/// The elements of a list or the fields of an object, starting at the current position.
#[derive(Debug)]
struct Elements<'a, 'de> {
    document: &'a mut Deserializer<'de>,
    position: Position<'de>,
}

#[derive(Debug, Clone, Copy)]
enum Position<'de> {
    /// Before the first element.
    Begin,
    /// After an element.
    Next,
    /// Before the only field of a number.
    Digits(&'de str),
    /// After the only field of a number.
    End,
}

impl<'de> Elements<'_, 'de> {
    fn next_element(&mut self) -> Result<bool, Error> {
        let is_first = matches!(self.position, Position::Begin);
        self.position = Position::Next;
        self.document.reader.next_element(is_first)
    }

    fn next_key(&mut self) -> Result<Option<Token<'de>>, Error> {
        let (is_first, next) = match self.position {
            Position::Begin => (true, Position::Next),
            Position::Next => (false, Position::Next),
            Position::Digits(digits) => {
                self.document.digits = Some(digits);
                self.position = Position::End;
                return Ok(Some(Token::Text(EXACT_NUMBER)));
            }
            Position::End => return Ok(None),
        };
        self.position = next;
        self.document.reader.next_key(is_first)
    }

    fn colon(&mut self) -> Result<(), Error> {
        match self.position {
            Position::End => Ok(()),
            _ => self.document.reader.colon(),
        }
    }
}

impl<'de> SeqAccess<'de> for Elements<'_, 'de> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        match self.next_element()? {
            true => seed.deserialize(&mut *self.document).map(Some),
            false => Ok(None),
        }
    }
}

impl<'de> MapAccess<'de> for Elements<'_, 'de> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        let Some(word) = self.next_key()? else {
            return Ok(None);
        };
        let decoded = &self.document.reader.decoded;
        let read = seed.deserialize(Key { word, decoded });
        read.map(Some).map_err(|error| self.document.located(error))
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Error> {
        self.colon()?;
        seed.deserialize(&mut *self.document)
    }
}

/// The key of a field, or the name of an enum variant.
struct Key<'a, 'de> {
    word: Token<'de>,
    decoded: &'a str,
}

impl<'de> de::Deserializer<'de> for Key<'_, 'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.word {
            Token::Text(text) => visitor.visit_borrowed_str(text),
            Token::Decoded => visitor.visit_str(self.decoded),
            _ => Err(Error::custom("expected text")),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_enum(self)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

impl<'de> de::EnumAccess<'de> for Key<'_, 'de> {
    type Error = Error;
    type Variant = Unit;

    fn variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, Unit), Error> {
        seed.deserialize(self).map(|word| (word, Unit))
    }
}

/// The content of an enum variant, which is always empty.
struct Unit;

impl<'de> de::VariantAccess<'de> for Unit {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, _: T) -> Result<T::Value, Error> {
        Err(Error::custom("expected a word"))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Error> {
        Err(Error::custom("expected a word"))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Error> {
        Err(Error::custom("expected a word"))
    }
}
