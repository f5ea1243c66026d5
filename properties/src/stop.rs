//! When a search for failures ends.

/// When a search for failures ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stop {
    /// With its budget or its work: the first failure of each kind is kept.
    Never,
    /// With the first failure.
    AtFirst,
}

impl Stop {
    /// What an option `--stop-at-first` chooses.
    ///
    /// ```
    /// use properties::stop::Stop;
    /// assert_eq!(Stop::at_first(true), Stop::AtFirst);
    /// assert_eq!(Stop::at_first(false), Stop::Never);
    /// ```
    #[must_use]
    pub const fn at_first(given: bool) -> Stop {
        if given { Stop::AtFirst } else { Stop::Never }
    }
}
