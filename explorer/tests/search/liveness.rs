//! Liveness against brute force on small random graphs, and on the traps that other checkers are known to fall into.

use explorer::liveness::{Fair, Goal, Lasso, check};
use explorer::reference::two_phase::{Action, Manager, TwoPhase};
use explorer::{Classes, Edge, Explorer, Graph, Labels};

/// The label after which the other must come.
const P: usize = 0;
/// The label that must come.
const Q: usize = 1;
const GOALS: [Goal; 2] = [Goal::Eventually(Q), Goal::LeadsTo { after: P, comes: Q }];

/// A graph of nodes given by labels and edges (to, class); node 0 is the first state.
fn graph(nodes: &[(u64, &[(u32, u16)])]) -> Graph<u32> {
    let nodes = nodes.iter().enumerate().map(|(index, (labels, edges))| {
        let edges = edges.iter().map(|(to, class)| Edge { to: *to, class: *class }).collect();
        (index as u32, u32::from(index > 0), *labels, edges)
    });
    Graph::new(nodes.collect())
}

const NEITHER: u64 = 0;
const GOOD: u64 = 1 << Q;
const ASKS: u64 = 1 << P;
const EVENTUALLY: Goal = Goal::Eventually(Q);

#[test]
fn a_violation_on_a_cycle_is_seen() {
    let cycle = graph(&[(NEITHER, &[(1, 0)]), (NEITHER, &[(0, 1), (2, 2)]), (GOOD, &[])]);
    let lasso = check(&cycle, EVENTUALLY, Fair::classes(&[0, 1])).expect("a lasso");
    assert_eq!(lasso.cycle.len(), 2);
    // The way out is enabled now and then only, so weak fairness of it does not force it.
    assert!(check(&cycle, EVENTUALLY, Fair::classes(&[0, 1, 2])).is_some());
}

#[test]
fn a_violation_behind_a_join_of_two_paths_is_seen() {
    // Both ways lead to node 3, one of them past a good state; a checker that visits 3 but once forgets the other way.
    let join =
        graph(&[(NEITHER, &[(1, 0), (2, 0)]), (GOOD, &[(3, 0)]), (NEITHER, &[(3, 0)]), (NEITHER, &[])]);
    let lasso = check(&join, EVENTUALLY, Fair::classes(&[0])).expect("a lasso");
    assert_eq!(lasso.stem.iter().map(|edge| edge.to).collect::<Vec<_>>(), [2, 3]);
    assert!(lasso.cycle.is_empty());
}

#[test]
fn staying_is_a_run_unless_something_fair_is_enabled() {
    let step = graph(&[(NEITHER, &[(1, 0)]), (GOOD, &[])]);
    assert!(check(&step, EVENTUALLY, Fair::NONE).is_some());
    assert!(check(&step, EVENTUALLY, Fair::classes(&[1])).is_some());
    assert_eq!(check(&step, EVENTUALLY, Fair::classes(&[0])), None);
    let end = graph(&[(NEITHER, &[])]);
    assert!(check(&end, EVENTUALLY, Fair::classes(&[0])).is_some());
}

#[test]
fn a_fair_action_that_is_disabled_somewhere_on_the_cycle_is_not_forced() {
    // Class 1 leads out of both nodes of the first cycle, and out of one node of the second.
    let always = graph(&[(NEITHER, &[(1, 0), (2, 1)]), (NEITHER, &[(0, 0), (2, 1)]), (GOOD, &[])]);
    let sometimes = graph(&[(NEITHER, &[(1, 0), (2, 1)]), (NEITHER, &[(0, 0)]), (GOOD, &[])]);
    let fair = Fair::classes(&[0, 1]);
    assert_eq!(check(&always, EVENTUALLY, fair), None);
    assert_eq!(check(&sometimes, EVENTUALLY, fair).expect("a lasso").cycle.len(), 2);
}

