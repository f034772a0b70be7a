//! Finds the fields of a kind's `details` in the recorded schemas.

use serde_json::Value;

use super::SchemaKind;
use crate::kind::Kind;

/// The recorded schemas of the `details` of all kinds.
pub struct DetailsSchema {
    /// Schemas by kind, such as `aliyun/job`.
    details: Value,
    /// The types that they refer to.
    types: Value,
}

impl DetailsSchema {
    /// Reads the schemas, which are compressed in the binary.
    pub fn read() -> Self {
        Self {
            details: super::read("details"),
            types: SchemaKind::Envelope.schema()["$defs"].take(),
        }
    }

    /// Finds a field of the `details` of any of these kinds by its path.
    ///
    /// # Errors
    /// Returns the existing fields in place of the first part that no kind has, each as a whole path.
    pub fn find_field(&self, kinds: &[&Kind], path: &[&str]) -> Result<(), Vec<String>> {
        let mut schemas: Vec<Value> = kinds
            .iter()
            .filter_map(|kind| self.details[kind.to_string()].as_array())
            .flatten()
            .cloned()
            .collect();
        for (depth, part) in path.iter().enumerate() {
            let objects: Vec<Value> = schemas
                .iter()
                .flat_map(|schema| dereference(schema, &self.types))
                .collect();
            if objects.iter().any(allows_any_field) {
                return Ok(());
            }
            let fields = |schema: &Value| {
                schema["properties"]
                    .as_object()
                    .cloned()
                    .unwrap_or_default()
            };
            let fields: Vec<(String, Value)> = objects.iter().flat_map(fields).collect();
            schemas = fields
                .iter()
                .filter(|(name, _)| name == part)
                .map(|(_, schema)| schema.clone())
                .collect();
            if schemas.is_empty() {
                let before: String = path[..depth]
                    .iter()
                    .map(|part| format!("{part}."))
                    .collect();
                let mut known: Vec<String> = fields
                    .into_iter()
                    .map(|(name, _)| format!("{before}{name}"))
                    .collect();
                known.sort();
                known.dedup();
                return Err(known);
            }
        }
        Ok(())
    }
}

/// Resolves references and alternatives to their types.
fn dereference(schema: &Value, types: &Value) -> Vec<Value> {
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.rsplit('/').next().unwrap_or_default();
        return types
            .get(name)
            .map_or_else(Vec::new, |one| dereference(one, types));
    }
    let choices = ["anyOf", "oneOf", "allOf"].into_iter();
    let mut choices = choices.filter_map(|word| schema[word].as_array()).flatten();
    match choices.next() {
        None => vec![schema.clone()],
        Some(first) => std::iter::once(first)
            .chain(choices)
            .flat_map(|one| dereference(one, types))
            .collect(),
    }
}

/// Returns `true` if any field is allowed: a map, or a value of any type.
fn allows_any_field(schema: &Value) -> bool {
    match schema {
        Value::Bool(is_any) => *is_any,
        Value::Object(keys) => {
            let more = keys.get("additionalProperties");
            let is_any = !keys.contains_key("type") && !keys.contains_key("properties");
            let is_any = is_any && !keys.contains_key("const") && !keys.contains_key("enum");
            is_any || more.is_some_and(|more| *more != Value::Bool(false))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers;

    fn kind(cloud: &str, name: &str) -> &'static Kind {
        let mut kinds = providers::kinds();
        kinds
            .find(|kind| (kind.template.cloud, kind.template.kind) == (cloud, name))
            .unwrap()
    }

    #[test]
    fn every_field_of_a_kind_is_found_and_an_unknown_field_is_not() {
        let schema = DetailsSchema::read();
        for kind in providers::kinds() {
            let known = schema.find_field(&[kind], &["nope"]).unwrap_err();
            for name in &known {
                assert_eq!(schema.find_field(&[kind], &[name]), Ok(()), "{name}");
            }
        }
        let all: Vec<&Kind> = providers::kinds().collect();
        assert!(schema.find_field(&all, &["nope"]).is_err());
    }

    #[test]
    fn a_field_of_any_kind_is_found_and_a_nested_field_in_its_parent() {
        let schema = DetailsSchema::read();
        let [sugon, huawei] = [kind("sugon", "instance"), kind("huawei", "image-job")];
        let of_sugon = schema.find_field(&[sugon], &["nope"]).unwrap_err();
        let own = of_sugon
            .iter()
            .find(|name| schema.find_field(&[huawei], &[name]).is_err());
        let own = own.unwrap().as_str();
        assert_eq!(schema.find_field(&[huawei, sugon], &[own]), Ok(()));
        let below = schema
            .find_field(&[sugon], &["start_script", "nope"])
            .unwrap_err();
        let known = ["content", "enabled", "path", "scope"];
        assert_eq!(below, known.map(|name| format!("start_script.{name}")));
        assert!(
            schema
                .find_field(&[sugon], &["description", "nope"])
                .is_err()
        );
    }
}
