//! The pages of `docs/guides`, followed to the letter: every `sh` block of a page is run, in order and in one shell, in a fresh folder and in namespaces of
//! its own, and what a block prints is compared with the `text` block below it. So a page can name plain ports, and whatever it starts ends with it.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::support::{binary, python};

/// Commands of a page that stand in one block, and what the page says they print.
#[derive(Debug, PartialEq)]
struct Step {
    line: usize,
    commands: String,
    prints: Option<String>,
}

/// Stands for anything within a line; alone on a line, for any number of lines.
const ANYTHING: char = '…';

/// The blocks of a page. Only what is run or compared has a place in one: all else would never be found out.
fn steps(page: &str) -> Result<Vec<Step>, String> {
    let mut steps: Vec<Step> = Vec::new();
    let mut lines = page.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let Some(language) = line.trim_start().strip_prefix("```") else { continue };
        let mut block = String::new();
        loop {
            let (_, inner) = lines.next().ok_or(format!("line {}: a block without an end", number + 1))?;
            if inner.trim_start().starts_with("```") {
                break;
            }
            block += &format!("{inner}\n");
        }
        match (language, steps.last_mut()) {
            ("sh", _) => steps.push(Step { line: number + 1, commands: block, prints: None }),
            ("text", Some(step @ Step { prints: None, .. })) => step.prints = Some(block),
            _ => return Err(format!("line {}: a block of `{language}` is neither run nor compared", number + 1)),
        }
    }
    Ok(steps)
}

fn same_line(said: &str, came: &str) -> bool {
    let Some((first, rest)) = said.split_once(ANYTHING) else { return said == came };
    let Some(came) = came.strip_prefix(first) else { return false };
    (0..=came.len()).filter(|at| came.is_char_boundary(*at)).any(|at| same_line(rest, &came[at..]))
}

fn same(said: &[&str], came: &[&str]) -> bool {
    match (said.split_first(), came.split_first()) {
        (None, None) => true,
        (Some((line, rest)), _) if line.trim().chars().eq([ANYTHING]) => {
            (0..=came.len()).any(|at| same(rest, &came[at..]))
        }
        (Some((line, rest)), Some((first, others))) => {
            same_line(line.trim_end(), first.trim_end()) && same(rest, others)
        }
        _ => false,
    }
}

/// Where the outputs of the steps go: a file for each that was reached.
fn output(folder: &Path, step: usize) -> PathBuf {
    folder.join(format!("{step}.out"))
}

/// Made when the last step is over.
const COMPLETE: &str = "complete";

/// All steps as one session of a shell, as in one terminal: variables and what runs in the background live on.
fn session(steps: &[Step], outputs: &Path) -> String {
    let mut text = "set -euo pipefail\n".to_owned();
    for (number, step) in steps.iter().enumerate() {
        let _ = write!(text, "exec >'{}' 2>&1\n{}", output(outputs, number).display(), step.commands);
    }
    text + &format!("exec >'{}'\n", outputs.join(COMPLETE).display())
}

/// What a reader has installed: Privet, and what `tests/run` lists.
fn path(bin: &Path) -> std::ffi::OsString {
    std::os::unix::fs::symlink(binary(), bin.join("privet")).expect("linked");
    let mut places = vec![bin.to_owned()];
    places.extend(python().parent().filter(|place| place.is_absolute()).map(Path::to_owned));
    places.extend(["/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"].map(PathBuf::from));
    std::env::join_paths(places).expect("a path")
}

/// Namespaces of a page's own for its network and its processes; the first one that ends takes all others along.
const APART: &str = "\
    unshare --net true 2>/dev/null || map=--map-root-user
    exec unshare ${map:-} --net --pid --fork --kill-child --mount-proc timeout 500 sh -c 'ip link set lo up && exec bash \"$1\"' sh \"$1\"";

