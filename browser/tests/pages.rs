//! The pages of `bgcheck explore` in Chromium: by keyboard, in light and dark, on a phone and on a wide screen.
//!
//! The command is the one that was built with it (`cargo test --workspace`), or that of the variable `BGCHECK`.
//!
//! Where there is no Chromium, this is skipped, and not passed. `BGCHECK_BROWSER=required` makes that a failure.

#[path = "../../tests/support/served.rs"]
mod served;

use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::sync::OnceLock;
use std::time::Duration;

use browser::{Absent, Browser, Driver, ENTER, Look, Programs, axe, complaints, look};
use served::{Served, raced_trace};

fn main() -> ExitCode {
    // What cargo asks every test.
    if std::env::args().any(|arg| arg == "--list") {
        return ExitCode::SUCCESS;
    }
    let found = Programs::find().and_then(|programs| match bgcheck() {
        built if built.is_file() => Ok(programs),
        built => Err(Absent(format!("{} is not built (`cargo build`)", built.display()))),
    });
    let programs = match found {
        Ok(programs) => programs,
        Err(Absent(why)) => {
            println!("browser: skipped, not passed: {why}");
            let required = std::env::var_os("BGCHECK_BROWSER").is_some_and(|value| value == "required");
            return if required { ExitCode::FAILURE } else { ExitCode::SUCCESS };
        }
    };
    let driver = Driver::start(&programs);
    check("a walk goes by keyboard, and back", &driver, walk);
    check("a trace is loaded, scrubbed and filtered", &driver, trace);
    check("every page can be read by all, in light and dark, from phone to wide screen", &driver, pages);
    check("an exported walk goes without a server", &driver, exported);
    ExitCode::SUCCESS
}

/// The command under test: two directories above the test, where cargo puts it.
fn bgcheck() -> PathBuf {
    let beside = || {
        let test = std::env::current_exe().ok()?;
        Some(test.parent()?.parent()?.join(format!("bgcheck{}", std::env::consts::EXE_SUFFIX)))
    };
    std::env::var_os("BGCHECK").map(PathBuf::from).or_else(beside).unwrap_or_default()
}

/// A panic of a check ends the test, and cargo reports it.
fn check(name: &str, driver: &Driver, check: impl FnOnce(&Browser)) {
    let browser = driver.browser();
    check(&browser);
    let complaints = complaints(&browser);
    assert!(complaints.is_empty(), "the browser complains: {complaints:#?}");
    println!("browser: {name} ... ok");
}

fn raced() -> &'static PathBuf {
    static TRACE: OnceLock<PathBuf> = OnceLock::new();
    TRACE.get_or_init(|| raced_trace("browser-traces"))
}

/// Keeps what the page looks like in `target/browser`.
fn keep_picture(browser: &Browser, name: &str) {
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).with_file_name("browser");
    browser::keep_picture(browser, &directory, name);
}

fn press(browser: &Browser, key: &str) {
    let active = browser.active_element();
    active.send_keys(key);
}

