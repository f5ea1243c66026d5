//! Chromium, led by chromedriver, and the judgement of axe-core.
//!
//! It is for the test of this package alone, so what goes wrong here is a panic with its reason: the test ends with it.

#![forbid(unsafe_code)]

mod session;

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::json;

pub use session::{Browser, ENTER, Element};

/// Why there is no browser here.
#[derive(Debug)]
pub struct Absent(
    /// The reason, and what to type.
    pub String,
);

/// The programs that are needed.
#[derive(Debug)]
pub struct Programs {
    chromedriver: PathBuf,
    chromium: PathBuf,
}

impl Programs {
    /// Those of the PATH.
    ///
    /// # Errors
    /// One of them is missing.
    pub fn find() -> Result<Programs, Absent> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let find = |names: &[&str]| {
            let dirs: Vec<PathBuf> = std::env::split_paths(&path).collect();
            let all = names.iter().flat_map(|name| dirs.iter().map(move |dir| dir.join(name)));
            { all }.find(|file| file.is_file())
        };
        let absent = |what: &str| {
            Absent(format!("there is no {what} on the PATH (`apt-get install chromium chromium-driver`)"))
        };
        Ok(Programs {
            chromedriver: find(&["chromedriver"]).ok_or_else(|| absent("chromedriver"))?,
            chromium: find(&["chromium", "chromium-browser", "google-chrome"])
                .ok_or_else(|| absent("chromium"))?,
        })
    }
}

/// chromedriver, which ends with the test.
#[derive(Debug)]
pub struct Driver {
    child: Child,
    port: u16,
    chromium: PathBuf,
}

impl Driver {
    /// Starts it on a port that is free.
    ///
    /// # Panics
    /// It does not start.
    #[must_use]
    pub fn start(programs: &Programs) -> Driver {
        let mut command = Command::new(&programs.chromedriver);
        let mut child = command.arg("--port=0").stdout(Stdio::piped()).spawn().expect("chromedriver starts");
        let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let started = lines.find_map(|line| {
            line.ok()?.split("successfully on port ").nth(1)?.trim_end_matches('.').trim().parse::<u16>().ok()
        });
        // What it writes later is read, so that it is never kept waiting.
        std::thread::spawn(move || lines.for_each(drop));
        Driver {
            child,
            port: started.expect("chromedriver prints its port"),
            chromium: programs.chromium.clone(),
        }
    }

    /// A browser.
    ///
    /// # Panics
    /// It does not start.
    #[must_use]
    pub fn browser(&self) -> Browser {
        let options = json!({
            "goog:chromeOptions": {
                "binary": self.chromium,
                // In a container root has no sandbox.
                "args": ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--hide-scrollbars", "--window-size=1440,1000"],
            },
            "goog:loggingPrefs": { "browser": "ALL" },
        });
        Browser::start(&format!("http://127.0.0.1:{}", self.port), &options)
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // It may be gone already, which the test has then seen.
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}

/// A width, and light or dark.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// In pixels.
    pub width: u32,
    /// `light` or `dark`.
    pub scheme: &'static str,
}

/// What the page looks like from here on.
///
/// # Panics
/// It cannot be passed on.
pub fn look(browser: &Browser, look: Look) {
    let scheme = json!({ "features": [{ "name": "prefers-color-scheme", "value": look.scheme }] });
    let size =
        json!({ "width": look.width, "height": 1000, "deviceScaleFactor": 1, "mobile": look.width < 600 });
    for (cmd, params) in
        [("Emulation.setEmulatedMedia", scheme), ("Emulation.setDeviceMetricsOverride", size)]
    {
        browser.vendor("goog/cdp/execute", &json!({ "cmd": cmd, "params": params }));
    }
}

/// What the browser complains of: a script that fails, or something that the policy forbids.
///
/// # Panics
/// There is no log.
#[must_use]
pub fn complaints(browser: &Browser) -> Vec<String> {
    let log = browser.vendor("se/log", &json!({ "type": "browser" }));
    let all = log.as_array().cloned().unwrap_or_default();
    let severe = all.into_iter().filter(|line| line["level"] == "SEVERE");
    severe.map(|line| line["message"].as_str().unwrap_or_default().to_owned()).collect()
}

/// What axe-core finds of serious or critical impact.
///
/// # Panics
/// axe does not run, or has looked at little.
#[must_use]
pub fn axe(browser: &Browser) -> Vec<String> {
    let mut script = String::new();
    let packed = include_bytes!("../axe.min.js.gz");
    flate2::read::GzDecoder::new(&packed[..]).read_to_string(&mut script).expect("it is packed text");
    browser.execute(&script);
    let run = "const done = arguments[arguments.length - 1]; axe.run(document).then((found) => done(found), (error) => done(String(error)));";
    let found = browser.execute_async(run);
    let violations = found["violations"].as_array().unwrap_or_else(|| panic!("axe has no result: {found}"));
    assert!(found["passes"].as_array().is_some_and(|passes| passes.len() > 10), "axe has looked at little");
    let serious =
        violations.iter().filter(|one| matches!(one["impact"].as_str(), Some("serious" | "critical")));
    serious
        .map(|one| {
            let nodes = one["nodes"].as_array().into_iter().flatten().take(3);
            let nodes: Vec<String> =
                nodes.map(|node| format!("{} {}", node["html"], node["failureSummary"])).collect();
            format!("{} ({}): {}", one["id"], one["help"], nodes.join("; "))
        })
        .collect()
}

/// Keeps what the page looks like, for a person.
///
/// # Panics
/// The target directory cannot be written.
pub fn keep_picture(browser: &Browser, directory: &Path, name: &str) {
    std::fs::create_dir_all(directory).expect("the target directory can be written");
    std::fs::write(directory.join(format!("{name}.png")), browser.screenshot())
        .expect("the target directory can be written");
}
