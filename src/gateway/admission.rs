//! Who may pass on a route that asks, and under what: gate, pledge, policies, the record of what is to be seen, and what is said of taking a file along.

use std::sync::Arc;

use http::{HeaderValue, Response, request::Parts};

use super::{
    access::{self, Permitted},
    body::Body,
    client::Client,
    disclosure,
    download::{self, Wish},
    gate,
    head::Head,
    plan::{Gateway, Line},
    record::Record,
    refusal::{Kind, Refusal},
    witness::Witness,
};
use crate::identity::principal::Principal;

/// Whoever has passed, and under what; nothing of it where nobody is asked.
#[derive(Default)]
pub struct Admitted {
    /// Who they are.
    pub who: Option<Arc<Principal>>,
    /// What policies permit, where they were asked.
    pub permitted: Option<Box<Permitted>>,
    /// What writes down what they are shown.
    pub witness: Option<Witness>,
    /// What is said of taking files along, where they leave sealed.
    pub wish: Option<Box<Wish>>,
}

/// What becomes of a request.
pub enum Passed {
    /// It goes on.
    Admitted(Admitted),
    /// A browser is led to a page.
    Elsewhere(Box<Response<Body>>),
}

/// Whether `line` asks anything of anybody.
#[must_use]
pub fn asks(line: &Line) -> bool {
    line.route.gate.is_some() || line.route.record || line.route.asks_policies()
}

/// Asks all that `line` asks for.
///
/// # Errors
/// When it is refused, or can't be written down.
pub async fn check(
    gateway: &Gateway,
    line: &Line,
    client: &Client,
    head: &Head,
    parts: &mut Parts,
    id: &HeaderValue,
    record: &mut Record,
) -> Result<Passed, Refusal> {
    let upload = record.upload();
    let mut admitted = Admitted::default();
    if line.route.gate.is_some() {
        let _step = upload.step("gate");
        match gate::check(line, client, head, parts, record).await? {
            gate::Passed::Known(principal) => {
                gateway.admit(line, &principal, &upload);
                admitted.who = Some(principal);
            }
            gate::Passed::Elsewhere(answer) => return Ok(Passed::Elsewhere(answer)),
        }
    }
    let authority = gateway.plan.authority.as_ref().zip(admitted.who.as_ref());
    if let Some((authority, who)) = authority
        && let Some(answer) = access::wall(authority, line, who, head, parts, record)?
    {
        return Ok(Passed::Elsewhere(Box::new(answer)));
    }
    if line.route.asks_policies() {
        let (authority, who) = authority.ok_or(Kind::Access)?;
        let _step = upload.step("access");
        match access::authorize(authority, line, who, head, parts, record)? {
            access::Passed::Permitted(permitted) => admitted.permitted = Some(permitted),
            access::Passed::Elsewhere(answer) => return Ok(Passed::Elsewhere(answer)),
        }
    }
    let (who, permitted) = (admitted.who.as_ref(), admitted.permitted.as_deref());
    admitted.witness = disclosure::open(gateway, line, who, permitted, head, parts, id, record).await?;
    if let Some((authority, who)) = authority {
        admitted.wish = download::wish(authority, &gateway.plan.spent, line, who, head, parts)?;
    }
    Ok(Passed::Admitted(admitted))
}
