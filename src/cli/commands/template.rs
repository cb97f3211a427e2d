//! `rutter template`: renders a chart and prints its manifests.

use super::{Arity, Entry, Run};
use crate::cli::arguments::{ChartSourceArguments, CommaList, ValueArguments, comma_list};
use crate::cli::session::Session;
use crate::error::{Error, ErrorKind, Result};
use clap::Args;

/// The row of the table.
pub const COMMAND: Entry = Entry::leaf::<Arguments>("template", "[NAME] [CHART]", Arity::AtLeast(1), "locally render templates", LONG)
    .deprecated(&[
        ("atomic", "use --rollback-on-failure instead"),
        ("force", "use --force-replace instead"),
        ("hide-notes", "this flag has no effect for 'rutter template'"),
        ("render-subchart-notes", "this flag has no effect for 'rutter template'"),
        ("validate", "use '--dry-run=server' instead"),
    ]);

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
    #[arg(short = 'l', long, value_name = "stringToString")]
    labels: Vec<String>,
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
    /// use release name in the output-dir path.
    #[arg(long)]
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
    #[arg(long, value_name = "duration")]
    timeout: Option<String>,
    #[arg(long, hide = true)]
    validate: bool,
    /// wait until resources are ready (up to --timeout). Use '--wait' alone for 'watcher' strategy, or specify one of: 'watcher', 'hookOnly', 'legacy'. Default when flag is omitted: 'hookOnly'. (default hookOnly)
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "watcher", value_name = "WaitStrategy[=watcher]")]
    wait: Option<String>,
    /// if set and --wait enabled, will wait until all Jobs have been completed before marking the release as successful. It will wait for as long as --timeout
    #[arg(long)]
    wait_for_jobs: bool,
}

impl Run for Arguments {
    fn run(self, _arguments: Vec<String>, _session: &mut Session) -> Result<()> {
        Err(Error::new(ErrorKind::Unsupported, "template is not built yet"))
    }
}
