//! The record of who has seen, changed or taken whose data: an intent that is on disk before the first byte of the answer goes out, and
//! what came of it once the last one has, or the client has left.
//!
//! The intent of a request that changes something is on disk before the application gets it. What was delivered names people by keyed
//! pseudonyms only ([`Subjects`](crate::access::subject::Subjects)); who asked, and from where, stands in clear in a journal that is sealed.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    fmt,
    pin::Pin,
    rc::Rc,
    sync::Arc,
};

use http::{HeaderValue, StatusCode, request::Parts};
use serde_json::{Map, Value, json};

use crate::{
    access::{
        Action,
        subject::{Name, Subject},
    },
    gateway::{
        Gateway,
        access::{self, Authority, Permitted, unrecorded},
        canary::{self, Planting},
        custody::Custody,
        head::Head,
        kin::Kin,
        outbox::Delivery,
        plan::Line,
        record as request,
        refusal::Refusal,
        settings::Route,
        witness::Witness,
    },
    identity::Principal,
    journal::{self, Kind, Receipt, Record},
    observe::metrics::{Labelled, Shard},
    privacy::Tally,
};

/// Most people of one record; a body with more has several.
const PEOPLE: usize = 4096;
type Written = Pin<Box<dyn Future<Output = Result<Receipt, journal::Error>>>>;

/// One disclosure under way.
pub struct Disclosure {
    authority: Arc<Authority>,
    /// Who, what and where: in the intent and in what came of it alike.
    facts: Map<String, Value>,
    intent: Option<Written>,
    written: Option<u64>,
    /// Index of what is written down of a file that leaves, before it does.
    taken: Option<u64>,
    /// What was delivered.
    seen: Rc<RefCell<Seen>>,
    /// Where it is counted: the route, and what is done.
    shard: Shard,
    route: Arc<Route>,
    action: Action,
}

impl fmt::Debug for Disclosure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Disclosure({:?})", self.written)
    }
}

/// What of people's data has gone out.
#[derive(Debug, Default)]
pub struct Seen {
    /// Whose, by the names that the route says; every other value by its type, where it names somebody.
    pub(super) people: BTreeSet<Subject>,
    /// By the type of the value that names them, where the route says nothing.
    pub(super) named: BTreeMap<&'static str, u64>,
    /// Records and values that nobody can be named for.
    pub(super) unattributed: u64,
    /// Records of canaries.
    pub(super) canaries: u64,
    /// Records that were masked, and left out, for want of consent.
    pub(super) masked: u64,
    pub(super) dropped: u64,
    pub(super) shown: Tally,
    /// Whether it was taken along.
    pub(super) taken: Option<Taken>,
    /// In whose hands it is then, where it leaves sealed.
    pub(super) custody: Option<Custody>,
    /// Names beside that of whoever reads it, where surnames are compared.
    pub(super) kin: Option<Kin>,
}

/// What permitted that an answer is taken along.
#[derive(Debug)]
pub(super) struct Taken {
    /// Empty where no policy was asked.
    pub(super) policies: Vec<Arc<str>>,
    pub(super) review: bool,
}

