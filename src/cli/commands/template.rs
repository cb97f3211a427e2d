//! `rutter template`: renders a chart and prints its manifests. Follows Helm's `pkg/cmd/template.go`.

use super::{Arity, Row, Run};
use crate::action::template::{self, Failure, Hooks, PostRender, Rendering};
use crate::action::{self, advice};
use crate::chart::Chart;
use crate::chart::loader::Crds;
use crate::cli::arguments::{ChartSourceArguments, CommaList, ValueArguments, boolean, comma_list, duration, flatten};
use crate::cli::console::Console;
use crate::cli::plugin::{self, PostRenderer};
use crate::cli::printer::{self, ErrorFormat, SEE_DEBUG};
use crate::cli::session::Session;
use crate::cli::source;
use crate::cli::system::System;
use crate::diagnostic::{Diagnostic, Level, Notices};
use crate::error::{Error, ErrorKind, Result};
use crate::quote::quote;
use crate::repository::ChartOptions;
use crate::template::engine::{self, Ahead, Capabilities, KubeVersion, Release};
use crate::template::functions::Vocabulary;
use crate::template::value::Value;
use crate::values::origin::Sources;
use clap::Args;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// The row of the table.
pub const COMMAND: Row = Row::leaf::<Arguments>("template", "[NAME] [CHART]", Arity::AtLeast(1), "locally render templates", LONG)
    .deprecated(&[
        ("atomic", "use --rollback-on-failure instead"),
        ("force", "use --force-replace instead"),
        ("hide-notes", "this flag has no effect for 'rutter template' and will be removed in Helm 5"),
        ("render-subchart-notes", "this flag has no effect for 'rutter template' and will be removed in Helm 5"),
        ("validate", "use '--dry-run=server' instead"),
    ])
    .exclusive(&[["force", "force-conflicts"], ["force-replace", "force-conflicts"], ["validate", "dry-run"]]);

const LONG: &str = "\
Render chart templates locally and display the output.

Any values that would normally be looked up or retrieved in-cluster will be
faked locally. Additionally, none of the server-side testing of chart validity
(e.g. whether an API is supported) is done.

To specify the Kubernetes API versions used for Capabilities.APIVersions, use
the '--api-versions' flag. This flag can be specified multiple times or as a
comma-separated list:

    $ rutter template --api-versions networking.k8s.io/v1 --api-versions cert-manager.io/v1 mychart ./mychart

or

    $ rutter template --api-versions networking.k8s.io/v1,cert-manager.io/v1 mychart ./mychart

Values files and values of the command line are laid over the chart's own, the last one winning:

    $ rutter template -f base.yaml -f production.yaml --set image.tag=1.2.3 mychart ./mychart

One template alone, or every file to a folder:

    $ rutter template mychart ./mychart --show-only templates/deployment.yaml
    $ rutter template mychart ./mychart --output-dir rendered";

