//! Many mutants in one source file, of which a run has at most one.
//!
//! **What it is.** A function with mutants becomes a `match` over its own body and each changed body. The number of the mutant that
//! runs is read at run time, so that one build has every mutant of a sample.
//!
//! **What it is not.** A compiler: rustc decides whether a changed body compiles, and [`Woven::at`] names the mutant of an error.
//!
//! **The law it keeps.** A mutant's body is the text that cargo-mutants would write, and everything outside of functions with
//! mutants stays byte for byte.

use std::fmt::Write as _;
use std::ops::Range;

use syn::visit::{self, Visit};
use syn::{Block, ReturnType, Signature, Type};

use super::list::Mutant;

/// The number of a mutant in a build; 0 is none.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Number(pub(super) u32);

/// The variable of the environment that names the mutant of a run.
pub(super) const VARIABLE: &str = "BGCHECK_ENGINE_MUTANT";

/// What a root has to have at its beginning: a mutant that rustc would warn of compiles, whatever the environment makes of warnings.
pub(super) const ALLOWED: &str = "#![allow(warnings)]\n";

/// What the root of the engine has to have at its end: the environment names the mutant.
pub(super) const ROOT_OF_THE_ENGINE: &str = "
pub(crate) mod woven {
    static ACTIVE: ::std::sync::LazyLock<u32> = ::std::sync::LazyLock::new(|| {
        let number = ::std::env::var(\"BGCHECK_ENGINE_MUTANT\").ok();
        number.and_then(|number| number.parse().ok()).unwrap_or(0)
    });

    pub(crate) fn active() -> u32 {
        *ACTIVE
    }
}
";

/// What the roots of model and judge have to have at their ends: the process changes the mutant, because it compares with none.
pub(super) const ROOT_OF_THE_MODEL: &str = "
pub(crate) mod woven {
    pub(crate) use ::contract::mutation::woven::active;
}
";

/// A file with mutants inside.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Woven {
    /// The file.
    pub(super) text: String,
    /// The lines of each mutant's body, counted from 1.
    bodies: Vec<(Number, Range<usize>)>,
}

impl Woven {
    /// The mutant whose body has this line.
    pub(super) fn at(&self, line: usize) -> Option<Number> {
        self.bodies.iter().find(|(_, lines)| lines.contains(&line)).map(|(number, _)| *number)
    }
}

/// How a mutant gets into a build.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Place {
    /// In a function that can have several bodies.
    Woven,
    /// In such a function, but each body makes an iterator with a type of its own, so that what it gives is put into a vector.
    Collected,
    /// In a constant, in a constant function, or in a function whose bodies have other types of their own: it needs a build of its own.
    Alone,
}

/// A source file that can be mutated.
pub(super) struct Source<'a> {
    text: &'a str,
    functions: Vec<Function>,
}

/// The body of a function that is inside of no other.
struct Function {
    body: Range<usize>,
    place: Place,
}

