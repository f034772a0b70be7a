//! Compresses the recorded schemas and other large texts, links release binaries for Linux in less space, and debug
//! binaries so that they start faster.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::Path;
use std::process::Command;
use std::{env, io};

use flate2::Compression;
use flate2::write::GzEncoder;

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    compress_schemas()?;
    compress_texts()?;
    link_in_less_space();
    link_without_relocations();
    Ok(())
}

/// Writes `OUT_DIR/schemas.gz` with all recorded schemas.
///
/// Each part begins with a line `=NAME`, where `NAME` is that of a schema, or of a definition with `$defs/` before it.
/// Many schemas have the same definitions, so each is written once: a line `@NAME` of a schema is replaced by it.
fn compress_schemas() -> io::Result<()> {
    const SCHEMAS: &str = "fixtures/schema";
    println!("cargo::rerun-if-changed={SCHEMAS}");
    let folder = Path::new(&variable("CARGO_MANIFEST_DIR")).join(SCHEMAS);
    let (mut schemas, mut definitions) = (BTreeMap::new(), BTreeMap::new());
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_stem().expect("an entry of a folder has a name");
        let text = share_definitions(&fs::read_to_string(&path)?, &mut definitions);
        schemas.insert(name.to_string_lossy().into_owned(), text);
    }
    let mut all = String::new();
    for (name, text) in schemas.iter().chain(&definitions) {
        all += &format!("={name}\n{text}");
    }
    let packed = Path::new(&variable("OUT_DIR")).join("schemas.gz");
    compress(&mut all.as_bytes(), &packed)
}

/// Returns a schema with references in place of its definitions, which are added to `definitions`. The schema is
/// indented by two spaces.
fn share_definitions(schema: &str, definitions: &mut BTreeMap<String, String>) -> String {
    let mut shared = String::new();
    let mut is_definition = false;
    let mut name = String::new();
    for line in schema.lines() {
        match line
            .strip_prefix("    \"")
            .and_then(|rest| rest.split_once('"'))
        {
            _ if line == "  \"$defs\": {" => is_definition = true,
            _ if line.starts_with("  }") => is_definition = false,
            Some((begun, _)) if is_definition => {
                name = format!("$defs/{begun}");
                definitions.remove(&name);
            }
            _ => {}
        }
        let is_in_definition = is_definition && line.starts_with("    ");
        match (
            is_in_definition,
            line.strip_suffix("},").filter(|rest| rest.len() == 4),
        ) {
            (false, _) => shared += &format!("{line}\n"),
            (true, last) => {
                let text = definitions.entry(name.clone()).or_default();
                let is_last = last.is_some() || line == "    }";
                let line = if is_last { "    }" } else { line };
                *text += &format!("{line}\n");
                if is_last {
                    let comma = if last.is_some() { "," } else { "" };
                    shared += &format!("@{name}{comma}\n");
                }
            }
        }
    }
    shared
}

/// Writes `OUT_DIR/NAME.gz` for each large text.
fn compress_texts() -> io::Result<()> {
    for text in ["src/emulator/default.toml", "src/output/query/prelude.jq"] {
        println!("cargo::rerun-if-changed={text}");
        let path = Path::new(&variable("CARGO_MANIFEST_DIR")).join(text);
        let name = path.file_name().expect("a file has a name");
        let packed = format!("{}.gz", name.to_string_lossy());
        compress(
            &mut File::open(path)?,
            &Path::new(&variable("OUT_DIR")).join(packed),
        )?;
    }
    Ok(())
}

fn compress(text: &mut impl io::Read, packed: &Path) -> io::Result<()> {
    let mut encoder = GzEncoder::new(File::create(packed)?, Compression::best());
    io::copy(text, &mut encoder)?;
    encoder.finish()?;
    Ok(())
}

fn link_in_less_space() {
    // mold does not support linker scripts.
    let linker = variable("RUSTC_LINKER") + &variable("CARGO_ENCODED_RUSTFLAGS");
    let is_release = variable("PROFILE") == "release";
    if !is_release || variable("CARGO_CFG_TARGET_OS") != "linux" || linker.contains("mold") {
        return;
    }
    // A tenth of the file would be tables for unwinding, but a panic aborts.
    let folder = variable("CARGO_MANIFEST_DIR");
    link_arg(&format!("-T{folder}/packaging/no-unwind-tables.ld"));
    link_arg("-Wl,--no-eh-frame-hdr");
    if has_packed_relocations() {
        link_arg("-Wl,-z,pack-relative-relocs");
    }
    // Generic functions of different types often have the same instructions.
    let folding = "-Wl,--icf=all";
    if is_accepted_by_linker(folding) {
        link_arg(folding);
    }
}

/// Returns `true` if the linker accepts an argument. LLVM's linker, the default on x86-64, has options that GNU's does
/// not have.
fn is_accepted_by_linker(argument: &str) -> bool {
    let folder = variable("OUT_DIR");
    let source = Path::new(&folder).join("empty.rs");
    if fs::write(&source, "fn main() {}").is_err() {
        return false;
    }
    let mut compiler = Command::new(variable("RUSTC"));
    compiler.args(["--target", &variable("TARGET"), "--out-dir", &folder]);
    compiler.arg(format!("-Clink-arg={argument}")).arg(source);
    let linker = variable("RUSTC_LINKER");
    if !linker.is_empty() {
        compiler.arg(format!("-Clinker={linker}"));
    }
    let flags = variable("CARGO_ENCODED_RUSTFLAGS");
    compiler.args(flags.split('\x1f').filter(|flag| !flag.is_empty()));
    compiler
        .output()
        .is_ok_and(|output| output.status.success())
}

/// Links debug binaries to a fixed address: the tests start thousands of processes, and each takes a fifth less time.
fn link_without_relocations() {
    let is_release = variable("PROFILE") == "release";
    if !is_release && variable("TARGET").ends_with("-unknown-linux-gnu") {
        link_arg("-no-pie");
    }
}

/// True for the C library of this machine from glibc 2.36 on, which reads packed relocations.
fn has_packed_relocations() -> bool {
    if variable("CARGO_CFG_TARGET_ENV") != "gnu" || variable("HOST") != variable("TARGET") {
        return false;
    }
    let output = Command::new("getconf").arg("GNU_LIBC_VERSION").output();
    let version = output.map_or(String::new(), |output| {
        String::from_utf8_lossy(&output.stdout).into_owned()
    });
    let minor = version.trim().strip_prefix("glibc 2.");
    minor.is_some_and(|minor| minor.parse().is_ok_and(|minor: u32| minor >= 36))
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_default()
}

fn link_arg(argument: &str) {
    println!("cargo::rustc-link-arg-bins={argument}");
}
