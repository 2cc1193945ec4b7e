//! Faults of machines that a test can't make real: staged as the files in which the kernel and systemd tell of them.

use std::{fs, path::Path, time::SystemTime};

use super::{
    ground::{Gateway, Live},
    *,
};

/// A machine of files, and a configuration.
fn ground(root: &Path, text: &str, gateway: Gateway) -> Ground {
    let text = format!("{text}\n[[route]]\nupstream = \"http://127.0.0.1:1\"\n");
    let config = Config::parse("privet.toml", &text, root, &|_| None, &Flags::default()).expect("valid");
    Ground {
        file: root.join("privet.toml"),
        text,
        config,
        ca: None,
        gateway,
        root: root.to_owned(),
        now: SystemTime::now(),
    }
}

fn runs() -> Gateway {
    Gateway::Runs(Live { id: Some(7), ..Live::default() })
}

fn stage(root: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        let path = root.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(path, text).expect("written");
    }
}

/// What a check finds: severity and name of each.
fn found(ground: Ground, check: &str) -> Vec<String> {
    let checks = chosen(&[check.to_owned()]).expect("a check").to_vec();
    let report = examine(&Arc::new(ground), &checks, Duration::from_secs(60));
    assert_eq!(report.looked, [check]);
    report.findings.iter().map(|finding| format!("{} {}", finding.severity.name(), finding.name)).collect()
}

#[test]
fn a_control_group_that_is_too_small() {
    let dir = tempfile::tempdir().expect("a folder");
    let group = |limit: &str, events: &str| {
        stage(
            dir.path(),
            &[
                ("proc/7/cgroup", "0::/system.slice/privet.service\n"),
                ("proc/7/limits", ""),
                ("sys/fs/cgroup/system.slice/privet.service/memory.max", "max\n"),
                ("sys/fs/cgroup/system.slice/privet.service/memory.events", events),
                ("sys/fs/cgroup/system.slice/memory.max", limit),
            ],
        );
        found(ground(dir.path(), "[limits]\nconnections = 10000\n", runs()), "limits")
    };
    assert_eq!(group("33554432\n", "oom 0\n"), ["fault limits.memory"]);
    assert_eq!(group("134217728\n", "oom_kill 3\n"), ["warning limits.killed", "warning limits.memory"]);
    assert!(group("4294967296\n", "oom_kill 0\n").is_empty());
    assert!(group("max\n", "oom_kill 3\n").is_empty(), "there is no limit that could be too low");
}

#[test]
fn a_control_group_of_the_first_version() {
    let dir = tempfile::tempdir().expect("a folder");
    stage(
        dir.path(),
        &[
            ("proc/7/cgroup", "5:cpu,cpuacct:/x\n4:memory:/docker/abc\n0::/\n"),
            ("proc/7/limits", ""),
            ("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"),
            ("sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes", "33554432\n"),
        ],
    );
    assert_eq!(found(ground(dir.path(), "", runs()), "limits"), ["fault limits.memory"]);
}

#[test]
fn too_few_descriptors_of_a_running_gateway() {
    let dir = tempfile::tempdir().expect("a folder");
    let limits = "Limit  Soft Limit  Hard Limit  Units\nMax open files            4096                 4096                 files     \n";
    stage(dir.path(), &[("proc/7/limits", limits)]);
    assert_eq!(found(ground(dir.path(), "", runs()), "limits"), ["fault limits.descriptors"]);
    assert!(found(ground(dir.path(), "[limits]\nconnections = 1000\n", runs()), "limits").is_empty());
}

#[test]
fn memory_that_comes_to_lie_on_a_disk() {
    let dir = tempfile::tempdir().expect("a folder");
    let look = |swaps: &str, status: &str, limits: &str| {
        stage(dir.path(), &[("proc/swaps", swaps), ("proc/7/status", status), ("proc/7/limits", limits)]);
        found(ground(dir.path(), "", runs()), "memory")
    };
    let (titles, off) = (
        "Filename Type Size Used Priority\n",
        "Max core file size        0                    0                    bytes\n",
    );
    let disk = format!("{titles}/dev/sda2 partition 1000 0 -2\n");
    let locked = "VmLck:\t 1000 kB\nVmSwap:\t 0 kB\n";
    assert_eq!(look(&disk, "VmLck:\t 0 kB\nVmSwap:\t 0 kB\n", off), ["warning memory.swap"]);
    assert_eq!(look(&disk, "VmLck:\t 0 kB\nVmSwap:\t 12 kB\n", off), ["fault memory.swap"]);
    assert!(look(&disk, locked, off).is_empty());
    assert!(look(titles, "VmLck:\t 0 kB\n", off).is_empty());
    assert!(look(&format!("{titles}/dev/zram0 partition 1000 0 100\n"), "VmLck:\t 0 kB\n", off).is_empty());
    let on = "Max core file size        unlimited            unlimited            bytes\n";
    assert_eq!(look(titles, "", on), ["fault memory.core"]);
}

