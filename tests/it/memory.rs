//! What of a process's memory comes to lie on a disk: nothing, however it ends.

use std::{
    fs,
    net::SocketAddr,
    os::unix::process::ExitStatusExt as _,
    path::Path,
    process::{Child, Command, Stdio},
};

use crate::support::{Beside, ask_plain, binary, free_port};

/// With as large a core dump as the system allows.
fn with_dumps(dir: &Path, command: &str, args: &[&str]) -> Child {
    Command::new("sh")
        .args(["-c", &format!("ulimit -Sc \"$(ulimit -Hc)\"; {command}")])
        .arg(binary())
        .args(args)
        .current_dir(dir)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("sh runs")
}

/// Waits until a gateway is; its private listener.
fn ready(privet: &mut Beside, admin: &str) -> SocketAddr {
    let asked = "GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let start = std::time::Instant::now();
    let admin = admin.parse().expect("an address");
    while std::net::TcpStream::connect(admin).is_err() || !ask_plain(admin, asked).contains("ready") {
        assert!(start.elapsed().as_secs() < 60 && privet.0.try_wait().expect("asked").is_none(), "never ready");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    admin
}

#[test]
fn a_gateway_that_breaks_down_leaves_no_core() {
    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path();
    let [https, http, admin] = [(); 3].map(|()| format!("127.0.0.1:{}", free_port()));
    let args = ["serve", "--demo", "--https", &https, "--http", &http, "--admin", &admin];
    let mut privet = Beside(with_dumps(dir, "exec \"$0\" \"$@\"", &args));
    let admin = ready(&mut privet, &admin);
    let limits = fs::read_to_string(format!("/proc/{}/limits", privet.0.id())).expect("a process");
    let line = limits.lines().find(|line| line.starts_with("Max core file size")).expect("a line");
    assert_eq!(line.split_whitespace().skip(4).take(2).collect::<Vec<_>>(), ["0", "0"], "{line}");
    // What is not dumpable is root's in /proc, whoever runs it, and still sees its own descriptors.
    let metrics = || ask_plain(admin, "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    // A machine with much to do may let a question wait for longer than whoever asks.
    let found = (0..6).any(|_| metrics().contains("\nprocess_open_fds "));
    assert!(found, "{}", metrics());
    let done = Command::new("kill").args(["-ABRT", &privet.0.id().to_string()]).status().expect("kill runs");
    assert!(done.success());
    let ended = privet.0.wait().expect("ended");
    assert_eq!((ended.signal(), ended.core_dumped()), (Some(6), false), "{ended}");
    let left: Vec<_> = fs::read_dir(dir).expect("a folder").flatten().map(|entry| entry.file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().starts_with("core")), "{left:?}");
    // Another process here would have.
    let other = with_dumps(dir, "kill -ABRT $$", &[]).wait().expect("ended");
    if !other.core_dumped() {
        println!("this system lets nobody leave a core: only the limit was looked at");
    }
}

/// Whether this process may lock as much as it likes.
fn may_lock() -> bool {
    let limits = fs::read_to_string("/proc/self/limits").expect("limits");
    let line = limits.lines().find(|line| line.starts_with("Max locked memory")).expect("a line");
    let status = fs::read_to_string("/proc/self/status").expect("a status");
    let held = status.lines().find_map(|line| line.strip_prefix("CapEff:")).expect("capabilities");
    let held = u64::from_str_radix(held.trim(), 16).expect("a number");
    let users = fs::read_to_string("/proc/self/uid_map").expect("a map");
    let system = users.split_whitespace().eq(["0", "0", "4294967295"]);
    line.split_whitespace().nth(3) == Some("unlimited") || (held >> 14 & 1 == 1 && system)
}

/// Kilobytes of a process's memory that stand under a name in a file of /proc.
fn kilobytes(id: u32, file: &str, name: &str) -> u64 {
    let text = fs::read_to_string(format!("/proc/{id}/{file}")).expect("a process");
    let line = text.lines().find_map(|line| line.strip_prefix(name)).expect("a line");
    line.split_whitespace().next().and_then(|kb| kb.parse().ok()).expect("a number")
}

#[test]
fn where_there_is_swap_a_gateway_keeps_its_memory_out_of_it() {
    if !may_lock() {
        println!("skipped: locked memory is limited here, and the capability IPC_LOCK is not to be had");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path();
    // A line of titles, and a swap: in a namespace of its own, whatever this machine has.
    fs::write(dir.join("swaps"), "Filename Type Size Used Priority\n/swap file 1048572 0 -2\n").expect("written");
    let [https, http, admin] = [(); 3].map(|()| format!("127.0.0.1:{}", free_port()));
    let swapped = |swaps: &str| {
        let mut command = Command::new("unshare");
        command.args(["-m", "sh", "-c", &format!("mount --bind {swaps} /proc/swaps && exec \"$0\" \"$@\"")]);
        command.arg(binary()).current_dir(dir).stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    if !swapped("swaps").arg("--version").status().is_ok_and(|status| status.success()) {
        println!("skipped: there can be no mount namespace here");
        return;
    }
    fs::write(dir.join("none"), "Filename Type Size Used Priority\n").expect("written");
    for (swaps, locks) in [("swaps", true), ("none", false)] {
        let args = ["serve", "--demo", "--https", &https, "--http", &http, "--admin", &admin];
        let mut privet = Beside(swapped(swaps).args(args).spawn().expect("starts"));
        ready(&mut privet, &admin);
        let id = privet.0.id();
        // What several processes share, such as the program itself, is counted by its share in both.
        let [locked, held] = ["Locked:", "Pss:"].map(|name| kilobytes(id, "smaps_rollup", name));
        assert_eq!(locked * 10 > held * 9, locks, "{swaps}: {locked} of {held} KB are locked");
        assert_eq!(kilobytes(id, "status", "VmLck:") > 0, locks, "{swaps}");
    }
}

#[test]
fn a_check_says_what_the_system_does_not_protect() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("privet.toml"), "[[route]]\nupstream = \"http://127.0.0.1:9\"\n").expect("written");
    let check = |more: &[&str]| {
        let args = [&["check", "--config", "privet.toml"], more].concat();
        let out = Command::new(binary()).args(args).current_dir(folder.path()).output().expect("runs");
        String::from_utf8(out.stdout).expect("text")
    };
    let swaps = fs::read_to_string("/proc/swaps").map_or(true, |text| text.lines().count() > 1);
    let limited = !may_lock();
    let said: serde_json::Value = serde_json::from_str(&check(&["--json"])).expect("JSON");
    let memory = said["memory"].as_array().expect("a list");
    assert_eq!(memory.len(), usize::from(swaps && limited), "{said}");
    assert_eq!(check(&[]).contains("memory may be swapped"), swaps && limited);
}
