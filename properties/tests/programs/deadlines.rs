//! The engine's core keeps the deadlines of the model, in both dialects.

use contract::Dialect;
use properties::deadlines::missed;

#[test]
fn time_is_up_when_the_documents_say_so() {
    for dialect in Dialect::ALL {
        assert_eq!(missed(dialect.profile()), None, "{dialect}");
    }
}
