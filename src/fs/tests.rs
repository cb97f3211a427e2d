//! Files and paths: what is written, with which mode, and the targets of names and links.

use super::*;

#[test]
fn faults_read_as_go_s() {
    let missing = Path::new("/nowhere/at/all");
    let by_number = |number: i32| reason(&io::Error::from_raw_os_error(number));
    let (stat_call, no_way, is_folder) = match cfg!(windows) {
        true => ("GetFileAttributesEx", by_number(3), by_number(1)),
        false => ("stat", "no such file or directory".to_string(), "is a directory".to_string()),
    };
    assert_eq!(read(missing).unwrap_err().to_string(), format!("open /nowhere/at/all: {no_way}"));
    assert_eq!(stat(missing).unwrap_err().to_string(), format!("{stat_call} /nowhere/at/all: {no_way}"));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    assert_eq!(read(path).unwrap_err().to_string(), format!("read {}: {is_folder}", path.display()));
    let below = path.join("no/file");
    assert_eq!(write(&below, b"x").unwrap_err().to_string(), format!("open {}: {no_way}", below.display()));
    assert_eq!(write(path, b"x").unwrap_err().to_string(), format!("open {}: is a directory", path.display()));
}

#[test]
fn a_write_that_is_not_finished_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    write(&path, b"old").unwrap();
    let mut sink = Replacement::new(&path, Mode::New(0o644)).unwrap();
    sink.write_all(b"new").unwrap();
    drop(sink);
    assert_eq!(read(&path).unwrap(), b"old");
    assert_eq!(names(folder.path()).unwrap(), ["a"]);
}

#[cfg(unix)]
#[test]
fn a_write_replaces_a_link_and_not_its_target() {
    let folder = tempfile::tempdir().unwrap();
    let (target, link) = (folder.path().join("target"), folder.path().join("link"));
    write(&target, b"kept").unwrap();
    std::os::unix::fs::symlink(&target, &link).unwrap();
    write(&link, b"new").unwrap();
    assert_eq!(read(&target).unwrap(), b"kept");
    assert_eq!(lstat(&link).unwrap().kind, Kind::File);
}

#[test]
fn paths_are_cleaned_as_go_does() {
    for (path, expected) in [("", "."), ("a//b/./c/../d/", "a/b/d"), ("../../a", "../../a"), ("/../a", "/a"), ("a/..", ".")] {
        assert_eq!(clean(Path::new(path)), Path::new(expected), "{path}");
    }
}

#[test]
fn a_folder_takes_the_place_of_an_empty_one() {
    let top = tempfile::tempdir().unwrap();
    let (from, to) = (top.path().join("from"), top.path().join("to"));
    create_folders(&from).unwrap();
    write(&from.join("a"), b"new").unwrap();
    create_folders(&to.join("full")).unwrap();
    assert!(rename(&from, &to).is_err());
    remove_empty_folder(&to.join("full")).unwrap();
    rename(&from, &to).unwrap();
    assert_eq!((read(&to.join("a")).unwrap(), exists(&from)), (b"new".to_vec(), false));
}

#[cfg(unix)]
#[test]
fn a_file_is_moved_to_another_file_system() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let device = |folder: &Path| std::fs::metadata(folder).map(|about| about.dev()).ok();
    let top = tempfile::tempdir().unwrap();
    let other = tempfile::tempdir_in("/dev/shm").ok().filter(|other| device(other.path()) != device(top.path()));
    let Some(other) = other else {
        let _ = writeln!(io::stderr(), "SKIPPED a_file_is_moved_to_another_file_system: /dev/shm is no other one");
        return;
    };
    let (from, to) = (top.path().join("from"), other.path().join("to"));
    for (text, mode) in [("one", 0o644), ("two", 0o400)] {
        write(&from, text.as_bytes()).unwrap();
        std::fs::set_permissions(&from, PermissionsExt::from_mode(mode)).unwrap();
        assert!(rename(&from, &to).is_err());
        move_file(&from, &to).unwrap();
        assert_eq!((read(&to).unwrap(), mode_at(&to), exists(&from)), (text.as_bytes().to_vec(), mode, false));
    }
    assert_eq!(names(other.path()).unwrap(), ["to"]);
    // Within one file system it is a rename.
    move_file(&to, &other.path().join("there")).unwrap();
    assert_eq!(names(other.path()).unwrap(), ["there"]);
}

#[test]
fn nothing_is_joined_outside_a_folder() {
    let folder = Path::new("/top");
    assert_eq!(join_below(folder, "a/./b").unwrap(), Path::new("/top/a/b"));
    for name in ["", "../a", "a/../../b", "/etc/passwd", "a\0b"] {
        assert!(join_below(folder, name).is_err(), "{name}");
    }
    // Windows treats these as other names.
    for name in ["a:b", "a/x. /b", "a.", "a ", "a\\b", "..\\b"] {
        assert_eq!(join_below(folder, name).is_err(), cfg!(windows), "{name}");
    }
}

