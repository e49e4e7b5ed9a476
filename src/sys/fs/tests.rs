use super::*;

#[test]
fn replacing_keeps_it_private_and_whole() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("f");
    replace(&file, b"one").unwrap();
    replace(&file, b"two").unwrap();
    assert_eq!(read(&file).unwrap().unwrap(), b"two");
    assert_eq!(mode(&file), Some(0o600));
    assert_eq!(entries(dir.path()).unwrap(), [file]);
}

#[test]
fn directories_that_are_gone_need_no_sync() {
    let dir = tempfile::tempdir().unwrap();
    let gone = dir.path().join("gone/below");
    sync_dirs([dir.path(), gone.as_path(), dir.path()]).unwrap();
    let (from, to) = (dir.path().join("a"), dir.path().join("b"));
    replace(&from, b"one").unwrap();
    rename(&from, &to).unwrap();
    replace(&from, b"two").unwrap();
    assert!(move_to(&from, &to).is_err() && from.exists());
    assert_eq!(read(&to).unwrap().unwrap(), b"one");
}

#[test]
fn links_directories_and_giants_are_not_read() {
    let dir = tempfile::tempdir().unwrap();
    let (link, giant) = (dir.path().join("l"), dir.path().join("g"));
    std::os::unix::fs::symlink("/etc/passwd", &link).unwrap();
    File::create(&giant).unwrap().set_len(1 << 30).unwrap();
    assert!(read(&link).unwrap_err().to_string().ends_with("is a symbolic link"));
    assert!(read(dir.path()).unwrap_err().to_string().ends_with("is not a file"));
    assert!(read(&giant).unwrap_err().to_string().contains("longer than"));
    assert_eq!(read(&dir.path().join("none")).unwrap(), None);
}

#[test]
fn what_killed_writers_left_of_one_file_goes() {
    let dir = tempfile::tempdir().unwrap();
    let make = |name: &str| File::create(dir.path().join(name)).unwrap();
    // No process has this id.
    let left = ["", "-journal"].map(|end| format!(".f.{}.0.new{end}", i32::MAX));
    let inner = format!(".{}.{}.1.new", left[0], i32::MAX);
    let kept = [format!(".f.{}.0.new", std::process::id()), format!(".g.{}.0.new", i32::MAX)];
    left.iter().chain([&inner]).chain(&kept).for_each(|name| drop(make(name)));
    sweep_of_with(&dir.path().join("f"), &["-journal"]).unwrap();
    assert_eq!(entries(dir.path()).unwrap(), kept.map(|name| dir.path().join(name)));
}
