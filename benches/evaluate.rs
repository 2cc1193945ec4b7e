//! How well the engine finds: precision and recall by type, over labelled texts.
//!
//! ```text
//! cargo bench --bench evaluate -- FILE.jsonl [--types A,B,..] [--wrong TYPE]
//! ```
//!
//! A line is `{"text": .., "spans": [{"type", "start", "end"}]}`, offsets in bytes of UTF-8, as of `ko-pii` and `presidio-research`. A labelled
//! span is found when at least half of it is covered by a finding of its type; a finding is right when it covers at least half of a
//! labelled span of its type. `--wrong TYPE` lists what was missed and what was wrongly found; without a file a few lines of made-up text are used.

use std::{collections::BTreeMap, fs};

use privet::privacy::{Detector, Finding, settings::Settings};

#[derive(serde::Deserialize)]
struct Line {
    text: String,
    spans: Vec<Span>,
}

#[derive(serde::Deserialize)]
struct Span {
    r#type: String,
    start: usize,
    end: usize,
}

#[derive(Default, Clone, Copy)]
struct Score {
    labelled: usize,
    found: usize,
    right: usize,
    wrong: usize,
}

/// What others publish of themselves or were measured at, over the texts of the same authors (micro averages; see docs/PRIVACY.md).
const PEERS: &[&str] = &[
    "peers, Korean texts    ko-pii     recall 0.905  precision 0.962",
    "                       Presidio   recall 0.810  precision 0.770",
    "peers, English texts   Presidio   recall 0.790  precision 0.930",
];

const SAMPLE: &str = r#"{"text":"연락처: 010-1234-5678, 메일 kim@example.com","spans":[{"type":"PHONE_NUMBER","start":11,"end":24},{"type":"EMAIL_ADDRESS","start":33,"end":48}]}"#;

/// Names that other sets use for our types.
fn ours(name: &str) -> &str {
    match name {
        "ADDRESS" => "LOCATION",
        "VEHICLE" => "KR_VEHICLE",
        "DT_BIRTH" => "DATE_OF_BIRTH",
        "CORP_REG" => "KR_CORP_REG",
        "MEDICAL_INSURANCE" => "KR_HEALTH_INSURANCE",
        other => other,
    }
}

fn covered(span: &Span, finding: &Finding) -> bool {
    let overlap = finding.end.min(span.end).saturating_sub(finding.start.max(span.start));
    finding.kind.name() == ours(&span.r#type) && 2 * overlap >= span.end - span.start
}

/// The next place at or behind `at` where a character begins.
fn boundary(text: &str, at: usize) -> usize {
    (at..=text.len()).find(|&i| text.is_char_boundary(i)).unwrap_or(at)
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let option = |name: &str| args.iter().position(|a| a == name).and_then(|i| args.get(i + 1));
    let file = args.first().filter(|a| !a.starts_with("--"));
    let text = file.map_or(SAMPLE.to_owned(), |file| fs::read_to_string(file).expect("a readable file"));
    let wrong = option("--wrong");
    let detector = Detector::new(&Settings::default());
    let mut scores: BTreeMap<String, Score> = BTreeMap::new();
    for line in text.lines() {
        let line: Line = serde_json::from_str(line).expect("a labelled line");
        let found = detector.detect(line.text.as_bytes());
        let show = |what: &str, name: &str, start: usize, end: usize| {
            if wrong.is_some_and(|w| w == name) {
                let from = boundary(&line.text, start.saturating_sub(60)).min(start);
                let to = boundary(&line.text, line.text.len().min(end + 24));
                let (a, b, c) = (&line.text[from..start], &line.text[start..end], &line.text[end..to]);
                println!("{what}: {}", format!("{a}[[{b}]]{c}").replace('\n', "|"));
            }
        };
        for span in &line.spans {
            let score = scores.entry(ours(&span.r#type).to_owned()).or_default();
            score.labelled += 1;
            if found.iter().any(|f| covered(span, f)) {
                score.found += 1;
            } else {
                show("missed", ours(&span.r#type), span.start, span.end);
            }
        }
        for finding in &found {
            let score = scores.entry(finding.kind.name().to_owned()).or_default();
            if line.spans.iter().any(|span| covered(span, finding)) {
                score.right += 1;
            } else {
                score.wrong += 1;
                show("wrong", finding.kind.name(), finding.start, finding.end);
            }
        }
    }
    table(&scores, option("--types").map_or("", String::as_str));
}

fn table(scores: &BTreeMap<String, Score>, types: &str) {
    println!("{:24} {:>8} {:>8} {:>8} {:>8} {:>9}", "type", "labelled", "found", "wrong", "recall", "precision");
    let mut all = Score::default();
    for (name, score) in scores {
        row(name, *score);
        if types.is_empty() || types.split(',').any(|t| t == name) {
            all.labelled += score.labelled;
            all.found += score.found;
            all.right += score.right;
            all.wrong += score.wrong;
        }
    }
    row(if types.is_empty() { "all" } else { "the types asked for" }, all);
    println!("\n{}", PEERS.join("\n"));
}

#[allow(clippy::cast_precision_loss)] // counts of spans
fn row(name: &str, score: Score) {
    let part = |a: usize, b: usize| if b == 0 { f64::NAN } else { a as f64 / b as f64 };
    println!(
        "{name:24} {:>8} {:>8} {:>8} {:>8.3} {:>9.3}",
        score.labelled,
        score.found,
        score.wrong,
        part(score.found, score.labelled),
        part(score.right, score.right + score.wrong)
    );
}
