//! The engine against libmodsecurity: Debian's rules, the same requests.

use std::{collections::BTreeSet, fmt::Write as _, path::Path};

use super::{
    benign,
    exchange::{self, Request, data, found},
    ftw,
};
use crate::peer::{self, Exchange};

const RULES: &str = "/usr/share/modsecurity-crs";
const SETUP: &str = "/etc/modsecurity/crs/crs-setup.conf";

/// How the test's rules are set up for both.
const BEFORE: &str = "SecAction \"id:900005,phase:1,nolog,pass,ctl:ruleEngine=DetectionOnly,setvar:tx.crs_validate_utf8_encoding=1,\
    setvar:tx.arg_name_length=100,setvar:tx.arg_length=400,setvar:tx.total_arg_length=64000,setvar:tx.max_num_args=255,\
    setvar:tx.max_file_size=64100,setvar:tx.combined_file_sizes=65535\"\n";

/// The reference is told by rules how bodies are read; the engine knows.
const READERS: &str = "SecRule REQUEST_HEADERS:Content-Type \"^application/(?:[a-z0-9.-]+[+])?json\" \
    \"id:900007,phase:1,t:none,t:lowercase,pass,nolog,ctl:requestBodyProcessor=JSON\"\n\
    SecRule REQUEST_HEADERS:Content-Type \"^(?:application(?:/soap\\+|/)|text/)xml\" \
    \"id:900008,phase:1,t:none,t:lowercase,pass,nolog,ctl:requestBodyProcessor=XML\"\n";

fn is_installed() -> bool {
    let there = Path::new(RULES).join("rules").is_dir() && Path::new(SETUP).is_file();
    if !there {
        println!("skipped: apt-get install modsecurity-crs");
    }
    there
}

/// What the reference reads: the same files in the same order.
fn rules() -> String {
    let mut text = format!(
        "SecRuleEngine DetectionOnly\nSecRequestBodyAccess On\nSecResponseBodyAccess On\n\
         SecResponseBodyMimeType text/plain text/html\n{READERS}{BEFORE}Include {SETUP}\n\
         SecAction \"id:900006,phase:1,nolog,pass,setvar:tx.paranoia_level=4,setvar:tx.executing_paranoia_level=4\"\n"
    );
    let mut files: Vec<_> = std::fs::read_dir(Path::new(RULES).join("rules")).expect("rules").flatten().collect();
    files.sort_by_key(std::fs::DirEntry::path);
    for file in files.iter().map(std::fs::DirEntry::path).filter(|path| path.extension().is_some_and(|e| e == "conf")) {
        writeln!(text, "Include {}", file.display()).expect("text");
    }
    text
}

#[test]
fn rules_of_debian_are_read() {
    if !is_installed() {
        return;
    }
    let plan = exchange::plan(RULES.into(), 4, Some(BEFORE));
    plan.notices.iter().for_each(|(place, what)| println!("{place}: {what}"));
    assert!(plan.rules.len() > 500, "{}", plan.rules.len());
    assert!(plan.notices.iter().all(|(_, what)| what.contains(" has no effect: ")), "each says why");
}

#[test]
fn the_same_rules_match_as_in_the_reference() {
    let (true, Some(peer), Some(data)) = (is_installed(), peer::peer(), data()) else { return };
    let plan = exchange::plan(RULES.into(), 4, Some(BEFORE));
    let mut named: Vec<(String, Vec<u8>)> = Vec::new();
    for (name, file) in ftw::files(&data.join("regression-dev")) {
        let stages = file.tests.iter().flat_map(|test| test.stages.iter().map(move |stage| (test.test_id, stage)));
        // Some of each file.
        named.extend(stages.take(4).map(|(test, stage)| (format!("{name}-{test}"), stage.input.bytes())));
    }
    named
        .extend(benign::requests().into_iter().zip(0..).step_by(40).map(|(bytes, at)| (format!("benign {at}"), bytes)));
    let both: Vec<(String, Request, Exchange)> = named
        .into_iter()
        .filter_map(|(name, bytes)| {
            let request = Request::read(&bytes)?;
            let response = request.reflected().bytes();
            Some((name, request, Exchange { request: bytes, response }))
        })
        .collect();
    let (mut asked, mut exchanges) = (Vec::new(), Vec::new());
    for (name, request, exchange) in both {
        asked.push((name, request));
        exchanges.push(exchange);
    }
    let outcomes = peer::ask(&peer, &rules(), &exchanges);
    let mut differ = 0;
    for ((name, request), outcome) in asked.iter().zip(&outcomes) {
        let ours: BTreeSet<u32> = found(&plan, &request.ask_all(&plan)).into_iter().filter(|id| is_told(*id)).collect();
        let theirs: BTreeSet<u32> = outcome.matched.iter().copied().filter(|id| is_told(*id)).collect();
        if ours != theirs {
            let (more, less): (Vec<u32>, Vec<u32>) =
                (ours.difference(&theirs).copied().collect(), theirs.difference(&ours).copied().collect());
            let reason = reason(request, &more, &less);
            differ += usize::from(reason.is_none());
            println!("{name}: only here {more:?}, only there {less:?}; {}", reason.unwrap_or("no reason is known"));
        }
    }
    println!("{} requests, {differ} differ", asked.len());
    assert!(asked.len() > 500 && differ * 50 <= asked.len(), "{differ} of {}: more than 2 %", asked.len());
}

/// Why they may differ so.
fn reason(request: &Request, more: &[u32], less: &[u32]) -> Option<&'static str> {
    let kind = request.header("content-type").to_ascii_lowercase();
    let is_of = |kinds: &[&str]| kinds.iter().any(|part| memchr::memmem::find(&kind, part.as_bytes()).is_some());
    let only = |ids: &[u32]| more.is_empty() && less.iter().all(|id| ids.contains(id));
    // The last is the sum of the others.
    if only(&[920_272, 920_273, 949_110]) && is_of(&["multipart/", "xml"]) {
        return Some("REQUEST_BODY is not looked at as a whole where files or markup are read");
    }
    (only(&[920_220]) && memchr::memmem::find(&request.line[1], b"%25").is_some())
        .then_some("the reference decodes REQUEST_URI, so that a percent sign that is well escaped is none")
}

/// Whether the reference tells of a rule, and whether the set-up has it in both.
fn is_told(id: u32) -> bool {
    // Privet's own, and those that sum up with `noauditlog`.
    id < 33_000_000 && !(980_000..981_000).contains(&id)
}
