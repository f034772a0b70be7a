//! Describes the `details` of all clouds as JSON Schema.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::{CLOUDS, kinds};
use crate::kind::SchemaFn;
use crate::model::{JobDetails, ScopeDetails, TaskDetails};

/// Declares structs of `details`. They are deserialized from fields in the given serde case, by default
/// `PascalCase`, and printed in `snake_case`. Fields after `=>` are read but not printed.
macro_rules! detail_structs {
    ($case:tt => $($(#[$attribute:meta])* $name:ident {
        $($(#[$field_attribute:meta])* $field:ident: $type:ty,)*
    } $(=> {
        $($(#[$unprinted_attribute:meta])* $unprinted:ident: $unprinted_type:ty,)*
    })?)*) => {
        $(#[derive(Debug, Default, PartialEq, schemars::JsonSchema, serde::Serialize, serde::Deserialize)]
        #[serde(default, rename_all(deserialize = $case))]
        #[schemars(!default)]
        $(#[$attribute])*
        pub struct $name {
            $($(#[$field_attribute])* pub $field: $type,)*
            $($(
                #[serde(skip_serializing)]
                #[schemars(skip)]
                $(#[$unprinted_attribute])*
                pub $unprinted: $unprinted_type,
            )*)?
        })*
    };
    ($($structs:tt)*) => {
        $crate::providers::details_schema::detail_structs! { "PascalCase" => $($structs)* }
    };
}
pub(super) use detail_structs;

/// Returns the schema of a type.
pub(super) fn schema_of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// Adds the types of `details` of jobs, tasks and scopes to the definitions of a schema.
pub fn describe_details(generator: &mut SchemaGenerator) {
    let jobs = kinds().flat_map(|kind| kind.details.job.iter());
    let tasks = kinds().flat_map(|kind| kind.details.task.iter());
    let scopes = CLOUDS.iter().flat_map(|cloud| cloud.scope_details.iter());
    define::<JobDetails>(generator, jobs);
    define::<TaskDetails>(generator, tasks);
    define::<ScopeDetails>(generator, scopes);
}

/// Replaces the definition of a placeholder type, if the schema contains it.
fn define<T: JsonSchema>(
    generator: &mut SchemaGenerator,
    shapes: impl Iterator<Item = &'static SchemaFn>,
) {
    let name = T::schema_name();
    if !generator.definitions().contains_key(name.as_ref()) {
        return;
    }
    let mut any = vec![json_schema!({ "type": "null" })];
    for shape in shapes {
        let shape = shape(generator);
        // Several kinds can have the same schema.
        if !any.contains(&shape) {
            any.push(shape);
        }
    }
    let content = json_schema!({
        "description": "One of these by cloud and kind, or null; more may be added.",
        "$comment": crate::model::EXTENSIBLE,
        "anyOf": any,
    });
    let definitions = generator.definitions_mut();
    definitions.insert(name.into_owned(), content.into());
}