/// The flags of `template`.
#[derive(Debug, Clone, Default, Args)]
pub struct Arguments {
    #[command(flatten)]
    values: ValueArguments,
    #[command(flatten)]
    source: ChartSourceArguments,
    /// show every independent template error instead of the first (not in Helm)
    #[arg(long)]
    all_errors: bool,
    /// Kubernetes api versions used for Capabilities.APIVersions (multiple can be specified)
    #[arg(short = 'a', long, value_name = "strings", value_parser = comma_list)]
    api_versions: Vec<CommaList>,
    #[arg(long, hide = true)]
    atomic: bool,
    /// create the release namespace if not present
    #[arg(long)]
    create_namespace: bool,
    /// update dependencies if they are missing before installing the chart
    #[arg(long)]
    dependency_update: bool,
    /// add a custom description
    #[arg(long, value_name = "string")]
    description: Option<String>,
    /// use development versions, too. Equivalent to version '>0.0.0-0'. If --version is set, this is ignored
    #[arg(long)]
    devel: bool,
    /// if set, the installation process will not validate rendered templates against the Kubernetes OpenAPI Schema
    #[arg(long)]
    disable_openapi_validation: bool,
    /// simulates the operation either client-side or server-side. Must be either: "client", or "server". '--dry-run=client simulates the operation client-side only and avoids cluster connections. '--dry-run=server' simulates/validates the operation on the server, requiring cluster connectivity. (default "client")
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "unset", value_name = "string[=\"unset\"]")]
    dry_run: Option<String>,
    /// enable DNS lookups when rendering templates
    #[arg(long)]
    enable_dns: bool,
    #[arg(long, hide = true)]
    force: bool,
    /// if set server-side apply will force changes against conflicts
    #[arg(long)]
    force_conflicts: bool,
    /// force resource updates by replacement
    #[arg(long)]
    force_replace: bool,
    /// generate the name (and omit the NAME parameter)
    #[arg(short = 'g', long)]
    generate_name: bool,
    #[arg(long, hide = true)]
    hide_notes: bool,
    /// include CRDs in the templated output
    #[arg(long)]
    include_crds: bool,
    /// set .Release.IsUpgrade instead of .Release.IsInstall
    #[arg(long)]
    is_upgrade: bool,
    /// Kubernetes version used for Capabilities.KubeVersion
    #[arg(long, value_name = "string")]
    kube_version: Option<String>,
    /// Labels that would be added to release metadata. Should be divided by comma. (default [])
    #[arg(short = 'l', long, value_name = "stringToString", value_parser = labels)]
    labels: Vec<CommaList>,
    /// specify template used to name the release
    #[arg(long, value_name = "string")]
    name_template: Option<String>,
    /// prevent hooks from running during install
    #[arg(long)]
    no_hooks: bool,
    /// writes the executed templates to files in output-dir instead of stdout
    #[arg(long, value_name = "string")]
    output_dir: Option<String>,
    /// the name of a postrenderer type plugin to be used for post rendering. If it exists, the plugin will be used
    #[arg(long, value_name = "postRendererString")]
    post_renderer: Vec<String>,
    /// an argument to the post-renderer (can specify multiple) (default [])
    #[arg(long, value_name = "postRendererArgsSlice")]
    post_renderer_args: Vec<String>,
    /// the path of a program to be used for post rendering, as Helm 3 had it (not in Helm 4)
    #[arg(long, value_name = "path")]
    post_renderer_program: Option<String>,
    /// use release name in the output-dir path.
    #[arg(help = "use release name in the output-dir path.", long)]
    release_name: bool,
    #[arg(long, hide = true)]
    render_subchart_notes: bool,
    /// reuse the given name, only if that name is a deleted release which remains in the history. This is unsafe in production
    #[arg(long)]
    replace: bool,
    /// if set, the installation will be rolled back (uninstalled) upon failure. The --wait flag will be default to "watcher" if --rollback-on-failure is set
    #[arg(long)]
    rollback_on_failure: bool,
    /// object updates run in the server instead of the client (default true)
    #[arg(long)]
    server_side: bool,
    /// only show manifests rendered from the given templates
    #[arg(short = 's', long, value_name = "stringArray")]
    show_only: Vec<String>,
    /// if set, no CRDs will be installed. By default, CRDs are installed if not already present
    #[arg(long)]
    skip_crds: bool,
    /// if set, disables JSON schema validation
    #[arg(long)]
    skip_schema_validation: bool,
    /// skip tests from templated output
    #[arg(long)]
    skip_tests: bool,
    /// if set, install will ignore the check for helm annotations and take ownership of the existing resources
    #[arg(long)]
    take_ownership: bool,
    /// time to wait for any individual Kubernetes operation (like Jobs for hooks) (default 5m0s)
    #[arg(long, value_name = "duration", value_parser = duration)]
    timeout: Option<Duration>,
    #[arg(long, hide = true)]
    validate: bool,
    /// wait until resources are ready (up to --timeout). Use '--wait' alone for 'watcher' strategy, or specify one of: 'watcher', 'hookOnly', 'legacy'. Default when flag is omitted: 'hookOnly'. (default hookOnly)
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "watcher", value_name = "WaitStrategy[=watcher]", value_parser = wait)]
    wait: Option<String>,
    /// if set and --wait enabled, will wait until all Jobs have been completed before marking the release as successful. It will wait for as long as --timeout
    #[arg(long)]
    wait_for_jobs: bool,
}

