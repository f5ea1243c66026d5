//! What several tests explore, explored once.

use std::sync::OnceLock;

use contract::defect::Design;
use contract::{Dialect, Profile};
use model::explore::{Engine, Options, Resources};
use model::protocol::{Law, Reduction, Report, Slice, Table, check, slices};
use model::scope::ScopeName;

/// Explores quietly, to the end.
pub(crate) fn options(threads: usize) -> Options<'static> {
    Options { engine: Engine::Own, threads, budget: None, progress: &|_| (), resources: Resources::none() }
}

/// The table of the smallest scope, as it stands in the document.
pub(crate) fn table(dialect: Dialect) -> &'static Table {
    static TABLES: [OnceLock<Table>; 2] = [OnceLock::new(), OnceLock::new()];
    let table = &TABLES[usize::from(dialect == Dialect::Do)];
    table.get_or_init(|| {
        Table::of(ScopeName::Tiny, dialect.profile(), &options(2)).expect("the model does not panic")
    })
}

/// A slice of a scope by its name.
pub(crate) fn slice(scope: ScopeName, profile: &Profile, name: &str) -> Slice {
    let found = slices(scope, profile).into_iter().find(|slice| slice.name == name);
    found.unwrap_or_else(|| panic!("there is no slice {name}"))
}

/// Explores one slice by every law.
pub(crate) fn explore(design: Design, profile: &Profile, slice: &Slice, reduction: Reduction) -> Report {
    check(design, profile, slice, Law::ALL, reduction, &options(2)).expect("the model does not panic")
}
