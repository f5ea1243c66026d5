//! Enums whose values have names: how they print, how they are read, and the error of a name that none has.

/// Gives an enum that has `ALL` and `name()` its `Display` and `FromStr`, and the error of the latter.
///
/// ```
/// #[derive(Clone, Copy, PartialEq, Debug)]
/// enum Fruit {
///     Apple,
///     Pear,
/// }
///
/// impl Fruit {
///     const ALL: &'static [Fruit] = &[Fruit::Apple, Fruit::Pear];
///
///     const fn name(self) -> &'static str {
///         match self {
///             Fruit::Apple => "apple",
///             Fruit::Pear => "pear",
///         }
///     }
/// }
///
/// contract::named!(Fruit, UnknownFruit, "a fruit");
///
/// assert_eq!("pear".parse(), Ok(Fruit::Pear));
/// let unknown = "brick".parse::<Fruit>().unwrap_err();
/// assert_eq!(unknown.to_string(), r#""brick" is not a fruit: expected `apple` or `pear`"#);
/// ```
#[macro_export]
macro_rules! named {
    ($type:ident, $unknown:ident, $what:literal) => {
        impl ::std::fmt::Display for $type {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.pad(self.name())
            }
        }

        #[doc = ::std::concat!("The text is not ", $what, ".")]
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $unknown(String);

        impl ::std::fmt::Display for $unknown {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                let expected = $crate::named::expected($type::ALL.iter().map(|one| one.name()));
                ::std::write!(f, "{:?} is not {}: expected {expected}", self.0, $what)
            }
        }

        impl ::std::error::Error for $unknown {}

        impl ::std::str::FromStr for $type {
            type Err = $unknown;

            fn from_str(text: &str) -> ::std::result::Result<Self, $unknown> {
                let named = $type::ALL.iter().find(|one| one.name() == text);
                named.copied().ok_or_else(|| $unknown(text.to_owned()))
            }
        }
    };
}

/// Names that a sentence has all of. Of more there is an example: a help text lists them.
const MOST: usize = 16;

/// What was expected, in a phrase: each of these names, or the first of many as an example.
///
/// ```
/// assert_eq!(contract::named::expected(["a", "b", "c"].into_iter()), "`a`, `b` or `c`");
/// assert_eq!(contract::named::expected(std::iter::repeat_n("a", 99)), "for example `a`");
/// ```
#[must_use]
pub fn expected<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        Some(_) if quoted.len() > MOST => format!("for example {}", quoted[0]),
        Some((last, others)) if !others.is_empty() => format!("{} or {last}", others.join(", ")),
        _ => quoted.concat(),
    }
}
