//! Which crate uses which: the arrows of `ARCHITECTURE.md`, and no others.

use std::collections::BTreeSet;
use std::path::Path;

/// Each crate, by its directory, and what it may use.
const ARROWS: [(&str, &[&str]); 16] = [
    ("adapter", &["contract", "judge"]),
    ("adapters/aria2", &["adapter", "contract"]),
    ("adapters/engine", &["adapter", "contract", "engine"]),
    ("browser", &[]),
    ("contract", &[]),
    ("explorer", &[]),
    ("judge", &["contract"]),
    ("engine", &["contract"]),
    ("model", &["contract", "explorer", "judge"]),
    ("reports", &["contract", "judge"]),
    ("subjects", &["contract", "judge", "engine", "model"]),
    ("properties", &["adapter", "contract", "judge", "engine", "explorer", "model", "subjects"]),
    ("pages", &["contract", "judge", "engine", "model", "properties", "reports"]),
    ("fuzz", &["properties"]),
    ("xtask", &[]),
    (".", &["adapter", "contract", "judge", "engine", "explorer", "model", "pages", "properties", "reports"]),
];

/// The tables of a manifest that name what is used. What tests use counts, too.
const TABLES: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];

#[test]
fn every_crate_uses_only_what_its_arrows_allow() {
    for (crate_dir, allowed) in ARROWS {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(crate_dir).join("Cargo.toml");
        let manifest =
            std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let allowed: BTreeSet<&str> = allowed.iter().copied().collect();
        let used = used(&manifest);
        let forbidden: Vec<_> = used.iter().filter(|name| !allowed.contains(name.as_str())).collect();
        assert!(forbidden.is_empty(), "{crate_dir} must not use {forbidden:?}");
    }
}

#[test]
fn no_member_of_the_workspace_is_left_out() {
    let manifest: toml::Table = include_str!("../Cargo.toml").parse().expect("the manifest is TOML");
    let members = manifest["workspace"]["members"].as_array().expect("the workspace has members");
    for member in members.iter().filter_map(toml::Value::as_str) {
        assert!(ARROWS.iter().any(|(crate_dir, _)| *crate_dir == member), "{member} has no arrows");
    }
}

#[test]
fn a_new_arrow_is_seen_wherever_it_stands() {
    let manifest =
        "[target.'cfg(unix)'.dev-dependencies]\nengine.workspace = true\n[dependencies]\nserde = \"1\"\n";
    assert_eq!(used(manifest), BTreeSet::from(["engine".to_owned()]));
}

/// A feature is a second build to test: each has a reason in its manifest, and there are no others.
#[test]
fn the_features_are_these() {
    let mut features = BTreeSet::new();
    for (crate_dir, _) in ARROWS {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(crate_dir).join("Cargo.toml");
        let manifest = std::fs::read_to_string(&path).expect("a manifest is a file");
        let manifest: toml::Table = manifest.parse().expect("the manifest is TOML");
        let of_crate = manifest.get("features").and_then(toml::Value::as_table).into_iter().flatten();
        features.extend(of_crate.map(|(name, _)| name.clone()).filter(|name| name != "default"));
    }
    let features: Vec<&str> = features.iter().map(String::as_str).collect();
    assert_eq!(features, ["designs", "faults", "http", "live", "mutants", "pairs", "schema"]);
}

/// The crates of this repository that a manifest names.
fn used(manifest: &str) -> BTreeSet<String> {
    let manifest: toml::Table = manifest.parse().expect("the manifest is TOML");
    let of_targets = manifest.get("target").and_then(toml::Value::as_table).into_iter().flatten();
    let tables = of_targets.filter_map(|(_, target)| target.as_table()).chain([&manifest]);
    let named = tables
        .flat_map(|table| TABLES.iter().filter_map(|name| table.get(*name)?.as_table()))
        .flat_map(toml::Table::keys);
    named.filter(|name| ARROWS.iter().any(|(crate_dir, _)| crate_dir == name)).cloned().collect()
}
