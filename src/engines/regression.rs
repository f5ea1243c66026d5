//! A counterexample as an ordinary test, which stays.

use std::path::{Path, PathBuf};

use properties::minimize::{Minimal, Test};

use crate::error::Error;
use crate::files::write;

/// Writes the test, and makes it a part of the tests of `properties`.
pub(crate) fn emit(regressions: &Path, file: &Path, minimal: &Minimal) -> Result<PathBuf, Error> {
    let list = regressions.join("mod.rs");
    let Ok(modules) = std::fs::read_to_string(&list) else {
        let what = "there is no properties/regressions/mod.rs here to add a test to".to_owned();
        return Err(Error::usage(what, "run it in a checkout of bgcheck"));
    };
    let Some(test) = &minimal.test else {
        let why = "it is a recorded run, and a test has to run something".to_owned();
        return Err(Error::NotAProgram { path: file.to_owned(), why });
    };
    let text = module(minimal, test);
    let (name, path) = free_name(regressions, &test.name, &text);
    write(&path, &text)?;
    let mut lines: Vec<&str> = modules.lines().filter(|line| line.starts_with("mod ")).collect();
    let line = format!("mod {name};");
    lines.push(&line);
    lines.sort_unstable();
    lines.dedup();
    let head: String = modules
        .lines()
        .take_while(|line| !line.starts_with("mod "))
        .map(|line| format!("{line}\n"))
        .collect();
    write(&list, &format!("{}\n\n{}\n", head.trim_end(), lines.join("\n")))?;
    Ok(path)
}

fn module(minimal: &Minimal, test: &Test) -> String {
    let about = match minimal.failed.id.rule() {
        Some(rule) => format!("{rule} ({}): {}", rule.name(), rule.sentence()),
        None => "Two accounts of one run part.".to_owned(),
    };
    let skeleton = minimal.failed.skeleton.join(", then ");
    let id = minimal.failed.id;
    format!(
        "//! {about}\n//!\n//! {id}: {skeleton}. Written by `bgcheck minimize --emit-test`.\n\n{}",
        test.text
    )
}

/// The first name that is free, or has this very test.
fn free_name(dir: &Path, name: &str, text: &str) -> (String, PathBuf) {
    let names = std::iter::once(name.to_owned()).chain((2..).map(|number| format!("{name}_{number}")));
    let mut places = names.map(|name| (dir.join(format!("{name}.rs")), name));
    let free = |path: &Path| match std::fs::read_to_string(path) {
        Ok(there) => there == text,
        Err(_) => !path.exists(),
    };
    // There is always a number that no file has.
    let found = places.find(|(path, _)| free(path));
    found.map_or_else(|| (name.to_owned(), dir.join(format!("{name}.rs"))), |(path, name)| (name, path))
}