#[test]
fn a_good_state_before_the_question_does_not_answer_it() {
    let before = graph(&[(GOOD, &[(1, 0)]), (ASKS, &[(2, 0)]), (NEITHER, &[])]);
    let goal = Goal::LeadsTo { after: P, comes: Q };
    assert!(check(&before, goal, Fair::classes(&[0])).is_some());
    let answered = graph(&[(ASKS, &[(1, 0)]), (GOOD, &[(2, 0)]), (NEITHER, &[(2, 0)])]);
    assert_eq!(check(&answered, goal, Fair::classes(&[0])), None);
    let at_once = graph(&[(ASKS | GOOD, &[(1, 0)]), (NEITHER, &[])]);
    assert_eq!(check(&at_once, goal, Fair::classes(&[0])), None);
}

#[test]
fn many_fair_classes_make_a_long_cycle_and_no_large_search() {
    let classes: Vec<u16> = (0..40).collect();
    let edges =
        |node: u32| classes.iter().map(|class| ((node + u32::from(*class)) % 5, *class)).collect::<Vec<_>>();
    let all: Vec<_> = (0..5).map(edges).collect();
    let nodes: Vec<(u64, &[(u32, u16)])> = all.iter().map(|edges| (NEITHER, &edges[..])).collect();
    let complete = graph(&nodes);
    let lasso = check(&complete, EVENTUALLY, Fair::classes(&classes)).expect("a lasso");
    assert_breaks(&complete, EVENTUALLY, &classes, &lasso);
    assert!(lasso.cycle.len() >= 40);
}

#[test]
fn brute_force_agrees_on_random_graphs() {
    let (mut violated, mut held) = (0, 0);
    let mut random = Random(1);
    for _ in 0..20_000 {
        let graph = random_graph(&mut random);
        let fair_classes: Vec<u16> = (0..3).filter(|_| random.below(2) == 0).collect();
        let fair = Fair::classes(&fair_classes);
        for goal in GOALS {
            let expected = brute_force(&graph, goal, &fair_classes);
            match check(&graph, goal, fair) {
                Some(lasso) => {
                    assert!(expected, "{graph:?} {goal:?} {fair:?}");
                    assert_breaks(&graph, goal, &fair_classes, &lasso);
                    violated += 1;
                }
                None => {
                    assert!(!expected, "{graph:?} {goal:?} {fair:?}");
                    held += 1;
                }
            }
        }
    }
    assert!(violated > 5_000 && held > 5_000, "{violated} violated, {held} held");
}

#[test]
fn two_phase_commit_decides_if_its_managers_are_fair() {
    for workers in [1, 2] {
        let decided = |model: &TwoPhase, state: &<TwoPhase as stateright::Model>::State| {
            (0..model.managers).all(|id| matches!(state.manager(id), Manager::Committed | Manager::Aborted))
        };
        let class = |action: &Action| match action {
            Action::Abort | Action::Commit => 0,
            Action::HearAbort(id) | Action::HearCommit(id) => 1 + usize::from(*id),
            _ => 4,
        };
        let names = vec!["decide", "hear 0", "hear 1", "hear 2", "other"];
        let explorer = Explorer::exact(TwoPhase::new(3)).workers(workers);
        let explorer =
            explorer.classes(Classes { names: names.into_iter().map(str::to_owned).collect(), of: class });
        let report = explorer.record(Labels { questions: vec![decided] }).explore().expect("an exploration");
        assert_eq!(report.fired.iter().map(|fired| fired.edges).sum::<u64>(), report.edges);
        let graph = report.graph.expect("a graph");
        assert_eq!((graph.len() as u64, graph.edge_count() as u64), (report.states, report.edges));
        let goal = Goal::Eventually(0);
        assert_eq!(check(&graph, goal, Fair::classes(&[0, 1, 2, 3])), None);
        // Without one manager's fairness, it never receives the decision, and the run stays where all others have.
        assert!(check(&graph, goal, Fair::classes(&[0, 1, 2])).is_some());
        assert!(check(&graph, goal, Fair::classes(&[1, 2, 3])).is_some());
    }
}

