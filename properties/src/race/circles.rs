//! Schedules without an end: circles among the moments of a race.
//!
//! **What it is.** A moment that is known is merged, so a schedule that goes round in a circle ends where the circle closes. [`Circles`] keeps
//! who leads from each moment to which. Once every schedule was run, [`Circles::shortest`] finds a circle that a fair schedule goes round for ever.
//! Without one, every fair schedule of the race has an end, and what the rules demand of an end (contract, R19 and L3) is demanded of each.
//!
//! **What is fair.** A schedule in which no task that could always go on is held back for ever. Time is such a task, too, while the service
//! waits for it. So a thread that looks again and again until another one has moved makes no circle; two that wait for each other do.
//!
//! **What it is not.** For circles without a choice: a run goes round these until it is cut (`complete.rs`).

use explorer::graph::{Edge, Graph};
use explorer::liveness::{Fair, Goal, check};

use super::nodes::{Begins, NodeId};

/// See the module's documentation.
#[derive(Default)]
pub(super) struct Circles {
    all: Vec<Arrival>,
}

/// A schedule comes from one moment with a choice to the next one.
#[derive(Clone, Copy)]
struct Arrival {
    from: u32,
    to: u32,
    way: u8,
    between: Between,
}

/// What lies between two moments with a choice.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Between {
    /// One leg.
    OneLeg,
    /// Moments at which one task alone could go on: no other task is held back there.
    OneTask,
}

/// Beyond every task: one that goes on alone. It is fair like all others, so that no schedule ends between two moments.
const ALONE: u16 = u64::BITS as u16 - 1;

/// The label of the end.
const ENDED: usize = 0;

impl Circles {
    /// A schedule that begins so comes to this moment.
    pub(super) fn arrive(&mut self, before: Begins, between: Between, to: NodeId) {
        if let Some((from, way)) = before.after() {
            self.all.push(Arrival { from: from.number(), to: to.number(), way, between });
        }
    }

    /// From which moment, by which way, to which.
    pub(super) fn arrivals(&self) -> impl Iterator<Item = (NodeId, u8, NodeId)> {
        self.all.iter().map(|arrival| (NodeId::of(arrival.from), arrival.way, NodeId::of(arrival.to)))
    }

    /// How many choices a short circle has that a fair schedule goes round for ever; `tasks` gives those who may go
    /// on at a moment, way by way. None where every fair schedule has an end.
    pub(super) fn shortest(&mut self, moments: usize, tasks: impl Fn(NodeId) -> Vec<usize>) -> Option<usize> {
        self.all.sort_unstable_by_key(|arrival| arrival.from);
        let sorted = Sorted::new(&self.all, moments);
        let left = sorted.not_before_circles();
        if left.is_empty() {
            return None;
        }
        let lasso = check(&sorted.graph(&left, tasks), Goal::Eventually(ENDED), all_tasks())?;
        Some(lasso.cycle.iter().filter(|edge| (edge.to as usize) < left.len()).count())
    }
}

/// All arrivals, in the order of the moments from which they come.
struct Sorted<'a> {
    all: &'a [Arrival],
    /// By moment, where its arrivals begin; then the end of all.
    begins: Vec<usize>,
}

impl<'a> Sorted<'a> {
    fn new(all: &'a [Arrival], moments: usize) -> Sorted<'a> {
        let mut begins = vec![0; moments + 1];
        all.iter().for_each(|arrival| begins[arrival.from as usize + 1] += 1);
        let mut sum = 0;
        for begin in &mut begins {
            sum += *begin;
            *begin = sum;
        }
        Sorted { all, begins }
    }

    fn from(&self, moment: u32) -> &'a [Arrival] {
        let moment = moment as usize;
        &self.all[self.begins[moment]..self.begins[moment + 1]]
    }

    /// The moments that are on a circle or behind one: what is left when those that nothing leads to are taken away, again and again.
    fn not_before_circles(&self) -> Vec<u32> {
        let moments = self.begins.len() - 1;
        let mut leading = vec![0_u32; moments];
        self.all.iter().for_each(|arrival| leading[arrival.to as usize] += 1);
        let all = 0..moments as u32;
        let mut away: Vec<u32> = all.clone().filter(|moment| leading[*moment as usize] == 0).collect();
        while let Some(moment) = away.pop() {
            for arrival in self.from(moment) {
                let leading = &mut leading[arrival.to as usize];
                *leading -= 1;
                if *leading == 0 {
                    away.push(arrival.to);
                }
            }
        }
        all.filter(|moment| leading[*moment as usize] > 0).collect()
    }

