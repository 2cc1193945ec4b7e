//! What follows a match, as it is written.

use super::{
    super::{
        body::Processor,
        rule::{Actions, Assignment, Change, Control, Effect, Engine, Macro, Part, Phase, Scope, Severity},
        source::{Fault, Place},
        transform::Transform,
        variable::Variable,
    },
    target::{choice, meant},
};

/// Reads `id:1,phase:2,setvar:'tx.a=1'`.
///
/// # Errors
/// When an action is not known, or its value can't be read.
pub(super) fn read(place: &Place, text: &str) -> Result<Actions, Fault> {
    let mut actions = Actions::default();
    for part in split(text) {
        let part = part.trim();
        let (name, value) = part.split_once(':').map_or((part, ""), |(name, value)| (name.trim(), value.trim()));
        if name.is_empty() {
            continue;
        }
        let value = value.strip_prefix('\'').and_then(|v| v.strip_suffix('\'')).unwrap_or(value).replace("\\'", "'");
        one(place, &mut actions, &name.to_ascii_lowercase(), &value)?;
    }
    Ok(actions)
}

/// Parts between commas, but those within single quotes.
fn split(text: &str) -> Vec<&str> {
    let (mut parts, mut start, mut quoted, mut escaped) = (Vec::new(), 0, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '\'' => quoted = !quoted,
            ',' if !quoted => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

fn one(place: &Place, actions: &mut Actions, name: &str, value: &str) -> Result<(), Fault> {
    let wrong = |form: &str| Fault::new(place, format!("`{name}:{value}`: {form}"));
    match name {
        "id" => actions.id = Some(value.parse().map_err(|_| wrong("a rule's number is digits"))?),
        "phase" => {
            let phase = Phase::named(value).ok_or_else(|| wrong("phases are 1 to 5, request, response, logging"))?;
            actions.phase = Some(phase);
        }
        "t" if value.eq_ignore_ascii_case("none") => {
            actions.transforms.clear();
            actions.bare = true;
        }
        "t" => {
            let transform = Transform::named(value).ok_or_else(|| wrong("no transformation that Privet knows"))?;
            actions.transforms.push(transform);
        }
        "pass" => actions.effect = Some(Effect::Pass),
        "block" => actions.effect = Some(Effect::Block),
        "deny" | "drop" => actions.effect = Some(Effect::Deny),
        "allow" => {
            let scope = match value {
                "" => Scope::All,
                "phase" => Scope::Phase,
                "request" => Scope::Request,
                _ => return Err(wrong("`allow`, `allow:phase` or `allow:request`")),
            };
            actions.effect = Some(Effect::Allow(scope));
        }
        "status" => {
            let status = value.parse().ok().filter(|status| (100..=599).contains(status));
            actions.status = Some(status.ok_or_else(|| wrong("a status is 100 to 599"))?);
        }
        "log" => actions.log = Some(true),
        "nolog" => actions.log = Some(false),
        "capture" => actions.capture = true,
        "multimatch" => actions.multi_match = true,
        "chain" => actions.chain = true,
        "msg" => actions.message = Some(expand(place, value)?),
        "logdata" => actions.data = Some(expand(place, value)?),
        "severity" => {
            let severity = Severity::named(value).ok_or_else(|| wrong("severities are 0 to 7, or their names"))?;
            actions.severity = Some(severity);
        }
        "tag" => actions.tags.push(value.to_owned()),
        "setvar" => actions.assignments.push(assignment(place, value)?),
        "ctl" => actions.controls.push(control(place, value)?),
        "skipafter" => actions.skip_after = Some(value.to_owned()),
        "skip" => actions.skip = value.parse().map_err(|_| wrong("how many rules, in digits"))?,
        // What is written down is Privet's own business, and collections live as long as a request.
        "auditlog"
        | "noauditlog"
        | "rev"
        | "ver"
        | "maturity"
        | "accuracy"
        | "initcol"
        | "expirevar"
        | "setsid"
        | "setuid"
        | "setrsc"
        | "sanitisearg"
        | "sanitisematched"
        | "sanitisematchedbytes"
        | "sanitiserequestheader"
        | "sanitiseresponseheader"
        | "logparts" => {}
        _ => return Err(Fault::new(place, format!("`{name}` is no action that Privet knows"))),
    }
    Ok(())
}

/// `tx.name=+1`, `!tx.name`, `tx.name`.
fn assignment(place: &Place, text: &str) -> Result<Assignment, Fault> {
    let (unset, rest) = text.strip_prefix('!').map_or((false, text), |rest| (true, rest));
    let (name, value) = rest.split_once('=').map_or((rest, None), |(name, value)| (name, Some(value)));
    let (collection, member) = name.split_once(['.', ':']).ok_or_else(|| {
        Fault::new(place, format!("`setvar:{text}`: write `tx.NAME=VALUE`, `tx.NAME=+N`, `!tx.NAME`"))
    })?;
    let collection = Variable::named(collection.trim())
        .filter(|variable| {
            matches!(
                variable,
                Variable::Tx
                    | Variable::Ip
                    | Variable::Global
                    | Variable::Session
                    | Variable::User
                    | Variable::Resource
            )
        })
        .ok_or_else(|| Fault::new(place, format!("`{collection}` is no collection that can be written")))?;
    let change = match value {
        _ if unset => Change::Unset,
        None => Change::Set(Macro(vec![Part::Text(b"1".to_vec())])),
        Some(value) => match value.as_bytes().first() {
            Some(b'+') => Change::Add(expand(place, &value[1..])?),
            Some(b'-') => Change::Subtract(expand(place, &value[1..])?),
            _ => Change::Set(expand(place, value)?),
        },
    };
    Ok(Assignment { collection, name: expand(place, &member.trim().to_ascii_lowercase())?, change })
}

fn control(place: &Place, text: &str) -> Result<Control, Fault> {
    let wrong = || Fault::new(place, format!("`ctl:{text}` is not known, or lacks its value"));
    let (name, value) = text.split_once('=').ok_or_else(wrong)?;
    let on = || match value.to_ascii_lowercase().as_str() {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err(wrong()),
    };
    let lower = name.to_ascii_lowercase();
    Ok(match lower.as_str() {
        "ruleengine" => Control::Engine(match value.to_ascii_lowercase().as_str() {
            "on" => Engine::On,
            "off" => Engine::Off,
            "detectiononly" => Engine::DetectionOnly,
            _ => return Err(wrong()),
        }),
        "requestbodyprocessor" => Control::BodyProcessor(Processor::named(value.as_bytes()).ok_or_else(wrong)?),
        "forcerequestbodyvariable" => Control::ForceBodyVariable(on()?),
        "requestbodyaccess" => Control::BodyAccess { response: false, on: on()? },
        "responsebodyaccess" => Control::BodyAccess { response: true, on: on()? },
        "ruleremovebyid" => Control::Remove(meant(place, "ById", value)?),
        "ruleremovebytag" => Control::Remove(meant(place, "ByTag", value)?),
        "ruleremovebymsg" => Control::Remove(meant(place, "ByMsg", value)?),
        "ruleremovetargetbyid" | "ruleremovetargetbytag" | "ruleremovetargetbymsg" => {
            let (which, target) = value.split_once(';').ok_or_else(wrong)?;
            let by = ["ById", "ByTag", "ByMsg"].into_iter().find(|by| lower.ends_with(&by.to_ascii_lowercase()));
            Control::RemoveTarget(meant(place, by.unwrap_or("ById"), which)?, choice(place, target)?)
        }
        "auditengine" | "auditlogparts" | "debugloglevel" => Control::Ignored,
        _ => return Err(wrong()),
    })
}

/// `a %{tx.b} c` as a macro.
///
/// # Errors
/// When a variable is not known.
pub fn expand(place: &Place, text: &str) -> Result<Macro, Fault> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("%{") {
        let Some(length) = rest[start..].find('}') else { break };
        if start > 0 {
            parts.push(Part::Text(rest.as_bytes()[..start].to_vec()));
        }
        let inner = &rest[start + 2..start + length];
        let (name, member) = inner.split_once(['.', ':']).map_or((inner, None), |(name, member)| (name, Some(member)));
        let variable = Variable::named(name.trim())
            .ok_or_else(|| Fault::new(place, format!("`%{{{inner}}}`: `{name}` is no variable that Privet knows")))?;
        parts.push(Part::Variable(variable, member.map(|member| member.trim().to_ascii_lowercase().into_bytes())));
        rest = &rest[start + length + 1..];
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest.as_bytes().to_vec()));
    }
    Ok(Macro(parts))
}
