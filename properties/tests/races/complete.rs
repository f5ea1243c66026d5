//! Complete exploration is what it claims: merging leaves out no moment, no verdict and no failure of a race, and what it merges has one
//! future. Held to it by running every schedule of many races, merged and not.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use contract::defect::Design;
#[cfg(feature = "faults")]
use contract::defect::{Fault, Place};
use contract::{Dialect, Rule};
use model::protocol::{Ground, Jobs};
use properties::race::{
    Act, Arrives, Beyond, Choice, Digest, Digests, Exhausted, Forgets, HuntOptions, Hunted, Kind, Leaves,
    Lock, Merges, Moment, More, Options, Race, Races, Refine, Rest, Run, Scope, Scoped, Session, Situation,
    States, Stop, Strategy, complete, ground, hunt, is_forced_switch, race_of, scoped,
};

/// What is known of a race after running its schedules.
#[derive(Default, Debug)]
struct Known {
    moments: BTreeSet<Digest>,
    verdicts: BTreeSet<String>,
    /// Which task leads from which moment to which, as a merged exploration knows it.
    leads: BTreeSet<(Digest, usize, Digest)>,
    /// By moment, and the choices from there on up to the next one.
    next: BTreeMap<(Digest, Vec<usize>), BTreeSet<Digest>>,
    /// By moment, the tasks that could go on.
    ways: BTreeMap<Digest, BTreeSet<Vec<usize>>>,
    schedules: usize,
    /// Those of them that broke something.
    broken: usize,
}

impl Known {
    /// Which task leads from which moment to which, as every schedule shows it.
    fn led(&self) -> BTreeSet<(Digest, usize, Digest)> {
        let led = |((before, since), next): (&(Digest, Vec<usize>), &BTreeSet<Digest>)| {
            let (before, task) = (*before, since[0]);
            next.iter().map(move |next| (before, task, *next)).collect::<Vec<_>>()
        };
        self.next.iter().flat_map(led).collect()
    }

    /// Where one of them is: the choices after the moment, or the tasks that could go on.
    fn first_contradiction(&self) -> Option<(Vec<usize>, usize)> {
        let futures = self
            .next
            .iter()
            .find(|(_, next)| next.len() > 1)
            .map(|((_, ways), next)| (ways.clone(), next.len()));
        futures.or_else(|| {
            self.ways
                .values()
                .find(|ways| ways.len() > 1)
                .map(|ways| (ways.iter().flatten().copied().collect(), 0))
        })
    }

    /// The moments with two futures: nothing, when a digest is what it claims to be.
    fn contradictions(&self) -> usize {
        let futures = self.next.values().filter(|next| next.len() > 1).count();
        futures + self.ways.values().filter(|ways| ways.len() > 1).count()
    }
}

/// Passes on to another strategy, which does not merge, and notes what comes by.
struct Noting {
    inner: Box<dyn Strategy>,
    forgets: Forgets,
    known: Arc<Mutex<Known>>,
    /// The moment that the run was at last, and its choices since.
    at: Option<(Digest, Vec<usize>)>,
}

impl Noting {
    fn new(inner: Box<dyn Strategy>, forgets: Forgets, known: &Arc<Mutex<Known>>) -> Noting {
        Noting { inner, forgets, known: Arc::clone(known), at: None }
    }
}

impl Strategy for Noting {
    fn choose(&mut self, options: &Options<'_>) -> usize {
        let way = self.inner.choose(options);
        if let Some((_, since)) = &mut self.at {
            since.push(options.tasks[way % options.tasks.len()]);
        }
        way
    }

    fn digests(&self) -> Digests {
        Digests::Kept
    }

    fn forgets(&self) -> Forgets {
        self.forgets
    }

    fn arrives(&mut self, moment: &Moment<'_>) -> Arrives {
        let mut ways = moment.ways().to_vec();
        if ways.len() > 1 {
            let digest = moment.digest();
            let mut known = self.known.lock().unwrap();
            known.moments.insert(digest);
            if let Some((before, since)) = self.at.take() {
                known.next.entry((before, since)).or_default().insert(digest);
            }
            ways.sort_unstable();
            known.ways.entry(digest).or_default().insert(ways);
            self.at = Some((digest, Vec::new()));
        }
        Arrives::AtNew
    }

    fn next(&mut self, choices: &[Choice]) -> More {
        self.at = None;
        self.inner.next(choices)
    }
}

