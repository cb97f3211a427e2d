//! The server's pages in a real browser: Debian's chromium, headless. What it shows after all scripts had their chance is
//! looked at as text, so that whatever a chart says stays text.

use super::folder;
use super::holes::crafted;
use super::peers;
use super::serve::{Server, archive, client, text};
use std::io::Read as _;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The document at `url` as chromium has it once it is loaded, and what it said on its console.
fn browse(home: &Path, url: &str) -> (String, String) {
    let program = peers::program("chromium").expect("chromium");
    let profile = tempfile::tempdir_in(home).expect("a folder");
    let mut command = Command::new(program);
    command
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"])
        .args(["--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--enable-logging=stderr", "--dump-dom"])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(url)
        .env("HOME", home);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("chromium starts");
    let (mut out, mut error) = (child.stdout.take().expect("output"), child.stderr.take().expect("errors"));
    let reading = std::thread::spawn(move || {
        let mut text = String::new();
        let _ = out.read_to_string(&mut text);
        text
    });
    let listening = std::thread::spawn(move || {
        let mut text = Vec::new();
        let _ = error.read_to_end(&mut text);
        String::from_utf8_lossy(&text).into_owned()
    });
    let began = Instant::now();
    while child.try_wait().expect("its state").is_none() {
        if began.elapsed() > Duration::from_secs(60) {
            let _ = child.kill();
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    (reading.join().expect("the document"), listening.join().expect("the console"))
}

/// What stands within the element with this id.
fn element<'d>(document: &'d str, id: &str) -> &'d str {
    let (before, after) = document.split_once(&format!("id=\"{id}\"")).unwrap_or_else(|| panic!("no {id} in\n{document}"));
    let tag = before.rsplit('<').next().and_then(|tag| tag.split(' ').next()).expect("a tag");
    let inner = after.split_once('>').expect("the end of the tag").1;
    inner.split_once(&format!("</{tag}>")).expect("the end of the element").0
}

#[test]
fn a_browser_shows_the_pages_and_runs_nothing_from_charts() {
    if !peers::have("a_browser_shows_the_pages_and_runs_nothing_from_charts", &["chromium"]) {
        return;
    }
    let (_guard, home) = folder();
    let server = Server::start(&home, &[]);
    // Whoever is called from a page tells so here.
    let trap = TcpListener::bind("127.0.0.1:0").expect("a port");
    trap.set_nonblocking(true).expect("an option");
    let trapped = format!("http://{}", trap.local_addr().expect("an address"));
    let post = |bytes: Vec<u8>| assert_eq!(text(client().post(server.at("/api/charts")).body(bytes).send()).0, 201);
    for version in ["1.0.0", "1.2.0", "2.0.0-rc.1+build"] {
        post(archive(&home, "app", version));
    }
    let attack = format!(
        "<script>document.title='owned';document.body.innerHTML='owned'</script><img src='{trapped}/i' onerror=\"document.title='owned'\"><svg onload=\"document.title='owned'\"><iframe src='{trapped}/f'></iframe><style>@import '{trapped}/s';</style></pre></textarea>{{{{ 7*7 }}}} &lt;b&gt; \" onfocus=x autofocus=\""
    );
    let quoted = attack.replace('\\', "\\\\").replace('"', "\\\"");
    let chart = format!(
        "apiVersion: v2\nname: evil\nversion: 1.0.0\ndescription: \"{quoted}\"\nhome: \"javascript:document.title='owned'\"\nappVersion: \"{quoted}\"\nsources: [\"javascript:alert(1)\", \"https://example.com/\\\"><script>alert(1)</script>\", \"data:text/html,x\"]\nicon: \"{trapped}/icon.png\"\nkeywords: [\"{quoted}\"]\nmaintainers: [{{name: \"{quoted}\", email: x, url: \"javascript:x\"}}]\nkubeVersion: \">=1\"\n"
    );
    post(crafted(&[
        ("evil/Chart.yaml", &chart),
        ("evil/README.md", &format!("# Title\n[click](javascript:document.title='owned')\n{attack}\n![x]({trapped}/r)\n")),
        ("evil/values.yaml", &format!("# {attack}\na: 1\n")),
    ]));

    let (page, _) = browse(&home, &server.at("/"));
    assert!(page.contains("<title>Charts</title>"), "{page}");
    assert_eq!(element(&page, "count"), "2");
    let charts = element(&page, "charts");
    assert!(page.contains("data-chart=\"app\"") && page.contains("data-chart=\"evil\""), "{charts}");
    assert!(charts.contains(">1.2.0</a>") || charts.contains(">2.0.0-rc.1+build</a>"), "{charts}");
    assert!(charts.contains("&lt;script&gt;document.title"), "{charts}");

    let (found, _) = browse(&home, &server.at("/?q=EVI"));
    assert!(found.contains("data-chart=\"evil\"") && !found.contains("data-chart=\"app\""), "{found}");
    let (none, _) = browse(&home, &server.at("/?q=%22%3E%3Cscript%3Edocument.title='owned'%3C/script%3E"));
    assert!(none.contains("Nothing found.") && !none.contains("<title>owned"), "{none}");

    let (app, _) = browse(&home, &server.at("/chart/app/1.2.0"));
    assert!(app.contains("<title>app 1.2.0</title>"), "{app}");
    assert_eq!(element(&app, "values"), "answer: 42\n");
    assert!(element(&app, "readme").contains("# Read &lt;script&gt;alert(1)&lt;/script&gt;"), "{app}");
    let versions = element(&app, "versions");
    for (version, link) in [("1.0.0", "1.0.0"), ("1.2.0", "1.2.0"), ("2.0.0-rc.1+build", "2.0.0-rc.1%2Bbuild")] {
        assert!(versions.contains(&format!("href=\"../../chart/app/{link}\">{version}</a>")), "{versions}");
    }
    let (candidate, _) = browse(&home, &server.at("/chart/app/2.0.0-rc.1%2Bbuild"));
    assert!(candidate.contains("<title>app 2.0.0-rc.1+build</title>"), "{candidate}");

    let (evil, console) = browse(&home, &server.at("/chart/evil/1.0.0"));
    assert!(evil.contains("<title>evil 1.0.0</title>"), "{evil}");
    assert_eq!(element(&evil, "home"), "javascript:document.title='owned'");
    assert!(element(&evil, "readme").contains("{{ 7*7 }}") && element(&evil, "values").contains("&lt;iframe"), "{evil}");
    for tag in ["<script", "<img", "<svg", "<iframe", "href=\"javascript:", "href=\"data:", "<link", "<embed", "<object"] {
        assert!(!evil.contains(tag) && !page.contains(tag), "{tag} in\n{evil}");
    }
    // Nothing was blocked either: nothing was tried.
    assert!(!console.contains("Content Security Policy") && !console.contains("Uncaught"), "{console}");
    assert!(trap.accept().is_err(), "a page made the browser call elsewhere");

    let answer = client().get(server.at("/chart/evil/1.0.0")).send().expect("an answer");
    let policy = answer.headers()["content-security-policy"].to_str().expect("text").to_string();
    assert!(policy.starts_with("default-src 'none'; style-src 'unsafe-inline';") && !policy.contains("script-src"), "{policy}");
    assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
}
