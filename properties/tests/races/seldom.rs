//! What races have beside calls of owners is in the races of seeds, and every race reads back from its lines.

use contract::{Call, Interfaces};
use properties::race::{
    self, Act, Calling, Destination, Exit, Fetched, Kept, Leaves, Outside, Race, Wakes, race_of,
};

/// Races among which each of these things has to be.
const SEEDS: u64 = 2_000;

fn calls(race: &Race) -> impl Iterator<Item = &Calling> {
    let prefix = race.prefix.iter().filter_map(|act| match act {
        Act::Call(step) => Some(step),
        Act::Settle | Act::Pass => None,
    });
    prefix.chain(race.branches.iter().flat_map(|branch| &branch.calls))
}

fn registers(race: &Race, interfaces: Interfaces) -> bool {
    calls(race).any(|step| {
        let Call::SetNotifyInterface { receiver: Some(receiver) } = &step.call else { return false };
        receiver.interfaces == interfaces
    })
}

type Has = fn(&Race) -> bool;

const THERE: [(&str, Has); 17] = [
    ("five branches", |race| race.branches.len() == race::BRANCHES),
    ("calls by other users", |race| calls(race).any(|step| step.by.is_some())),
    ("network loss", |race| race.outside.contains(&Outside::NetworkLost)),
    ("a network that is back without having gone", |race| race.outside == [Outside::NetworkBack]),
    ("logoff", |race| race.outside.iter().any(|outside| matches!(outside, Outside::Logoff(_)))),
    ("programs that cannot be started", |race| race.exits.contains(&Exit::NotStarted)),
    ("objects with one interface", |race| registers(race, Interfaces::CALLBACK)),
    ("objects with all interfaces", |race| registers(race, Interfaces::all())),
    ("refused objects", |race| {
        registers(race, Interfaces::CALLBACK2) || registers(race, Interfaces::empty())
    }),
    ("objects that the service alone keeps", |race| race.objects[0].kept == Kept::Briefly),
    ("destructors that call", |race| !race.objects[0].drops.is_empty()),
    ("callbacks that panic", |race| race.objects[0].leaves == Leaves::Panic),
    ("foreign files", |race| race.jobs[0].destination == Destination::Foreign),
    ("transfers that panic", |race| race.jobs[0].fetches.contains(&Fetched::Panic)),
    ("the last waiter wakes", |race| race.wakes == Wakes::Last),
    ("any waiter wakes", |race| race.wakes == Wakes::Any),
    ("wake-ups without cause", |race| race.spurious > 0),
];

#[test]
fn every_seldom_thing_is_in_some_race() {
    for (what, has) in THERE {
        assert!((0..SEEDS).any(|seed| has(&race_of(seed))), "no race of a seed has {what}");
    }
}

#[test]
fn every_race_reads_back_from_its_lines() {
    for race in (0..SEEDS).map(race_of) {
        let lines = race.print();
        assert_eq!(Race::parse(lines.iter().map(String::as_str)).as_ref(), Ok(&race));
    }
}
