//! Bans: who is refused for what they have done before, and what is noted of what they do now.
//!
//! Somebody who has signed in is not refused for what others did at their address, and Privet's own pages are there for those who want to;
//! an operator's order, or a list, holds for everybody. What a request has done is told by its answer, so a path counts against nobody
//! where the application has something there.

use std::{
    rc::Rc,
    sync::Arc,
    time::{Duration, SystemTime},
};

use http::{HeaderMap, StatusCode, uri::PathAndQuery};

use crate::{
    common::{
        clock,
        fetch::is_induced,
        watch::{Slot, Ticks, Watch},
    },
    gateway::{
        client::Client,
        gate::is_own,
        head::Head,
        plan::Gateway,
        record::Record,
        refusal::{Kind, More, Refusal, Told},
    },
    identity::{Realm, form, session},
    shield::ban::{Ban, Bans, Scenario, Session, Source, Who, settings::Answer},
};

const SAFEGUARD: &str = "ban";

/// Whoever asks, until what they did is known.
#[derive(Debug)]
pub struct Suspect {
    bans: Arc<Bans>,
    who: Who,
    /// The session that is shown, of which nobody has looked yet whether it is one.
    shown: Option<(Arc<Realm>, session::Key)>,
    target: Option<PathAndQuery>,
}

/// Whoever asks, as far as their connection tells. Nothing where nobody is banned.
#[must_use]
pub fn suspect(gateway: &Gateway, client: &Client, headers: &HeaderMap) -> Option<Box<Suspect>> {
    let bans = gateway.plan.bans.as_ref()?;
    // Whom a proxy speaks for is not known before its words were read; nor is it the proxy's fault.
    let address = (!client.peer.trusted).then(|| client.peer.address.ip());
    let who = Who { address, session: None, induced: is_induced(headers) };
    Some(Box::new(Suspect { bans: Arc::clone(bans), who, shown: None, target: None }))
}

/// Lets a request go on, or not.
///
/// # Errors
/// When whoever asks is banned.
pub async fn check(
    gateway: &Gateway,
    mut suspect: Box<Suspect>,
    client: &Client,
    watch: &Rc<Watch>,
    head: &Head,
    headers: &HeaderMap,
    record: &mut Record,
) -> Result<(), Refusal> {
    suspect.who.address = Some(head.address);
    suspect.target = Some(head.target.clone());
    let key = Realm::shown(headers);
    suspect.shown = key.and_then(|key| Some((Arc::clone(gateway.plan.realm_of(head)?), key)));
    let outcome = judge(gateway, &suspect, client, watch, head, record).await;
    record.suspect = Some(suspect);
    outcome
}

async fn judge(
    gateway: &Gateway,
    suspect: &Suspect,
    client: &Client,
    watch: &Rc<Watch>,
    head: &Head,
    record: &mut Record,
) -> Result<(), Refusal> {
    let bans = &suspect.bans;
    // Whoever shows a session that is banned is that session, or has stolen it: nobody has to look it up.
    let shown = suspect.shown.as_ref().filter(|_| bans.looks_at_sessions());
    let session = shown.map(|(_, key)| Session::of(&key.0));
    let Some(ban) = bans.check(&Who { session, ..suspect.who }) else { return Ok(()) };
    if !ban.is_absolute() && is_own(head.target.path()) {
        record.verdict(SAFEGUARD, "own_page");
        return Ok(());
    }
    if matches!(ban.source, Source::Address(_)) && suspect.signed_in().await.is_some() {
        record.verdict(SAFEGUARD, "signed_in");
        return Ok(());
    }
    record.verdict(SAFEGUARD, verdict(&ban));
    bans.counts().requests.increment();
    if bans.answer() == Answer::Close && !client.peer.trusted {
        // The stream, or the connection, goes with its next tick; so does this, which waits for nothing else.
        watch.arm(Slot::Stall, Ticks::from(Duration::ZERO));
        std::future::pending::<()>().await;
    }
    Err(refusal(bans, &ban, gateway.plan.realm_of(head).is_some()))
}