fn namespaces() -> bool {
    let made =
        "unshare --net --pid --fork --mount-proc true || unshare --map-root-user --net --pid --fork --mount-proc true";
    Command::new("sh").args(["-c", made]).stderr(Stdio::null()).status().expect("sh runs").success()
}

/// Runs a page's text; what went otherwise than it says.
fn run(page: &str) -> Result<(), String> {
    let steps = steps(page)?;
    let all = tempfile::tempdir().expect("a folder");
    let [bin, folder, outputs] = ["bin", "folder", "outputs"].map(|name| all.path().join(name));
    for made in [&bin, &folder, &outputs] {
        fs::create_dir(made).expect("made");
    }
    // A guide that needs Privet's sources finds them where `git clone` would have put them.
    std::os::unix::fs::symlink(env!("CARGO_MANIFEST_DIR"), folder.join("privet")).expect("linked");
    let script = all.path().join("session");
    fs::write(&script, session(&steps, &outputs)).expect("written");
    let status = Command::new("sh")
        .args(["-c", APART, "sh"])
        .arg(&script)
        .current_dir(&folder)
        .env_clear()
        .env("PATH", path(&bin))
        .envs([("HOME", all.path().as_os_str()), ("LANG", "C.UTF-8".as_ref())])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("sh runs");
    let reached = (0..steps.len()).take_while(|number| output(&outputs, *number).exists()).count();
    let complete = outputs.join(COMPLETE).exists();
    for (number, step) in steps.iter().enumerate().take(reached) {
        let came = String::from_utf8_lossy(&fs::read(output(&outputs, number)).expect("an output")).into_owned();
        let Step { line, commands, prints } = step;
        if number + 1 == reached && !complete {
            return Err(format!("line {line}: ended with {status}\n{commands}---\n{came}{}", logs(&folder)));
        }
        let Some(said) = prints else { continue };
        if !same(&said.lines().collect::<Vec<_>>(), &came.lines().collect::<Vec<_>>()) {
            return Err(format!("line {line}: the page says\n{said}--- and what came is\n{came}{}", logs(&folder)));
        }
    }
    if complete { Ok(()) } else { Err(format!("nothing was run: {status}")) }
}

/// The ends of what a page's programs in the background have said.
fn logs(folder: &Path) -> String {
    let mut text = String::new();
    for file in fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
        if file.extension().is_some_and(|end| end == "log") {
            let log = fs::read_to_string(&file).unwrap_or_default();
            let from = log.lines().count().saturating_sub(15);
            let end: Vec<&str> = log.lines().skip(from).collect();
            let _ = write!(text, "--- the end of {}\n{}\n", file.display(), end.join("\n"));
        }
    }
    text
}

fn guides() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/guides")
}

fn follow(name: &str) {
    let text = fs::read_to_string(guides().join(name)).expect("a page");
    if !namespaces() {
        eprintln!("skipped: namespaces can't be made here");
        return;
    }
    if let Err(trouble) = run(&text) {
        panic!("docs/guides/{name}, {trouble}");
    }
}

macro_rules! pages {
    ($($test:ident: $name:literal,)*) => {
        $(#[test]
        fn $test() {
            follow($name);
        })*

        #[test]
        fn every_page_is_followed_and_stands_in_the_list() {
            let list = fs::read_to_string(guides().join("README.md")).expect("a list");
            let mut pages: Vec<String> = fs::read_dir(guides())
                .expect("a folder")
                .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
                .filter(|name| name != "README.md")
                .collect();
            pages.sort();
            assert_eq!(pages, [$($name),*]);
            for page in pages {
                assert!(list.contains(&format!("]({page})")), "{page} is not in docs/guides/README.md");
            }
        }
    };
}