#[test]
fn the_second_of_a_file_is_cut_off_and_its_time_is_rounded() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.tgz");
    let file = File::create(&path).unwrap();
    for (milliseconds, second, rounded) in
        [(1_700_000_000_400, 1_700_000_000, 1_700_000_000), (1_700_000_000_900, 1_700_000_000, 1_700_000_001)]
    {
        file.set_modified(UNIX_EPOCH + Duration::from_millis(milliseconds)).unwrap();
        assert_eq!((modified_second(&path).unwrap(), stat(&path).unwrap().modified), (second, rounded));
    }
    file.set_modified(UNIX_EPOCH - Duration::from_millis(1_500)).unwrap();
    assert_eq!(modified_second(&path).unwrap(), -2);
}

#[cfg(unix)]
#[test]
fn links_are_followed_to_their_end() {
    let folder = tempfile::tempdir().unwrap();
    let top = folder.path().canonicalize().unwrap();
    create_folders(&top.join("real/deep")).unwrap();
    std::os::unix::fs::symlink("real", top.join("one")).unwrap();
    std::os::unix::fs::symlink("one/deep", top.join("two")).unwrap();
    std::os::unix::fs::symlink("gone", top.join("broken")).unwrap();
    std::os::unix::fs::symlink("loop", top.join("loop")).unwrap();
    assert_eq!(resolve_links(&top.join("two")).unwrap(), top.join("real/deep"));
    assert_eq!(
        resolve_links(&top.join("broken")).unwrap_err().to_string(),
        format!("lstat {}: no such file or directory", top.join("gone").display())
    );
    assert_eq!(resolve_links(Path::new("src/../../..")).unwrap(), Path::new("../.."));
    assert_eq!(resolve_links(Path::new("/../..")).unwrap(), Path::new("/"));
    assert_eq!(resolve_links(&top.join("loop")).unwrap_err().to_string(), "EvalSymlinks: too many links");
}

#[test]
fn a_lock_is_held_by_one_and_read_by_its_owner_only() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("repositories.lock");
    let held = lock(&path, Duration::ZERO).unwrap();
    assert!(lock(&path, Duration::ZERO).unwrap_err().to_string().contains("is held by another process"));
    #[cfg(unix)]
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&path.metadata().unwrap().permissions()) & 0o777, 0o600);
    drop(held);
    lock(&path, Duration::ZERO).unwrap();
}

#[test]
fn a_limit_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    write(&path, b"12345").unwrap();
    assert_eq!(read_limited(&path, 5).unwrap(), b"12345");
    assert_eq!(read_limited(&path, 4).unwrap_err().kind(), ErrorKind::Limit);
    assert_eq!(read_if_there(&path, 5).unwrap().as_deref(), Some(b"12345".as_slice()));
    assert_eq!(read_if_there(&path, 4).unwrap_err().kind(), ErrorKind::Limit);
    assert_eq!(read_if_there(&folder.path().join("b"), 4).unwrap(), None);
    let large = vec![b'x'; SMALL_FILE + 1];
    write(&path, &large).unwrap();
    for (size, want) in [(large.len() - 1, false), (large.len(), true), (large.len() + 1, false), (5, false)] {
        let file = open(&path).unwrap();
        let read = read_shared(&file, || path.clone(), size as u64).unwrap();
        assert_eq!(read.is_some(), want, "{size}");
        let mut rest = Vec::new();
        read_expected(file, || path.clone(), 0, 1 << 20, &mut rest).unwrap();
        assert!(read.as_deref().unwrap_or(&rest) == large, "{size}");
    }
    write(&path, b"12345").unwrap();
    let mut bytes = b"0".to_vec();
    append_range(&path, 0..2, &mut bytes).unwrap();
    append_range(&path, 3..5, &mut bytes).unwrap();
    assert_eq!(bytes, b"01245");
    assert!(append_range(&path, 3..6, &mut bytes).unwrap_err().message().ends_with("unexpected EOF"));
}

/// The permissions of a file or folder.
#[cfg(unix)]
fn mode_at(path: &Path) -> u32 {
    mode(path).unwrap() & 0o777
}