/// Begins the disclosure of a request on a route that is recorded; nothing on any other. Who is to be told of what is seen comes back.
///
/// # Errors
/// When it would change something, and can't be written down before.
#[allow(clippy::too_many_arguments, reason = "all that was decided of the request is written down")]
pub async fn open(
    gateway: &Gateway,
    line: &Line,
    who: Option<&Arc<Principal>>,
    permitted: Option<&Permitted>,
    head: &Head,
    parts: &Parts,
    id: &HeaderValue,
    record: &mut request::Record,
) -> Result<Option<Witness>, Refusal> {
    let permit = permitted.map(|permitted| &permitted.permit);
    let Some(authority) = &gateway.plan.authority else {
        return if line.route.record { Err(unrecorded()) } else { Ok(None) };
    };
    let memory = &gateway.plan.memory;
    if !line.route.record {
        let is_read = permit.is_some() || line.route.mask.is_some() && who.is_some();
        let witness = is_read.then(|| Witness::new(authority, line, permit, Rc::default()));
        return Ok(witness.map(|witness| witness.remembering(memory, who)));
    }
    let action = access::action(&parts.method, line.subject_of(head.target.path()).is_some());
    let shard = Shard::clone(&gateway.shard);
    let mut disclosure = Disclosure::begin(authority, line, who.map(|who| &**who), permitted, action, head, id, shard);
    if let Some(length) = gateway.plan.runs.of(line, who.map(|who| &**who), head) {
        disclosure.facts.insert("sequence".to_owned(), length.into());
    }
    disclosure.seen.borrow_mut().kin =
        authority.kin(who.filter(|_| head.probe.is_none()).map(|who| &**who), &gateway.plan.surnames);
    let asked = canary::asked(&gateway.plan.canaries, &authority.subjects, head);
    if !asked.is_empty() {
        disclosure.facts.insert("asked".to_owned(), asked.into());
    }
    let planting = who.and_then(|who| Planting::of(authority, line, who, head, parts));
    let witness = Witness::new(authority, line, permit, disclosure.seen()).planting(planting);
    if !parts.method.is_safe() {
        disclosure.written().await?;
    }
    record.disclose(disclosure);
    Ok(Some(witness.remembering(memory, who)))
}

impl Disclosure {
    /// Begins one: the intent is on its way to the disk.
    #[must_use]
    #[allow(clippy::too_many_arguments, reason = "all that was decided of the request is written down")]
    fn begin(
        authority: &Arc<Authority>,
        line: &Line,
        who: Option<&Principal>,
        permitted: Option<&Permitted>,
        action: Action,
        head: &Head,
        id: &HeaderValue,
        shard: Shard,
    ) -> Self {
        let journal = authority.journal.as_ref();
        let mut facts = Map::new();
        let mut put = |name: &str, value: Value| {
            if !value.is_null() {
                facts.insert(name.to_owned(), value);
            }
        };
        put("request_id", id.to_str().unwrap_or("-").into());
        put("issuer", who.map(|who| who.issuer.as_str()).into());
        put("person", who.map(|who| who.subject.as_str()).into());
        put("roles", who.map_or(Value::Null, |who| json!(who.roles)));
        put("address", head.address.to_string().into());
        put("probe", head.probe.is_some().then_some(true).into());
        put("route", line.route.name.as_str().into());
        put("action", action.name().into());
        if let Some(permitted) = permitted {
            put("purpose", (&*permitted.permit.purpose).into());
            put("ticket", permitted.ticket.as_deref().into());
            put("policies", json!(permitted.permit.policies));
            put("review", permitted.permit.review.then_some(true).into());
        }
        let seen = Rc::new(RefCell::new(Seen::default()));
        // Whose data a path names is known before anything is delivered.
        if let Some(subject) = line.subject_of(head.target.path()) {
            let subject = authority.subjects.name(&Name::Id, subject.as_bytes());
            seen.borrow_mut().people.extend(subject);
        }
        let intent = journal.map(|journal| {
            let mut body = facts.clone();
            body.insert("subjects".to_owned(), seen.borrow().texts(0).into());
            Box::pin(journal.append(&Record::of(Kind::DisclosureIntent, body))) as Written
        });
        let route = Arc::clone(&line.route);
        Self { authority: Arc::clone(authority), facts, intent, written: None, taken: None, seen, shard, route, action }
    }

    /// Waits until the intent is on disk, and in whose hands a file is.
    ///
    /// # Errors
    /// When it can't be written: nothing may go out.
    pub async fn written(&mut self) -> Result<(), Refusal> {
        // It was asked for before, or there is no journal.
        if let Some(intent) = self.intent.take() {
            self.written = self.judge(intent.await)?;
            if self.written.is_some() {
                self.count("recorded");
            }
        }
        let begun = self.seen.borrow().custody.as_ref().map(|custody| custody.begun(&self.facts));
        if let (None, Some(mut body), Some(journal)) = (self.taken, begun, &self.authority.journal) {
            self.seen.borrow().permitted(&mut body);
            let written = journal.append(&Record::of(Kind::DownloadStarted, body)).await;
            self.taken = self.judge(written)?;
        }
        Ok(())
    }