/// By definition: is there a set of states, each reachable from each other inside it, that a fair run can stay in while it waits?
fn brute_force(graph: &Graph<u32>, goal: Goal, fair: &[u16]) -> bool {
    let count = graph.len() as u32;
    let waiting = waiting(graph, goal);
    (1u32..1 << count).any(|set| {
        let inside = |node: u32| set >> node & 1 == 1;
        let members: Vec<u32> = (0..count).filter(|node| inside(*node)).collect();
        let edges = |node: &u32| {
            graph.edges(*node).iter().filter(|edge| inside(edge.to)).copied().collect::<Vec<_>>()
        };
        let linked = members.len() == 1
            || members.iter().all(|from| reachable(graph, &[*from], inside).len() == members.len());
        let is_good = members.iter().any(|node| graph.has(*node, Q));
        let met = |class: &u16| {
            let disabled = |node: &u32| graph.edges(*node).iter().all(|edge| edge.class != *class);
            members.iter().any(disabled) || members.iter().flat_map(edges).any(|edge| edge.class == *class)
        };
        linked && !is_good && members.iter().all(|node| waiting.contains(node)) && fair.iter().all(met)
    })
}

/// The nodes where a run may be that waits.
fn waiting(graph: &Graph<u32>, goal: Goal) -> Vec<u32> {
    let missing = |node: u32| !graph.has(node, Q);
    let asking: Vec<u32> = match goal {
        Goal::Eventually(_) => graph.first().filter(|node| missing(*node)).collect(),
        Goal::LeadsTo { .. } => {
            let first: Vec<u32> = graph.first().collect();
            let all = reachable(graph, &first, |_| true);
            all.into_iter().filter(|node| graph.has(*node, P) && missing(*node)).collect()
        }
    };
    reachable(graph, &asking, missing)
}

fn reachable(graph: &Graph<u32>, from: &[u32], inside: impl Fn(u32) -> bool) -> Vec<u32> {
    let mut found = from.to_vec();
    let mut index = 0;
    while let Some(node) = found.get(index).copied() {
        for edge in graph.edges(node) {
            if inside(edge.to) && !found.contains(&edge.to) {
                found.push(edge.to);
            }
        }
        index += 1;
    }
    found
}

/// The lasso is a run, it is fair, and it waits for ever.
fn assert_breaks(graph: &Graph<u32>, goal: Goal, fair: &[u16], lasso: &Lasso) {
    assert_eq!(graph.level(lasso.first), 0);
    let mut nodes = vec![lasso.first];
    for edge in lasso.stem.iter().chain(&lasso.cycle) {
        let from = nodes[nodes.len() - 1];
        assert!(graph.edges(from).contains(edge), "no such edge: {edge:?}");
        nodes.push(edge.to);
    }
    assert_eq!(nodes[nodes.len() - 1], lasso.knot(), "the cycle is closed");
    let round = &nodes[lasso.stem.len()..];
    for class in fair {
        let disabled = round.iter().any(|node| graph.edges(*node).iter().all(|edge| edge.class != *class));
        assert!(
            disabled || lasso.cycle.iter().any(|edge| edge.class == *class),
            "{class} is withheld: {lasso:?}"
        );
    }
    let good = nodes.iter().rposition(|node| graph.has(*node, Q));
    let since = good.map_or(0, |last| last + 1);
    match goal {
        Goal::Eventually(_) => assert_eq!(good, None),
        Goal::LeadsTo { .. } => {
            assert!(since <= lasso.stem.len(), "the cycle has a good state");
            assert!(nodes[since..].iter().any(|node| graph.has(*node, P)), "nothing asked");
        }
    }
}

fn random_graph(random: &mut Random) -> Graph<u32> {
    let count = 1 + random.below(6);
    let nodes: Vec<(u64, Vec<(u32, u16)>)> = (0..count)
        .map(|_| {
            let labels = (u64::from(random.below(2) == 0) * ASKS) | (u64::from(random.below(4) == 0) * GOOD);
            let edges = (0..random.below(4)).map(|_| (random.below(count), random.below(3) as u16));
            (labels, edges.collect())
        })
        .collect();
    let borrowed: Vec<(u64, &[(u32, u16)])> =
        nodes.iter().map(|(labels, edges)| (*labels, &edges[..])).collect();
    graph(&borrowed)
}

/// A small generator of numbers that are equal in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u32) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % u64::from(bound)) as u32
    }
}
