use std::any::Any;
use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;

/// Fields of one kind only: a typed struct of the cloud's folder, serialised as `details`.
///
/// Every such type must also have a schema. The kind that made it gets it back by its type.
pub trait Details: Any + erased_serde::Serialize + fmt::Debug + Send + Sync {}
impl<T: Any + Serialize + JsonSchema + fmt::Debug + Send + Sync> Details for T {}
erased_serde::serialize_trait_object!(Details);

/// The `details` of a job in its JSON Schema. The model does not depend on the clouds, so the registry of
/// clouds fills in the definition of this name.
#[derive(Debug)]
pub enum JobDetails {}

/// The same for the `details` of a task.
#[derive(Debug)]
pub enum TaskDetails {}

/// The same for the `details` of a scope.
#[derive(Debug)]
pub enum ScopeDetails {}

/// The comment of a schema whose alternatives may become more.
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
