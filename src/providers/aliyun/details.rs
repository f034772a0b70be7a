//! Structs of `details` that have the names of the response.

/// Declares structs that are read from fields in `PascalCase` and printed in `snake_case`.
macro_rules! detail_structs {
    ($($(#[$attribute:meta])* $name:ident {
        $($(#[$field_attribute:meta])* $field:ident: $type:ty,)*
    })*) => {
        $(#[derive(Debug, Default, schemars::JsonSchema, serde::Serialize, serde::Deserialize)]
        #[serde(default, rename_all(deserialize = "PascalCase"))]
        #[schemars(!default)]
        $(#[$attribute])*
        pub struct $name {
            $($(#[$field_attribute])* pub $field: $type,)*
        })*
    };
}
pub(super) use detail_structs;