impl<'a> Source<'a> {
    /// Reads a file.
    pub(super) fn parse(text: &'a str) -> Result<Source<'a>, syn::Error> {
        let mut found = Functions(Vec::new());
        found.visit_file(&syn::parse_file(text)?);
        Ok(Source { text, functions: found.0 })
    }

    /// How this mutant gets into a build.
    pub(super) fn place(&self, mutant: &Mutant) -> Place {
        let changed = self.changed(mutant);
        self.function_of(&changed).map_or(Place::Alone, |function| function.place)
    }

    /// The file with this mutant and no other, as cargo-mutants writes it.
    pub(super) fn alone(&self, mutant: &Mutant) -> String {
        let changed = self.changed(mutant);
        format!("{}{}{}", &self.text[..changed.start], mutant.replacement, &self.text[changed.end..])
    }

    /// The file with all of these inside.
    pub(super) fn weave(&self, mutants: &[(Number, &Mutant)]) -> Woven {
        let mut woven = Woven { text: String::new(), bodies: Vec::new() };
        let mut done = 0;
        for function in &self.functions {
            let inside = |changed: &Range<usize>| contains(&function.body, changed);
            let of_it = mutants.iter().map(|(number, mutant)| (*number, self.changed(mutant), *mutant));
            let of_it: Vec<_> = of_it.filter(|(_, changed, _)| inside(changed)).collect();
            if of_it.is_empty() {
                continue;
            }
            woven.text.push_str(&self.text[done..function.body.start]);
            let (open, close) = match function.place {
                Place::Collected => ("::std::vec::Vec::from_iter(", ").into_iter(),"),
                Place::Woven | Place::Alone => ("", ""),
            };
            // The body without a mutant is first: it sets the type of the arms, so that one of another type is the error.
            let numbers: Vec<_> = of_it.iter().map(|(number, ..)| number.0.to_string()).collect();
            let _ = write!(
                woven.text,
                "{{ match crate::woven::active() {{\nnone if !::std::matches!(none, {}) => {open}{}{close}\n",
                numbers.join(" | "),
                &self.text[function.body.clone()]
            );
            for (number, changed, mutant) in of_it {
                let before = &self.text[function.body.start..changed.start];
                let after = &self.text[changed.end..function.body.end];
                let first = lines(&woven.text);
                let _ = writeln!(
                    woven.text,
                    "{} => {open}{before}{}{after}{close}",
                    number.0, mutant.replacement
                );
                woven.bodies.push((number, first..lines(&woven.text)));
            }
            woven.text.push_str("_ => ::std::unreachable!()\n} }");
            done = function.body.end;
        }
        woven.text.push_str(&self.text[done..]);
        woven
    }

    fn function_of(&self, changed: &Range<usize>) -> Option<&Function> {
        self.functions.iter().find(|function| contains(&function.body, changed))
    }

    /// The bytes that a mutant replaces.
    fn changed(&self, mutant: &Mutant) -> Range<usize> {
        let [start, end] = [mutant.span.start, mutant.span.end].map(|at| self.offset(at.line, at.column));
        start..end.max(start)
    }

    /// Where a line and column are, both counted from 1, columns in characters.
    fn offset(&self, line: usize, column: usize) -> usize {
        let start: usize = self.text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
        let rest = self.text[start..].char_indices().nth(column.saturating_sub(1));
        rest.map_or(self.text.len(), |(at, _)| start + at)
    }
}

/// The number of the line that comes next.
fn lines(text: &str) -> usize {
    text.matches('\n').count() + 1
}

fn contains(outer: &Range<usize>, inner: &Range<usize>) -> bool {
    outer.start <= inner.start && inner.end <= outer.end
}

/// Outermost functions, in the order of the file.
struct Functions(Vec<Function>);

impl Functions {
    fn add(&mut self, signature: &Signature, block: &Block) {
        let place = match &signature.output {
            _ if signature.constness.is_some() => Place::Alone,
            ReturnType::Type(_, result) if is_iterator(result) => Place::Collected,
            ReturnType::Type(_, result) if has_impl(result) => Place::Alone,
            ReturnType::Type(..) | ReturnType::Default => Place::Woven,
        };
        let braces = block.brace_token.span;
        let body = braces.open().byte_range().start..braces.close().byte_range().end;
        self.0.push(Function { body, place });
    }
}

// What is inside of a function is not visited: it is in each of its bodies.
impl<'ast> Visit<'ast> for Functions {
    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.add(&function.sig, &function.block);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.add(&function.sig, &function.block);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast syn::TraitItemFn) {
        if let Some(block) = &function.default {
            self.add(&function.sig, block);
        }
    }
}

/// Whether a type is known as an iterator, and as nothing else.
fn is_iterator(of: &Type) -> bool {
    let Type::ImplTrait(known) = of else { return false };
    let mut bounds = known.bounds.iter();
    let first = match bounds.next() {
        Some(syn::TypeParamBound::Trait(first)) => first.path.segments.last(),
        _ => None,
    };
    first.is_some_and(|first| first.ident == "Iterator") && bounds.next().is_none()
}

