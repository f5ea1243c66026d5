//! What a generated suite covers, proved by a run on the engine's core.

use std::path::Path;

use model::suite::Cover;
use properties::suite::{Conformed, Manifest, Suite};
use reports::ExitCode;
use serde_json::{Value, json};

use super::page::summary_of_cover;
use crate::output::{Output, Paint, counted};

/// A suite that its own core does not pass, or that does not reach what it promises, is the generator's fault.
pub(crate) fn code(proof: &Conformed) -> ExitCode {
    let whole = proof.missing.is_empty() && proof.passed() == proof.files.len();
    match (whole, proof.items) {
        (true, 1..) => ExitCode::Held,
        (true, 0) => ExitCode::Vacuous,
        (false, _) => ExitCode::Internal,
    }
}

pub(crate) fn page(out: &Path, suite: &Suite, proof: &Conformed, code: ExitCode, output: &Output) -> String {
    let manifest = &suite.manifest;
    let Manifest { cover, dialect, scope, pace, .. } = manifest;
    let pace = pace.strip_prefix("at ").unwrap_or(pace);
    let mut text = format!("{cover} cover of {dialect}, scope {scope}, clients call at {pace}\n");
    for slice in &manifest.slices {
        let (states, edges) = (counted(slice.states, "state"), counted(slice.edges, "edge"));
        text += &format!("  {:<18}{states}, {edges} explored\n", slice.name);
    }
    let longest = manifest.files.iter().map(|file| file.steps).max().unwrap_or(0);
    text += &format!(
        "  {}, {}, the longest has {longest}\n",
        counted(manifest.files.len() as u64, "file"),
        counted(proof.steps, "step")
    );
    // A cover that is not known has failed before.
    let cover = manifest.cover().unwrap_or(Cover::Transition);
    text += &format!("\nproof: {}\n", summary_of_cover(proof, cover));
    let paint = if code == ExitCode::Held { Paint::Good } else { Paint::Bad };
    text + &format!("{}\n", output.paint(paint, &format!("written to {}", out.display())))
}

pub(crate) fn document(out: &Path, suite: &Suite, proof: &Conformed, code: ExitCode) -> Value {
    let manifest = &suite.manifest;
    json!({
        "version": 1,
        "cover": manifest.cover,
        "dialect": manifest.dialect,
        "scope": manifest.scope,
        "pace": manifest.pace.strip_prefix("at ").unwrap_or(&manifest.pace),
        "directory": out,
        "slices": manifest.slices,
        "files": manifest.files.len(),
        "steps": proof.steps,
        "covered": proof.covered(),
        "of": proof.items,
        "missing": proof.missing,
        "exit_code": code.code(),
    })
}