impl Run for Arguments {
    fn run(self, arguments: Vec<String>, session: &mut Session) -> Result<()> {
        if let Some((given, instead)) = self.wait.as_deref().and_then(|given| BOOLEAN_WAITS.iter().find(|(name, _)| *name == given)) {
            let message = format!("--wait={given} is deprecated (boolean value) and can be replaced with --wait={instead}");
            session.notices.push_with(Level::Warn, &message, &[]);
        }
        self.check_post_renderer(session)?;
        let capabilities = self.capabilities()?;
        self.check_dry_run(session)?;
        let source = source::chart_options(&self.source, self.devel, Some("Original chart version"), session)?;
        let (name, reference) = self.name_and_chart(&arguments)?;
        let path = source::locate(&reference, &source, session)?;
        session.notices.push_with(Level::Debug, "Chart path", &[("path", &path.to_string_lossy())]);
        let (values, files) = source::values_and_files(&self.values, session)?;
        let defaults = engine::Options::default();
        let ahead = Arc::new(Ahead::new());
        let chart = self.load(&path, &ahead, session)?;
        let options = template::Options {
            release: Release {
                name: name.clone(),
                namespace: session.namespace(),
                revision: 1,
                is_install: !self.is_upgrade,
                is_upgrade: self.is_upgrade,
            },
            capabilities,
            include_crds: self.include_crds,
            schema: (!self.skip_schema_validation).then(|| source::schema_options(session)),
            engine: engine::Options {
                enable_dns: self.enable_dns,
                all_faults: self.all_errors,
                ahead: Some(ahead),
                process_ends: true,
                step_limit: session.environment.step_limit()?.unwrap_or(defaults.step_limit),
                memory_limit: session.environment.memory_limit()?.unwrap_or(defaults.memory_limit),
                ..defaults
            },
        };
        let mut notices = std::mem::take(&mut session.notices);
        let outcome = {
            let mut post_renderer = self.post_renderer(session, &mut notices)?;
            let post_renderer = post_renderer.as_mut().map(|post_renderer| post_renderer as &mut dyn PostRender);
            template::run(&chart, &values, &options, &mut System, post_renderer, &mut notices)
        };
        session.notices = notices;
        match outcome {
            Ok(rendering) => {
                let written = self.write(&rendering, &name, None, session);
                // The process is about to end, which frees everything at once; dropping each value takes a tenth of the run time.
                std::mem::forget((rendering, chart, values));
                written
            }
            Err(mut failure) => {
                if printer::chosen_format(&session.settings) != ErrorFormat::Helm {
                    advice::place_in_templates(&mut failure, &options, &mut System);
                    self.advise(&mut failure, &chart, files);
                }
                self.fail(failure, &name, session)
            }
        }
    }
}

impl Arguments {
    /// Refuses post-renderers that do not exist, before any other work, as pflag does.
    fn check_post_renderer(&self, session: &Session) -> Result<()> {
        let mut names = self.post_renderer.iter().filter(|name| !name.is_empty());
        let Some(name) = names.next() else { return Ok(()) };
        let found = plugin::find(name, plugin::POST_RENDERER_TYPE, &session.settings, &mut Notices::new());
        found.map_err(|error| refused_post_renderer(name, error.message()))?;
        match names.next() {
            None => Ok(()),
            Some(name) => Err(refused_post_renderer(name, "cannot specify --post-renderer flag more than once")),
        }
    }

    /// The program that transforms the manifests, if one is requested.
    fn post_renderer<'a>(&'a self, session: &'a Session, notices: &mut Notices) -> Result<Option<PostRenderer<'a>>> {
        match (self.post_renderer.iter().find(|name| !name.is_empty()), &self.post_renderer_program) {
            (Some(name), _) => PostRenderer::plugin(name, &self.post_renderer_args, session, notices).map(Some),
            (None, Some(path)) => Ok(Some(PostRenderer::program(path, &self.post_renderer_args, &session.environment))),
            (None, None) => Ok(None),
        }
    }

    /// What the templates see of the cluster.
    fn capabilities(&self) -> Result<Capabilities> {
        let mut capabilities = Capabilities::default();
        if let Some(text) = self.kube_version.as_ref().filter(|text| !text.is_empty()) {
            capabilities.kube_version = KubeVersion::parse(text)
                .map_err(|fault| Error::new(ErrorKind::Usage, format!("invalid kube version '{text}': {fault}")))?;
        }
        capabilities.api_versions.extend(flatten(&self.api_versions));
        Ok(capabilities)
    }

