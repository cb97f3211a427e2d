//! The archives of plugins.
//!
//! Goes in: the folder of a plugin, or the bytes of `NAME-VERSION.tgz`. Comes out: these bytes, or their members. Everything
//! in the folder is packed below the plugin's name, with its permissions. Names that lead out of an archive, links and devices
//! are refused, and the unpacked size is limited. Matches Helm's `internal/plugin/sign.go` and `installer/extractor.go`.

use super::archive::{BLOCK, END, Kind, headers};
use crate::chart::loader::tar;
use crate::error::{Error, ErrorKind, Result};
use crate::fs;
use flate2::read::MultiGzDecoder;
use flate2::{Compression, GzBuilder};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

/// The name of the file that describes a plugin.
pub const MANIFEST: &str = "plugin.yaml";
/// How many bytes an archive may unpack to. Helm has no such limit.
const UNPACKED_LIMIT: u64 = 1 << 30;
/// How many members an archive may have. Helm has no such limit.
const ENTRIES_LIMIT: usize = 100_000;
/// How deep the folders of a plugin may be nested.
const DEPTH_LIMIT: usize = 100;

/// A file or folder of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The path from the archive's top, with `/`; never leads out of it.
    pub name: String,
    /// Permissions.
    pub mode: u32,
    /// The contents of a file; `None` for a folder.
    pub data: Option<Arc<[u8]>>,
}

/// The members of an archive, in its order. Fails, in the words of Go and Helm, if it is not an archive, is
/// truncated, or has a forbidden member.
pub fn read(archive: &[u8]) -> Result<Vec<Member>> {
    let mut members = Vec::new();
    visit(archive, &mut |member, reader| {
        let name = inner_name(&member.name)?;
        let data = match (member.kind, member.flag) {
            (tar::Kind::Global, _) => return Ok(true),
            (tar::Kind::Folder, _) => None,
            (tar::Kind::File, b'0' | 0) => Some(reader.data()?),
            (_, flag) => return Err(Error::new(ErrorKind::Chart, format!("unknown type: {flag:b} in {}", member.name))),
        };
        members.push(Member { name, mode: member.mode & 0o777, data });
        Ok(true)
    })?;
    Ok(members)
}

/// The first plugin.yaml of an archive, in any folder.
pub fn manifest(archive: &[u8]) -> Result<Vec<u8>> {
    let mut found = None;
    visit(archive, &mut |member, reader| {
        if member.name.trim_end_matches('/').rsplit('/').next() == Some(MANIFEST) {
            found = Some(reader.data()?.to_vec());
        }
        Ok(found.is_none())
    })?;
    found.ok_or_else(|| Error::new(ErrorKind::Chart, "plugin.yaml not found in tarball"))
}

/// Visits one member after the other until there are none, or `visitor` returns false.
fn visit(archive: &[u8], visitor: &mut dyn FnMut(&tar::Member, &mut tar::Reader<MultiGzDecoder<&[u8]>>) -> Result<bool>) -> Result<()> {
    let fault = |text: &str| Err(Error::new(ErrorKind::Chart, text));
    match archive {
        [] => return fault("EOF"),
        short if short.len() < 10 => return fault("unexpected EOF"),
        [0x1f, 0x8b, 8, ..] => {}
        _ => return fault("gzip: invalid header"),
    }
    let limit = |what: String| Err(Error::new(ErrorKind::Limit, format!("plugin archive has more than {what}")));
    let (mut entries, mut bytes) = (0, 0u64);
    let mut reader = tar::Reader::new(MultiGzDecoder::new(archive));
    while let Some(member) = reader.next()? {
        entries += 1;
        bytes = bytes.saturating_add(member.size);
        if entries > ENTRIES_LIMIT {
            return limit(format!("{ENTRIES_LIMIT} entries"));
        }
        if bytes > UNPACKED_LIMIT {
            return limit(format!("{UNPACKED_LIMIT} bytes"));
        }
        if !visitor(&member, &mut reader)? {
            break;
        }
    }
    Ok(())
}

/// A member's cleaned name, if it stays below the archive's top (Helm's `cleanJoin`).
fn inner_name(name: &str) -> Result<String> {
    let fault = |reason: &str| Err(Error::new(ErrorKind::Chart, format!("path {reason}, which is illegal")));
    if name.contains(':') {
        return fault("contains ':'");
    }
    let name = name.replace('\\', "/");
    if name.split('/').any(|part| part == "..") {
        return fault("contains '..'");
    }
    if name.starts_with('/') {
        return fault("is absolute");
    }
    Ok(name.split('/').filter(|part| !part.is_empty() && *part != ".").collect::<Vec<_>>().join("/"))
}

/// The archive of the plugin `name` in `folder`. The same folder gives the same bytes: the owner of the files
/// does not matter. Fails if an entry is neither file nor folder, or cannot be read.
pub fn pack(folder: &Path, name: &str) -> Result<Vec<u8>> {
    let mut stream = GzBuilder::new().operating_system(255).write(Vec::new(), Compression::default());
    let failed = |error: std::io::Error| Error::new(ErrorKind::Io, format!("compression failed: {error}"));
    add(folder, name, 0, &mut |bytes| stream.write_all(bytes).map_err(failed))?;
    stream.write_all(END).map_err(failed)?;
    stream.finish().map_err(failed)
}

