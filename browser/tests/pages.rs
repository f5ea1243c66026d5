//! The pages of `bgcheck explore` in Chromium: by keyboard, in light and dark, on a phone and on a wide screen.
//!
//! The command is the one that was built with it (`cargo test --workspace`), or that of the variable `BGCHECK`.
//!
//! Where there is no Chromium, this is skipped, and not passed. `BGCHECK_BROWSER=required` makes that a failure.

#[path = "../../tests/support/served.rs"]
mod served;

use std::future::Future;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::sync::OnceLock;
use std::time::Duration;

use fantoccini::key::Key;
use fantoccini::{Client, Locator};

use browser::{Absent, Driver, Look, Programs, axe, complaints, look};
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
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        check("a walk goes by keyboard, and back", &driver, walk).await;
        check("a trace is loaded, scrubbed and filtered", &driver, trace).await;
        check("every page can be read by all, in light and dark, from phone to wide screen", &driver, pages)
            .await;
        check("an exported walk goes without a server", &driver, exported).await;
    });
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
async fn check<F: Future<Output = ()>>(name: &str, driver: &Driver, check: impl FnOnce(Client) -> F) {
    let client = driver.browser().await;
    check(client.clone()).await;
    let complaints = complaints(&client).await;
    assert!(complaints.is_empty(), "the browser complains: {complaints:#?}");
    client.close().await.expect("the browser closes");
    println!("browser: {name} ... ok");
}

fn raced() -> &'static PathBuf {
    static TRACE: OnceLock<PathBuf> = OnceLock::new();
    TRACE.get_or_init(|| raced_trace("browser-traces"))
}

/// Keeps what the page looks like in `target/browser`.
async fn keep_picture(client: &Client, name: &str) {
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).with_file_name("browser");
    browser::keep_picture(client, &directory, name).await;
}

async fn press(client: &Client, key: &str) {
    let active = client.active_element().await.expect("something is active");
    active.send_keys(key).await.expect("a key is pressed");
}

