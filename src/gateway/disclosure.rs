//! The record of who has seen, changed or taken whose data: an intent that is on disk before the first byte of the answer goes out, and
//! what came of it once the last one has, or the client has left.
//!
//! The intent of a request that changes something is on disk before the application gets it. What was delivered names people by keyed
//! pseudonyms only ([`Subjects`]); who asked, and from where, stands in clear in a journal that is sealed.

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
        Action, Permit, Rule,
        subject::{Name, Subject, Subjects},
    },
    gateway::{
        Gateway,
        access::{self, Authority, Permitted, unrecorded},
        canary::{self, Planting},
        custody::Custody,
        head::Head,
        naming::{name_of, named},
        outbox::Delivery,
        plan::Line,
        record as request,
        refusal::Refusal,
        returned::{Memory, Reader},
        settings::Route,
    },
    identity::Principal,
    journal::{self, Kind, Receipt, Record},
    observe::metrics::{Labelled, Shard},
    privacy::{
        self, Tally,
        mask::{Facts, Judge, Verdict, settings::Records},
    },
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
    people: BTreeSet<Subject>,
    /// By the type of the value that names them, where the route says nothing.
    named: BTreeMap<&'static str, u64>,
    /// Records and values that nobody can be named for.
    unattributed: u64,
    /// Records of canaries.
    canaries: u64,
    /// Records that were masked, and left out, for want of consent.
    masked: u64,
    dropped: u64,
    shown: Tally,
    /// Whether it was taken along.
    taken: Option<Taken>,
    /// In whose hands it is then, where it leaves sealed.
    custody: Option<Custody>,
}

/// What permitted that an answer is taken along.
#[derive(Debug)]
struct Taken {
    /// Empty where no policy was asked.
    policies: Vec<Arc<str>>,
    review: bool,
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

/// Decides on records by consent, and notes whose they are.
#[derive(Clone)]
pub struct Witness {
    authority: Arc<Authority>,
    rule: Rule,
    /// What people must have agreed to.
    purpose: Option<Arc<str>>,
    records: Arc<Records>,
    /// What a record names its subject by.
    name: Name,
    /// Whose everything is, where the request's path has said so.
    owner: Option<Subject>,
    in_record: bool,
    planting: Option<Planting>,
    /// Whether the record at hand is a canary's.
    in_canary: bool,
    seen: Rc<RefCell<Seen>>,
    /// Who is shown masks, and what is remembered of them.
    reader: Option<Reader>,
}

impl fmt::Debug for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Witness({})", self.rule.name())
    }
}

impl Witness {
    /// Of an answer on `line` under a permit, whose people are noted in `seen`.
    #[must_use]
    pub fn new(authority: &Arc<Authority>, line: &Line, permit: Option<&Permit>, seen: Rc<RefCell<Seen>>) -> Self {
        let owner = seen.borrow().people.first().copied();
        Self {
            authority: Arc::clone(authority),
            rule: permit.map_or(Rule::Any, |permit| permit.consent),
            purpose: permit.map(|permit| Arc::clone(&permit.purpose)),
            name: line.route.records.as_deref().map_or(Name::Id, name_of),
            records: line.route.records.clone().unwrap_or_default(),
            owner,
            in_record: false,
            planting: None,
            in_canary: false,
            seen,
            reader: None,
        }
    }

    /// Remembers for `principal` what is shown in the place of values.
    fn remembering(mut self, memory: &Arc<Memory>, principal: Option<&Arc<Principal>>) -> Self {
        self.reader = principal.map(|principal| Reader::new(memory, principal));
        self
    }

    /// Lets a canary be planted into what is read.
    fn planting(self, planting: Option<Planting>) -> Self {
        Self { planting, ..self }
    }

    /// The canary of whoever reads, and whether it is planted.
    #[must_use]
    pub fn canary(&self) -> Option<&Planting> {
        self.planting.as_ref()
    }

    /// Who is asked about records, and where they are.
    #[must_use]
    pub fn judge(&self) -> (Arc<Records>, Box<dyn Judge>) {
        (Arc::clone(&self.records), Box::new(self.clone()))
    }

    /// An answer went out that nobody could read: somebody's data may have been in it.
    pub fn unreadable(&self) {
        self.seen.borrow_mut().unattributed += 1;
    }

    /// The answer is taken along, under this permit.
    pub fn take_along(&mut self, permit: Option<&Permit>) {
        self.seen.borrow_mut().taken = Some(Taken {
            policies: permit.map(|permit| permit.policies.clone()).unwrap_or_default(),
            review: permit.is_some_and(|permit| permit.review),
        });
        if let Some(permit) = permit {
            self.rule = permit.consent;
        }
    }

    /// It leaves as a file in somebody's hands.
    pub fn hand_over(&self, custody: Custody) {
        self.seen.borrow_mut().custody = Some(custody);
    }

    /// Whether a person has agreed. What was recorded of them, a withdrawal above all, is newer than what the application still says.
    fn agreed(&self, subject: Option<&Subject>, facts: &Facts<'_>) -> bool {
        let known = self.authority.consents.as_ref().zip(self.purpose.as_deref()).zip(subject);
        let standing = known.and_then(|((desk, purpose), subject)| desk.consents.standing(purpose, subject));
        match standing {
            Some(standing) if facts.consent.is_none() || !standing.agreed => standing.agreed,
            _ => facts.agreed(),
        }
    }
}

impl Judge for Witness {
    fn record(&mut self, facts: &Facts<'_>) -> Verdict {
        let subjects: &Subjects = &self.authority.subjects;
        let subject = facts.subject.and_then(|value| subjects.name(&self.name, value)).or(self.owner);
        let verdict = match self.rule {
            Rule::Any => Verdict::Show,
            _ if self.agreed(subject.as_ref(), facts) => Verdict::Show,
            Rule::Mask => Verdict::Mask,
            Rule::Drop => Verdict::Drop,
        };
        let mut seen = self.seen.borrow_mut();
        self.in_record = true;
        match (verdict, subject) {
            (Verdict::Show, Some(subject)) => {
                seen.people.insert(subject);
            }
            (Verdict::Show, None) => seen.unattributed += 1,
            (Verdict::Mask, _) => seen.masked += 1,
            (Verdict::Drop, _) => seen.dropped += 1,
        }
        verdict
    }

    fn outside(&mut self) -> Verdict {
        (self.in_record, self.in_canary) = (false, false);
        // Nobody can say of whom it speaks, so nobody can have agreed.
        if self.rule == Rule::Any { Verdict::Show } else { Verdict::Mask }
    }

    fn canary(&mut self) {
        self.in_canary = true;
        self.seen.borrow_mut().canaries += 1;
    }

    fn covered(&mut self, field: &[u8], masked: &[u8], value: &[u8]) {
        // A canary's comes back as a mask that nobody remembers, and is refused.
        if let Some(reader) = self.reader.as_mut().filter(|_| !self.in_canary) {
            reader.cover(field, masked, value);
        }
    }

    fn seen(&mut self, kind: &privacy::Kind, value: &[u8]) {
        if self.in_canary {
            return;
        }
        let mut seen = self.seen.borrow_mut();
        seen.shown.add(kind);
        if self.owner.is_some() || self.in_record && !self.records.subject.is_empty() {
            return;
        }
        match named(kind) {
            None => {}
            Some(word) => match self.authority.subjects.name(&Name::Kind(kind.clone()), value) {
                Some(subject) if !value.is_empty() => {
                    if seen.people.insert(subject) {
                        *seen.named.entry(word).or_default() += 1;
                    }
                }
                _ => seen.unattributed += 1,
            },
        }
    }
}
