//! Makes the release binary a static one on Linux with glibc.
//!
//! Goes in: what Cargo tells of the target. Comes out: arguments for the linker. A dynamic, position-independent binary spends
//! more of a short run on starting than on rendering a small chart: it loads three libraries and relocates 600 kB of tables, page
//! by page. `-C target-feature=+crt-static` would say the same, but Cargo hands it to the procedural macros too, which cannot be
//! static. So the linker is shown static libraries where rustc names shared ones. Go links Helm in the same way: static, at a
//! fixed address. Hosts are looked up in /etc/hosts and by DNS; other sources that nsswitch.conf may name are found only beside the
//! glibc that the binary was made with. Where there is no static glibc (`libc.a`), and with `RUTTER_DYNAMIC=1`, the binary is an ordinary one.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// What rustc asks for, and the static libraries that stand for each.
const LIBRARIES: &[(&str, &[&str])] = &[
    ("gcc_s", &["libgcc_eh.a", "libgcc.a", "libc.a"]),
    ("util", &["libutil.a"]),
    ("rt", &["librt.a"]),
    ("pthread", &["libpthread.a"]),
    ("m", &["libm.a"]),
    ("dl", &["libdl.a"]),
    ("c", &["libc.a", "libgcc.a", "libgcc_eh.a"]),
];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=RUTTER_DYNAMIC");
    if !is_wanted() {
        return;
    }
    let Some(folder) = env::var_os("OUT_DIR").map(|folder| PathBuf::from(folder).join("static")) else { return };
    if write_scripts(&folder).is_none() {
        return;
    }
    println!("cargo::rustc-link-arg-bins=-L{}", folder.display());
    println!("cargo::rustc-link-arg-bins=-static");
    println!("cargo::rustc-link-arg-bins=-no-pie");
}

fn is_wanted() -> bool {
    let is = |name: &str, value: &str| env::var(name).is_ok_and(|found| found == value);
    let is_native = env::var_os("HOST").is_some() && env::var_os("HOST") == env::var_os("TARGET");
    is_native
        && is("PROFILE", "release")
        && is("CARGO_CFG_TARGET_OS", "linux")
        && is("CARGO_CFG_TARGET_ENV", "gnu")
        && !is("RUTTER_DYNAMIC", "1")
        && !env::var("CARGO_CFG_TARGET_FEATURE").is_ok_and(|features| features.split(',').any(|feature| feature == "crt-static"))
}

/// Writes a linker script for each library, which names the static ones; `None` if one is missing.
fn write_scripts(folder: &Path) -> Option<()> {
    let mut scripts = Vec::new();
    for (name, archives) in LIBRARIES {
        let paths = archives.iter().map(|archive| path_of(archive)).collect::<Option<Vec<String>>>()?;
        scripts.push((folder.join(format!("lib{name}.so")), format!("GROUP ( {} )\n", paths.join(" "))));
    }
    fs::create_dir_all(folder).ok()?;
    scripts.into_iter().try_for_each(|(path, text)| fs::write(path, text)).ok()
}

/// Where the C compiler, which rustc links with, has this library.
fn path_of(archive: &str) -> Option<String> {
    let compiler = env::var_os("RUSTC_LINKER").unwrap_or_else(|| "cc".into());
    let output = Command::new(compiler).arg(format!("-print-file-name={archive}")).output().ok()?;
    let path = String::from_utf8(output.stdout).ok()?.trim().to_string();
    // What it does not have it names as it was asked.
    (Path::new(&path).is_absolute() && !path.contains([' ', '"', '\n'])).then_some(path)
}
