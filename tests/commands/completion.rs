//! The scripts of `completion` in real shells: what a shell is given when somebody presses TAB.

use super::peers::have;
use super::{folder, output_of, top};
use std::path::Path;
use std::process::Command;

/// What `shell` prints for this program, with `rutter` on its path.
fn run(home: &Path, shell: &[&str], program: &str) -> String {
    let binary = Path::new(env!("CARGO_BIN_EXE_rutter")).parent().expect("its folder").to_path_buf();
    let path = std::env::var("PATH").unwrap_or_default();
    let mut command = Command::new(shell[0]);
    command.args(&shell[1..]).arg(program).env_clear().env("HOME", home).current_dir(top());
    output_of(command.env("PATH", format!("{}:{path}", binary.display())).env("TERM", "dumb").env("LC_ALL", "C"))
}

#[test]
fn bash_offers_what_rutter_knows() {
    if !have("bash_offers_what_rutter_knows", &["bash"]) {
        return;
    }
    let (_guard, home) = folder();
    // What bash sets before it calls the function: the line, and the line cut at blanks, ':' and '='.
    let program = r#"
        source <(rutter completion bash)
        try() {
            COMP_LINE="$1" COMP_POINT=${#1} COMP_TYPE=9 COLUMNS=100
            read -r -a COMP_WORDS <<< "$(sed 's/\([:=]\)/ \1 /g' <<< "$1")"
            [[ "$1" == *[\ :=] ]] && COMP_WORDS+=("")
            COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
            __rutter_complete 2>/dev/null
            printf '%s|' "$1" "${COMPREPLY[@]}"
            echo
        }
        try "rutter temp"
        try "rutter show c"
        try "rutter template r oci:"
        try "rutter template r --output-d"
        try "rutter get-nothing "
        complete -p rutter
    "#;
    assert_eq!(
        run(&home, &["bash", "--norc", "-c"], program),
        "rutter temp|template|\n\
         rutter show c|chart  (show the chart's definition)|crds   (show the chart's CRDs)|\n\
         rutter template r oci:|//|\n\
         rutter template r --output-d|--output-dir|\n\
         rutter get-nothing |\n\
         complete -o default -F __start_rutter rutter\n"
    );
}

/// A folder with a link to rutter of Helm's name, to stand on the path.
fn helm_link(home: &Path) -> String {
    let folder = home.join("links");
    std::fs::create_dir(&folder).expect("a folder");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_rutter"), folder.join("helm")).expect("a link");
    folder.to_string_lossy().into_owned()
}

// What dotfiles say of Helm: an alias is registered with the function of its script, and a file of zsh's is named after it.
#[test]
fn called_helm_the_scripts_are_for_helm() {
    if !have("called_helm_the_scripts_are_for_helm", &["bash", "zsh", "fish"]) {
        return;
    }
    let (_guard, home) = folder();
    let path = format!("PATH={}:$PATH", helm_link(&home));
    let bash = r#"
        source <(helm completion bash)
        complete -o default -F __start_helm h
        shopt -s expand_aliases
        alias h=helm
        for name in helm h; do
            COMP_LINE="$name temp" COMP_POINT=${#COMP_LINE} COMP_WORDS=($name temp) COMP_CWORD=1 COMP_TYPE=9
            __start_helm 2>/dev/null
            echo "${COMPREPLY[@]}"
        done
        complete -p helm
    "#;
    assert_eq!(
        run(&home, &["bash", "--norc", "-c"], &format!("{path}{bash}")),
        "template\ntemplate\ncomplete -o default -F __start_helm helm\n"
    );
    let zsh = r#"
        mkdir functions && helm completion zsh > functions/_helm && fpath=($PWD/functions)
        head -1 functions/_helm
        autoload -U _helm
        _describe() { local name=$2; print -rl -- "${(P@)name}" }
        words=(helm temp) CURRENT=2 PREFIX=temp
        _helm
    "#;
    assert_eq!(
        run(&home, &["zsh", "-f", "-c"], &format!("export {path}; cd $HOME{zsh}")),
        "#compdef helm\ntemplate:locally render templates\n"
    );
    let fish = r#"
        helm completion fish | source
        complete -C "helm temp"
    "#;
    assert_eq!(
        run(&home, &["fish", "--no-config", "-c"], &format!("set -x PATH {} $PATH{fish}", home.join("links").display())),
        "template\tlocally render templates\n"
    );
}

#[test]
fn fish_offers_what_rutter_knows() {
    if !have("fish_offers_what_rutter_knows", &["fish"]) {
        return;
    }
    let (_guard, home) = folder();
    let program = r#"
        rutter completion fish | source
        for line in "rutter temp" "rutter show c" "rutter template r oci" "rutter template r --output-d"
            complete -C $line
        end
    "#;
    assert_eq!(
        run(&home, &["fish", "--no-config", "-c"], program),
        "template\tlocally render templates\n\
         chart\tshow the chart's definition\ncrds\tshow the chart's CRDs\n\
         oci://\tChart OCI prefix\n\
         --output-dir\twrites the executed templates to files in output-dir instead of stdout\n"
    );
}

#[test]
fn zsh_offers_what_rutter_knows() {
    if !have("zsh_offers_what_rutter_knows", &["zsh"]) {
        return;
    }
    let (_guard, home) = folder();
    // The function within a completion system of this test's own, which prints what it is given.
    let program = r#"
        compdef() { print "for ${(j: :)@}" }
        source <(rutter completion zsh)
        _describe() { local name=$2; print -rl -- "${(P@)name}" "with ${*[3,-1]}" }
        _files() { print files }
        compset() { PREFIX="${PREFIX#*=}" }
        try() { local -a words; local PREFIX CURRENT; words=("${(@s: :)1}"); CURRENT=${#words}; PREFIX="${words[-1]}"; _rutter }
        try "rutter temp"
        try "rutter show c"
        try "rutter template r oci"
        try "rutter package x"
    "#;
    assert_eq!(
        run(&home, &["zsh", "-f", "-c"], program),
        "for _rutter rutter\n\
         template:locally render templates\nwith \n\
         chart:show the chart's definition\ncrds:show the chart's CRDs\nwith \n\
         oci\\://:Chart OCI prefix\nwith -S \n\
         files\n"
    );
}