/// Waits until the script is so far.
async fn until(client: &Client, what: &str) {
    for _ in 0..200 {
        let now =
            client.execute(&format!("return Boolean({what});"), Vec::new()).await.expect("a script runs");
        if now == true {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let page = client.execute("return document.body.innerText", Vec::new()).await.expect("a script runs");
    panic!("it never comes to this: {what}\n{page}");
}

async fn text_of(client: &Client, css: &str) -> String {
    client.find(Locator::Css(css)).await.expect(css).text().await.expect("a text")
}

async fn walk(client: Client) {
    let served = Served::start(&[]);
    client.goto(&served.address).await.expect("the page comes");
    press(&client, "j").await;
    until(&client, "document.activeElement.classList.contains('step')").await;
    press(&client, &Key::Enter.to_string()).await;
    until(&client, "document.querySelector('#now-title').textContent.includes('step 1')").await;
    // The address has the path, the focus is where the news is, and the news is read aloud.
    let address = client.current_url().await.expect("an address");
    assert!(address.query().is_some_and(|query| query.contains("path=create")), "{address}");
    until(&client, "document.activeElement.id === 'now-title'").await;
    until(&client, "document.querySelector('#live').textContent.includes('j0')").await;
    for step in ["j0.add", "j0.resume", "turn"] {
        press(&client, "/").await;
        until(&client, "document.activeElement.id === 'say'").await;
        press(&client, &format!("{step}{}", Key::Enter)).await;
        let waits =
            format!("document.querySelector('ol.path li:last-child')?.textContent.includes('{step}')");
        until(&client, &waits).await;
    }
    assert_eq!(text_of(&client, "svg.states .here text").await, "CONNECTING");
    let rows = "document.querySelectorAll('#chart .event').length";
    until(&client, &format!("{rows} > 8")).await;
    keep_picture(&client, "walk-light").await;
    look(&client, Look { width: 1440, scheme: "dark" }).await;
    keep_picture(&client, "walk-dark").await;
    // Back by key, and back by the browser.
    press(&client, "b").await;
    until(&client, "document.querySelector('#now-title').textContent.includes('step 3')").await;
    client.back().await.expect("the browser goes back");
    until(&client, "document.querySelector('#now-title').textContent.includes('step 4')").await;
    press(&client, "r").await;
    until(&client, "document.querySelector('#now-title').textContent.includes('step 5')").await;
    // The link of another person shows the same.
    let link = client.current_url().await.expect("an address");
    let before = text_of(&client, "#now").await;
    client.goto(link.as_str()).await.expect("the page comes");
    assert_eq!(text_of(&client, "#now").await, before);
}

async fn trace(client: Client) {
    let served = Served::start(&[]);
    client.goto(&format!("{}/trace", served.origin())).await.expect("the page comes");
    let file = client.find(Locator::Css("#file")).await.expect("a place for a file");
    file.send_keys(&raced().display().to_string()).await.expect("a file is chosen");
    until(&client, "document.querySelector('.event[aria-current]')").await;
    let current = "document.querySelector('.event[aria-current]').dataset.at";
    // It begins where the rule is broken.
    let broken = text_of(&client, ".event[aria-current]").await;
    assert!(broken.contains("R1 broken"), "{broken}");
    let at = client.execute(&format!("return {current}"), Vec::new()).await.expect("a script runs");
    let at = at.as_str().expect("a number").to_owned();
    until(&client, "document.querySelector('[data-beside]').textContent.includes('Passes when')").await;
    client.execute("document.querySelector('#events').focus()", Vec::new()).await.expect("a script runs");
    press(&client, "k").await;
    until(&client, &format!("Number({current}) < {at}")).await;
    until(&client, "document.querySelector('#live').textContent.length > 5").await;
    press(&client, "j").await;
    until(&client, &format!("{current} === '{at}'")).await;
    let scrub = "const scrub = document.querySelector('#scrub'); scrub.value = scrub.min; \
         scrub.dispatchEvent(new Event('input', { bubbles: true }));";
    client.execute(scrub, Vec::new()).await.expect("a script runs");
    until(&client, &format!("{current} === document.querySelector('#scrub').min")).await;
    keep_picture(&client, "trace-light").await;
    look(&client, Look { width: 1440, scheme: "dark" }).await;
    keep_picture(&client, "trace-dark").await;
    let all = client.find_all(Locator::Css("#events .event")).await.expect("events").len();
    let kind = client.find(Locator::Css("select[name=kind]")).await.expect("a choice");
    kind.select_by_value("state").await.expect("it is chosen");
    until(&client, &format!("document.querySelectorAll('#events .event').length < {all}")).await;
    let address = client.current_url().await.expect("an address");
    assert!(address.query().is_some_and(|query| query.contains("kind=state")), "{address}");
}

async fn pages(client: Client) {
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
            look(&client, Look { width, scheme }).await;
            client.goto(&address).await.expect("the page comes");
            if name == "trace" {
                until(&client, "document.querySelector('[data-beside]').textContent.includes('Passes when')")
                    .await;
            }
            let wide = "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
            let wide = client.execute(wide, Vec::new()).await.expect("a script runs");
            assert_eq!(wide, 0, "{name} is wider than {width} pixels");
            keep_picture(&client, &format!("{name}-{width}-{scheme}")).await;
            if width != 820 {
                let found = axe(&client).await;
                assert!(found.is_empty(), "{name} at {width} pixels, {scheme}: {found:#?}");
            }
        }
        let loaded = "return performance.getEntriesByType('resource').map((one) => one.name)";
        let loaded = client.execute(loaded, Vec::new()).await.expect("a script runs");
        for from in loaded.as_array().into_iter().flatten().filter_map(|from| from.as_str()) {
            assert!(from.starts_with(origin) || from.starts_with("data:"), "{name} loads {from}");
        }
    }
    // A page that is not there is one that the browser notes as an error of loading.
    let expected = complaints(&client).await;
    assert!(expected.iter().all(|one| one.contains("400")), "{expected:#?}");
}

async fn exported(client: Client) {
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("browser-walk.html");
    let mut export = Command::new(bgcheck());
    export.args(["explore", "--path", "create; add", "--depth", "1", "--export"]).arg(&file);
    let exported = export.output().expect("the command runs");
    assert!(exported.status.success(), "{}", String::from_utf8_lossy(&exported.stderr));
    let address = format!("file://{}", file.display());
    client.goto(&address).await.expect("the page comes");
    until(&client, "document.querySelector('#here .step[data-to]')").await;
    let found = axe(&client).await;
    assert!(found.is_empty(), "{found:#?}");
    press(&client, "j").await;
    press(&client, &Key::Enter.to_string()).await;
    until(&client, "document.querySelectorAll('#walked li').length === 1").await;
    let link = client.current_url().await.expect("an address");
    assert!(link.fragment().is_some_and(|place| place.starts_with("s0.")), "{link}");
    press(&client, "b").await;
    until(&client, "document.querySelectorAll('#walked li').length === 0").await;
    look(&client, Look { width: 360, scheme: "dark" }).await;
    let wide = "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
    assert_eq!(client.execute(wide, Vec::new()).await.expect("a script runs"), 0);
    keep_picture(&client, "exported-360-dark").await;
    client.goto(&format!("{address}#s0.4711")).await.expect("the page comes");
    until(&client, "document.querySelector('#here [role=alert]')").await;
}
