//! Enumerations whose variants carry a description: for readers of the sources, and for the reader of a command's output.
//!
//! The first line of a variant's documentation is data, so that it stands in one place.

/// Declares an enumeration, with a method `what` that gives the documentation of each variant.
macro_rules! described {
    ($(#[$outer:meta])* pub enum $name:ident {
        $(#[doc = $what:literal] $variant:ident $(= $number:literal)?,)*
    }) => {
        $(#[$outer])*
        pub enum $name {
            $(#[doc = $what] $variant $(= $number)?,)*
        }

        impl $name {
            /// What it is, in words.
            #[must_use]
            pub const fn what(self) -> &'static str {
                match self { $($name::$variant => $what.trim_ascii(),)* }
            }
        }
    };
}

pub(crate) use described;