/// Whether a type is known by its traits alone.
fn has_impl(of: &Type) -> bool {
    struct Found(Option<()>);
    impl<'ast> Visit<'ast> for Found {
        fn visit_type_impl_trait(&mut self, found: &'ast syn::TypeImplTrait) {
            self.0 = Some(());
            visit::visit_type_impl_trait(self, found);
        }
    }
    let mut found = Found(None);
    found.visit_type(of);
    found.0.is_some()
}

#[cfg(test)]
mod tests {
    use super::super::list::{At, Span};
    use super::*;

    const TEXT: &str = "\
const WIDE: u32 = 1 << 2;

fn two(a: bool, b: bool) -> bool {
    a && b
}

const fn held(a: u32) -> u32 { a + 1 }

fn each() -> impl Iterator<Item = u32> {
    (0..4).filter(|at| *at > 1)
}

fn shown(a: u32) -> impl Clone {
    a + 1
}
";

    fn mutant(line: usize, columns: Range<usize>, replacement: &str) -> Mutant {
        let at = |column| At { line, column };
        Mutant {
            replacement: replacement.to_owned(),
            span: Span { start: at(columns.start), end: at(columns.end) },
            ..Mutant::default()
        }
    }

    #[test]
    fn a_function_has_a_body_for_each_of_its_mutants_and_an_error_names_the_mutant_of_its_line() {
        let [or, yes] = [mutant(4, 7..9, "||"), mutant(4, 5..11, "true")];
        let source = Source::parse(TEXT).expect("it is Rust");
        let woven = source.weave(&[(Number(1), &or), (Number(2), &yes)]);
        let body = "\
fn two(a: bool, b: bool) -> bool { match crate::woven::active() {
none if !::std::matches!(none, 1 | 2) => {
    a && b
}
1 => {
    a || b
}
2 => {
    true
}
_ => ::std::unreachable!()
} }
";
        assert!(woven.text.contains(body), "{}", woven.text);
        assert!(syn::parse_file(&woven.text).is_ok());
        let line = |of: &str| woven.text.lines().position(|line| line.contains(of)).expect("it is there") + 1;
        assert_eq!(woven.at(line("a || b")), Some(Number(1)));
        assert_eq!(woven.at(line("true")), Some(Number(2)));
        assert_eq!(woven.at(line("a && b")), None);
        assert_eq!(woven.at(line("WIDE")), None);
    }

    #[test]
    fn without_mutants_the_file_stays_as_it_is() {
        let source = Source::parse(TEXT).expect("it is Rust");
        assert_eq!(source.weave(&[]).text, TEXT);
    }

    #[test]
    fn what_iterators_of_different_types_give_is_put_into_vectors() {
        let source = Source::parse(TEXT).expect("it is Rust");
        let less = mutant(10, 28..29, "<");
        assert_eq!(source.place(&less), Place::Collected);
        let woven = source.weave(&[(Number(1), &less)]).text;
        assert!(syn::parse_file(&woven).is_ok(), "{woven}");
        assert_eq!(woven.matches("::std::vec::Vec::from_iter({").count(), 2, "{woven}");
    }

    #[test]
    fn what_a_match_cannot_have_is_built_alone() {
        let source = Source::parse(TEXT).expect("it is Rust");
        let shift = mutant(1, 21..23, ">>");
        for alone in [&shift, &mutant(7, 34..35, "-"), &mutant(14, 7..8, "-")] {
            assert_eq!(source.place(alone), Place::Alone, "{alone:?}");
        }
        assert_eq!(source.place(&mutant(4, 7..9, "||")), Place::Woven);
        assert_eq!(source.alone(&shift), TEXT.replacen("<<", ">>", 1));
    }
}
