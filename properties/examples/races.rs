//! Writes the seed corpus of the fuzz target `schedule`. Run it when the encoding of races changes:
//! `cargo run -p properties --release --example races`.

use std::path::Path;

use properties::race;

/// Choices of each seed's schedule.
const CHOICES: usize = 48;

fn main() -> std::io::Result<()> {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
    for folder in ["corpus/schedule", "regressions/schedule"] {
        std::fs::create_dir_all(fuzz.join(folder))?;
    }
    for seed in 0..64_u64 {
        // The schedule of a seed is what is left behind its race: chance, too.
        let mut input = race::bytes_of(seed).to_vec();
        input.extend(race::bytes_of(seed + 1000).into_iter().cycle().take(CHOICES));
        std::fs::write(fuzz.join(format!("corpus/schedule/seed-{seed:02}")), input)?;
    }
    Ok(())
}
