//! Which compiler builds the command, and how well it optimises: without them no rate of two nights can be compared.

use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = Command::new(rustc).arg("--version").output().ok();
    let version = version.and_then(|output| String::from_utf8(output.stdout).ok());
    let version = version.as_deref().map(str::trim).filter(|version| !version.is_empty());
    println!("cargo:rustc-env=BGCHECK_RUSTC={}", version.unwrap_or("unknown"));
    println!("cargo:rustc-env=BGCHECK_OPT_LEVEL={}", std::env::var("OPT_LEVEL").unwrap_or_default());
}
