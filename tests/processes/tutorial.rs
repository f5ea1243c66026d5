//! The tutorial of adapters, block by block. What it quotes stands in the files, and what it types ends with the exit code that it states.
//!
//! Before a block stands what it is: `<!-- file: NAME -->` or `<!-- run: exit N -->`; `<!-- output: the lines after the first -->` is what the block
//! before it prints.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::thread;

const TUTORIAL: &str = "adapters/python/README.md";

/// A block of the page, and what stands before it.
struct Block {
    marker: String,
    text: String,
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn blocks() -> Vec<Block> {
    let page = std::fs::read_to_string(root().join(TUTORIAL)).expect("the tutorial is there");
    let mut blocks = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let Some(marker) = line.strip_prefix("<!-- ").and_then(|rest| rest.strip_suffix(" -->")) else {
            continue;
        };
        let fence = lines.next().unwrap_or_default();
        assert!(fence.starts_with("```"), "a block follows the marker {marker:?}");
        let text: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        blocks.push(Block { marker: marker.to_owned(), text: text.join("\n") + "\n" });
    }
    blocks
}

#[test]
fn what_the_tutorial_quotes_stands_in_the_files() {
    let mut quoted = 0;
    for block in blocks() {
        let Some(file) = block.marker.strip_prefix("file: ") else { continue };
        let text =
            std::fs::read_to_string(root().join("adapters/python").join(file)).expect("the file is there");
        assert!(text.contains(&block.text), "{file} does not have:\n{}", block.text);
        quoted += 1;
    }
    assert!(quoted > 10, "{quoted} quotations");
}

#[test]
fn what_the_tutorial_types_ends_as_it_is_written() {
    let blocks = blocks();
    let runs: Vec<(usize, &Block)> =
        blocks.iter().enumerate().filter(|(_, block)| block.marker.starts_with("run: ")).collect();
    assert!(runs.len() > 4, "{} commands", runs.len());
    // They wait more than they work.
    let done: Vec<Output> = thread::scope(|scope| {
        let threads: Vec<_> = runs.iter().map(|(_, block)| scope.spawn(|| shell(&block.text))).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    });
    for ((at, block), output) in runs.iter().zip(done) {
        let wanted = block.marker.strip_prefix("run: exit ").expect("the code is there");
        let stdout = String::from_utf8_lossy(&output.stdout);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(
            output.status.code().map(|code| code.to_string()).as_deref(),
            Some(wanted),
            "{}\n{stdout}\n{stderr}",
            block.text
        );
        match blocks.get(at + 1) {
            Some(next) if next.marker.starts_with("output: the lines after the first") => {
                let (_, rest) = stdout.split_once('\n').expect("a first line");
                assert_eq!(rest, next.text, "{}", block.text);
            }
            Some(next) if next.marker.starts_with("output: among others") => {
                for line in next.text.lines() {
                    assert!(stdout.contains(line), "{}\n{line:?} is not in:\n{stdout}", block.text);
                }
            }
            _ => {}
        }
    }
}

/// Runs a block in the root of the checkout; `bgcheck` is the one under test.
fn shell(text: &str) -> Output {
    let bgcheck = Path::new(env!("CARGO_BIN_EXE_bgcheck"));
    let directory = bgcheck.parent().expect("a directory");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path =
        std::env::join_paths(std::iter::once(directory.to_owned()).chain(std::env::split_paths(&path)));
    Command::new("sh")
        .args(["-c", text])
        .current_dir(root())
        .env("PATH", path.expect("no colon in the path"))
        .output()
        .expect("there is a shell")
}