/// Notes what a request has done, by what became of it.
pub async fn settle(mut suspect: Box<Suspect>, refused: Option<Kind>, status: StatusCode) {
    let Some(deed) = suspect.deed(refused, status) else { return };
    suspect.who.session = suspect.signed_in().await;
    let (bans, who) = (&suspect.bans, &suspect.who);
    match (deed, &suspect.target) {
        (Scenario::Scanner | Scenario::NotFound, Some(target)) => bans.note_at(deed, who, target.path()),
        _ => bans.note(deed, who),
    }
}

impl Suspect {
    /// The session by which somebody has signed in.
    async fn signed_in(&self) -> Option<Session> {
        let (realm, key) = self.shown.as_ref()?;
        realm.is_signed_in(*key, clock::now()).await.then(|| Session::of(&key.0))
    }

    fn deed(&self, refused: Option<Kind>, status: StatusCode) -> Option<Scenario> {
        match refused {
            Some(Kind::Banned) => return None,
            Some(Kind::Shield) => return Some(Scenario::Attack),
            Some(
                Kind::Framing(_)
                | Kind::Host(_)
                | Kind::AmbiguousPath(_)
                | Kind::Method
                | Kind::UriTooLong
                | Kind::HeadersTooLarge
                | Kind::Expectation,
            ) => return Some(Scenario::Protocol),
            _ => {}
        }
        let absent = matches!(status, StatusCode::NOT_FOUND | StatusCode::GONE);
        let denied =
            matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::METHOD_NOT_ALLOWED);
        let scanned = || self.target.as_ref().is_some_and(|target| self.bans.is_scanned(target.path()));
        match (absent, denied) {
            (false, false) => None,
            _ if scanned() => Some(Scenario::Scanner),
            (true, _) => Some(Scenario::NotFound),
            (false, true) => None,
        }
    }
}

fn verdict(ban: &Ban) -> &'static str {
    match &ban.source {
        Source::Operator => "operator",
        Source::List(_) => "list",
        Source::Address(scenario) => scenario.name(),
        Source::Session(_) => "session",
    }
}

/// What somebody is told: why in general words, until when, and how to get out.
fn refusal(bans: &Bans, ban: &Ban, may_sign_in: bool) -> Refusal {
    let why = match &ban.source {
        Source::Operator => "This address is blocked by the operators of this site.".to_owned(),
        Source::List(_) => "This address is on a list of addresses that attacks come from.".to_owned(),
        Source::Session(scenario) => format!("Your session is blocked for now: {}.", scenario.why()),
        Source::Address(scenario) => format!("Your address is blocked for now: {}.", scenario.why()),
    };
    let mut told = vec![Told::text(why)];
    let wait = ban.until.map(|until| Duration::from_millis(until.saturating_sub(clock::millis())));
    if let Some(until) = ban.until.and_then(time) {
        told.push(Told::text(format!("It ends by itself, at {until}.")));
    }
    if matches!(ban.source, Source::Address(_)) {
        let others =
            "Others may have the same address as you, in an office or at a mobile provider, and it may have been them.";
        told.push(Told::text(others.to_owned()));
    }
    if may_sign_in && !ban.is_absolute() {
        told.push(Told {
            text: "Whoever signs in can go on at once:".to_owned(),
            link: Some((form::SIGN_IN, "sign in")),
        });
    }
    if let Some(contact) = bans.contact() {
        told.push(Told::text(format!(
            "If this is a mistake, please write to {contact} and name the request id below."
        )));
    }
    let more = More { wait, told, ..More::default() };
    Refusal { kind: Kind::Banned, source: None, more: Some(Box::new(more)) }
}

/// As people and programs read it.
fn time(millis: u64) -> Option<String> {
    let at = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(millis / 1000))?;
    time::OffsetDateTime::from(at).format(&time::format_description::well_known::Rfc3339).ok()
}
