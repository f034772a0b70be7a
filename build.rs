//! Links release binaries for Linux in less space.

use std::env;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // mold knows no linker scripts.
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
