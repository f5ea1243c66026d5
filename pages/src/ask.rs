//! The address of a walk: which core beside the specification, which dialects, which slice, and the steps.
//!
//! **The law it keeps.** `Ask::read` of an address that `Ask::query` has written gives an equal ask.

use std::fmt;

use contract::Dialect;
use contract::defect::{Design, Place};
use url::form_urlencoded::{Serializer, parse};

use crate::problem::Problem;

/// What a walk is about. What is left out of an address is as in [`Ask::default`].
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Ask {
    /// The core beside the specification.
    pub core: CoreChoice,
    /// The dialects.
    pub dialects: Dialects,
    /// The slice of the checker whose delays and menu it has; empty for none.
    pub slice: String,
    /// The steps, as `bgcheck simulate` reads them.
    pub path: String,
}

/// The core beside the specification.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum CoreChoice {
    /// The engine's own.
    #[default]
    Core,
    /// The one that is broken on purpose.
    Canary,
    /// One that waits as another design than the barrier.
    Design(Design),
}

impl CoreChoice {
    /// Each of them.
    pub fn all() -> impl Iterator<Item = CoreChoice> {
        let designs = Design::of(Place::AroundCore).map(CoreChoice::Design);
        [CoreChoice::Core, CoreChoice::Canary].into_iter().chain(designs)
    }

    /// The core of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<CoreChoice> {
        CoreChoice::all().find(|core| core.to_string() == name)
    }
}

impl fmt::Display for CoreChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CoreChoice::Core => f.write_str("core"),
            CoreChoice::Canary => f.write_str("canary"),
            CoreChoice::Design(design) => write!(f, "{design}"),
        }
    }
}

/// Which dialects a walk has.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Dialects {
    /// One.
    One(Dialect),
    /// Both, side by side.
    #[default]
    Both,
}

impl Dialects {
    /// Each choice.
    pub const ALL: [Dialects; 3] = [Dialects::One(Dialect::Bits), Dialects::One(Dialect::Do), Dialects::Both];

    /// The dialects.
    #[must_use]
    pub fn each(self) -> Vec<Dialect> {
        match self {
            Dialects::One(dialect) => vec![dialect],
            Dialects::Both => Dialect::ALL.to_vec(),
        }
    }

    /// What it is called where a person chooses.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Dialects::One(Dialect::Bits) => "BITS",
            Dialects::One(Dialect::Do) => "Delivery Optimization",
            Dialects::Both => "both side by side",
        }
    }
}

impl fmt::Display for Dialects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Dialects::One(dialect) => write!(f, "{dialect}"),
            Dialects::Both => f.write_str("both"),
        }
    }
}

impl Ask {
    /// Reads the query of an address, in which `dialect` is BITS when it is left out. Parts that it does not know are no matter.
    ///
    /// # Errors
    /// A part has a value that it cannot have.
    pub fn read(query: &str) -> Result<Ask, Problem> {
        let mut ask = Ask { dialects: Dialects::One(Dialect::Bits), ..Ask::default() };
        for (name, value) in parse(query.as_bytes()) {
            match name.as_ref() {
                "core" => ask.core = one_of("core", &value, CoreChoice::all())?,
                "dialect" => ask.dialects = one_of("dialect", &value, Dialects::ALL.into_iter())?,
                "slice" => ask.slice = value.into_owned(),
                "path" => ask.path = value.into_owned(),
                _ => {}
            }
        }
        Ok(ask)
    }

    /// The query, in which what is usual is left out.
    #[must_use]
    pub fn query(&self) -> String {
        let mut query = Serializer::new(String::new());
        if self.core != CoreChoice::default() {
            query.append_pair("core", &self.core.to_string());
        }
        if self.dialects != Dialects::One(Dialect::Bits) {
            query.append_pair("dialect", &self.dialects.to_string());
        }
        if !self.slice.is_empty() {
            query.append_pair("slice", &self.slice);
        }
        if !self.path.is_empty() {
            query.append_pair("path", &self.path);
        }
        query.finish()
    }

    /// The address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("/walk?{}", self.query())
    }

    /// The part of a query that has the steps alone.
    pub(crate) fn path_query(&self) -> String {
        Serializer::new(String::new()).append_pair("path", &self.path).finish()
    }

    /// This walk with other steps.
    #[must_use]
    pub fn with(&self, path: impl Into<String>) -> Ask {
        Ask { path: path.into(), ..self.clone() }
    }

    /// This walk with one more step.
    #[must_use]
    pub fn then(&self, step: &str) -> Ask {
        match self.path.trim().trim_end_matches(';') {
            "" => self.with(step),
            path => self.with(format!("{path}; {step}")),
        }
    }
}

/// A value of a part of an address, out of those that it may have.
pub(crate) fn one_of<T: fmt::Display>(
    name: &'static str,
    value: &str,
    all: impl Iterator<Item = T>,
) -> Result<T, Problem> {
    let mut names = Vec::new();
    for one in all {
        let text = one.to_string();
        if text == value {
            return Ok(one);
        }
        names.push(text);
    }
    Err(Problem::Parameter { name, value: value.to_owned(), choose: names })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_as_it_was_written() {
        for core in CoreChoice::all() {
            for dialects in Dialects::ALL {
                let ask = Ask {
                    core,
                    dialects,
                    slice: "default/masks".to_owned(),
                    path: "create \"a;b&c=d%#+\" 0; t1: j0.cancel".to_owned(),
                };
                assert_eq!(Ask::read(&ask.query()), Ok(ask));
            }
        }
    }

    #[test]
    fn a_value_that_is_none_is_named_with_those_that_are() {
        let problem = Ask::read("dialect=dos").unwrap_err();
        assert_eq!(problem.to_string(), "dialect=dos is not one of bits, do, both");
    }
}
