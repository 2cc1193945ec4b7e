//! How the image's program is laid out by what ran (`deploy/container/link`, `deploy/container/profile`), of a small program: the same optimiser, a real record.
#![cfg(target_arch = "x86_64")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

const SOURCE: &str = r#"
use std::{env, panic};

#[inline(never)]
fn step(n: u64, last: u64) -> u64 {
    assert!(n < last);
    n.wrapping_mul(31)
}

fn main() {
    let [rounds, last] = [1, 2].map(|n| env::args().nth(n).unwrap().parse().unwrap());
    panic::set_hook(Box::new(|_| ()));
    let sum = panic::catch_unwind(|| (0..rounds).fold(0, |sum, n| step(n, last) ^ sum));
    println!("{:?}", sum.map_err(|_| "came back"));
}
"#;

/// A folder with what links, and a program to be linked.
struct Work(TempDir);

impl Work {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/container");
        for file in ["link", "profile", "names.sed"] {
            fs::copy(here.join(file), dir.path().join(file)).expect("copied");
        }
        for (file, text) in [("start.order", ""), ("request.profile", ""), ("main.rs", SOURCE)] {
            fs::write(dir.path().join(file), text).expect("written");
        }
        Self(dir)
    }

    fn path(&self, file: &str) -> PathBuf {
        self.0.path().join(file)
    }

    fn run(&self, program: &str, args: &[&str]) -> String {
        let out = Command::new(program).args(args).current_dir(self.0.path()).output().expect("runs");
        assert!(out.status.success(), "{program}: {}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8_lossy(&out.stdout).into_owned()
    }

    /// What the program is made of, by name.
    fn link(&self) -> String {
        let out = Command::new("rustc")
            .args(["--edition", "2024", "-O", "--target", "x86_64-unknown-linux-musl", "-C", "linker-flavor=ld.lld"])
            .args(["-C", "strip=symbols", "-C", "symbol-mangling-version=v0", "main.rs", "-o", "program", "-C"])
            .arg(format!("linker={}", self.path("link").display()))
            .envs([("BOLT", PathBuf::from("llvm-bolt-19")), ("LINKED", self.path("linked"))])
            .current_dir(self.0.path())
            .output()
            .expect("rustc runs");
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        self.run("readelf", &["-SW", "program"])
    }

    /// Writes down what the program runs as it was linked.
    fn record(&self) {
        let collect = ["--dump-instr=yes", "--collect-jumps=yes", "--compress-pos=no", "--compress-strings=no"];
        let tool = ["--tool=callgrind", "--demangle=no", "--callgrind-out-file=dump"];
        self.run("valgrind", &[&tool[..], &collect, &["./linked", "1000", "5000"]].concat());
        let profile = self.run("./profile", &["record", "linked", "1000", "dump"]);
        fs::write(self.path("request.profile"), profile).expect("written");
    }

    /// Both ways through it, the second by unwinding.
    fn check(&self) {
        assert_eq!(self.run("./program", &["1000", "5000"]), "Ok(31768)\n");
        assert_eq!(self.run("./program", &["1000", "500"]), "Err(\"came back\")\n");
    }
}

#[test]
fn a_program_is_laid_out_by_what_it_ran() {
    let work = Work::new();
    assert!(!work.link().contains(".bolt.org.text"), "moved, and nothing is known");
    work.check();

    work.record();
    let profile = fs::read_to_string(work.path("request.profile")).expect("a profile");
    let mut lines = profile.lines().skip_while(|line| !line.contains("4main4step"));
    lines.next().expect("the function is in the profile");
    let step: Vec<_> = lines.take_while(|line| line.starts_with(' ')).collect();
    assert_eq!(step.iter().filter(|line| line.ends_with(" 1000")).count(), step.len(), "{step:?}");
    // The jump that was never taken, and the call.
    assert_eq!(step.iter().map(|line| line.starts_with(" <")).collect::<Vec<_>>(), [false, true], "{step:?}");

    let sections = work.link();
    assert!(sections.contains(".bolt.org.text") && !sections.contains(".symtab"), "{sections}");
    work.check();
    let first = fs::read(work.path("program")).expect("a program");
    work.link();
    assert!(first == fs::read(work.path("program")).expect("a program"), "not the same twice");

    // A function that is not as it was any more stays as it is linked.
    fs::write(work.path("main.rs"), SOURCE.replace("n.wrapping_mul(31)", "n.rotate_left(7).wrapping_mul(31) | 1"))
        .expect("written");
    work.link();
    assert_eq!(work.run("./program", &["10", "5"]), "Err(\"came back\")\n");
}
