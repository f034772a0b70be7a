//! The JSON Schema of lenient values, which are serialised like their content.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::{Checked, DefaultObject, Flag, Int, List, Map, Num, OptionalObject, Text, Words};

macro_rules! schema_of {
    ($inner:ty, $name:ty $(, $parameter:ident)?) => {
        impl $(<$parameter: JsonSchema>)? JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                <$inner>::schema_name()
            }

            fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                generator.subschema_for::<$inner>()
            }
        }
    };
}

schema_of!(Option<String>, Text);
schema_of!(Option<i64>, Int);
schema_of!(Option<f64>, Num);
schema_of!(Option<bool>, Flag);
schema_of!(Vec<String>, Words);
schema_of!(Vec<T>, List<T>, T);
schema_of!(BTreeMap<String, T>, Map<T>, T);
schema_of!(Option<Box<T>>, OptionalObject<T>, T);
schema_of!(T, DefaultObject<T>, T);
schema_of!(T, Checked<T>, T);