fn verdict(run: &Run) -> String {
    let seen = run.seen.as_ref().map(ToString::to_string);
    format!("{} {} {seen:?}", run.violated, run.overwaits > 0)
}

/// Runs every schedule of the race; nothing when there are more than these.
fn all(race: &Race, most: usize) -> Option<Known> {
    let known = noted(race, Kind::Exhaustive.start(0), Forgets::Nothing, most);
    (known.1 == More::No).then_some(known.0)
}

/// Explores the race to its end, merged; nothing when that takes more runs than these.
fn merged(race: &Race, forgets: Forgets, most: usize) -> Option<Known> {
    let mut session = Session::new(complete(Merges::Most, forgets));
    let mut known = Known::default();
    let more = run_all(race, &mut session, most, |run| note(&mut known, run));
    known.moments.extend(session.moments());
    known.leads.extend(session.leads());
    (more == More::No).then_some(known)
}

/// Runs this number of schedules of the race by chance.
fn sample(race: &Race, forgets: Forgets, runs: usize) -> Known {
    noted(race, Kind::Random.start(1), forgets, runs).0
}

fn noted(race: &Race, inner: Box<dyn Strategy>, forgets: Forgets, most: usize) -> (Known, More) {
    let known = Arc::new(Mutex::new(Known::default()));
    let mut session = Session::new(Box::new(Noting::new(inner, forgets, &known)));
    let more = run_all(race, &mut session, most, |run| note(&mut known.lock().unwrap(), run));
    drop(session);
    (Arc::try_unwrap(known).unwrap().into_inner().unwrap(), more)
}

fn run_all(race: &Race, session: &mut Session, most: usize, mut note: impl FnMut(&Run)) -> More {
    let race = Arc::new(race.clone());
    for _ in 0..most {
        let run = session.run(&race);
        note(&run);
        if session.next(&run.choices) == More::No {
            return More::No;
        }
    }
    More::Yes
}

/// A run that ended by itself is a verdict; one that ended at a known moment is one only where something is broken already.
fn note(known: &mut Known, run: &Run) {
    let broken = run.is_broken() || run.seen.is_some();
    (known.schedules, known.broken) = (known.schedules + 1, known.broken + usize::from(broken));
    if run.rest == Rest::Run || broken {
        known.verdicts.insert(verdict(run));
    }
}

/// The designs of the service, in the order in which seeds choose: in another one, the seeds below would have other races.
const BY_SEED: [Design; 11] = [
    Design::ClaimThenCall,
    Design::Recheck,
    Design::GateNoWait,
    Design::GateAndWait,
    Design::WaitUnlessOwn,
    Design::WaitUnlessAny,
    Design::Barrier,
    Design::NothingNew,
    Design::ResumeNoWait,
    Design::BeginBeforeSlot,
    Design::WaitAnyRunning,
];

/// Races of every kind, cut down so that many of them can be run without merging.
fn small_races() -> impl Iterator<Item = Race> {
    let of_seeds = (0..560).map(|seed| {
        let mut race = race_of(seed);
        race.branches.truncate(1);
        race.branches.iter_mut().for_each(|branch| branch.calls.truncate(1));
        race.objects.iter_mut().for_each(|object| object.calls.truncate(1));
        race.prefix.insert(race.prefix.len() - 1, Act::Settle);
        (race.slots, race.users, race.dispatchers) = (1, 1, 1);
        race.design = BY_SEED[seed as usize % BY_SEED.len()];
        race
    });
    of_seeds.filter(Race::has_digests)
}

/// A mask that is set while a delivery is due, under every other design: the right ones hold, the wrong ones break.
fn races_of_designs() -> impl Iterator<Item = Race> {
    let masks = scoped(Scope::Tiny, Dialect::Bits).swap_remove(3).race;
    BY_SEED.iter().step_by(2).map(move |design| Race { design: *design, ..masks.clone() })
}

/// Runs the race with and without merging, and compares. With equal moments, and equal tasks that lead from each to the next, both have
/// equal schedules, and so equal traces, whichever steps are independent. Nothing when it has too many schedules; else whether some of them break something.
fn compare(race: Race, most: usize) -> Option<bool> {
    let all = all(&race, most)?;
    let merged = merged(&race, Forgets::Nothing, most).expect("merging runs no more schedules");
    assert_eq!(all.contradictions(), 0, "one digest, two futures\n{race}");
    assert_eq!(all.moments, merged.moments, "{race}");
    assert_eq!(all.led(), merged.leads, "{race}");
    assert_eq!(all.verdicts, merged.verdicts, "{race}");
    assert!(merged.schedules <= all.schedules, "{race}");
    Some(all.broken > 0)
}

