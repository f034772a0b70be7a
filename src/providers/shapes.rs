//! What `details` can hold, as JSON Schema: every cloud describes its own, the registry all of them.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::CLOUDS;
use crate::model::{JobDetails, ScopeDetails, TaskDetails};

/// Adds a type to the definitions of a schema and answers with a reference to it.
pub type SchemaFn = fn(&mut SchemaGenerator) -> Schema;

/// The types of `details` of the resources of one kind and of their tasks.
pub struct DetailSchemas {
    /// Those of the resource itself.
    pub job: &'static [SchemaFn],
    /// Those of its tasks.
    pub task: &'static [SchemaFn],
}

impl DetailSchemas {
    /// Those of a kind without any.
    pub const NONE: Self = Self {
        job: &[],
        task: &[],
    };
}

/// The shape of a type.
pub(super) fn schema_of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// Says in the definitions of a schema what `details` of jobs, tasks and places can be.
pub fn describe_details(generator: &mut SchemaGenerator) {
    let kinds = || CLOUDS.iter().flat_map(|cloud| cloud.kinds);
    let jobs = kinds().flat_map(|kind| kind.details.job);
    let tasks = kinds().flat_map(|kind| kind.details.task);
    let scopes = CLOUDS.iter().flat_map(|cloud| cloud.scope_details);
    define::<JobDetails>(generator, jobs);
    define::<TaskDetails>(generator, tasks);
    define::<ScopeDetails>(generator, scopes);
}

/// Gives a placeholder its content, where a document has one.
fn define<T: JsonSchema>(
    generator: &mut SchemaGenerator,
    shapes: impl Iterator<Item = &'static SchemaFn>,
) {
    let name = T::schema_name();
    if !generator.definitions().contains_key(name.as_ref()) {
        return;
    }
    let mut any = vec![json_schema!({ "type": "null" })];
    any.extend(shapes.map(|shape| shape(generator)));
    let content = json_schema!({
        "description": "One of these by cloud and kind, or null; more may be added.",
        "x-extensible": true,
        "anyOf": any,
    });
    let definitions = generator.definitions_mut();
    definitions.insert(name.into_owned(), content.into());
}