    /// Refuses `--dry-run=server` and unknown forms of `--dry-run`; `template` is always a dry run.
    fn check_dry_run(&self, session: &mut Session) -> Result<()> {
        let refused = |value: &str, allowed: &str| {
            Err(Error::new(ErrorKind::Usage, format!("invalid dry-run value ({}). Must be {allowed}", quote(value.as_bytes()))))
        };
        match self.dry_run.as_deref() {
            None | Some("client") => {}
            Some("unset") => {
                session.notices.push(Level::Warn, "--dry-run is deprecated and should be replaced with '--dry-run=client'");
            }
            Some("server") => return Err(needs_cluster("--dry-run=server")),
            Some("none") => return refused("none", "\"server\" or \"client\""),
            Some(value) => match boolean(value) {
                Err(_) => return refused(value, "\"none\", \"server\", or \"client\""),
                Ok(false) => return refused(value, "\"server\" or \"client\""),
                Ok(true) => session.notices.push(
                    Level::Warn,
                    format!("boolean '--dry-run={value}' flag is deprecated and must be replaced with '--dry-run=client'"),
                ),
            },
        }
        if self.validate { Err(needs_cluster("--validate")) } else { Ok(()) }
    }

    /// The release's name and the chart's reference. Without a name it is `release-name`, even with `--generate-name`.
    fn name_and_chart(&self, arguments: &[String]) -> Result<(String, String)> {
        let usage = |message: String| Err(Error::new(ErrorKind::Usage, message));
        let name_template = self.name_template.as_deref().unwrap_or_default();
        match arguments {
            [name, chart] => {
                if self.generate_name {
                    return usage("cannot set --generate-name and also specify a name".to_string());
                }
                if !name_template.is_empty() {
                    return usage("cannot set --name-template and also specify a name".to_string());
                }
                Ok((name.clone(), chart.clone()))
            }
            [chart] if !name_template.is_empty() => {
                let name = engine::render_text("name-template", name_template, &|| Value::Nil, Vocabulary::Sprig, &mut System)?;
                Ok((String::from_utf8_lossy(&name).into_owned(), chart.clone()))
            }
            [chart] => Ok(("release-name".to_string(), chart.clone())),
            _ => {
                let rest = arguments.get(2..).unwrap_or_default();
                usage(format!("expected at most two arguments, unexpected arguments: {}", rest.join(", ")))
            }
        }
    }

    /// Loads the chart and checks that it can be rendered and that its dependencies are complete.
    fn load(&self, path: &Path, ahead: &Ahead, session: &mut Session) -> Result<Chart> {
        let crds = if self.include_crds { Crds::Wanted } else { Crds::Unlikely };
        let chart = source::load_observed(path, crds, session, ahead)?;
        template::check_installable(&chart, &mut session.notices)?;
        if let Err(error) = chart.check_dependencies() {
            if self.dependency_update {
                return self.update_dependencies(path, session);
            }
            let diagnostic = Diagnostic {
                headline: error.message().to_string(),
                hints: vec![format!(
                    "`rutter dependency build {}` fetches them; `--dependency-update` does so before rendering",
                    path.display()
                )],
                ..Diagnostic::default()
            };
            let error = error.context(
                "an error occurred while checking for chart dependencies. \
                 You may need to run 'helm dependency build' to fetch missing dependencies",
            );
            return Err(error.with_diagnostic(diagnostic));
        }
        Ok(chart)
    }

    /// Fetches missing dependencies and reloads the chart.
    fn update_dependencies(&self, path: &Path, session: &mut Session) -> Result<Chart> {
        session.show_notices();
        let keyring = source::keyring(self.source.keyring.as_deref(), session);
        // The registry client uses the command's flags; repositories have their own settings.
        let source = ChartOptions { keyring, ..self.source.server.options()? };
        let options = action::dependency::Options { source, ..Default::default() };
        action::dependency::update(path, &options, &source::repository_settings(session)?, &Console::new(session))?;
        source::load(path, session).map_err(|error| error.context("failed reloading chart after repo update"))
    }

