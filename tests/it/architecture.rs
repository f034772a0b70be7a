//! Checks the order of the modules: a file can only use modules to the right of its own.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

/// The modules from left to right. `output` is beside them. `test_support` and `fuzz`, which only tests and fuzzers
/// use, may use all of them.
const ORDER: [&str; 19] = [
    "commands",
    "emulator",
    "providers",
    "credentials",
    "http",
    "reference",
    "gate",
    "settings",
    "kind",
    "lenient",
    "model",
    "crypto",
    "secret",
    "json",
    "error",
    "sync",
    "collect",
    "sort",
    "compressed",
];

/// A source file: its path below src, the modules that lead to it, and its code without tests.
struct Source {
    path: String,
    modules: Vec<String>,
    code: String,
}

fn sources() -> Vec<Source> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|ext| ext == "rs") {
                found.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    walk(&root, &mut found);
    found
        .iter()
        .map(|path| {
            let below = path.strip_prefix(&root).unwrap();
            let mut modules: Vec<String> = below
                .with_extension("")
                .iter()
                .map(|part| part.to_string_lossy().into_owned())
                .collect();
            if modules.last().is_some_and(|last| last == "mod") {
                modules.pop();
            }
            let text = fs::read_to_string(path).unwrap();
            let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
            let is_comment = |line: &&str| !line.trim_start().starts_with("//");
            Source {
                path: below.display().to_string(),
                modules,
                code: code
                    .lines()
                    .filter(is_comment)
                    .collect::<Vec<_>>()
                    .join("\n"),
            }
        })
        .filter(|source| !["main.rs", "lib.rs"].contains(&source.path.as_str()))
        .collect()
}

/// Returns every module path in a file, resolved from the root of the crate.
fn named(source: &Source) -> Vec<Vec<String>> {
    let mut named = Vec::new();
    for (start, root) in source
        .code
        .match_indices("crate::")
        .map(|(at, word)| (at + word.len(), Vec::new()))
        .chain(source.code.match_indices("super::").map(|(at, word)| {
            // In a chain of `super::`, only the last one is followed by the name.
            let before = &source.code[..at];
            let chain = before.len() - before.trim_end_matches("super::").len();
            let climbed = 1 + chain / "super::".len();
            let keep = source.modules.len().saturating_sub(climbed);
            (at + word.len(), source.modules[..keep].to_vec())
        }))
    {
        let rest = &source.code[start..];
        if rest.starts_with("super::") {
            continue;
        }
        let names: Vec<String> = match rest.strip_prefix('{') {
            None => vec![path_at(rest)],
            Some(group) => group
                .split('}')
                .next()
                .unwrap()
                .split(',')
                .map(|item| path_at(item.trim()))
                .collect(),
        };
        for name in names {
            let mut path = root.clone();
            path.extend(
                name.split("::")
                    .filter(|part| !part.is_empty())
                    .map(str::to_owned),
            );
            named.push(path);
        }
    }
    named
}

fn path_at(text: &str) -> String {
    text.chars()
        .take_while(|c| c.is_alphanumeric() || matches!(c, '_' | ':'))
        .collect()
}

fn rank(module: &str) -> Option<usize> {
    ORDER.iter().position(|name| *name == module)
}

