//! The example of `docs/subject.md` compiles, runs, and is the text of the document.

#[path = "../../examples/subject.rs"]
mod subject;

#[test]
fn the_documents_example_is_the_one_that_runs() {
    let document = include_str!("../../../docs/subject.md");
    let code = document.split("```rust\n").nth(1).and_then(|rest| rest.split("```").next());
    assert_eq!(code, Some(include_str!("../../examples/subject.rs")));
    subject::main();
}