    /// Adds advice about the values to the errors.
    fn advise(&self, failure: &mut Failure, chart: &Chart, files: Vec<(String, Vec<u8>)>) {
        let Some(values) = &failure.values else { return };
        let sources = Sources::new(chart, &source::value_options(&self.values), files).ok();
        for error in std::iter::once(&mut failure.error).chain(&mut failure.others) {
            advice::add(error, values, sources.as_ref());
        }
    }

    /// Shows every error but the last, which it returns; with `--debug` also writes the output so far.
    fn fail(&self, mut failure: Failure, name: &str, session: &mut Session) -> Result<()> {
        let mut error = failure.error;
        for next in std::mem::take(&mut failure.others) {
            session.report(&error);
            error = next;
        }
        match failure.rendering {
            None => Err(error),
            Some(_) if !session.settings.debug => Err(error.followed_by(SEE_DEBUG)),
            Some(rendering) => {
                self.write(&rendering, name, Some(&error), session)?;
                Err(error)
            }
        }
    }

    /// Writes the manifests to standard output or to files.
    fn write(&self, rendering: &Rendering, name: &str, failed: Option<&Error>, session: &mut Session) -> Result<()> {
        let hooks = match (self.no_hooks, self.skip_tests) {
            (true, _) => Hooks::None,
            (false, true) => Hooks::WithoutTests,
            (false, false) => Hooks::All,
        };
        // All notices come from making the manifests, so they go first.
        session.show_notices();
        let mut output = session.output();
        let folder = self.output_dir.as_deref().filter(|folder| !folder.is_empty() && failed.is_none());
        let nothing = Rendering::default();
        let mut shown = rendering;
        if let Some(folder) = folder {
            let mut wrote = Vec::new();
            let outcome = rendering.write_files(Path::new(folder), self.release_name.then_some(name), hooks, &mut wrote);
            for path in wrote {
                writeln!(output, "wrote {}", path.display()).map_err(Session::write_error)?;
            }
            if let Err(error) = outcome {
                output.flush().map_err(Session::write_error)?;
                // Helm treats every error here as one of invalid manifests, and so adds this advice.
                return Err(if session.settings.debug { error } else { error.followed_by(SEE_DEBUG) });
            }
            shown = &nothing;
        }
        let written = if self.show_only.is_empty() {
            shown.write(hooks, &mut output)
        } else {
            // With --debug the error of the render says more than that one of its documents is missing.
            shown.write_only(&self.show_only, hooks, &mut output).map_err(|missing| failed.cloned().unwrap_or(missing))?
        };
        written.and_then(|()| output.flush()).map_err(Session::write_error)
    }
}

/// Reads `--labels`: a comma list of `key=value`.
fn labels(text: &str) -> std::result::Result<CommaList, String> {
    // A single pair is used as it is, without surrounding quotes; only several pairs are read as a comma list.
    let list = match text.matches('=').count() {
        0 => return Err(format!("{text} must be formatted as key=value")),
        1 => CommaList(vec![text.trim_matches('"').to_string()]),
        _ => comma_list(text)?,
    };
    match list.0.iter().find(|item| !item.contains('=')) {
        Some(item) => Err(format!("{item} must be formatted as key=value")),
        None => Ok(list),
    }
}

/// What `--wait` took before it took strategies, and what stands for it now (Helm's `pkg/cmd/flags.go`).
const BOOLEAN_WAITS: [(&str, &str); 2] = [("true", "watcher"), ("false", "hookOnly")];

/// Reads `--wait`, which has no effect without a cluster but must still be valid.
fn wait(text: &str) -> std::result::Result<String, String> {
    match text {
        "watcher" | "legacy" | "hookOnly" | "true" | "false" => Ok(text.to_string()),
        _ => Err(format!("invalid wait input {}. Valid inputs are watcher, hookOnly, and legacy", quote(text.as_bytes()))),
    }
}

/// pflag's error about a post-renderer.
fn refused_post_renderer(name: &str, why: &str) -> Error {
    Error::new(ErrorKind::Usage, format!("invalid argument {} for \"--post-renderer\" flag: {why}", quote(name.as_bytes())))
}

/// The error for every flag that needs a cluster.
fn needs_cluster(flag: &str) -> Error {
    Error::new(ErrorKind::Unsupported, format!("`{flag}` needs a Kubernetes cluster, and rutter renders without one"))
}
