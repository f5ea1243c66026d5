//! Random paths that an implementation can be led along: longer than those of a suite, and with calls from inside of callbacks.

use contract::core::Config;
use contract::{JobId, Profile};
use engine::core::Core;
use judge::RuleSet;
use model::drive::{Applied, From, Stimulus};
use model::product::{Product, State};
use model::scope::{ScopeName, Slice, Timers, slices};
use model::suite::goes_on;

use super::abilities::{Abilities, Nested};
use crate::random::Rng;

/// The slices that random paths are about: those that the adapter can be led in, without the timers that no path waits for.
pub(super) fn slices_for(profile: &Profile, abilities: &Abilities) -> Vec<Slice> {
    let all = slices(ScopeName::Default, profile).into_iter();
    all.filter(|slice| abilities.fits(slice) && slice.timers != Timers::All).collect()
}

/// A random path in a slice, of so many calls of clients, from the empty queue on. It ends where everything rests.
pub(super) fn walk(
    profile: &Profile,
    slice: &Slice,
    abilities: &Abilities,
    random: &mut Rng,
    calls: u32,
) -> Vec<Stimulus> {
    let product = Product::<Core, 1>::around(profile, slice, RuleSet::EMPTY, |config: &Config| {
        contract::Core::new(config)
    });
    let mut state = product.first();
    let mut path: Vec<Stimulus> = product.prefix().collect();
    let (mut made, mut steps) = (0, 0);
    while steps < MOST_STEPS && (made < calls || goes_on(&state)) {
        let Some(step) = next(&product, &state, abilities, path.last(), random) else { break };
        made += u32::from(matches!(step, Stimulus::Call { from: From::Client(_), .. }));
        steps += 1;
        if state.apply(product.profile(), &step, &mut |_| ()) == Applied::Done {
            path.push(step);
        }
    }
    path
}

/// Steps of a path at most: a loop of retries has no end.
const MOST_STEPS: u32 = 400;

fn next(
    product: &Product<Core, 1>,
    state: &State<Core, 1>,
    abilities: &Abilities,
    last: Option<&Stimulus>,
    random: &mut Rng,
) -> Option<Stimulus> {
    let rests = !goes_on(state);
    let mut actions = product.enabled(state);
    actions
        .retain(|action| is_timely(action, rests, last) && abilities.allows_nested(action, Nested::Wanted));
    if actions.is_empty() {
        return None;
    }
    let at = random.below(actions.len() as u64) as usize;
    Some(actions.swap_remove(at))
}

/// Clients call when everything rests. A callback calls first thing, which is when the implementation's calls.
fn is_timely(action: &Stimulus, rests: bool, last: Option<&Stimulus>) -> bool {
    let enters = |job: &JobId| matches!(last, Some(Stimulus::Enter(of)) if of == job);
    match action {
        Stimulus::Call { from: From::Callback(job), .. } => enters(job),
        Stimulus::Call { .. } => rests,
        _ => true,
    }
}
