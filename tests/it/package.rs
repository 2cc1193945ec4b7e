//! The Debian package, made of the tests' binary: what it installs, and what its scripts do.

use std::{fs, path::Path, process::Command};

use crate::support::binary;

fn done(command: &mut Command) -> String {
    let out = command.output().expect("runs; tests/run installs what is needed");
    let text = String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).into_owned();
    assert!(out.status.success(), "{command:?}: {text}");
    text
}

#[test]
fn the_package_installs_a_service_that_starts_when_it_is_told_to() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let tool = root.join("target/tools/bin/cargo-deb");
    let dir = tempfile::tempdir().expect("a folder");
    let (deb, tree, scripts) = (dir.path().join("privet.deb"), dir.path().join("tree"), dir.path().join("scripts"));
    for folder in ["man", "completions"] {
        fs::create_dir_all(dir.path().join("release").join(folder)).expect("made");
    }
    // The tests' binary is mostly debug information.
    done(Command::new("strip").arg("-o").arg(dir.path().join("release/privet")).arg(binary()));
    crate::terminal::manual::write(&dir.path().join("release/man")).expect("written");
    done(Command::new("sh").args(["-c", "gzip -n9 release/man/*.8"]).current_dir(dir.path()));
    for (shell, name) in [("bash", "privet"), ("zsh", "_privet"), ("fish", "privet.fish")] {
        let said = Command::new(binary()).args(["completions", shell]).output().expect("runs");
        fs::write(dir.path().join("release/completions").join(name), said.stdout).expect("written");
    }
    done(
        Command::new(tool)
            .args(["--no-build", "--no-strip", "--fast", "--locked", "--output"])
            .arg(&deb)
            .current_dir(root)
            .env("CARGO_TARGET_DIR", dir.path()),
    );
    done(Command::new("dpkg-deb").arg("--extract").arg(&deb).arg(&tree));
    done(Command::new("dpkg-deb").arg("--control").arg(&deb).arg(&scripts));
    for file in [
        "usr/lib/systemd/system/privet.service",
        "usr/lib/systemd/system/privet-https.socket",
        "usr/lib/systemd/system/privet-http.socket",
        "usr/lib/sysusers.d/privet.conf",
        "usr/share/man/man8/privet.8.gz",
        "usr/share/man/man8/privet-audit-verify.8.gz",
        "usr/share/bash-completion/completions/privet",
        "usr/share/zsh/vendor-completions/_privet",
        "usr/share/fish/vendor_completions.d/privet.fish",
        "usr/share/doc/privet/copyright",
        "usr/share/doc/privet/CONFIGURATION.md",
        "usr/share/doc/privet/STANDALONE.md",
        "usr/share/doc/privet/examples/ports.conf",
        "usr/share/doc/privet/examples/haproxy.cfg",
    ] {
        assert!(tree.join(file).is_file(), "{file}");
    }
    let said = done(
        Command::new(tree.join("usr/bin/privet")).args(["check", "--config"]).arg(tree.join("etc/privet/privet.toml")),
    );
    assert!(said.contains("the configuration is valid"), "{said}");

    let script = |name: &str| fs::read_to_string(scripts.join(name)).expect("a script");
    assert_eq!(script("conffiles").trim(), "/etc/privet/privet.toml");
    for name in ["postinst", "prerm", "postrm"] {
        done(Command::new("sh").arg("-n").arg(scripts.join(name)));
    }
    let invoked: Vec<String> = ["postinst", "prerm", "postrm"]
        .into_iter()
        .flat_map(|name| script(name).lines().map(str::to_owned).collect::<Vec<_>>())
        .filter_map(|line| Some(line.trim().strip_prefix("deb-systemd-invoke ")?.split(" >").next()?.to_owned()))
        .collect();
    // An upgrade leaves the sockets alone: with them would go what waits in their queues. They go before the service that they would start again.
    assert_eq!(
        invoked,
        ["try-restart privet.service", "stop privet-https.socket", "stop privet-http.socket", "stop privet.service"]
    );
    assert!(!script("postinst").contains("was-enabled defaults to true"), "nothing is enabled by itself");
}
