//! What the fuzz targets in `fuzz/` run: everything that reads bytes that others have written. Only
//! tests and fuzzers have this module.

mod edits;
mod files;
mod fixtures;
mod responses;
#[cfg(test)]
mod tests;
mod texts;

/// The name of a fuzz target, and what reads its inputs.
pub type Target = (&'static str, fn(&[u8]));

/// Every fuzz target.
pub static TARGETS: [Target; 16] = [
    ("aliyun", |data| responses::read("aliyun", data)),
    ("command_output", texts::command_output),
    ("gzip", texts::gzip),
    ("html", texts::html),
    ("huawei", |data| responses::read("huawei", data)),
    ("ini", files::ini),
    ("jq", texts::jq),
    ("json", texts::json),
    ("kubeconfig", files::kubeconfig),
    ("kubernetes", |data| responses::read("kubernetes", data)),
    ("logs", texts::logs),
    ("reference", texts::reference),
    ("scenario", files::scenario),
    ("settings", files::settings),
    ("sugon", |data| responses::read("sugon", data)),
    ("tencent", |data| responses::read("tencent", data)),
];

/// Reads an input as the target of this name does.
///
/// # Panics
/// There is no such target, or the input shows a fault.
pub fn run(name: &str, data: &[u8]) {
    let target = TARGETS.iter().find(|(known, _)| *known == name);
    let (_, read) = target.unwrap_or_else(|| panic!("no fuzz target '{name}'"));
    read(data);
}
