//! What an answer that cannot be read lacks, in words for people.

use serde::de::DeserializeOwned;

use super::{NoRow, TOO_MANY};

/// Decodes once more to learn the path; only failures pay for that.
pub(super) fn explain<T: DeserializeOwned>(body: &[u8]) -> String {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let (path, error) = match serde_path_to_error::deserialize::<_, T>(NoRow(&mut deserializer)) {
        Err(error) => (error.path().to_string(), error.into_inner()),
        Ok(_) => match deserializer.end() {
            Err(error) => ("the end".to_owned(), error),
            Ok(()) => return "JSON of another shape".to_owned(),
        },
    };
    let place = format!("line {} column {}", error.line(), error.column());
    let path: String = path.chars().filter(|c| !c.is_control()).take(120).collect();
    let text = error.to_string();
    match error.classify() {
        serde_json::error::Category::Eof => format!("more JSON after {place}"),
        serde_json::error::Category::Data if text.contains(TOO_MANY) => TOO_MANY.to_owned(),
        serde_json::error::Category::Data => {
            // serde_json quotes the value it met ahead of this word; only the expected type is ours.
            let wanted = text
                .rsplit_once("expected ")
                .map_or("another value", |(_, wanted)| wanted);
            let wanted = wanted.split(" at line").next().unwrap_or(wanted);
            // Readers know nothing of our types; a field is quoted by the name that we gave it.
            let twice = text.strip_prefix("duplicate field `");
            let twice = twice.and_then(|text| Some(text.split_once('`')?.0));
            let wanted = match (twice, wanted) {
                (Some(field), _) => format!("{field} only once"),
                (None, "a map") => "an object".to_owned(),
                (None, wanted) if wanted.starts_with("struct ") => "an object".to_owned(),
                (None, wanted) => wanted.to_owned(),
            };
            match path.as_str() {
                "." => format!("{wanted} at {place}"),
                path => format!("{wanted} at {path}, {place}"),
            }
        }
        _ => format!("JSON at {place}"),
    }
}
