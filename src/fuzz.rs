//! Entry points of the fuzz targets in `fuzz/`, for all code that reads data from outside the
//! program. Only compiled for tests and fuzzers.

mod edits;
mod files;
mod fixtures;
mod responses;
#[cfg(test)]
mod tests;
mod texts;

/// Name of a fuzz target, and the function that reads its inputs.
pub type Target = (&'static str, fn(&[u8]));

/// All fuzz targets.
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

/// Runs the target with this name on an input.
///
/// # Panics
/// If the target does not exist, or if the input reveals a bug.
pub fn run(name: &str, data: &[u8]) {
    let target = TARGETS.iter().find(|(known, _)| *known == name);
    let (_, read) = target.unwrap_or_else(|| panic!("no fuzz target '{name}'"));
    read(data);
}
