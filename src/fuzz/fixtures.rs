//! Converts fixtures to inputs of the targets that read responses.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::kind::Kind;

/// Returns the folder of the sources.
pub(super) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Returns the files of a folder, sorted by name.
pub(super) fn files(folder: PathBuf) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    files.sort();
    files
}

/// Returns the fixtures of a kind as inputs of its calls. Calls that read the same response only
/// get the first fixture each, except for one call, which gets all.
pub(super) fn inputs(kind: &'static Kind) -> Vec<Vec<u8>> {
    let folder = root().join("fixtures").join(kind.to_string());
    let all = files(folder.clone());
    let name = |path: &Path| {
        let name = path.file_name().and_then(|name| name.to_str());
        name.expect("fixtures have names in UTF-8").to_owned()
    };
    let stems = all
        .iter()
        .filter_map(|path| Some(name(path).strip_suffix(".model.json")?.to_owned()));
    let mut seeds = Vec::new();
    let mut seen = HashSet::new();
    for stem in stems {
        let model = fs::read_to_string(folder.join(format!("{stem}.model.json")));
        let model = model.expect("fixtures can be read");
        let list = kind.list.as_ref().filter(|_| model.starts_with('['));
        let (operation, calls) = match list {
            Some(list) => (list.operation.name, &["list", "batch"][..]),
            None => (kind.get.name, &["get", "log", "exists"][..]),
        };
        let mut parts = Vec::new();
        for file in &all {
            let name = name(file);
            let of = match name.strip_prefix(&format!("{stem}.")) {
                Some("json") => operation,
                Some(rest) if rest != "model.json" => rest.strip_suffix(".json").unwrap_or(rest),
                _ => continue,
            };
            parts.push(0x1e);
            parts.extend_from_slice(format!("{of} 200\n").as_bytes());
            parts.extend(fs::read(file).expect("fixtures can be read"));
        }
        let calls = calls
            .iter()
            .filter(|call| seen.insert(**call) || *call == &calls[0]);
        for call in calls {
            let head = format!("{} {call}\n", kind.template.kind).into_bytes();
            seeds.push([head, parts.clone()].concat());
        }
    }
    seeds
}