/// Adds the entry at `path` under the name `name`, and everything below it, in the order of Go's `filepath.Walk`.
fn add(path: &Path, name: &str, depth: usize, sink: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
    // The folder itself may be a link.
    let entry = if depth == 0 { fs::stat(path)? } else { fs::lstat(path)? };
    let mode = fs::mode(path)?;
    match entry.kind {
        fs::Kind::Folder if depth > DEPTH_LIMIT => {
            let message = format!("{} is nested deeper than {DEPTH_LIMIT} levels", path.display());
            Err(Error::new(ErrorKind::Limit, message))
        }
        fs::Kind::Folder => {
            sink(&headers(name, Kind::Folder(mode), 0, entry.modified))?;
            for inner in fs::names(path)? {
                add(&path.join(&inner), &format!("{name}/{}", inner.to_string_lossy()), depth + 1, sink)?;
            }
            Ok(())
        }
        fs::Kind::File => {
            let mut data = fs::read(path)?;
            sink(&headers(name, Kind::File(mode), data.len(), entry.modified))?;
            data.resize(data.len().next_multiple_of(BLOCK), 0);
            sink(&data)
        }
        fs::Kind::Link | fs::Kind::Irregular => {
            let message = format!("{} is neither file nor folder: an archive of a plugin cannot hold it", path.display());
            Err(Error::new(ErrorKind::Chart, message))
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn plugin() -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_folders(&folder.path().join("bin")).expect("made");
        fs::write(&folder.path().join(MANIFEST), b"name: demo\n").expect("written");
        fs::write_as(&folder.path().join("bin/run"), b"#!/bin/sh\n", fs::Mode::Exact(0o755)).expect("written");
        folder
    }

    #[test]
    fn what_is_packed_comes_out_again() {
        let folder = plugin();
        let archive = pack(folder.path(), "demo").expect("packed");
        assert_eq!(archive, pack(folder.path(), "demo").expect("packed"));
        let members = read(&archive).expect("an archive");
        let shown: Vec<_> = members.iter().map(|member| (member.name.as_str(), member.mode, member.data.as_deref())).collect();
        let top = fs::mode(folder.path()).expect("a mode");
        let bin = fs::mode(&folder.path().join("bin")).expect("a mode");
        assert_eq!(
            shown,
            [
                ("demo", top, None),
                ("demo/bin", bin, None),
                ("demo/bin/run", 0o755, Some(&b"#!/bin/sh\n"[..])),
                ("demo/plugin.yaml", 0o644, Some(&b"name: demo\n"[..])),
            ]
        );
        assert_eq!(manifest(&archive).expect("a manifest"), b"name: demo\n");
    }

    #[test]
    fn links_are_refused() {
        let folder = plugin();
        fs::create_link(Path::new("/etc/passwd"), &folder.path().join("link")).expect("linked");
        assert!(pack(folder.path(), "demo").expect_err("a fault").message().contains("link is neither file nor folder"));
    }

    /// An archive with a single member of this name and type flag.
    fn archive_of(name: &str, flag: u8) -> Vec<u8> {
        let mut block = headers(name, Kind::File(0o644), 0, 0);
        block[156] = flag;
        block[148..156].fill(b' ');
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        let mut stream = GzBuilder::new().write(Vec::new(), Compression::fast());
        stream.write_all(&block).expect("written");
        stream.write_all(END).expect("written");
        stream.finish().expect("written")
    }

    // Helm v4.2.4's words.
    #[test]
    fn hostile_members_are_refused() {
        for (name, flag, want) in [
            ("../up", b'0', "path contains '..', which is illegal"),
            ("a/../../up", b'0', "path contains '..', which is illegal"),
            ("a\\..\\up", b'0', "path contains '..', which is illegal"),
            ("/etc/passwd", b'0', "path is absolute, which is illegal"),
            ("c:/x", b'0', "path contains ':', which is illegal"),
            ("link", b'2', "unknown type: 110010 in link"),
            ("device", b'3', "unknown type: 110011 in device"),
        ] {
            assert_eq!(read(&archive_of(name, flag)).expect_err("a fault").message(), want, "{name}");
        }
        assert_eq!(read(&archive_of("./a//b", b'0')).expect("fine")[0].name, "a/b");
    }

    #[test]
    fn what_is_no_archive_is_told() {
        for (bytes, want) in [(&b""[..], "EOF"), (b"\x1f\x8b", "unexpected EOF"), (b"no archive at all", "gzip: invalid header")] {
            assert_eq!(read(bytes).expect_err("a fault").message(), want);
            assert_eq!(manifest(bytes).expect_err("a fault").message(), want);
        }
        let archive = archive_of("README.md", b'0');
        assert_eq!(manifest(&archive).expect_err("a fault").message(), "plugin.yaml not found in tarball");
        assert!(read(&archive[..archive.len() / 2]).is_err());
    }

    #[test]
    fn bombs_are_refused() {
        let mut stream = GzBuilder::new().write(Vec::new(), Compression::fast());
        let size = usize::try_from(UNPACKED_LIMIT).expect("a size") + 1;
        stream.write_all(&headers("zeros", Kind::File(0o644), size, 0)).expect("written");
        let archive = stream.finish().expect("written");
        let refused = |archive: &[u8], want: &str| {
            for fault in [read(archive).map(drop), manifest(archive).map(drop)] {
                assert_eq!(fault.expect_err("a fault").message(), format!("plugin archive has more than {want}"));
            }
        };
        refused(&archive, "1073741824 bytes");
        let mut stream = GzBuilder::new().write(Vec::new(), Compression::fast());
        let member = headers("empty", Kind::File(0o644), 0, 0);
        (0..=ENTRIES_LIMIT).for_each(|_| stream.write_all(&member).expect("written"));
        refused(&stream.finish().expect("written"), "100000 entries");
    }

    #[test]
    fn folders_without_end_are_refused() {
        let folder = plugin();
        let deep = folder.path().join(vec!["d"; DEPTH_LIMIT + 2].join("/"));
        fs::create_folders(&deep).expect("made");
        let fault = pack(folder.path(), "demo").expect_err("a fault");
        assert!(fault.message().contains("is nested deeper than 100 levels"), "{fault}");
    }
}
