//! Compares two versions of a JSON Schema from the point of view of programs that read the documents.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

/// Keywords that restrict how a value is written; loosening one breaks programs that rely on it.
const LIMITS: [&str; 4] = ["format", "pattern", "minimum", "maximum"];

/// The differences of two schemas, each with the path of the field.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct SchemaChanges {
    /// Changes that break programs.
    pub broken: Vec<String>,
    /// Changes that programs do not notice if they ignore unknown fields.
    pub added: Vec<String>,
}

/// Compares an old document with a new one.
pub fn compare(old: &Value, new: &Value) -> SchemaChanges {
    let mut comparison = Comparison {
        old,
        new,
        seen: BTreeSet::new(),
        compared: Vec::new(),
        changes: SchemaChanges::default(),
    };
    comparison.node("", old, new);
    // Some definitions are separate documents, to which the root does not refer.
    for (name, definition) in definitions(old) {
        let path = format!("#/$defs/{name}");
        if comparison.seen.iter().any(|(seen, _)| *seen == path) {
            continue;
        }
        match definitions(new).get(name) {
            None => comparison.broken(name, "has lost its description"),
            Some(other) => comparison.node(name, definition, other),
        }
    }
    comparison.changes
}

fn definitions(document: &Value) -> &Map<String, Value> {
    static NONE: std::sync::OnceLock<Map<String, Value>> = std::sync::OnceLock::new();
    let found = document.get("$defs").and_then(Value::as_object);
    found.unwrap_or_else(|| NONE.get_or_init(Map::new))
}

struct Comparison<'a> {
    old: &'a Value,
    new: &'a Value,
    /// Pairs of references that were followed.
    seen: BTreeSet<(String, String)>,
    /// Pairs of objects that were compared: many fields can refer to the same one.
    compared: Vec<(&'a Value, &'a Value)>,
    changes: SchemaChanges,
}

/// The values that a schema allows, with references resolved and alternatives merged.
#[derive(Default)]
struct Shape<'a> {
    /// Types of the alternatives that are not objects.
    types: BTreeSet<&'a str>,
    /// All values, if they are enumerated.
    values: Option<BTreeSet<String>>,
    /// The alternatives that are objects, by name.
    objects: BTreeMap<String, &'a Value>,
    items: Option<&'a Value>,
    limits: BTreeMap<&'static str, &'a Value>,
    /// Later versions can add alternatives.
    is_extensible: bool,
}

impl<'a> Shape<'a> {
    fn new(document: &'a Value, schema: &'a Value) -> Self {
        let mut shape = Self::default();
        shape.take(document, schema, "object");
        shape
    }

    fn take(&mut self, document: &'a Value, schema: &'a Value, name: &str) {
        if schema.get("$comment").is_some() {
            self.is_extensible = true;
        }
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            let pointer = reference.trim_start_matches('#');
            let name = pointer.rsplit('/').next().unwrap_or(name);
            let target = document
                .pointer(pointer)
                .expect("a reference leads somewhere");
            self.take(document, target, name);
            return;
        }
        for alternatives in ["anyOf", "oneOf"] {
            if let Some(list) = schema.get(alternatives).and_then(Value::as_array) {
                for one in list {
                    let title = one.get("title").and_then(Value::as_str);
                    self.take(document, one, title.unwrap_or(name));
                }
                return;
            }
        }
        let types = match schema.get("type") {
            Some(Value::String(word)) => vec![word.as_str()],
            Some(Value::Array(words)) => words.iter().filter_map(Value::as_str).collect(),
            _ => vec!["anything"],
        };
        for word in types {
            match word {
                "object" => _ = self.objects.insert(name.to_owned(), schema),
                word => _ = self.types.insert(word),
            }
        }
        let listed = schema.get("enum").and_then(Value::as_array);
        let values = listed.into_iter().flatten().chain(schema.get("const"));
        for value in values {
            let values = self.values.get_or_insert_default();
            values.insert(value.to_string());
        }
        self.items = self.items.or(schema.get("items"));
        for limit in LIMITS {
            if let Some(value) = schema.get(limit) {
                self.limits.insert(limit, value);
            }
        }
    }
}