#[test]
fn merging_loses_no_moment_and_no_verdict_and_a_moment_has_one_future() {
    let compared = small_races().filter_map(|race| compare(race, 400)).count();
    let of_designs: Vec<bool> = races_of_designs().filter_map(|race| compare(race, 60_000)).collect();
    let broken = of_designs.iter().filter(|broken| **broken).count();
    assert!(
        compared + of_designs.len() >= 60,
        "{compared} random races and {} designs compared",
        of_designs.len()
    );
    assert!(broken >= 1, "{broken} of {} designs break", of_designs.len());
}

/// Faults of the service, in the race that shows each where one is committed (docs/pinned/race-bites.txt), else in one with a mask.
#[cfg(feature = "faults")]
#[test]
fn merging_loses_nothing_of_a_service_with_a_fault() {
    let bites = include_str!("../../../docs/pinned/race-bites.txt");
    let tiny = scoped(Scope::Tiny, Dialect::Bits);
    let shows = |fault: &Fault, scoped: &Scoped| {
        let begins = format!("{fault} | tiny | bits | {} | ", scoped.name);
        bites.lines().any(|line| line.starts_with(&begins))
    };
    let of = |fault: Fault| {
        let shown = tiny.iter().find(|scoped| shows(&fault, scoped)).unwrap_or(&tiny[3]);
        Race { fault: Some(fault), ..shown.race.clone() }
    };
    // A thread that spins for ever burns a core to the end of the tests.
    let ends = |fault: &Fault| fault.comes_back() && *fault != Fault::WaitsBusily;
    let faults = Fault::ALL.iter().copied().filter(|fault| fault.place() == Place::Service).filter(ends);
    let compared: Vec<bool> = faults.filter_map(|fault| compare(of(fault), 60_000)).collect();
    let broken = compared.iter().filter(|broken| **broken).count();
    assert!(compared.len() >= 20 && broken >= 1, "{broken} of {} faults break", compared.len());
}

/// Races of every size and kind, as the samplers run them.
fn large_races() -> impl Iterator<Item = Race> {
    let of_scopes = Dialect::ALL.iter().flat_map(|dialect| {
        let small = scoped(Scope::Small, *dialect).into_iter().step_by(29);
        small.chain(scoped(Scope::Default, *dialect))
    });
    of_scopes.map(|scoped| scoped.race).chain((0..120).map(race_of)).filter(Race::has_digests)
}

#[test]
fn a_moment_has_one_future_in_large_races_too() {
    for race in large_races() {
        let known = sample(&race, Forgets::Nothing, 100);
        assert_eq!(
            known.contradictions(),
            0,
            "one digest, two futures: {:?}\n{race}",
            known.first_contradiction()
        );
    }
}

#[test]
fn a_digest_that_leaves_something_out_is_found_out() {
    for forgets in Forgets::ALL {
        let two_futures = |race: Race| sample(&race, *forgets, 1_000).contradictions() > 0;
        assert!(large_races().any(two_futures), "{forgets:?} is left out, and no test notices");
    }
}

/// Each run that repeats another one compares what it comes to, and dies where that is something else.
#[test]
fn runs_of_random_races_come_to_where_known_legs_lead() {
    let patience = HuntOptions::new(Duration::from_secs(600), &|_| ());
    let kind = Kind::Complete { merges: Merges::Most };
    let hunted =
        hunt(&HuntOptions { kind, races: Races::Small, each: 200, runs: Some(10_000), seed: 1, ..patience });
    assert!(hunted.failures.is_empty() && hunted.overwaited.is_none(), "{:?}", hunted.failures);
    assert!(hunted.races >= 50, "{} races", hunted.races);
}

/// Against what the test above holds to every schedule.
#[test]
fn a_leg_that_leaves_something_out_is_found_out() {
    let of_tiny = || scoped(Scope::Tiny, Dialect::Bits).into_iter().map(|scoped| scoped.race);
    for forgets in Forgets::OF_LEGS {
        let differs = |race: Race| {
            let right = merged(&race, Forgets::Nothing, 4_000).expect("a race of tiny has few runs");
            // A run that comes to another moment than it was to come to dies, and reports it: that is a verdict.
            let wrong = merged(&race, *forgets, 4_000);
            wrong.is_none_or(|wrong| (wrong.moments, wrong.verdicts) != (right.moments, right.verdicts))
        };
        assert!(of_tiny().any(differs), "{forgets:?} is left out, and no test notices");
    }
}

