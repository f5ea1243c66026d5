//! Programs that are dense: walks by chance through the slices of the checker, where every step does something.
//!
//! Random bytes are mostly nonsense, and meet what needs three things at once too seldom. A walk takes one of the actions that the product model
//! has in the state it is in, and now and then any call at all, so that getters and the setters outside of the slices come in.

use contract::Call;
use engine::core::Core;
use judge::RuleSet;
use model::drive::{Applied, Stimulus};
use model::product::Product;
use model::scope::{ScopeName, Slice, Variant, slices, variants};
use model::spec::{MAX_FILES, World};
use stateright::Model as _;

use crate::program::{Program, random_call};
use crate::random::split_mix;

/// Walks through each slice of each variant of a dialect, and steps of one.
const OF_EACH: u64 = 100;
const STEPS: usize = 160;

/// One Cancel or Complete in this number is made. A walk has up to `OVERTIME` steps after the last job has ended.
const ENDS: u64 = 10;
const OVERTIME: u32 = 6;

/// One step in this number is any call.
const ANY_CALL: u64 = 5;

/// Walks in an order in which neighbours are of different slices.
pub(super) fn walks(seed: u64) -> Vec<Program> {
    let dialects = contract::Dialect::ALL.into_iter();
    let variants: Vec<Variant> = dialects.flat_map(|dialect| variants(dialect, ScopeName::Default)).collect();
    (0..OF_EACH)
        .flat_map(|number| {
            let of_variant = move |variant: &Variant| {
                let variant = *variant;
                let scopes = [ScopeName::Small, ScopeName::Default, ScopeName::Wide];
                let slices = scopes.into_iter().flat_map(move |scope| slices(scope, &variant.profile));
                slices.zip(0..).map(move |(slice, at)| walk(variant, &slice, seed ^ number << 8 ^ at << 32))
            };
            variants.iter().flat_map(of_variant).collect::<Vec<_>>()
        })
        .collect()
}

fn walk(variant: Variant, slice: &Slice, seed: u64) -> Program {
    let steps = match slice.jobs {
        0 | 1 => steps_of_jobs::<1>(variant, slice, seed),
        _ => steps_of_jobs::<2>(variant, slice, seed),
    };
    Program { variant, callback_slots: slice.callback_slots, users: slice.users, slice: slice.name, steps }
}

fn steps_of_jobs<const J: usize>(variant: Variant, slice: &Slice, seed: u64) -> Vec<Stimulus> {
    let product = Product::<Core, J>::new(&variant.profile, slice, RuleSet::EMPTY);
    let mut chance = seed ^ 0x7761_6c6b;
    let mut state = product.first();
    let mut steps: Vec<Stimulus> = product.prefix().collect();
    let mut dead = 0;
    for _ in 0..STEPS {
        let mut actions = Vec::new();
        product.actions(&state, &mut actions);
        let stimulus = choose(actions, &mut chance, J as u32);
        // Most walks would end at once, and nothing happens to a job that has ended.
        if ends(&stimulus) && !split_mix(&mut chance).is_multiple_of(ENDS) {
            continue;
        }
        if overfills(state.spec(), &stimulus) {
            continue;
        }
        if state.apply(product.profile(), &stimulus, &mut |_| ()) == Applied::Done {
            steps.push(stimulus);
        }
        dead += u32::from(state.spec().jobs().iter().all(|job| job.state().is_final()));
        if dead > OVERTIME || !state.is_sound() {
            break;
        }
    }
    steps
}

/// One of the actions, as often as not what is no call; or any call at all.
fn choose(actions: Vec<Stimulus>, chance: &mut u64, jobs: u32) -> Stimulus {
    let is_call = |stimulus: &Stimulus| matches!(stimulus, Stimulus::Call { .. });
    let (calls, moves): (Vec<Stimulus>, Vec<Stimulus>) = actions.into_iter().partition(is_call);
    let drawn = split_mix(chance);
    let mut among = if drawn.is_multiple_of(2) || calls.is_empty() { moves } else { calls };
    if among.is_empty() || (drawn >> 8).is_multiple_of(ANY_CALL) {
        return random_call(chance, jobs);
    }
    let at = split_mix(chance) as usize % among.len();
    among.swap_remove(at)
}

/// Whether the core would take more files than a job of the specification has room for.
fn overfills<const J: usize>(world: &World<J>, stimulus: &Stimulus) -> bool {
    let Stimulus::Call { job: Some(job), call, .. } = stimulus else { return false };
    let more = match call {
        Call::AddFile { .. } => 1,
        Call::AddFileSet { files } => files.len(),
        _ => 0,
    };
    world.job(*job).is_some_and(|job| job.files() as usize + more > MAX_FILES)
}

fn ends(stimulus: &Stimulus) -> bool {
    matches!(stimulus, Stimulus::Call { call: Call::Cancel | Call::Complete, .. })
}
