use std::any::Any;
use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;

/// Fields that only one kind has: a struct of the cloud's module, serialised as `details`.
///
/// Every such type must also have a schema. The kind that created it can downcast it to its type.
pub trait Details: Any + erased_serde::Serialize + fmt::Debug + Send + Sync {}
impl<T: Any + Serialize + JsonSchema + fmt::Debug + Send + Sync> Details for T {}
erased_serde::serialize_trait_object!(Details);

/// Placeholder for the `details` of a job in the JSON Schema. Since the model does not depend on the clouds, the
/// registry of clouds adds the definition with this name.
#[derive(Debug)]
pub enum JobDetails {}

/// Placeholder for the `details` of a task.
#[derive(Debug)]
pub enum TaskDetails {}

/// Placeholder for the `details` of a scope.
#[derive(Debug)]
pub enum ScopeDetails {}

/// The comment of a schema to which alternatives may be added later.
pub const EXTENSIBLE: &str = "extensible: more alternatives may be added";

macro_rules! placeholder {
    ($name:ident) => {
        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                Schema::default()
            }
        }
    };
}
placeholder!(JobDetails);
placeholder!(TaskDetails);
placeholder!(ScopeDetails);