    /// The moments that are left, then the end, then a node for each arrival between whose moments one task alone goes on. A way that comes
    /// to no moment comes to the end.
    fn graph(&self, left: &[u32], tasks: impl Fn(NodeId) -> Vec<usize>) -> Graph<u32> {
        let place = |moment: u32| left.partition_point(|other| *other < moment) as u32;
        let end = left.len() as u32;
        let mut nodes: Vec<(u64, Vec<Edge>)> = Vec::new();
        let mut between: Vec<(u64, Vec<Edge>)> = Vec::new();
        for moment in left {
            let (mut edges, arrivals) = (Vec::new(), self.from(*moment));
            for (task, way) in tasks(NodeId::of(*moment)).into_iter().zip(0_u8..) {
                let class = task as u16;
                let mut ends = true;
                for arrival in arrivals.iter().filter(|arrival| arrival.way == way) {
                    ends = false;
                    let to = place(arrival.to);
                    edges.push(match arrival.between {
                        Between::OneLeg => Edge { to, class },
                        Between::OneTask => {
                            between.push((0, vec![Edge { to, class: ALONE }]));
                            Edge { to: end + between.len() as u32, class }
                        }
                    });
                }
                if ends {
                    edges.push(Edge { to: end, class });
                }
            }
            nodes.push((0, edges));
        }
        nodes.push((1 << ENDED, Vec::new()));
        nodes.append(&mut between);
        let numbered = (0_u32..).zip(nodes);
        Graph::new(numbered.map(|(number, (labels, edges))| (number, 0, labels, edges)).collect())
    }
}

fn all_tasks() -> Fair {
    Fair::classes(&(0..=ALONE).collect::<Vec<u16>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Circles of arrivals (from, way, to), and the tasks of each moment.
    fn shortest(arrivals: &[(u32, u8, u32)], tasks: &[&[usize]], between: Between) -> Option<usize> {
        let mut circles = Circles::default();
        for (from, way, to) in arrivals {
            circles.arrive(Begins::at(NodeId::of(*from), *way), between, NodeId::of(*to));
        }
        circles.shortest(tasks.len(), |moment| tasks[moment.number() as usize].to_vec())
    }

    #[test]
    fn two_tasks_that_go_round_without_a_way_out_have_no_end() {
        // From 0 either task leads to 1 or 2, and there each lets the other one go back.
        let arrivals = [(0, 0, 1), (0, 1, 2), (1, 0, 0), (1, 1, 1), (2, 0, 2), (2, 1, 0)];
        assert_eq!(shortest(&arrivals, &[&[1, 2], &[1, 2], &[1, 2]], Between::OneLeg), Some(3));
    }

    #[test]
    fn a_task_that_looks_again_until_another_one_has_moved_makes_no_circle() {
        // Task 1 looks again and again; task 2 could always go on, and then both come to the end.
        assert_eq!(shortest(&[(0, 0, 0), (0, 1, 1)], &[&[1, 2], &[1, 2]], Between::OneLeg), None);
        // If task 1 is alone there for a moment, task 2 could not always go on, and the schedule is fair.
        assert_eq!(shortest(&[(0, 0, 0), (0, 1, 1)], &[&[1, 2], &[1, 2]], Between::OneTask), Some(1));
    }

    #[test]
    fn a_way_out_need_not_be_taken() {
        // From 1 the second task comes to the end. But both tasks move on the way round by 0 as well.
        let arrivals = [(0, 0, 1), (0, 1, 1), (1, 0, 0)];
        assert_eq!(shortest(&arrivals, &[&[1, 2], &[1, 2]], Between::OneLeg), Some(2));
    }

    #[test]
    fn a_task_alone_behind_a_circle_that_is_left_is_no_circle() {
        let mut circles = Circles::default();
        let mut arrive = |from, way, to, between| {
            circles.arrive(Begins::at(NodeId::of(from), way), between, NodeId::of(to));
        };
        arrive(0, 0, 0, Between::OneLeg);
        arrive(0, 1, 1, Between::OneTask);
        assert_eq!(circles.shortest(2, |_| vec![1, 2]), None);
    }

    #[test]
    fn what_ends_has_no_circle() {
        assert_eq!(
            shortest(&[(0, 0, 1), (0, 1, 2), (1, 0, 2)], &[&[1, 2], &[1, 2], &[1, 2]], Between::OneLeg),
            None
        );
    }
}