    /// The index of what was written; nothing where data goes out all the same.
    fn judge(&self, outcome: Result<Receipt, journal::Error>) -> Result<Option<u64>, Refusal> {
        match outcome {
            Ok(receipt) => Ok(Some(receipt.index)),
            Err(error) if self.authority.access.settings().open_unrecorded => {
                self.count("unrecorded");
                tracing::error!(%error, route = self.route.name, "people's data goes out and can't be written down");
                Ok(None)
            }
            Err(error) => {
                self.count("refused");
                Err(Refusal { source: Some(Box::new(error)), ..unrecorded() })
            }
        }
    }

    fn count(&self, outcome: &'static str) {
        self.shard.count(Labelled::Disclosures, &[&self.route.name, self.action.name(), outcome]);
    }

    /// What of people's data goes out, for whoever sees it go.
    #[must_use]
    pub fn seen(&self) -> Rc<RefCell<Seen>> {
        Rc::clone(&self.seen)
    }

    /// Writes down what came of it: `delivered` bytes were handed over, how far they came, and what was `found` in them.
    pub fn close(mut self, status: StatusCode, delivered: u64, delivery: Delivery, found: &Tally) {
        let complete = delivery == Delivery::Whole;
        let queued = || (delivery == Delivery::Queued).then_some(true).into();
        let Some(journal) = self.authority.journal.clone() else { return };
        let seen = self.seen.borrow();
        seen.permitted(&mut self.facts);
        if let Some(custody) = seen.custody.as_ref().filter(|_| self.taken.is_some() || delivered > 0) {
            let mut body = custody.begun(&self.facts);
            let mut put = |name: &str, value: Value| body.insert(name.to_owned(), value);
            put("started", self.taken.into());
            put("delivered_bytes", delivered.into());
            put("complete", complete.into());
            put("queued", queued());
            put("people", seen.people.len().into());
            put("unattributed", seen.unattributed.into());
            put("shown", counts(&seen.shown));
            custody.ended(&mut body);
            journal.note(&Record::of(Kind::DownloadDone, body));
        }
        let parts = seen.people.len().div_ceil(PEOPLE).max(1);
        for part in 0..parts {
            let mut body = self.facts.clone();
            let mut put = |name: &str, value: Value| body.insert(name.to_owned(), value);
            // Where nobody has waited for it the request's id leads there.
            put("intent", self.written.into());
            put("status", status.as_u16().into());
            put("delivered_bytes", delivered.into());
            put("complete", complete.into());
            put("queued", queued());
            put("people", seen.people.len().into());
            if parts > 1 {
                put("part", json!([part + 1, parts]));
            }
            put("subjects", seen.texts(part).into());
            if part == 0 {
                put("unattributed", seen.unattributed.into());
                put("records_masked", seen.masked.into());
                put("records_dropped", seen.dropped.into());
                if seen.canaries > 0 {
                    put("canaries", seen.canaries.into());
                }
                put("shown", counts(&seen.shown));
                put("found", counts(found));
                if let Some((surname, share)) = seen.kin.as_ref().and_then(|kin| kin.told(seen.people.len())) {
                    put("surname", surname.into());
                    put("surname_share", share.into());
                }
                if !seen.named.is_empty() {
                    put("named_by", json!(seen.named));
                }
            }
            journal.note(&Record::of(Kind::DisclosureDone, body));
        }
    }
}

fn counts(tally: &Tally) -> Value {
    tally.iter().map(|(kind, n)| (kind.name().to_owned(), Value::from(n))).collect::<Map<_, _>>().into()
}

impl Seen {
    /// What permitted it, where it is taken along.
    fn permitted(&self, facts: &mut Map<String, Value>) {
        let Some(Taken { policies, review }) = &self.taken else { return };
        facts.insert("action".to_owned(), Action::Download.name().into());
        if !policies.is_empty() {
            facts.insert("policies".to_owned(), json!(policies));
        }
        if *review {
            facts.insert("review".to_owned(), true.into());
        }
    }

    fn texts(&self, part: usize) -> Vec<String> {
        self.people.iter().skip(part * PEOPLE).take(PEOPLE).map(Subject::text).collect()
    }
}