#[test]
fn no_two_states_of_a_race_share_a_digest_and_in_a_short_digest_they_do() {
    let keeping = |race: &Race, bits| {
        hunt(&HuntOptions {
            states: States::Kept { bits },
            ..options(race, Design::Barrier, Stop::Never, Merges::Most)
        })
    };
    for scoped in scoped(Scope::Tiny, Dialect::Bits) {
        let hunted = keeping(&scoped.race, 128);
        assert_eq!((hunted.exhausted, hunted.cut), (Exhausted::Yes, 0), "{}", scoped.name);
        assert!(hunted.failures.is_empty() && hunted.overwaited.is_none(), "{}", scoped.name);
        assert_eq!(hunted.collision, None, "{}", scoped.name);
        let states = to_the_end(&scoped.race, Design::Barrier, Stop::Never, Merges::Most);
        assert_eq!(hunted.explored, states.explored, "{}", scoped.name);
    }
    let cancel = scoped(Scope::Tiny, Dialect::Bits).swap_remove(0).race;
    let collision = keeping(&cancel, 12).collision.expect("12 bits are too few for its states");
    assert!(collision.to_string().starts_with("two states share the digest"), "{collision}");
}

fn options(race: &Race, design: Design, stop: Stop, merges: Merges) -> HuntOptions<'_> {
    let patience = HuntOptions::new(Duration::from_secs(600), &|_| ());
    HuntOptions { kind: Kind::Complete { merges }, races: Races::Given(race), design, stop, ..patience }
}

fn to_the_end(race: &Race, design: Design, stop: Stop, merges: Merges) -> Hunted {
    hunt(&options(race, design, stop, merges))
}

/// The races of a scope in BITS, and those that a design needs of a larger scope.
fn races_for(scope: Scope, name: &str) -> Vec<Scoped> {
    let all = scoped(scope, Dialect::Bits);
    if scope == Scope::Tiny { all } else { all.into_iter().filter(|scoped| scoped.name == name).collect() }
}

#[test]
fn every_race_of_tiny_comes_to_its_end_and_each_step_is_one_of_the_protocol() {
    for dialect in Dialect::ALL.iter() {
        let (mut held, mut taken) = (0, BTreeSet::new());
        for scoped in scoped(Scope::Tiny, *dialect) {
            let hunted = hunt(&HuntOptions {
                refine: Refine::Yes,
                ..options(&scoped.race, Design::Barrier, Stop::Never, Merges::Most)
            });
            assert_eq!((hunted.exhausted, hunted.cut), (Exhausted::Yes, 0), "{}", scoped.name);
            assert!(hunted.failures.is_empty() && hunted.overwaited.is_none(), "{}", scoped.name);
            assert_eq!(hunted.explored.and_then(|explored| explored.circle), None, "{}", scoped.name);
            let lost = hunted.lost.map(|strayed| strayed.lost.to_string());
            assert_eq!(lost, None, "{}\n{}", scoped.name, scoped.race);
            let Some(steps) = hunted.refined else { continue };
            // A job that is never in the trail would be held to nothing.
            assert!(steps.taken.contains(&"enter"), "{} ({dialect}): {:?}", scoped.name, steps.taken);
            held += 1;
            taken.extend(steps.taken);
        }
        assert_eq!(held, 48, "races are held to the protocol ({dialect})");
        for kind in ["call", "effect", "disk work", "return", "claim", "begin", "enter", "leave", "settle"] {
            assert!(taken.contains(kind), "no race takes the step {kind}: {taken:?}");
        }
    }
}

