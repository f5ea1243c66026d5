//! `docs/barrier.md` states what exploring finds: its tables and stories are made here and compared.
//!
//! After a wanted change, `BARRIER=overwrite cargo test -p model --test protocol document` writes them again.

use std::fmt::Write as _;
use std::path::Path;

use contract::Dialect;
use contract::defect::Design;
use model::protocol::Law;

use crate::support::table;

#[test]
fn the_document_on_the_barrier_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/barrier.md");
    let is = std::fs::read_to_string(&path).expect("the document is there");
    let ought = filled_in(&is);
    if std::env::var_os("BARRIER").is_some_and(|wish| wish == "overwrite") {
        std::fs::write(&path, &ought).expect("the document can be written");
        return;
    }
    assert!(is == ought, "docs/barrier.md is out of date; it ought to be:\n{ought}");
}

/// The document with everything between `<!-- make: ... -->` and `<!-- end -->` made again.
fn filled_in(document: &str) -> String {
    let mut text = String::new();
    let mut lines = document.lines();
    while let Some(line) = lines.next() {
        let _ = writeln!(text, "{line}");
        if let Some(what) = line.strip_prefix("<!-- make: ").and_then(|rest| rest.strip_suffix(" -->")) {
            text.push_str(&made(what));
            let end = lines.find(|line| *line == "<!-- end -->").expect("what is begun is ended");
            let _ = writeln!(text, "{end}");
        }
    }
    text
}

fn made(what: &str) -> String {
    let words: Vec<&str> = what.split(' ').collect();
    match words[..] {
        ["table", dialect] => table(dialect.parse().expect("a dialect")).markdown(),
        ["story", design, law] => {
            let design: Design = design.parse().expect("a design");
            let law = Law::ALL.iter().copied().find(|known| known.id() == law);
            let table = table(Dialect::Bits);
            let story = law.map_or_else(|| table.story_of_client(design), |law| table.story(design, law));
            format!("```text\n{}```\n", story.expect("it is broken").picture(law))
        }
        _ => panic!("nothing is made of {what:?}"),
    }
}
