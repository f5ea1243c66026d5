//! `contract/citations.txt` lists what stands in the sources: which file cites which sentence outside of this crate's tables.
//!
//! After a change, `UPDATE_CITATIONS=1 cargo test -p contract --features schema --test sentences` writes it again.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use contract::Sentence;
use contract::sentence::cited_in;

/// How a citation begins.
const CITES: &str = concat!("follows", "![");
/// Where the sources are. The tables of this crate are data and need no list.
const ROOTS: [&str; 9] =
    ["contract/tests", "engine", "judge", "model", "properties", "reports", "src", "subjects", "tests"];

#[test]
fn the_list_of_citations_is_that_of_the_sources() {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let mut lines = BTreeSet::new();
    for file in ROOTS.iter().flat_map(|below| sources(&root.join(below))) {
        let text = std::fs::read_to_string(&file).expect("a source is text");
        let name = file.strip_prefix(root).expect("it is below").to_string_lossy().replace('\\', "/");
        for id in cited(&text) {
            assert!(Sentence::find(id).is_some(), "{name} cites {id:?}, which is no sentence");
            lines.insert(format!("{id} {name}\n"));
        }
    }
    let found: String = lines.into_iter().collect();
    if std::env::var_os("UPDATE_CITATIONS").is_some() {
        // What is compiled in is still the old list, so the comparison is for the next run.
        std::fs::write(root.join("contract/citations.txt"), &found).expect("a checkout can be written");
        return;
    }
    let committed = include_str!("../../citations.txt");
    assert!(
        found == committed,
        "contract/citations.txt is not what the sources say; write it again (see above)"
    );
    assert_eq!(cited_in().count(), committed.lines().count(), "every line can be read");
}

#[test]
fn citations_are_found_wherever_they_stand() {
    let two = [CITES, "\n    \"a.b\",\n    \"c.d\",\n];"].concat();
    let text = format!("fn f() {{ {CITES}\"x.y\"]; }}\n{two}\nlet v = vec![\"no.id\"];");
    assert_eq!(cited(&text).collect::<Vec<_>>(), ["x.y", "a.b", "c.d"]);
}

/// The ids that a source cites.
fn cited(text: &str) -> impl Iterator<Item = &str> {
    let lists = text.split(CITES).skip(1).filter_map(|rest| Some(rest.split_once(']')?.0));
    // Between quotation marks is every second piece.
    lists.flat_map(|list| list.split('"').skip(1).step_by(2))
}

/// The sources below a directory, in order; what a build leaves behind is not among them.
fn sources(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(directory) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    let below = |path: PathBuf| match path.file_name().and_then(|name| name.to_str()) {
        Some("target") => Vec::new(),
        _ if path.is_dir() => sources(&path),
        Some(name) if name.ends_with(".rs") => vec![path],
        _ => Vec::new(),
    };
    paths.into_iter().flat_map(below).collect()
}
