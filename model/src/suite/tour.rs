//! Few and long walks through the graph that cover what is asked for.
//!
//! **What it is.** Greedy: a tour goes to the farthest item that is not covered yet by a shortest way, and then on to the nearest next
//! one, until none is near or the tour is long enough. In the end, tours are left out whose items others cover, too.
//!
//! **What it is not.** Minimal: the smallest set of walks from one node, in a graph with final states, is a problem of its own.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::graph::Graph;
use super::{Cover, Item, Options, Progress};

/// Steps of the graph, one after another.
pub(super) type Tour = Vec<u32>;

/// Nodes looked at in search of the nearest item.
const NEAR: usize = 400;

/// Tours for every item that `covered` does not have; from then on it has them.
pub(super) fn tours(graph: &Graph, options: &Options<'_>, covered: &mut BTreeSet<Item>) -> Vec<Tour> {
    let targets = targets(graph, options.cover);
    let all = targets.len();
    let new = |item: &Item| !covered.contains(item);
    let wanted: BTreeSet<Item> = targets.iter().map(|target| target.item).filter(new).collect();
    covered.extend(&wanted);
    let mut open = Open { graph, options, left: wanted.clone() };
    let mut tours = Vec::new();
    // Targets are in the order in which they were met, so the last ones are the farthest.
    for target in targets.iter().rev() {
        if open.left.contains(&target.item) {
            tours.push(open.tour(target));
            (options.progress)(Progress::Covering { left: open.left.len(), of: all });
        }
    }
    without_superfluous(graph, options.cover, &wanted, tours)
}

/// An item, and where it was met first: the steps that cover it in the end.
struct Target {
    item: Item,
    last: Vec<u32>,
}

/// Every item that can be covered, nearest first.
fn targets(graph: &Graph, cover: Cover) -> Vec<Target> {
    match cover {
        Cover::Pair => pairs(graph),
        _ => singles(graph, cover),
    }
}

fn singles(graph: &Graph, cover: Cover) -> Vec<Target> {
    let first = Item::State(graph.first_place());
    let mut met = BTreeSet::new();
    let mut targets = Vec::new();
    if matches!(cover, Cover::State | Cover::Sneak) && met.insert(first) {
        targets.push(Target { item: first, last: Vec::new() });
    }
    for number in graph.steps() {
        let step = graph.step(number);
        if let Some(item) = Item::of(cover, None, step.class, step.into)
            && met.insert(item)
        {
            targets.push(Target { item, last: vec![number] });
        }
    }
    targets
}

fn pairs(graph: &Graph) -> Vec<Target> {
    // A pair is a fact about an edge of the quotient and a node it leads to, and most edges lead to a node more than once.
    let mut seen = BTreeSet::new();
    let mut met = BTreeSet::new();
    let mut targets = Vec::new();
    for first in graph.steps() {
        let step = graph.step(first);
        if !seen.insert((step.class, step.to)) {
            continue;
        }
        for second in graph.out(step.to) {
            let item = Item::Pair(step.class, graph.step(second).class);
            if met.insert(item) {
                targets.push(Target { item, last: vec![first, second] });
            }
        }
    }
    targets
}

/// What is not covered yet.
struct Open<'a> {
    graph: &'a Graph,
    options: &'a Options<'a>,
    left: BTreeSet<Item>,
}

impl Open<'_> {
    fn tour(&mut self, target: &Target) -> Tour {
        let first = target.last.first().map(|step| self.graph.step(*step).from);
        let mut tour = first.map_or_else(Vec::new, |first| self.graph.way_to(first));
        tour.extend(&target.last);
        self.left.remove(&Item::State(self.graph.first_place()));
        let mut done = 0;
        loop {
            self.cover(&tour, done);
            done = tour.len();
            if done >= self.options.longest {
                return tour;
            }
            match self.nearest(&tour) {
                Some(way) => tour.extend(way),
                None => return tour,
            }
        }
    }

    /// Strikes out what the tour covers from step `done` on.
    fn cover(&mut self, tour: &Tour, done: usize) {
        items(self.graph, self.options.cover, tour).skip(done).flatten().for_each(|item| {
            self.left.remove(&item);
        });
    }

    /// The shortest way on from the end of the tour that covers something new, if there is one nearby.
    fn nearest(&self, tour: &Tour) -> Option<Tour> {
        let start = tour.last().map_or(0, |step| self.graph.step(*step).to);
        let mut found_by: BTreeMap<u32, Option<u32>> = BTreeMap::from([(start, None)]);
        let mut queue = VecDeque::from([start]);
        while let Some(node) = queue.pop_front() {
            let before = found_by.get(&node).copied().flatten().or_else(|| tour.last().copied());
            let last = before.map(|step| self.graph.step(step).class);
            for number in self.graph.out(node) {
                let step = self.graph.step(number);
                let item = Item::of(self.options.cover, last, step.class, step.into);
                if item.is_some_and(|item| self.left.contains(&item)) {
                    return Some(self.way(&found_by, node, number));
                }
                if found_by.len() < NEAR && !found_by.contains_key(&step.to) {
                    found_by.insert(step.to, Some(number));
                    queue.push_back(step.to);
                }
            }
        }
        None
    }

    fn way(&self, found_by: &BTreeMap<u32, Option<u32>>, node: u32, last: u32) -> Tour {
        let mut way = vec![last];
        let mut at = node;
        while let Some(step) = found_by.get(&at).copied().flatten() {
            way.push(step);
            at = self.graph.step(step).from;
        }
        way.reverse();
        way
    }
}

/// What each step of a tour covers.
fn items<'a>(graph: &'a Graph, cover: Cover, tour: &'a Tour) -> impl Iterator<Item = Option<Item>> {
    tour.iter().enumerate().map(move |(at, number)| {
        let last = at.checked_sub(1).map(|before| graph.step(tour[before]).class);
        let step = graph.step(*number);
        Item::of(cover, last, step.class, step.into)
    })
}

/// The tours that cover something alone. The shortest are looked at first, for they have the least to lose.
fn without_superfluous(graph: &Graph, cover: Cover, wanted: &BTreeSet<Item>, tours: Vec<Tour>) -> Vec<Tour> {
    let of = |tour: &Tour| {
        let items = items(graph, cover, tour).flatten();
        items.filter(|item| wanted.contains(item)).collect::<BTreeSet<Item>>()
    };
    let sets: Vec<BTreeSet<Item>> = tours.iter().map(of).collect();
    let mut counts: BTreeMap<Item, u32> = BTreeMap::new();
    for item in sets.iter().flatten() {
        *counts.entry(*item).or_default() += 1;
    }
    let mut order: Vec<usize> = (0..tours.len()).collect();
    order.sort_by_key(|tour| (tours[*tour].len(), *tour));
    let mut superfluous = BTreeSet::new();
    for tour in order {
        let needed = sets[tour].iter().any(|item| counts.get(item) == Some(&1));
        if !needed && superfluous.len() + 1 < tours.len() {
            superfluous.insert(tour);
            sets[tour].iter().for_each(|item| *counts.entry(*item).or_default() -= 1);
        }
    }
    let kept = tours.into_iter().enumerate().filter(|(number, _)| !superfluous.contains(number));
    kept.map(|(_, tour)| tour).collect()
}
