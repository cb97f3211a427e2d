//! One figure for each stage of a chart's way, on the charts of `charts-examples/`: lex, parse, eval, yaml, coalesce, load, render,
//! heads, package, index. `cargo bench [-- WORD]` prints microseconds: the least and the median of many rounds, for comparing
//! two builds on one machine. The race against Helm is `benches/race`.
#![expect(clippy::disallowed_macros, clippy::disallowed_methods, reason = "a program of its own: it prints and asks for its arguments")]

use rutter::chart::{Chart, loader};
use rutter::diagnostic::Notices;
use rutter::template::engine::{self, Environment};
use rutter::template::lexer::{Kind, Lexer};
use rutter::template::parser;
use rutter::{Renderer, dependency, package, values, yaml};
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A world that never changes.
struct Still;

impl Environment for Still {
    fn now(&self) -> i128 {
        0
    }

    fn random(&mut self, bytes: &mut [u8]) {
        bytes.fill(7);
    }

    fn resolve_host(&self, _: &str) -> Vec<String> {
        Vec::new()
    }
}

/// How long each stage is measured.
const TIME: Duration = Duration::from_millis(300);

fn measure<T>(wanted: &str, name: &str, mut work: impl FnMut() -> T) {
    if !name.contains(wanted) {
        return;
    }
    let mut rounds = Vec::new();
    let begin = Instant::now();
    while begin.elapsed() < TIME || rounds.len() < 10 {
        let start = Instant::now();
        black_box(work());
        rounds.push(start.elapsed().as_nanos() as f64 / 1e3);
    }
    rounds.sort_by(f64::total_cmp);
    println!("{name:34} {:10.1} {:10.1}  {} rounds", rounds[0], rounds[rounds.len() / 2], rounds.len());
}

/// All templates of a chart tree.
fn templates(chart: &Chart) -> Vec<Arc<[u8]>> {
    chart.walk().iter().flat_map(|(_, chart)| chart.content.templates.iter().map(|file| file.data.shared().clone())).collect()
}

fn main() {
    // Cargo adds `--bench`.
    let wanted = std::env::args().skip(1).find(|word| !word.starts_with('-')).unwrap_or_default();
    println!("{:34} {:>10} {:>10}", "stage", "least us", "median us");
    for name in ["web-service", "shop-umbrella"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("charts-examples").join(name);
        let chart = loader::load(&path, &mut Notices::new()).expect("an example chart loads");
        let sources = templates(&chart);
        let defaults: Vec<Arc<[u8]>> =
            chart.walk().iter().filter_map(|(_, chart)| Some(chart.raw("values.yaml")?.data.shared().clone())).collect();
        let alive = dependency::process(&chart, &Arc::default(), &mut Notices::new()).expect("its dependencies are there");
        let coalesced = values::coalesce::coalesce_values(&alive, &Arc::default(), &mut Notices::new()).expect("its values fit");
        let renderer = Renderer::new(chart.clone());
        let text = renderer.render(&mut Still).expect("it renders").to_string();
        let archive = package::archive::to_bytes(&chart, Some(0)).expect("it can be packed");
        let measure = |stage: &str, work: &mut dyn FnMut() -> usize| measure(&wanted, &format!("{stage}: {name}"), work);

        measure("load", &mut || loader::load(&path, &mut Notices::new()).map_or(0, |chart| chart.dependencies.len()));
        measure("lex", &mut || {
            let tokens = |source: &Arc<[u8]>| {
                let mut lexer = Lexer::new(source);
                std::iter::from_fn(|| Some(lexer.next_token()).filter(|token| !matches!(token.kind, Kind::Eof | Kind::Error))).count()
            };
            sources.iter().map(tokens).sum()
        });
        measure("parse", &mut || sources.iter().filter(|source| parser::parse((*source).clone()).is_ok()).count());
        measure("yaml", &mut || defaults.iter().filter(|text| yaml::parse_values(text).is_ok()).count());
        measure("coalesce", &mut || {
            values::coalesce::coalesce_values(&alive, &Arc::default(), &mut Notices::new()).map_or(0, |values| values.len())
        });
        measure("eval", &mut || {
            let release = engine::Release { name: "r".into(), namespace: "n".into(), revision: 1, is_install: true, is_upgrade: false };
            let capabilities = engine::Capabilities::default();
            let context = engine::RenderContext { chart: &alive, values: coalesced.clone(), release, capabilities: &capabilities };
            engine::render(&context, &engine::Options::default(), &mut Still).map_or(0, |rendered| rendered.files.len())
        });
        measure("render", &mut || renderer.render(&mut Still).map_or(0, |rendered| rendered.manifests().count()));
        measure("heads", &mut || text.split("---\n").filter(|document| yaml::head(document.as_bytes()).is_ok()).count());
        measure("package", &mut || package::archive::to_bytes(&chart, Some(0)).map_or(0, |bytes| bytes.len()));
        measure("index", &mut || loader::load_archive(&archive, &mut Notices::new()).map_or(0, |chart| chart.content.files.len()));
    }
}