#[cfg(unix)]
#[test]
fn a_file_that_is_written_again_keeps_its_mode_unless_another_is_asked_for() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    for (before, asked, after) in [
        (0o600, Mode::New(0o644), 0o600),
        (0o640, Mode::New(0o666), 0o640),
        (0o755, Mode::New(0o644), 0o755),
        (0o666, Mode::New(0o600), 0o666),
        // The owner can still write.
        (0o444, Mode::New(0o644), 0o644),
        (0o400, Mode::New(0o644), 0o600),
        (0o644, Mode::Exact(0o600), 0o600),
        (0o600, Mode::Exact(0o666), 0o666),
        (0o444, Mode::Exact(0o444), 0o444),
    ] {
        std::fs::write(&path, "old").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(before)).unwrap();
        write_as(&path, b"new", asked).unwrap();
        assert_eq!((mode_at(&path), read(&path).unwrap()), (after, b"new".to_vec()), "{before:o} {asked:?}");
        remove_file(&path).unwrap();
    }
    for (asked, after) in [(Mode::Exact(0o600), 0o600), (Mode::Exact(0o666), 0o666), (Mode::New(0o600), 0o600)] {
        write_as(&path, b"new", asked).unwrap();
        assert_eq!(mode_at(&path), after, "{asked:?}");
        remove_file(&path).unwrap();
    }
    // The mode of a link's target does not become the mode of the file that replaces the link.
    let target = folder.path().join("target");
    write_as(&target, b"kept", Mode::Exact(0o600)).unwrap();
    std::os::unix::fs::symlink(&target, &path).unwrap();
    write_as(&path, b"new", Mode::Exact(0o666)).unwrap();
    assert_eq!((mode_at(&target), mode_at(&path)), (0o600, 0o666));
    remove_file(&path).unwrap();
    std::os::unix::fs::symlink(&target, &path).unwrap();
    write_as(&path, b"new", Mode::New(0o640)).unwrap();
    assert_eq!(mode_at(&path) & 0o737, 0o600, "nor that of the link");
}

#[cfg(unix)]
#[test]
fn new_folders_are_for_their_owner_or_at_least_written_by_nobody_else() {
    let top = tempfile::tempdir().unwrap();
    let path = |name: &str| top.path().join(name);
    create_folders(&path("open/a")).unwrap();
    for name in ["open", "open/a"] {
        assert_eq!(mode_at(&path(name)) & 0o722, 0o700, "{name}");
    }
    let before = mode_at(&path("open"));
    create_private_folders(&path("open/b/c")).unwrap();
    create_private_folders(&path("open/b/c")).unwrap();
    assert_eq!([mode_at(&path("open/b")), mode_at(&path("open/b/c")), mode_at(&path("open"))], [0o700, 0o700, before]);
}

#[test]
fn names_are_cleaned_as_go_does() {
    for (name, expected) in [
        ("", "."),
        (".", "."),
        ("a/..", "."),
        ("a//b/./c/../d/", "a/b/d"),
        ("..", ".."),
        ("../../a", "../../a"),
        ("a/../../b", "../b"),
        ("a/../../../b", "../../b"),
        ("../a/..", ".."),
        ("../a/../..", "../.."),
        ("/", "/"),
        ("//a", "/a"),
        ("/..", "/"),
        ("/../a", "/a"),
        ("/a/../../b", "/b"),
        ("..a/.b", "..a/.b"),
    ] {
        assert_eq!(String::from_utf8_lossy(&clean_name(name.as_bytes())), expected, "{name}");
    }
}

#[cfg(unix)]
#[test]
fn links_that_climb_lead_from_where_they_lie() {
    let folder = tempfile::tempdir().unwrap();
    let top = folder.path().canonicalize().unwrap();
    create_folders(&top.join("real/deep")).unwrap();
    write(&top.join("real/x"), b"x").unwrap();
    write(&top.join("y"), b"y").unwrap();
    let link = |target: &str, name: &str| create_link(Path::new(target), &top.join(name)).unwrap();
    link("../x", "real/deep/up");
    link("../../y", "real/deep/far");
    link("real/deep", "short");
    link(&top.join("short").to_string_lossy(), "whole");
    link("short/../x", "around");
    link("./y", "beside");
    for (path, expected) in [
        ("real/deep/up", "real/x"),
        ("real/deep/far", "y"),
        ("short/up", "real/x"),
        ("short/far", "y"),
        ("whole/up", "real/x"),
        ("short/..", "real"),
        ("short/../deep/./up", "real/x"),
        ("around", "real/x"),
        ("beside", "y"),
    ] {
        assert_eq!(resolve_links(&top.join(path)).unwrap(), top.join(expected), "{path}");
    }
}

#[cfg(unix)]
#[test]
fn a_file_with_the_same_bytes_stays_and_counts_as_written() {
    use std::os::unix::fs::MetadataExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    let long = vec![7; 2 * SMALL_FILE + 5];
    let other = [&long[..long.len() - 1], b"x"].concat();
    let file = |path: &Path| std::fs::symlink_metadata(path).unwrap();
    for bytes in [&b""[..], b"a", &long] {
        write(&path, bytes).unwrap();
        std::fs::File::options().write(true).open(&path).unwrap().set_modified(UNIX_EPOCH).unwrap();
        let before = file(&path);
        write_unless_same(&path, bytes, Mode::New(0o644)).unwrap();
        assert_eq!(file(&path).ino(), before.ino());
        assert!(file(&path).mtime() > 0);
    }
    let before = file(&path);
    write_unless_same(&path, &other, Mode::New(0o644)).unwrap();
    assert_ne!(file(&path).ino(), before.ino());
    assert_eq!(std::fs::read(&path).unwrap(), other);
    // A link is no such file, wherever it leads.
    let link = folder.path().join("link");
    create_link(&path, &link).unwrap();
    write_unless_same(&link, &other, Mode::New(0o644)).unwrap();
    assert!(file(&link).is_file());
}