/// Each wrong design, the smallest scope that has a race which shows it, and the race where the scope is large. One is wrong in two ways.
const BITES: [(Design, Scope, &str); 11] = [
    (Design::ClaimThenCall, Scope::Tiny, ""),
    (Design::Recheck, Scope::Tiny, ""),
    (Design::GateNoWait, Scope::Tiny, ""),
    (Design::GateAndWait, Scope::Tiny, ""),
    (Design::ResumeNoWait, Scope::Tiny, ""),
    (Design::WaitAnyRunning, Scope::Tiny, ""),
    (Design::NothingNew, Scope::Small, "SetNotifyFlags | SetNotifyFlags | delivery"),
    (Design::WaitUnlessOwn, Scope::Default, "two jobs whose callbacks cancel each other"),
    (Design::WaitUnlessAny, Scope::Default, "a callback that cancels another job"),
    (Design::BeginBeforeSlot, Scope::Default, "three jobs of two users, and one slot each"),
    (Design::BeginBeforeSlot, Scope::Default, "a callback that cancels the job which waits for its slot"),
];

#[test]
fn wrong_designs_are_found_in_their_smallest_scopes() {
    for (design, scope, name) in BITES {
        let races = races_for(scope, name);
        assert!(!races.is_empty(), "{design}: there is no race `{name}`");
        let finds = |race: &Race| {
            let hunted = to_the_end(race, design, Stop::AtFirst, Merges::Most);
            !hunted.failures.is_empty() || hunted.overwaited.is_some()
        };
        assert!(races.iter().any(|scoped| finds(&scoped.race)), "{design} is not found in {scope}");
    }
}

#[test]
fn what_the_protocol_cannot_follow_is_named() {
    let mut counts: BTreeMap<Beyond, usize> = BTreeMap::new();
    for scoped in scoped(Scope::Tiny, Dialect::Bits) {
        ground(&scoped.race).err().into_iter().for_each(|beyond| *counts.entry(beyond).or_default() += 1);
    }
    let expected =
        [(Beyond::Files, 1), (Beyond::Suspend, 5), (Beyond::Modifications, 11), (Beyond::BeginsAnew, 1)];
    assert_eq!(counts, BTreeMap::from(expected));
    // In BITS, the first report of a transfer that ends in the race is that end, and calls come before it.
    for dialect in Dialect::ALL.iter() {
        let ends = |scoped: &Scoped| scoped.situation == Situation::TransferEnds;
        let all = scoped(Scope::Small, *dialect);
        let followed = all.iter().filter(|scoped| ends(scoped) && ground(&scoped.race).is_ok()).count();
        assert_eq!(followed > 0, *dialect == Dialect::Do, "{dialect}: {followed}");
    }
}

/// Larger races, three of them of two jobs, one of which cancels the other: each interleaving is a run of the protocol.
#[test]
fn the_protocol_follows_larger_races_and_two_jobs() {
    let is_followed = |scoped: &Scoped| ground(&scoped.race).is_ok();
    let two_jobs = |scoped: &&Scoped| ground(&scoped.race).is_ok_and(is_of_two);
    for dialect in Dialect::ALL.iter() {
        let races: Vec<Scoped> = scoped(Scope::Default, *dialect).into_iter().filter(is_followed).collect();
        assert_eq!((races.len(), races.iter().filter(two_jobs).count()), (11, 3), "{dialect}");
        let held = |race: &Race, design, merges| {
            let options = options(race, design, Stop::Never, merges);
            hunt(&HuntOptions { refine: Refine::Yes, ..options })
        };
        for Scoped { name, race, .. } in &races {
            let hunted = held(race, Design::Barrier, Merges::Most);
            assert_eq!(hunted.exhausted, Exhausted::Yes, "{name} ({dialect})");
            assert!(hunted.lost.is_none(), "{name} ({dialect}): {}", hunted.lost.unwrap().lost);
            let steps = hunted.refined.expect("it was held to the protocol");
            assert!(steps.taken.contains(&"effect"), "{name} ({dialect}): {steps:?}");
        }
        let wrong = |race| held(race, Design::ClaimThenCall, Merges::OfOneTask);
        let strays = races.iter().filter(two_jobs).any(|scoped| wrong(&scoped.race).lost.is_some());
        assert!(strays, "no race shows a Cancel that does not wait ({dialect})");
    }
}

fn is_of_two(ground: Ground) -> bool {
    ground.jobs == Jobs::Two
}

#[test]
fn a_wrong_design_does_what_the_protocol_cannot() {
    let cancel = scoped(Scope::Tiny, Dialect::Bits).swap_remove(0).race;
    assert!(ground(&cancel).is_ok());
    let hunted = hunt(&HuntOptions {
        refine: Refine::Yes,
        ..options(&cancel, Design::ClaimThenCall, Stop::Never, Merges::OfOneTask)
    });
    let strayed = hunted.lost.expect("a Cancel that does not wait is no step of the protocol");
    let words = strayed.lost.to_string();
    assert!(words.starts_with("Cancel returns") && words.contains("the protocol may be at"), "{words}");
}

