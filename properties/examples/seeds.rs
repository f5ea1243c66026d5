//! Writes the seed corpus of the fuzz targets and the set that speed is measured with. Run it when the encoding of programs
//! changes: `cargo run -p properties --release --example seeds`.

use std::path::Path;

use contract::Core as _;
use engine::core::Core;
use properties::program::Program;
use properties::{run, sample};

/// Stimuli that do something, on average, in the set that speed is measured with.
const MEAN_STEPS: usize = 16;

fn main() -> std::io::Result<()> {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
    for folder in ["corpus/lockstep", "corpus/trace", "sixteen", "regressions/lockstep", "regressions/trace"]
    {
        std::fs::create_dir_all(fuzz.join(folder))?;
    }
    for seed in 0..64_u64 {
        std::fs::write(fuzz.join(format!("corpus/lockstep/seed-{seed:02}")), sample::bytes(seed))?;
    }
    for seed in 0..6 {
        let trace = run::trace(&sample::program(seed), Core::new, "seed", Some(seed));
        std::fs::write(fuzz.join(format!("corpus/trace/seed-{seed}")), trace.print())?;
    }
    let mut steps = 0;
    for number in 0..128 {
        // Cut each program where the set's mean stays at sixteen.
        let bytes = sample::bytes(1000 + number as u64);
        let wanted = MEAN_STEPS * (number + 1) - steps;
        let executed = |length: usize| run::run(&Program::from_bytes(&bytes[..length]), Core::new).steps;
        let length = (1..=bytes.len()).find(|length| executed(*length) >= wanted).unwrap_or(bytes.len());
        steps += executed(length);
        std::fs::write(fuzz.join(format!("sixteen/program-{number:03}")), &bytes[..length])?;
    }
    println!("128 programs of {:.2} steps on average", steps as f64 / 128.0);
    Ok(())
}
