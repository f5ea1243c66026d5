//! A model of one's own: two lights at a crossing, of which one forgets to look at the other.

use explorer::{Explorer, Verdict};
use stateright::{Model, Property};

/// Whether each of the two lights is green.
type Lights = [bool; 2];

struct Crossing;

impl Model for Crossing {
    type State = Lights;
    type Action = usize;

    fn init_states(&self) -> Vec<Lights> {
        vec![[false, false]]
    }

    fn actions(&self, lights: &Lights, actions: &mut Vec<usize>) {
        // Light 0 waits until the other is red; light 1 does not.
        actions.extend((0..2).filter(|light| lights[*light] || *light == 1 || !lights[1]));
    }

    fn next_state(&self, lights: &Lights, light: usize) -> Option<Lights> {
        let mut next = *lights;
        next[light] = !next[light];
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Crossing>> {
        vec![Property::always("one green", |_, lights: &Lights| *lights != [true, true])]
    }
}

fn main() -> Result<(), explorer::Error> {
    let report = Explorer::<_, explorer::Hashed<u64>>::hashed(Crossing).explore()?;
    println!("{} states, {} edges", report.states, report.edges);
    if let Some(Verdict::Violated(Some(path))) = report.verdict("one green") {
        println!("two lights are green after the switches {:?}", path.actions().collect::<Vec<_>>());
    }
    Ok(())
}
