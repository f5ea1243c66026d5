//! Comparing what was found with what is owed.

use std::fmt::Debug;

use subjects::wrong::Wrong;

/// The comparisons of one case.
#[derive(Clone, Debug)]
pub(super) struct Checks {
    case: String,
    because: String,
    pub(super) wrong: Vec<Wrong>,
    pub(super) made: u64,
}

impl Checks {
    pub(super) fn new(case: &str, because: &str) -> Checks {
        Checks { case: case.to_owned(), because: because.to_owned(), wrong: Vec::new(), made: 0 }
    }

    /// Compares by value.
    pub(super) fn same<T: PartialEq + Debug>(&mut self, what: &str, found: T, owed: T) {
        self.made += 1;
        if found != owed {
            self.note(what, &format!("{found:?}"), &format!("{owed:?}"));
        }
    }

    pub(super) fn note(&mut self, what: &str, found: &str, owed: &str) {
        self.wrong.push(Wrong {
            case: self.case.clone(),
            what: what.to_owned(),
            owed: short(owed),
            found: short(found),
            because: self.because.clone(),
            trace: None,
        });
    }
}

/// As much as a report has room for.
fn short(text: &str) -> String {
    const MOST: usize = 600;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{} ...", &text[..end]),
        None => text.to_owned(),
    }
}
