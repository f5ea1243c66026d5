//! The pictures, pinned: a changed transition or answer is a changed picture in review.

use contract::Dialect;
use model::spec::pictures;

#[test]
fn transitions_and_answers_are_pictured() {
    for dialect in Dialect::ALL {
        insta::assert_snapshot!(format!("{dialect}_transitions"), pictures::markdown(dialect));
        insta::assert_snapshot!(format!("{dialect}_dot"), pictures::dot(dialect));
        insta::assert_snapshot!(format!("{dialect}_mermaid"), pictures::mermaid(dialect));
        insta::assert_snapshot!(format!("{dialect}_methods"), pictures::methods_markdown(dialect));
    }
}