impl<'a> Comparison<'a> {
    fn broken(&mut self, path: &str, change: impl AsRef<str>) {
        let change = change.as_ref();
        self.changes.broken.push(format!("{path} {change}"));
    }

    fn node(&mut self, path: &str, old: &'a Value, new: &'a Value) {
        let reference = |schema: &Value| schema["$ref"].as_str().map(str::to_owned);
        if let (Some(old), Some(new)) = (reference(old), reference(new))
            && !self.seen.insert((old, new))
        {
            return;
        }
        let before = Shape::new(self.old, old);
        let after = Shape::new(self.new, new);
        for lost in before.types.difference(&after.types) {
            self.broken(path, format!("can no longer be {lost}"));
        }
        for gained in after.types.difference(&before.types) {
            self.broken(path, format!("may now be {gained}"));
        }
        self.values(path, &before, &after);
        for limit in LIMITS {
            if before.limits.get(limit) != after.limits.get(limit) {
                self.broken(path, format!("has another {limit}"));
            }
        }
        match (before.items, after.items) {
            (Some(old), Some(new)) => self.node(&format!("{path}[]"), old, new),
            (None, None) => {}
            _ => self.broken(
                path,
                "no longer describes its elements, or describes them again",
            ),
        }
        self.objects(path, &before, &after);
    }

    fn values(&mut self, path: &str, before: &Shape, after: &Shape) {
        let (Some(old), Some(new)) = (&before.values, &after.values) else {
            if before.values.is_some() != after.values.is_some() {
                self.broken(
                    path,
                    "no longer enumerates its values, or enumerates them again",
                );
            }
            return;
        };
        for lost in old.difference(new) {
            self.broken(path, format!("has lost the word {lost}"));
        }
        // An enumeration is closed: programs have a branch for each value.
        for gained in new.difference(old) {
            self.broken(path, format!("has a new word {gained}"));
        }
    }

    fn objects(&mut self, path: &str, before: &Shape<'a>, after: &Shape<'a>) {
        // If there is one object in both, its name can change, because documents do not contain it.
        if let (1, 1, false) = (
            before.objects.len(),
            after.objects.len(),
            before.is_extensible,
        ) {
            let pair = before.objects.values().zip(after.objects.values()).next();
            let (old, new) = pair.expect("there is one of each");
            self.fields(path, old, new);
            return;
        }
        for (name, old) in &before.objects {
            match after.objects.get(name) {
                Some(new) => self.fields(&format!("{path}<{name}>"), old, new),
                None => self.broken(path, format!("can no longer be {name}")),
            }
        }
        for name in after.objects.keys() {
            if before.objects.contains_key(name) {
                continue;
            }
            match before.is_extensible {
                true => self.changes.added.push(format!("{path}<{name}>")),
                false => self.broken(path, format!("may now be {name}")),
            }
        }
    }

    fn fields(&mut self, path: &str, old: &'a Value, new: &'a Value) {
        let mut compared = self.compared.iter();
        if compared.any(|pair| std::ptr::eq(pair.0, old) && std::ptr::eq(pair.1, new)) {
            return;
        }
        self.compared.push((old, new));
        let required = |schema: &Value, name: &str| {
            let listed = schema["required"].as_array();
            listed.is_some_and(|listed| listed.iter().any(|one| one == name))
        };
        let below = |name: &str| format!("{path}.{name}").trim_start_matches('.').to_owned();
        let none = Map::new();
        let after = new["properties"].as_object().unwrap_or(&none);
        let before = old["properties"].as_object();
        for (name, field) in before.into_iter().flatten() {
            let Some(_) = after.get(name) else {
                self.broken(&below(name), "is gone");
                continue;
            };
            self.node(&below(name), field, &new["properties"][name]);
            if required(old, name) && !required(new, name) {
                self.broken(&below(name), "may now be missing");
            }
        }
        for name in after.keys() {
            if before.is_none_or(|before| !before.contains_key(name)) {
                self.changes.added.push(below(name));
            }
        }
        match (
            old.get("additionalProperties"),
            new.get("additionalProperties"),
        ) {
            (Some(old), Some(new)) => self.node(&below("*"), old, new),
            (None, None) => {}
            _ => self.broken(&below("*"), "has lost its description, or has one again"),
        }
    }
}

#[cfg(test)]
mod tests;
