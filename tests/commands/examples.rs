//! The charts in `charts-examples/`: they render as Helm 4.2.4 renders them, lint clean, and package to the same bytes twice.

use super::{folder, output_of, rutter, top};

const CHARTS: [&str; 5] = ["web-service", "platform-library", "library-consumer", "database-operator", "shop-umbrella"];

#[test]
fn they_render_as_helm_does() {
    let (_guard, home) = folder();
    let cases = std::fs::read_to_string(top().join("testdata/charts-examples/cases.txt")).expect("the list of cases");
    let mut count = 0;
    for line in cases.lines() {
        let mut words = line.split(' ');
        let name = words.next().expect("a file name");
        let wanted = std::fs::read_to_string(top().join("testdata/charts-examples").join(name)).expect("what Helm printed");
        let found = output_of(rutter(&home).args(["template", "rel"]).args(words));
        assert_eq!(found, wanted, "{line}");
        count += 1;
    }
    assert!(count > 10, "only {count} cases were found");
}

#[test]
fn they_lint_clean() {
    let (_guard, home) = folder();
    for chart in CHARTS {
        let report = output_of(rutter(&home).args(["lint", "--strict"]).arg(format!("charts-examples/{chart}")));
        assert!(report.contains("1 chart(s) linted, 0 chart(s) failed"), "{chart}: {report}");
    }
}

#[test]
fn they_package_reproducibly() {
    let (_guard, home) = folder();
    for chart in CHARTS {
        let mut archives = Vec::new();
        for round in ["first", "second"] {
            let destination = home.join(round);
            output_of(rutter(&home).arg("package").arg(format!("charts-examples/{chart}")).arg("-d").arg(&destination));
            let mut files: Vec<_> =
                std::fs::read_dir(&destination).expect("the destination").map(|entry| entry.expect("an entry").path()).collect();
            files.retain(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(chart)));
            assert_eq!(files.len(), 1, "{chart}: {files:?}");
            archives.push(std::fs::read(&files[0]).expect("the archive"));
        }
        assert_eq!(archives[0], archives[1], "{chart}");
    }
}

#[test]
fn the_library_in_use_is_the_library() {
    let read = |path: &str| std::fs::read_to_string(top().join("charts-examples").join(path)).expect(path);
    for file in ["Chart.yaml", "values.yaml", "templates/_names.tpl", "templates/_deployment.tpl"] {
        assert_eq!(read(&format!("platform-library/{file}")), read(&format!("library-consumer/charts/platform-library/{file}")), "{file}");
    }
}

/// Charts made from the example starter render and lint clean, whatever is answered.
#[test]
fn the_starter_makes_charts() {
    let (_guard, home) = folder();
    let starter = top().join("starters-examples/service");
    let answers: [(&str, &[&str], &str); 3] = [
        ("plain", &[], "kind: Deployment\n"),
        ("reached", &["--answer", "ingress=yes", "--answer", "hosts=a.example.com, b.example.com"], "- host: \"b.example.com\"\n"),
        ("stateful", &["--answer", "kind=StatefulSet", "--answer", "port=9000"], "containerPort: 9000\n"),
    ];
    for (name, given, expected) in answers {
        let chart = home.join(name);
        output_of(rutter(&home).arg("create").arg(&chart).arg("--starter").arg(&starter).args(["--answer", "team=red"]).args(given));
        let report = output_of(rutter(&home).args(["lint", "--strict"]).arg(&chart));
        assert!(report.contains("1 chart(s) linted, 0 chart(s) failed") && !report.contains("[INFO]"), "{name}: {report}");
        let manifests = output_of(rutter(&home).args(["template", "rel"]).arg(&chart));
        assert!(manifests.contains(expected), "{name}: {manifests}");
    }
}