pages! {
    the_policy_is_attested_and_its_evidence_checked_as_the_guide_says: "audit-evidence.md",
    a_breach_is_drilled_as_the_guide_says: "breach-drill.md",
    certificates_are_ordered_as_the_guide_says: "gateway-acme.md",
    marketing_sees_who_has_agreed_as_the_guide_says: "marketing-consent.md",
    rules_are_tuned_as_the_guide_says: "rule-tuning.md",
    a_sidecar_is_rendered_and_tried_as_the_guide_says: "sidecar.md",
    staff_signs_in_at_a_provider_as_the_guide_says: "staff-oidc.md",
    privet_is_upgraded_and_brought_back_as_the_guide_says: "upgrade-backup.md",
}

#[test]
fn a_page_that_says_something_else_than_what_comes_is_found_out() {
    let page = |commands: &str, prints: &str| format!("# A page\n```sh\n{commands}\n```\n```text\n{prints}\n```\n");
    assert_eq!(run(&page("x=1\necho one $x >&2\necho two", "one …\ntwo")), Ok(()));
    assert_eq!(run(&page("seq 9", "1\n…\n9")), Ok(()));
    let in_one_shell = "```sh\nx=5\nsleep 600 &\n```\n```sh\ntest $x = 5\nkill %1\n```\n";
    assert_eq!(run(in_one_shell), Ok(()));
    for (commands, prints) in [("echo one", "two"), ("echo one", "one\ntwo"), ("seq 9", "1\n…\n8"), ("echo abc", "a…d")]
    {
        let trouble = run(&page(commands, prints)).expect_err(commands);
        assert!(trouble.starts_with("line 2: the page says"), "{trouble}");
    }
    for failing in ["false", "true | false | true", "echo $nothing", "privet serve --config absent.toml"] {
        let trouble = run(&page(failing, "…")).expect_err(failing);
        assert!(trouble.starts_with("line 2: ended with"), "{trouble}");
    }
    let untried = steps("```sh\ntrue\n```\n```toml\nkey = 1\n```\n").expect_err("never run");
    assert!(untried.starts_with("line 4: a block of `toml`"), "{untried}");
    assert!(steps("```sh\ntrue\n").is_err());
}

/// Targets of the links of a page, but for those that lead to other sites.
fn links(page: &str) -> Vec<&str> {
    let mut fenced = false;
    let prose = page.lines().filter(|line| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        !fence && !fenced
    });
    let targets = prose.flat_map(|line| line.split("](").skip(1).filter_map(|rest| rest.split(')').next()));
    targets.filter(|target| !target.contains("://")).collect()
}

/// What a heading is called in a link: small letters, and dashes for spaces.
fn anchors(page: &str) -> Vec<String> {
    let headings = page.lines().filter(|line| line.starts_with('#'));
    let letters = |text: &str| text.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c)).collect::<String>();
    headings.map(|line| letters(line.trim_start_matches('#').trim()).to_lowercase().replace(' ', "-")).collect()
}

#[test]
fn links_of_documents_lead_somewhere() {
    let page = "[a](b.md#c) and [d](https://e.example)\n```sh\n[f](g)\n```\n[h](#i)";
    assert_eq!(
        (links(page), anchors("# A `b`\n## C, d\ntext")),
        (vec!["b.md#c", "#i"], vec!["a-b".to_owned(), "c-d".to_owned()])
    );
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files =
        |folder: &str| fs::read_dir(root.join(folder)).expect("a folder").map(|entry| entry.expect("one").path());
    let documents = ["", "docs", "docs/guides"].into_iter().flat_map(files);
    let mut broken = Vec::new();
    for file in documents.filter(|file| file.extension().is_some_and(|end| end == "md")) {
        let page = fs::read_to_string(&file).expect("a page");
        for link in links(&page) {
            let (path, anchor) = link.split_once('#').map_or((link, None), |(path, anchor)| (path, Some(anchor)));
            let target = if path.is_empty() { file.clone() } else { file.with_file_name(path) };
            let known = |anchor: &str| {
                fs::read_to_string(&target).is_ok_and(|text| anchors(&text).iter().any(|heading| heading == anchor))
            };
            if !target.exists() || anchor.is_some_and(|anchor| !known(anchor)) {
                broken.push(format!("{}: {link}", file.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}
