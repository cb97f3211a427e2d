//! Values files written as Jinja templates: `prod.yaml.j2`, `prod.yaml.jinja`.
//!
//! Goes in: the text of such a file and the merged values of the files before it (as `values`). Comes out: plain
//! YAML, which `rutter values --user-supplied` prints to be stored. Only files with these name endings are
//! rendered, never a server's answer; a template cannot read the environment or include other files. An
//! undefined name is an error. Helm has nothing comparable; charts themselves are never rendered by this engine.

use crate::data::{Data, Map};
use crate::error::Result;
use crate::jinja::{Delimiters, Engine, Layout};

/// The file name endings of such templates.
const ENDINGS: [&str; 3] = [".j2", ".jinja", ".jinja2"];

/// Whether a values file of this name is a template.
pub fn is_template(path: &str) -> bool {
    !path.starts_with("http://") && !path.starts_with("https://") && ENDINGS.iter().any(|ending| path.ends_with(ending))
}

/// Renders a template to YAML.
///
/// # Errors
/// `failed to render PATH: …` with the line, if the template is invalid or uses an undefined name.
pub fn render(path: &str, text: &[u8], values: &Map) -> Result<Vec<u8>> {
    let context = Map::from_entries(vec![("values".into(), Data::map(values.clone()))]);
    Ok(Engine::new(&Delimiters::jinja(), Layout::Plain)?.render(path, text, &context)?.into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::sample::data;

    fn rendered(text: &str) -> String {
        let Data::Map(values) = data(r#"{"port": 80, "hosts": ["a", "b"]}"#) else { panic!("no map") };
        match render("x.yaml.j2", text.as_bytes(), &values) {
            Ok(text) => String::from_utf8_lossy(&text).into_owned(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn earlier_values_can_be_used() {
        assert_eq!(rendered("port: {{ values.port + 1 }}\n"), "port: 81");
        assert_eq!(rendered("h: [{% for h in values.hosts %}{{ h }}.x,{% endfor %}]"), "h: [a.x,b.x,]");
    }

    #[test]
    fn faults_name_file_and_line() {
        assert!(rendered("a: 1\nb: {{ values.none }}\n").starts_with("failed to render x.yaml.j2: "));
        assert!(rendered("a: 1\nb: {{ values.none }}\n").ends_with("(line 2)"));
        assert!(rendered("{% include 'secret' %}").starts_with("failed to render x.yaml.j2: "));
    }

    #[test]
    fn only_local_names_ask_for_it() {
        assert!(is_template("a.yaml.j2") && is_template("b.jinja"));
        assert!(!is_template("a.yaml") && !is_template("https://host/a.j2"));
    }
}