#[test]
fn the_first_failure_has_the_fewest_forced_switches_and_they_are_marked() {
    let cancel = scoped(Scope::Tiny, Dialect::Bits).swap_remove(0);
    assert_eq!(cancel.situation, Situation::Delivery);
    let hunted = hunt(&HuntOptions {
        ..options(&cancel.race, Design::ClaimThenCall, Stop::AtFirst, Merges::OfOneTask)
    });
    let failure = hunted.failures.first().expect("a service that does not wait breaks R1");
    assert!(failure.violated.contains(Rule::R1), "{}", failure.violated);
    // One switch is enough: the dispatcher is stopped between begin and enter.
    assert_eq!(hunted.explored.and_then(|explored| explored.bound), Some(0), "{:?}", hunted.explored);
    let sites: Vec<String> =
        failure.trace().lines.iter().filter(|line| is_forced_switch(line)).map(site).collect();
    assert_eq!(sites.len(), 1, "{sites:?}");
    assert!(sites[0].ends_with("dispatcher at begun is stopped"), "{sites:?}");
}

fn site(line: &judge::Line) -> String {
    match &line.what {
        judge::trace::Kind::Choose(choose) => choose.site.clone(),
        _ => String::new(),
    }
}

#[test]
fn a_race_that_has_no_end_is_a_named_limit() {
    let mut race = scoped(Scope::Tiny, Dialect::Bits).swap_remove(9).race;
    // A client that fails for ever is called again for ever.
    (race.objects[0].leaves, race.objects[0].times) = (Leaves::Fail, u32::MAX);
    race.jobs[0].fetches = vec![properties::race::Fetched::Fatal];
    let hunted = to_the_end(&race, Design::Barrier, Stop::Never, Merges::Most);
    assert_eq!(hunted.exhausted, Exhausted::No);
    assert!(hunted.cut > 0 && hunted.failures.is_empty() && hunted.hung.is_none());
}

/// With what tasks have read left out, two clients that only read come back to where they were: such a circle has to be found.
#[test]
fn a_race_that_goes_round_in_a_circle_has_no_end() {
    let circle = |race: &Race, forgets| {
        let mut session = Session::new(complete(Merges::Most, forgets));
        let more = run_all(race, &mut session, 4_000, |_| ());
        session.explored().filter(|_| more == More::No).and_then(|explored| explored.circle)
    };
    let mut races = scoped(Scope::Small, Dialect::Bits);
    races.retain(|scoped| scoped.name.starts_with("GetProgress | GetProgress | "));
    let has_one = |scoped: &Scoped| circle(&scoped.race, Forgets::Reads).is_some_and(|choices| choices > 0);
    assert!(races.iter().any(has_one), "no circle is found");
    assert_eq!(circle(&races[0].race, Forgets::Nothing), None);
}

#[test]
fn clients_that_block_for_ever_or_panic_are_races_with_an_end() {
    let mut panics = scoped(Scope::Tiny, Dialect::Bits).swap_remove(0).race;
    (panics.objects[0].leaves, panics.objects[0].times) = (Leaves::Panic, 1);
    let mut blocks = scoped(Scope::Tiny, Dialect::Bits).swap_remove(0).race;
    // The callback waits for the lock under which its client waits for the callback.
    blocks.branches[0].lock = Lock::Held;
    (blocks.objects[0].takes, blocks.objects[0].times) = (Some(1), 1);
    for race in [panics, blocks] {
        let hunted = to_the_end(&race, Design::Barrier, Stop::Never, Merges::Most);
        assert_eq!((hunted.exhausted, hunted.cut), (Exhausted::Yes, 0), "{race}");
        assert!(hunted.hung.is_none(), "{race}");
    }
}

#[test]
fn schedules_that_differ_in_independent_steps_only_are_one() {
    let cancel = scoped(Scope::Tiny, Dialect::Bits).swap_remove(0).race;
    let patience = HuntOptions::new(Duration::from_secs(60), &|_| ());
    let random = hunt(&HuntOptions { races: Races::Given(&cancel), runs: Some(4_000), ..patience });
    assert_eq!(random.schedules, 4_000);
    assert!((10..3_900).contains(&random.distinct), "{} of 4,000 are distinct", random.distinct);
}
