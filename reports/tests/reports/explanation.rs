//! A page about a word: every rendering has all of it, and what has nothing in it is left out.

use reports::{Explanation, Style};

fn page() -> Explanation {
    Explanation::new("rule", "R0 nothing", "Nothing happens.")
        .text("Why", "Because <nothing> is safe.")
        .list("Says so", ["one: first".to_owned(), "two: second".to_owned()])
        .list("Says otherwise", [])
        .words("Faults", ["a".to_owned(), "b".to_owned()])
        .words("Others", [])
        .picture("A run", "seq  t0\n  1  ┌\n")
        .commands("Next", ["bgcheck check --rules R0".to_owned()])
        .commands("Then", [])
}

#[test]
fn a_terminal_has_a_title_for_each_passage() {
    let expected = "R0 nothing (rule)
  Nothing happens.

Why
  Because <nothing> is safe.

Says so
  one: first
  two: second

Faults
  a, b

A run
  seq  t0
    1  ┌

Next
  bgcheck check --rules R0
";
    assert_eq!(page().terminal(Style::PLAIN), expected);
}

#[test]
fn a_document_has_a_section_for_each_page() {
    let expected = "## R0 nothing

Nothing happens.

**Why**: Because &lt;nothing&gt; is safe.

**Says so**:

- one: first
- two: second

**Faults**: a, b

**A run**:

```text
seq  t0
  1  ┌
```

**Next**:

    bgcheck check --rules R0
";
    assert_eq!(page().markdown(), expected);
}

#[test]
fn a_machine_is_told_how_each_passage_is_laid_out() {
    let json = serde_json::to_value(page()).expect("the types have no maps");
    assert_eq!(json["passages"][2]["words"][1], "b");
    assert_eq!(json["passages"][3]["picture"], "seq  t0\n  1  ┌\n");
    assert_eq!(json["passages"].as_array().map(Vec::len), Some(5));
}
