//! The wall clock: the only place of the workbench that reads it, for the names and dates of reports.

/// The time now, in UTC.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock(jiff::Timestamp);

impl Clock {
    pub(crate) fn now() -> Clock {
        Clock(jiff::Timestamp::now())
    }

    /// The day, such as `2026-01-02`.
    pub(crate) fn day(self) -> String {
        self.0.strftime("%Y-%m-%d").to_string()
    }

    /// Day and minute, such as `2026-01-02 03:04 UTC`.
    pub(crate) fn minute(self) -> String {
        self.0.strftime("%Y-%m-%d %H:%M UTC").to_string()
    }

    /// A seed for a run that was given none.
    pub(crate) fn seed(self) -> u64 {
        // A negative time is one before 1970, and as good a seed as any.
        self.0.as_millisecond() as u64
    }
}
