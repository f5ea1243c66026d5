//! Whether a mutant is the model: both side by side, through every state of some slices.
//!
//! **What it is.** A proof for the survivors, and no way to notice anything: any change at all is a difference from what was. In every state that the engine's
//! core leads specification and mutant to, everything is tried on both, what a sound core does and what it never does: every call, every step and every
//! delivery. Where they refuse and answer alike everywhere, nothing can distinguish one from the other in these slices.
//!
//! **What it is not.** A proof beyond the slices: of the specification, one job, one file, and no two programs at once.

use std::collections::{BTreeSet, VecDeque};

use contract::mutation::Mutation;
use contract::{Call, Dialect, NotifyFlags, Profile};
use engine::core::Core;
use explorer::fingerprint::fingerprint;
use judge::RuleSet;
use model::product::{Product, State};
use model::scope::{ScopeName, Slice, slice, slices};
use model::spec::World;
use stateright::Model as _;

use super::refusals::probes;
use crate::program::{USER, calls};

/// Scope tiny, and in BITS the slice of programs, each with a mask of every event: an event that is always masked would show nothing.
fn twin_slices() -> impl Iterator<Item = (Dialect, Slice)> {
    let masks = vec![NotifyFlags::all() - NotifyFlags::DISABLE - NotifyFlags::FILE_RANGES_TRANSFERRED];
    Dialect::ALL.into_iter().flat_map(move |dialect| {
        let profile = dialect.profile();
        let programs = slice("default/programs", profile).filter(|_| profile.command_line.is_on());
        let slices = slices(ScopeName::Tiny, profile).into_iter().chain(programs);
        let masks = masks.clone();
        slices.map(move |slice| (dialect, Slice { masks: masks.clone(), ..slice }))
    })
}

/// States in which a mutant of the specification was tried and found to be equivalent; nothing if it is not.
pub(super) fn same_specification(mutation: Mutation) -> Option<usize> {
    let calls = calls();
    let mut states = 0;
    for (dialect, slice) in twin_slices() {
        states += Twins::new(dialect.profile(), &slice, mutation).explore(&calls)?;
    }
    Some(states)
}

/// The specification and the mutant, each with a core of its own; the cores are always equal.
struct Twins {
    plain: Product<Core, 1>,
    mutant: Product<Core, 1>,
}

type Pair = (State<Core, 1>, State<Core, 1>);

impl Twins {
    fn new(profile: &Profile, slice: &Slice, mutation: Mutation) -> Twins {
        let mutated = Profile { mutation, ..*profile };
        let product = |profile| Product::new(profile, slice, RuleSet::EMPTY);
        Twins { plain: product(profile), mutant: product(&mutated) }
    }

    fn explore(&self, calls: &[Call]) -> Option<usize> {
        let first = (self.plain.first(), self.mutant.first());
        let mut seen = BTreeSet::from([fingerprint(&first)]);
        let mut waiting = VecDeque::from([first]);
        while let Some(pair) = waiting.pop_front() {
            if !self.are_alike(&pair, calls) {
                return None;
            }
            for next in self.successors(&pair)? {
                if seen.insert(fingerprint(&next)) {
                    waiting.push_back(next);
                }
            }
        }
        Some(seen.len())
    }

    /// Nothing when only one of them goes on, or parts from its core.
    fn successors(&self, (plain, mutant): &Pair) -> Option<Vec<Pair>> {
        let mut actions = Vec::new();
        self.plain.actions(plain, &mut actions);
        let mut pairs = Vec::new();
        for action in actions {
            let nexts =
                (self.plain.next_state(plain, action.clone()), self.mutant.next_state(mutant, action));
            match nexts {
                (Some(plain), Some(mutant)) if mutant.is_sound() => pairs.push((plain, mutant)),
                (None, None) => {}
                _ => return None,
            }
        }
        Some(pairs)
    }

    fn are_alike(&self, (plain, mutant): &Pair, calls: &[Call]) -> bool {
        let refused = |product: &Product<Core, 1>, world: &World<1>| -> Vec<bool> {
            probes(product.profile(), world).map(|probe| probe.refused).collect()
        };
        let reply = |product: &Product<Core, 1>, world: &World<1>, call: &Call| {
            let mut world = *world;
            world.call(product.profile(), USER, Some(contract::JobId(0)), call)
        };
        let answers_alike =
            |call: &Call| reply(&self.plain, plain.spec(), call) == reply(&self.mutant, mutant.spec(), call);
        refused(&self.plain, plain.spec()) == refused(&self.mutant, mutant.spec())
            && calls.iter().all(answers_alike)
    }
}
