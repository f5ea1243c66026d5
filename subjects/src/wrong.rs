//! What a service did that its client is owed otherwise, where no rule of a trace decides it: a finding of one comparison.

use judge::Trace;

/// Something that is not as it has to be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wrong {
    /// The row of the table, or the part of the session with a client.
    pub case: String,
    /// What was compared.
    pub what: String,
    /// What is owed.
    pub owed: String,
    /// What was found.
    pub found: String,
    /// Where it is written that it is owed.
    pub because: String,
    /// What the service recorded, where there is a trace.
    pub trace: Option<Box<Trace>>,
}

impl Wrong {
    /// The name of the finding: one for each thing that can be wrong.
    #[must_use]
    pub fn id(&self) -> String {
        let word = |text: &str| {
            let plain =
                text.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' });
            plain.collect::<String>()
        };
        format!("oracle-{}-{}", word(&self.case), word(&self.what))
    }
}
