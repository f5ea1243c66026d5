//! What a check may use beside threads and memory: a directory to go on from, the disk, other processes.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use explorer::{Cluster, Memory};
use model::explore::Resources;
use model::keep::{About, Keep};

use crate::cli;
use crate::error::Error;
use crate::peers;
use crate::place::{Place, prepare, temporary};
use crate::run::{command_line, quoted};

/// How long the other processes are waited for.
const PATIENCE: Duration = Duration::from_secs(60);
/// The least memory that makes sense.
const LEAST: u64 = 1 << 20;

/// The options.
#[derive(clap::Args, Debug)]
#[command(next_help_heading = "Long explorations")]
pub(crate) struct LongArgs {
    /// Write checkpoints and finished results into this new directory.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["resume", "compare_designs"])]
    checkpoint: Option<PathBuf>,
    /// Go on from a directory of `--checkpoint`, with its models, scope and rules; threads and memory may differ.
    #[arg(long, value_name = "DIR", conflicts_with = "compare_designs")]
    resume: Option<PathBuf>,
    /// The least time between two checkpoints.
    #[arg(long, default_value = "60s", value_parser = cli::budget, value_name = "TIME")]
    checkpoint_every: Duration,
    /// Keep the states within so much memory, such as `4G`, and put the rest on the disk.
    #[arg(long, value_parser = size, value_name = "SIZE", conflicts_with = "compare_designs")]
    memory: Option<u64>,
    /// Where that goes which does not fit into memory; `target` when left out, in a checkout. The files have no names.
    #[arg(long, value_name = "DIR", requires = "memory")]
    spill_dir: Option<PathBuf>,
    /// Explore together with other processes: a file with an address for each, such as `10.0.0.1:7000`, line by line.
    #[arg(long, value_name = "FILE", requires = "process", conflicts_with = "compare_designs")]
    hosts: Option<PathBuf>,
    /// Which of the addresses is this process's, counted from 0.
    #[arg(long, value_name = "K", requires = "hosts")]
    process: Option<usize>,
}

impl LongArgs {
    /// Whether anything is asked for.
    pub(crate) fn is_empty(&self) -> bool {
        self.checkpoint.is_none() && self.resume.is_none() && self.memory.is_none() && self.hosts.is_none()
    }

    /// What is asked for, of a check that `about` distinguishes from others.
    pub(crate) fn resources(&self, about: &About, place: &Place) -> Result<Resources, Error> {
        let memory = self.memory.map(|bytes| self.memory(bytes, place)).transpose()?;
        let cluster = match (&self.hosts, self.process) {
            (Some(hosts), Some(process)) => {
                Some(Cluster::join(read_hosts(hosts)?, process, PATIENCE).map_err(explorer::Error::from)?)
            }
            _ => None,
        };
        let every = self.checkpoint_every;
        let keep = match (&self.checkpoint, &self.resume) {
            (Some(directory), _) => Some(Keep::begin(directory, about, every, cluster.as_ref())?),
            (None, Some(directory)) => Some(Keep::resume(directory, about, every, cluster.as_ref())?),
            (None, None) => None,
        };
        if let Some(cluster) = &cluster {
            peers::explore_with(cluster.hosts(), self.kept().map(resume_command));
        }
        Ok(Resources { keep, memory, cluster, enough: None })
    }

    /// The directory that no other run may have: of several processes of one check the first has it.
    pub(crate) fn own(&self) -> Option<&Path> {
        self.kept().filter(|_| self.process.is_none_or(|process| process == 0))
    }

    /// The directory that there is something to go on from.
    pub(crate) fn kept(&self) -> Option<&Path> {
        self.checkpoint.as_deref().or(self.resume.as_deref())
    }

    fn memory(&self, bytes: u64, place: &Place) -> Result<Memory, Error> {
        let unwritable = |path: &Path| {
            let path = path.to_owned();
            move |source| Error::Write { path, source }
        };
        if let Some(directory) = &self.spill_dir {
            fs::create_dir_all(directory).map_err(unwritable(directory))?;
            return Ok(Memory { bytes, directory: directory.clone() });
        }
        // No directory was named, so that another one does as well.
        let usual = place.target();
        let takes = prepare(&usual).and_then(|()| tempfile::tempfile_in(&usual));
        let directory = if takes.is_ok() { usual } else { temporary().to_owned() };
        Ok(Memory { bytes, directory })
    }
}

/// What was typed, going on instead of beginning.
pub(crate) fn resume_command(directory: &Path) -> String {
    let typed = command_line();
    if typed.contains("--resume") {
        return typed;
    }
    let directory = quoted(&directory.display().to_string());
    let [apart, joined] = [" ", "="].map(|between| format!("--checkpoint{between}{directory}"));
    let resumed = format!("--resume {directory}");
    typed.replacen(&apart, &resumed, 1).replacen(&joined, &resumed, 1)
}

/// The addresses of a file: a line each; what is empty or begins with `#` is left out.
fn read_hosts(path: &Path) -> Result<Vec<String>, Error> {
    let text = fs::read_to_string(path).map_err(|source| Error::Read {
        path: path.to_owned(),
        source,
        help: "name a file with an address for each process, such as `127.0.0.1:7000`, line by line"
            .to_owned(),
    })?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let hosts: Vec<String> = lines.map(str::to_owned).collect();
    if let Some(host) = hosts.iter().find(|host| !is_address(host)) {
        return Err(Error::usage(
            format!("{:?} in {} is no address", host, path.display()),
            "an address is a host and a port, such as `10.0.0.1:7000`".to_owned(),
        ));
    }
    Ok(hosts)
}

fn is_address(host: &str) -> bool {
    host.rsplit_once(':').is_some_and(|(name, port)| !name.is_empty() && port.parse::<u16>().is_ok())
}

/// Reads `500M`, `4G` or `4096`.
fn size(text: &str) -> Result<u64, String> {
    let wrong = || format!("{text:?} is no size of memory: expected such as `500M` or `4G`");
    let (number, unit) = cli::number_and_unit(text).ok_or_else(wrong)?;
    let shift = match unit.to_ascii_uppercase().as_str() {
        "" | "B" => 0,
        "K" | "KB" | "KIB" => 10,
        "M" | "MB" | "MIB" => 20,
        "G" | "GB" | "GIB" => 30,
        "T" | "TB" | "TIB" => 40,
        _ => return Err(wrong()),
    };
    let bytes = number.checked_mul(1 << shift).ok_or_else(wrong)?;
    if bytes < LEAST { Err(format!("{text:?} is too little: at least 1M")) } else { Ok(bytes) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_with_their_unit_and_nothing_else() {
        assert_eq!(
            [size("1M"), size("4g"), size("2GiB"), size("1048576")],
            [Ok(1 << 20), Ok(4 << 30), Ok(2 << 30), Ok(1 << 20)]
        );
        for wrong in ["", "4X", "M", "-1G", "1023K", "99999999999999T", "é"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn addresses_have_a_host_and_a_port() {
        assert!(["127.0.0.1:7000", "[::1]:7000", "host.name:1"].into_iter().all(is_address));
        assert!(!["", "host", ":7000", "host:", "host:70000"].into_iter().any(is_address));
    }
}