/// Waits until the script is so far.
fn until(browser: &Browser, what: &str) {
    for _ in 0..200 {
        let now = browser.execute(&format!("return Boolean({what});"));
        if now == true {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let page = browser.execute("return document.body.innerText");
    panic!("it never comes to this: {what}\n{page}");
}

fn text_of(browser: &Browser, css: &str) -> String {
    browser.find(css).text()
}

fn walk(browser: &Browser) {
    let served = Served::start(&[]);
    browser.goto(&served.address);
    press(browser, "j");
    until(browser, "document.activeElement.classList.contains('step')");
    press(browser, ENTER);
    until(browser, "document.querySelector('#now-title').textContent.includes('step 1')");
    // The address has the path, the focus is where the news is, and the news is read aloud.
    let address = browser.current_url();
    assert!(address.query().is_some_and(|query| query.contains("path=create")), "{address}");
    until(browser, "document.activeElement.id === 'now-title'");
    until(browser, "document.querySelector('#live').textContent.includes('j0')");
    for step in ["j0.add", "j0.resume", "turn"] {
        press(browser, "/");
        until(browser, "document.activeElement.id === 'say'");
        press(browser, &format!("{step}{}", ENTER));
        let waits =
            format!("document.querySelector('ol.path li:last-child')?.textContent.includes('{step}')");
        until(browser, &waits);
    }
    assert_eq!(text_of(browser, "svg.states .here text"), "CONNECTING");
    let rows = "document.querySelectorAll('#chart .event').length";
    until(browser, &format!("{rows} > 8"));
    keep_picture(browser, "walk-light");
    look(browser, Look { width: 1440, scheme: "dark" });
    keep_picture(browser, "walk-dark");
    // Back by key, and back by the browser.
    press(browser, "b");
    until(browser, "document.querySelector('#now-title').textContent.includes('step 3')");
    browser.back();
    until(browser, "document.querySelector('#now-title').textContent.includes('step 4')");
    press(browser, "r");
    until(browser, "document.querySelector('#now-title').textContent.includes('step 5')");
    // Another person who opens the link sees this step.
    let link = browser.current_url();
    let before = text_of(browser, "#now");
    browser.goto(link.as_str());
    assert_eq!(text_of(browser, "#now"), before);
}

fn trace(browser: &Browser) {
    let served = Served::start(&[]);
    browser.goto(&format!("{}/trace", served.origin()));
    let file = browser.find("#file");
    file.send_keys(&raced().display().to_string());
    until(browser, "document.querySelector('.event[aria-current]')");
    let current = "document.querySelector('.event[aria-current]').dataset.at";
    // It begins where the rule is broken.
    let broken = text_of(browser, ".event[aria-current]");
    assert!(broken.contains("R1 broken"), "{broken}");
    let at = browser.execute(&format!("return {current}"));
    let at = at.as_str().expect("a number").to_owned();
    until(browser, "document.querySelector('[data-beside]').textContent.includes('Passes when')");
    browser.execute("document.querySelector('#events').focus()");
    press(browser, "k");
    until(browser, &format!("Number({current}) < {at}"));
    until(browser, "document.querySelector('#live').textContent.length > 5");
    press(browser, "j");
    until(browser, &format!("{current} === '{at}'"));
    let scrub = "const scrub = document.querySelector('#scrub'); scrub.value = scrub.min; \
         scrub.dispatchEvent(new Event('input', { bubbles: true }));";
    browser.execute(scrub);
    until(browser, &format!("{current} === document.querySelector('#scrub').min"));
    keep_picture(browser, "trace-light");
    look(browser, Look { width: 1440, scheme: "dark" });
    keep_picture(browser, "trace-dark");
    let all = browser.execute("return document.querySelectorAll('#events .event').length");
    let choose = "const kind = document.querySelector('select[name=kind]'); kind.value = 'state'; \
         kind.dispatchEvent(new Event('change', { bubbles: true }));";
    browser.execute(choose);
    until(browser, &format!("document.querySelectorAll('#events .event').length < {all}"));
    let address = browser.current_url();
    assert!(address.query().is_some_and(|query| query.contains("kind=state")), "{address}");
}

fn pages(browser: &Browser) {
    let trace = raced().display().to_string();
    let served = Served::start(&[&trace]);
    let origin = served.origin();
    let walked = "path=create%3Badd%3Bregister+p0%3Bresume%3Bturn%3Btransfer+connected%3Btransfer+done%3Bbegin%3Bt1%3A+cancel%3Bt1%3A+disk";
    let pages = [
        ("first", format!("{origin}/")),
        (
            "walked",
            format!(
                "{origin}/walk?path=create%3Badd%3Bregister+p0%3Bresume%3Bturn%3Btransfer+connected%3Btransfer+done%3Bbegin"
            ),
        ),
        ("both", format!("{origin}/walk?dialect=both&path=create%3Badd%3Bresume%3Bcreate")),
        (
            "broken",
            format!("{origin}/walk?core=recheck&{walked}")
                .replace("%3Bt1%3A+cancel%3Bt1%3A+disk", "%3Bcancel%3Bdisk%3Benter"),
        ),
        ("wrong", format!("{origin}/walk?path=crate")),
        ("load", format!("{origin}/trace")),
        ("trace", served.address.clone()),
        ("nearest", format!("{}/nearest", served.address)),
        ("graph", format!("{origin}/graph")),
        ("graph-do", format!("{origin}/graph?dialect=do")),
    ];
    for (name, address) in pages {
        for (width, scheme) in
            [(1440, "light"), (1440, "dark"), (820, "light"), (360, "light"), (360, "dark")]
        {
            look(browser, Look { width, scheme });
            browser.goto(&address);
            if name == "trace" {
                until(browser, "document.querySelector('[data-beside]').textContent.includes('Passes when')");
            }
            let wide = "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
            let wide = browser.execute(wide);
            assert_eq!(wide, 0, "{name} is wider than {width} pixels");
            keep_picture(browser, &format!("{name}-{width}-{scheme}"));
            if width != 820 {
                let found = axe(browser);
                assert!(found.is_empty(), "{name} at {width} pixels, {scheme}: {found:#?}");
            }
        }
        let loaded = "return performance.getEntriesByType('resource').map((one) => one.name)";
        let loaded = browser.execute(loaded);
        for from in loaded.as_array().into_iter().flatten().filter_map(|from| from.as_str()) {
            assert!(from.starts_with(origin) || from.starts_with("data:"), "{name} loads {from}");
        }
    }
    // A page that is not there is one that the browser notes as an error of loading.
    let expected = complaints(browser);
    assert!(expected.iter().all(|one| one.contains("400")), "{expected:#?}");
}

fn exported(browser: &Browser) {
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("browser-walk.html");
    let mut export = Command::new(bgcheck());
    export.args(["explore", "--path", "create; add", "--depth", "1", "--export"]).arg(&file);
    let exported = export.output().expect("the command runs");
    assert!(exported.status.success(), "{}", String::from_utf8_lossy(&exported.stderr));
    let address = format!("file://{}", file.display());
    browser.goto(&address);
    until(browser, "document.querySelector('#here .step[data-to]')");
    let found = axe(browser);
    assert!(found.is_empty(), "{found:#?}");
    press(browser, "j");
    press(browser, ENTER);
    until(browser, "document.querySelectorAll('#walked li').length === 1");
    let link = browser.current_url();
    assert!(link.fragment().is_some_and(|place| place.starts_with("s0.")), "{link}");
    press(browser, "b");
    until(browser, "document.querySelectorAll('#walked li').length === 0");
    look(browser, Look { width: 360, scheme: "dark" });
    let wide = "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
    assert_eq!(browser.execute(wide), 0);
    keep_picture(browser, "exported-360-dark");
    browser.goto(&format!("{address}#s0.4711"));
    until(browser, "document.querySelector('#here [role=alert]')");
}
