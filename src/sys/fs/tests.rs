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
