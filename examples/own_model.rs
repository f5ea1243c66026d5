//! Explore a model of your own: two lights at a crossing, of which one forgets to look at the other.
//!
//!     cargo run --example own_model
//!
//! The crate `explorer` takes any stateright model, and knows nothing of jobs.

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
    print!("{}", explored()?);
    Ok(())
}

/// How many states there are, and the shortest way to the one that must not be.
pub(crate) fn explored() -> Result<String, explorer::Error> {
    let report = Explorer::<_, explorer::Hashed<u64>>::hashed(Crossing).explore()?;
    let mut text = format!("{} states, {} edges\n", report.states, report.edges);
    if let Some(Verdict::Violated(Some(path))) = report.verdict("one green") {
        let switches: Vec<usize> = path.actions().copied().collect();
        text += &format!("two lights are green after the switches {switches:?}\n");
    }
    Ok(text)
}