#[test]
fn a_file_uses_only_modules_later_in_the_module_order() {
    let mut broken = Vec::new();
    for source in sources() {
        let own = source.modules[0].as_str();
        for path in named(&source) {
            let Some(other) = path.first().map(String::as_str) else {
                continue;
            };
            let allowed = match (own, other) {
                _ if own == other || own == "test_support" || own == "fuzz" => true,
                ("output", other) => [
                    "gate",
                    "model",
                    "json",
                    "error",
                    "sync",
                    "collect",
                    "sort",
                    "compressed",
                ]
                .contains(&other),
                ("commands", "output") => true,
                (own, other) => match (rank(own), rank(other)) {
                    (Some(own), Some(other)) => own < other,
                    // A re-exported item or a macro, not a module of the crate.
                    (_, None) => other != "output",
                    _ => false,
                },
            };
            if !allowed {
                broken.push(format!("{} names {}", source.path, path.join("::")));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn the_clouds_do_not_depend_on_the_emulator_and_only_tests_use_the_test_support() {
    for source in sources() {
        let is_test = source
            .modules
            .iter()
            .any(|name| name == "tests" || name == "test_support");
        for path in named(&source) {
            let names = |module: &str| path.first().is_some_and(|first| first == module);
            let is_broken = source.modules[0] == "providers" && names("emulator")
                || !is_test && names("test_support");
            assert!(!is_broken, "{} names {}", source.path, path.join("::"));
        }
    }
}

/// Returns the modules from which items are re-exported, such as `http::request` for `http::Request`.
fn re_exports(sources: &[Source]) -> HashMap<Vec<String>, String> {
    let mut found = HashMap::new();
    for source in sources {
        for statement in source.code.split(';') {
            let Some((before, tree)) = statement.rsplit_once("use ") else {
                continue;
            };
            let is_public = before.trim_end().ends_with("pub") || before.trim_end().ends_with(')');
            let Some((child, items)) = tree.split_once("::").filter(|_| is_public) else {
                continue;
            };
            for item in items.split(['{', '}', ',']) {
                let name = item.rsplit([' ', ':', '\n']).next().unwrap();
                let path = source.modules.iter().cloned().chain([name.to_owned()]);
                found.insert(path.collect(), child.to_owned());
            }
        }
    }
    found
}

/// For each folder: which modules use which others, with one file as an example.
type Edges = BTreeMap<Vec<String>, BTreeMap<(String, String), String>>;

fn edges(sources: &[Source]) -> Edges {
    let modules: BTreeSet<&[String]> = sources.iter().map(|source| &source.modules[..]).collect();
    let is_module = |path: &[String]| modules.iter().any(|module| module.starts_with(path));
    let re_exports = re_exports(sources);
    let mut edges = Edges::new();
    for source in sources {
        for path in named(source) {
            let shared = source.modules.iter().zip(&path);
            let depth = shared.take_while(|(own, other)| own == other).count();
            let (Some(own), Some(other)) = (source.modules.get(depth), path.get(depth)) else {
                continue;
            };
            let other = match is_module(&path[..=depth]) {
                true => Some(other),
                false => re_exports.get(&path[..=depth]),
            };
            if let Some(other) = other.filter(|other| *other != own) {
                let of_folder = edges.entry(path[..depth].to_vec()).or_default();
                let edge = (own.clone(), other.clone());
                of_folder.entry(edge).or_insert_with(|| source.path.clone());
            }
        }
    }
    edges
}

/// Returns the edges that are on cycles, or lead from one cycle to another.
fn circular(mut edges: BTreeMap<(String, String), String>) -> BTreeMap<(String, String), String> {
    loop {
        let before = edges.len();
        let from: BTreeSet<String> = edges.keys().map(|(from, _)| from.clone()).collect();
        let to: BTreeSet<String> = edges.keys().map(|(_, to)| to.clone()).collect();
        edges.retain(|(own, other), _| to.contains(own) && from.contains(other));
        if edges.len() == before {
            return edges;
        }
    }
}

#[test]
fn modules_of_a_folder_have_no_circular_dependencies() {
    let mut sources = sources();
    // Modules that exist only in tests, such as scripted clients.
    let declared: Vec<String> = sources
        .iter()
        .flat_map(|source| source.code.split("#[cfg(test)]\nmod ").skip(1))
        .filter_map(|rest| Some(rest.split_once(';')?.0.to_owned()))
        .collect();
    let is_test =
        |name: &String| name == "tests" || name == "test_support" || declared.contains(name);
    sources.retain(|source| !source.modules.iter().any(is_test));
    let mut broken = Vec::new();
    for (folder, edges) in edges(&sources) {
        for ((own, other), path) in circular(edges) {
            broken.push(format!(
                "{}: {own} names {other} ({path})",
                folder.join("::")
            ));
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn commands_do_not_use_items_of_the_dispatch_module() {
    let sources = sources();
    let modules: BTreeSet<&[String]> = sources.iter().map(|source| &source.modules[..]).collect();
    let broken: Vec<String> = sources
        .iter()
        .filter(|source| source.modules[0] == "commands" && source.modules.len() > 1)
        .flat_map(|source| {
            let paths = named(source).into_iter();
            paths.map(|path| (source.path.clone(), path))
        })
        .filter(|(_, path)| path[..].len() > 1 && path[0] == "commands")
        .filter(|(_, path)| !modules.iter().any(|module| module.starts_with(&path[..2])))
        .map(|(file, path)| format!("{file} names {}", path.join("::")))
        .collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn circular_dependencies_through_re_exports_are_found() {
    let source = |path: &str, code: &str| Source {
        path: format!("{path}.rs"),
        modules: path.split('/').map(str::to_owned).collect(),
        code: code.to_owned(),
    };
    let sources = [
        source("http", "mod a;\nmod b;\npub use a::{A,\n    Other};"),
        source("http/a", "use super::c;"),
        source("http/b", "use super::Other;"),
        source("http/c", "use crate::http::b::B;"),
        source("http/d", "use super::{a, b};"),
    ];
    let circle = circular(edges(&sources).remove(&["http".to_owned()][..]).unwrap());
    let circle: Vec<String> = circle.keys().map(|(a, b)| format!("{a}{b}")).collect();
    assert_eq!(circle, ["ac", "ba", "cb"]);
}

#[test]
fn no_cloud_module_uses_that_of_another_cloud() {
    let clouds = ["aliyun", "sugon", "huawei", "tencent"];
    let mut broken = Vec::new();
    for source in sources() {
        let Some(cloud) = source
            .modules
            .get(1)
            .filter(|name| clouds.contains(&name.as_str()))
        else {
            continue;
        };
        for path in named(&source) {
            let other = path
                .get(1)
                .filter(|_| ["providers", "emulator"].contains(&path[0].as_str()));
            if other.is_some_and(|other| clouds.contains(&other.as_str()) && other != cloud) {
                broken.push(format!("{} names {}", source.path, path.join("::")));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn only_the_registries_use_the_cloud_modules() {
    let clouds = ["aliyun", "sugon", "huawei", "tencent"];
    for source in sources() {
        let inside = source
            .modules
            .get(1)
            .is_some_and(|name| clouds.contains(&name.as_str()));
        let is_registry = ["providers/mod.rs", "emulator/mod.rs"].contains(&source.path.as_str());
        if inside || is_registry || source.modules.contains(&"tests".to_owned()) {
            continue;
        }
        for path in named(&source) {
            let cloud = path.iter().find(|part| clouds.contains(&part.as_str()));
            assert!(cloud.is_none(), "{} names {}", source.path, path.join("::"));
        }
    }
}

#[test]
fn only_http_uses_an_http_client_and_only_output_and_commands_use_the_standard_streams() {
    for source in sources() {
        let own = source.modules[0].as_str();
        if own != "http" {
            assert!(
                !source.code.contains("hyper_util::client"),
                "{} uses an HTTP client",
                source.path
            );
        }
        if !["output", "commands"].contains(&own) {
            for stream in [
                "io::stdout",
                "io::stderr",
                "println!",
                "eprintln!",
                "print!(",
            ] {
                assert!(
                    !source.code.contains(stream),
                    "{} uses {stream}",
                    source.path
                );
            }
        }
    }
}

#[test]
fn paths_in_use_statements_are_resolved_from_the_crate_root() {
    let source = Source {
        path: "providers/aliyun/wire/job.rs".into(),
        modules: ["providers", "aliyun", "wire", "job"].map(String::from).to_vec(),
        code: "use crate::emulator::Emulator; use super::super::super::sugon::wire; use super::{error, node::Node};".into(),
    };
    let paths: Vec<String> = named(&source).iter().map(|path| path.join("::")).collect();
    for expected in [
        "emulator::Emulator",
        "providers::sugon::wire",
        "providers::aliyun::wire::node::Node",
    ] {
        assert!(paths.iter().any(|path| path == expected), "{paths:?}");
    }
}
