use std::os::unix::fs::PermissionsExt as _;

use super::{
    keys,
    stream::{Error, Opener, Purpose, Sealer},
    *,
};

fn ring() -> Ring {
    Ring::ephemeral().expect("random bytes")
}

fn sealed(ring: &Ring, parts: &[&[u8]], finish: bool) -> Vec<u8> {
    let mut out = Vec::new();
    let mut sealer = Sealer::new(ring, Purpose::AccessLog).expect("random bytes");
    for part in parts {
        sealer.seal(part, &mut out).expect("sealed");
    }
    if finish {
        sealer.finish(&mut out).expect("sealed");
    }
    out
}

/// What opens, and how it ends.
fn open(ring: &Ring, bytes: &[u8]) -> (Vec<u8>, Result<(), Error>) {
    let (mut plain, mut buffer) = (Vec::new(), Vec::new());
    let mut opener = match Opener::new(bytes, ring, Purpose::AccessLog) {
        Ok(opener) => opener,
        Err(error) => return (plain, Err(error)),
    };
    loop {
        match opener.next(&mut buffer) {
            Ok(Some(part)) => plain.extend_from_slice(part),
            Ok(None) => return (plain, Ok(())),
            Err(error) => return (plain, Err(error)),
        }
    }
}

#[test]
fn what_is_sealed_opens() {
    let ring = ring();
    let long = vec![b'x'; stream::LONGEST + 7];
    let cases: [&[&[u8]]; 3] = [&[], &[b"one"], &[b"one", b"two", &long]];
    for parts in cases {
        let bytes = sealed(&ring, parts, true);
        let (plain, end) = open(&ring, &bytes);
        assert_eq!(plain, parts.concat());
        assert!(end.is_ok());
        assert!(!bytes.windows(8).any(|w| w == b"xxxxxxxx"));
    }
}

#[test]
fn every_flipped_bit_is_found_and_what_came_before_it_opens() {
    let ring = ring();
    let bytes = sealed(&ring, &[b"first", b"second"], true);
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1 << (at % 8);
        let (plain, end) = open(&ring, &changed);
        assert!(end.is_err(), "byte {at}");
        assert!(b"firstsecond".starts_with(&plain[..]));
        if at >= 52 + 4 + 5 + 16 {
            assert!(plain.starts_with(b"first"));
        }
    }
}

#[test]
fn every_cut_is_told() {
    let ring = ring();
    let bytes = sealed(&ring, &[b"first", b"second"], true);
    for end in 8..bytes.len() {
        let (plain, outcome) = open(&ring, &bytes[..end]);
        assert!(matches!(outcome, Err(Error::Truncated { .. })), "{end}: {outcome:?}");
        assert!(b"firstsecond".starts_with(&plain[..]));
    }
    let (plain, outcome) = open(&ring, &sealed(&ring, &[b"killed"], false));
    assert!(plain == b"killed" && matches!(outcome, Err(Error::Truncated { at: 78 })), "{outcome:?}");
}

#[test]
fn segments_can_not_be_moved_or_added() {
    let ring = ring();
    let (a, b) = (sealed(&ring, &[b"aaaa", b"bbbb"], true), sealed(&ring, &[b"cccc"], true));
    let segment = 4 + 4 + 16;
    let swapped = [&a[..52], &a[52 + segment..52 + 2 * segment], &a[52..52 + segment], &a[52 + 2 * segment..]].concat();
    assert!(matches!(open(&ring, &swapped).1, Err(Error::Damaged { at: 52 })));
    assert!(matches!(open(&ring, &[&a[..], &b[..]].concat()).1, Err(Error::Damaged { .. })));
}

#[test]
fn purpose_version_and_key_are_named() {
    let ring = ring();
    let bytes = sealed(&ring, &[b"x"], true);
    assert!(matches!(Opener::new(&bytes[..], &ring, Purpose::Journal), Err(Error::Purpose)));
    assert!(matches!(open(&super::tests::ring(), &bytes).1, Err(Error::UnknownKey(_))));
    let mut later = bytes.clone();
    later[8] = 9;
    assert!(matches!(open(&ring, &later).1, Err(Error::Version(9))));
    assert!(matches!(open(&ring, b"{\"plain\":1}").1, Err(Error::NotSealed)));
}

#[test]
fn a_key_file_is_made_once_and_rotates() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("seal.key");
    assert!(Ring::load(&path).is_err());
    let first = Ring::load_or_make(&path).expect("made");
    let old = sealed(&first, &[b"old"], true);
    assert_eq!(std::fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
    assert_eq!(open(&Ring::load_or_make(&path).expect("read"), &old).0, b"old");
    let other = dir.path().join("other.key");
    Ring::load_or_make(&other).expect("made");
    let both = [&read(&path), "\n", &read(&other)].concat();
    std::fs::write(&path, &both).expect("written");
    assert!(matches!(Ring::load(&path), Err(keys::Error::Twice { line: 5, .. })));
    let (old_epoch, new_epoch) = both.rsplit_once('\n').and_then(|(text, _)| text.rsplit_once('\n')).expect("lines");
    std::fs::write(&path, format!("{old_epoch}\nlater-{new_epoch}\n")).expect("written");
    let rotated = Ring::load(&path).expect("read");
    assert_eq!(open(&rotated, &old).0, b"old");
    assert!(matches!(open(&first, &sealed(&rotated, &[b"new"], true)).1, Err(Error::UnknownKey(_))));
    assert_eq!(std::fs::read_dir(dir.path()).expect("a folder").count(), 2);
}

#[test]
fn keys_that_are_added_at_once_are_all_kept() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("seal.key");
    let old = sealed(&Ring::load_or_make(&path).expect("made"), &[b"old"], true);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).expect("changed");
    let rotate = || Ring::rotate(&path).expect("rotated");
    let epochs: std::collections::HashSet<String> = std::thread::scope(|scope| {
        let all: Vec<_> = (0..4).map(|_| scope.spawn(rotate)).collect();
        all.into_iter().map(|one| one.join().expect("an epoch")).collect()
    });
    let ring = Ring::load(&path).expect("read");
    assert_eq!((epochs.len(), ring.keys().count()), (4, 5));
    assert!(epochs.contains(ring.newest().epoch()) && open(&ring, &old).0 == b"old");
    assert_eq!(std::fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o640);
    assert!(
        Ring::rotate(std::path::Path::new("env:PRIVET_TEST_KEYS")).is_err(),
        "a variable is rotated where it is set"
    );
}

fn read(path: &std::path::Path) -> String {
    std::fs::read_to_string(path).expect("a file")
}

#[test]
fn a_bad_key_file_is_refused_without_showing_it() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("seal.key");
    for (text, mode) in
        [("2026-11 c2VjcmV0\n", 0o600), ("", 0o600), ("2026-11 c2VjcmV0\n", 0o644), ("a/b c2VjcmV0\n", 0o600)]
    {
        std::fs::write(&path, text).expect("written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("set");
        let error = Ring::load_or_make(&path).expect_err("refused");
        assert!(!format!("{error:?} {error}").contains("c2VjcmV0"));
        assert_eq!(matches!(error, keys::Error::Open { .. }), mode == 0o644);
    }
}
