//! Notices as objects, for people who look at them and for programs. No address is in them, for none is known.

use serde_json::{Value, json};

use super::{
    delivery::State as Delivered,
    posting::Gap,
    settings::Page,
    state::{Notice, Papers, Posting},
    wording::Language,
};
use crate::registry::Moment;

/// The notices of a case.
#[must_use]
pub fn papers(papers: &Papers, page: Option<&Page>, now: Moment) -> Value {
    let notices: Vec<Value> = papers.notices.iter().map(notice).collect();
    let postings: Vec<Value> = papers.postings.iter().map(|own| posting(own, page, now)).collect();
    json!({ "notices": notices, "postings": postings })
}

/// One notice, without its documents.
#[must_use]
pub fn notice(notice: &Notice) -> Value {
    let approvals: Vec<Value> =
        notice.approvals.iter().map(|approval| json!({ "by": approval.by, "at": approval.at })).collect();
    let sending = notice.sending.as_ref().map(|sending| {
        json!({ "way": sending.way, "recipients": sending.recipients, "by": sending.by, "since": sending.at, "states": states(notice) })
    });
    json!({
        "notice": notice.number, "law": notice.law, "duty": notice.duty, "sha256": notice.sha256, "by": notice.by, "at": notice.at,
        "texts": notice.texts, "approvals": approvals, "approved": notice.is_approved(), "sending": sending,
    })
}

/// How many messages are in each state.
#[must_use]
pub fn states(notice: &Notice) -> Value {
    let counts = notice.deliveries.counts();
    let one = |state: &Delivered| (state.name().to_owned(), json!(counts.get(state).copied().unwrap_or_default()));
    Value::Object(Delivered::ALL.iter().map(one).collect())
}

/// What was or is on the public page, and how far that can be proved.
#[must_use]
pub fn posting(posting: &Posting, page: Option<&Page>, now: Moment) -> Value {
    let gaps: Option<Vec<Gap>> = page.map(|page| posting.gaps(page.every, now));
    let proofs = posting.proofs.iter().filter(|proof| proof.matches).count();
    json!({
        "notice": posting.notice, "since": posting.since, "until": posting.until, "ended": posting.ended, "by": posting.by,
        "proofs": proofs, "failed": posting.proofs.len() - proofs, "last": posting.proofs.last().map(|proof| proof.at), "gaps": gaps,
    })
}

/// What people were told so far, for an authority.
#[must_use]
pub fn told(papers: &Papers, language: Language) -> String {
    let mut told = Vec::new();
    for notice in &papers.notices {
        if let Some(sending) = &notice.sending {
            let accepted = notice.deliveries.counts().get(&Delivered::Accepted).copied().unwrap_or_default();
            let (at, all) = (sending.at, sending.recipients);
            told.push(match language {
                Language::Korean => format!("{at}부터 {all}명 중 {accepted}명에게 개별 통지"),
                Language::English => format!("{accepted} of {all} people notified since {at}"),
            });
        }
    }
    for posting in &papers.postings {
        told.push(match language {
            Language::Korean => format!("{}부터 홈페이지 게시", posting.since),
            Language::English => format!("posted on the website since {}", posting.since),
        });
    }
    if told.is_empty() { language.of_two("아직 통지하지 않음", "not yet").to_owned() } else { told.join("\n") }
}
