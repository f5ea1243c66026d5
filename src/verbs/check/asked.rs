//! Which model, search and rules a check is asked for, and what does not go together.

use judge::{Rule, RuleSet};
use model::explore::Engine;
use model::product::property_names;
use model::protocol::Law;

use super::Args;
use crate::error::Error;

/// Which search explores.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub(super) enum Search {
    /// Level by level on all cores, 64-bit fingerprints.
    Own,
    /// stateright's breadth-first search.
    Stateright,
}

impl From<Search> for Engine {
    fn from(search: Search) -> Self {
        match search {
            Search::Own => Engine::Own,
            Search::Stateright => Engine::Stateright,
        }
    }
}

/// Which model to explore.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub(super) enum Model {
    /// Specification and engine core, one step at a time.
    Product,
    /// Threads, lock, dispatchers and slots.
    Protocol,
    /// Both.
    All,
}

impl Model {
    pub(super) fn includes(self, other: Model) -> bool {
        self == other || self == Model::All
    }
}

/// The model asked for. A design is one of the protocol's, and the canary is a core, which only the product has.
pub(super) fn model(args: &Args) -> Result<Model, Error> {
    let implied = if args.design.is_some() { Model::Protocol } else { Model::Product };
    let model = args.model.unwrap_or(implied);
    if args.design.is_some() && model == Model::Product {
        return Err(Error::usage(
            "the product has no designs".to_owned(),
            "leave --model out, or choose `protocol`".to_owned(),
        ));
    }
    if args.canary && model != Model::Product {
        return Err(Error::usage(
            "the protocol has no core that could be broken on purpose".to_owned(),
            "leave --model out, or choose a weaker design, such as `--design recheck`".to_owned(),
        ));
    }
    Ok(model)
}

pub(super) fn of_product() -> RuleSet {
    RuleSet::HERE.iter().filter(|rule| property_names(*rule).is_some()).collect()
}

pub(super) fn of_protocol() -> RuleSet {
    let rules = Law::ALL.iter().filter_map(|law| if let Law::Rule(rule) = law { Some(*rule) } else { None });
    rules.collect()
}

/// The rules asked for, or all that the model carries.
pub(super) fn rules(model: Model, asked: &[Rule]) -> Result<RuleSet, Error> {
    let (carried, name) = match model {
        Model::Product => (of_product(), "the product does"),
        Model::Protocol => (of_protocol(), "the protocol does"),
        Model::All => (of_product().union(of_protocol()), "the models do"),
    };
    if let Some(rule) = asked.iter().find(|rule| !carried.contains(**rule)) {
        return Err(Error::usage(
            format!("{name} not carry rule {rule} ({})", rule.name()),
            format!("choose among {carried}"),
        ));
    }
    Ok(if asked.is_empty() { carried } else { asked.iter().copied().collect() })
}