#[test]
fn sockets_of_systemd_that_are_not_the_configurations() {
    let dir = tempfile::tempdir().expect("a folder");
    let service =
        format!("[Service]\nExecStart=/usr/bin/privet serve --config {}\n", dir.path().join("privet.toml").display());
    stage(
        dir.path(),
        &[
            ("usr/lib/systemd/system/privet.service", &service),
            ("usr/lib/systemd/system/privet-https.socket", "[Socket]\nListenStream=[::]:443\n"),
            ("etc/systemd/system/sockets.target.wants/privet-https.socket", "x"),
        ],
    );
    let look = |https: &str| {
        found(ground(dir.path(), &format!("[listen]\nhttps = \"{https}\"\n"), Gateway::Absent), "systemd")
    };
    assert!(look("[::]:443").is_empty());
    assert_eq!(look("0.0.0.0:8443"), ["fault systemd.socket"]);
    stage(
        dir.path(),
        &[(
            "etc/systemd/system/privet-https.socket.d/own.conf",
            "[Socket]\nListenStream=\nListenStream=0.0.0.0:8443\n",
        )],
    );
    assert!(look("0.0.0.0:8443").is_empty());
}

#[test]
fn a_gateway_that_serves_another_certificate_than_the_file() {
    let dir = tempfile::tempdir().expect("a folder");
    let authority = crate::dial::testing::Authority::new("CA");
    let (chain, key) = authority.leaf(&["shop.test"], 1).write(dir.path(), "leaf");
    fs::write(dir.path().join("ca.pem"), authority.pem()).expect("written");
    let pair = crate::tls::inspect::Pair::read(&chain, &key).expect("a pair");
    let time = |seconds| {
        time::OffsetDateTime::from_unix_timestamp(seconds)
            .expect("a time")
            .format(&time::format_description::well_known::Rfc3339)
            .expect("a text")
    };
    let look = |later: i64| {
        let (since, until) = pair.validity();
        let row =
            serde_json::json!({ "source": "file", "place": chain, "since": time(since), "until": time(until + later) });
        let gateway = Gateway::Runs(Live { certificates: vec![row], ..Live::default() });
        let ground = ground(dir.path(), "[[tls.certificate]]\nchain = \"leaf.pem\"\nkey = \"leaf.key\"\n", gateway);
        found(Ground { ca: Some(dir.path().join("ca.pem")), ..ground }, "tls")
    };
    assert!(look(0).is_empty());
    assert_eq!(look(-60), ["fault tls.served"]);
}

#[test]
fn a_gateway_that_hangs_and_one_that_is_another_users() {
    let dir = tempfile::tempdir().expect("a folder");
    let silent = Gateway::Silent(Some(7), "timed out".to_owned());
    assert_eq!(found(ground(dir.path(), "", silent), "gateway"), ["fault gateway.silent"]);
    let report = examine(
        &Arc::new(ground(dir.path(), "", Gateway::Hidden("it is another user's".to_owned()))),
        &chosen(&["gateway".to_owned()]).expect("a check"),
        Duration::from_secs(60),
    );
    assert_eq!(format!("{:?}", report.code()), format!("{:?}", ExitCode::from(3)));
}

#[test]
fn nobody_waits_for_a_check_and_what_it_has_said_counts() {
    fn slow(_: &Ground, found: &Found) {
        found.fault("seen", "at once", "nothing");
        thread::sleep(Duration::from_secs(600));
    }
    fn broken(_: &Ground, _: &Found) {
        std::panic::panic_any("a fault of ours");
    }
    fn quick(_: &Ground, found: &Found) {
        found.note("well", "all is well", "nothing");
    }
    let dir = tempfile::tempdir().expect("a folder");
    let ground = Arc::new(ground(dir.path(), "", Gateway::Absent));
    let report = examine(&ground, &[("slow", slow), ("broken", broken), ("quick", quick)], Duration::from_secs(2));
    let names: Vec<&str> = report.findings.iter().map(|finding| &*finding.name).collect();
    assert_eq!((names, &report.looked[..]), (vec!["slow.seen", "quick.well"], &["quick"][..]));
    let json = report.json();
    let unseen: Vec<&str> =
        json["unseen"].as_array().expect("a list").iter().filter_map(|row| row["check"].as_str()).collect();
    assert_eq!(unseen, ["broken", "slow"]);
}

#[test]
fn names_are_known_or_told() {
    assert_eq!(chosen(&[]).expect("all").len(), CHECKS.len());
    assert_eq!(chosen(&["tls.expired".to_owned(), "tls".to_owned()]).expect("one").len(), 1);
    assert_eq!(chosen(&["tsl".to_owned()]).err(), Some("tsl"));
    assert!(CHECKS.is_sorted_by_key(|(name, _)| *name));
}

#[test]
fn nothing_personal_and_no_control_character_is_told() {
    let mut report = Report::default();
    let (to, told) = mpsc::channel();
    Found::new("x", to).fault("y", "kim@example.com said \u{1b}[2J", "010-1234-5678");
    if let Ok(Told::Finding(finding)) = told.recv() {
        report.findings.push(finding);
    }
    for text in [report.text(), report.json().to_string()] {
        assert!(!text.contains("kim@") && !text.contains("5678") && !text.contains('\u{1b}'), "{text}");
        assert!(text.contains("x.y"));
    }
}
