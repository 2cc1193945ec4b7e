//! Which rules are meant by numbers, tags and messages, and what is changed of them before they are compiled.

use super::super::{
    pattern,
    rule::{Actions, Meant, Part, Written},
    source::{Fault, Place},
    variable::Target,
};

/// A rule with its chain, as it was written.
#[derive(Debug)]
pub(super) struct Chain {
    /// The links.
    pub(super) links: Vec<Written>,
}

impl Chain {
    /// The number of its head.
    pub(super) fn id(&self) -> u32 {
        self.links[0].actions.id.unwrap_or_default()
    }

    /// Whether it is meant. Tags and messages are matched as patterns where `pattern` says so.
    fn is_meant(&self, meant: &Test) -> bool {
        let head = &self.links[0].actions;
        match meant {
            Test::Ids(ranges) => ranges.iter().any(|(first, last)| (*first..=*last).contains(&self.id())),
            Test::Tag(regex) => head.tags.iter().any(|tag| regex.is_match(tag.as_bytes())),
            Test::Message(regex) => head.message.as_ref().is_some_and(|message| {
                message.0.iter().any(|part| matches!(part, Part::Text(text) if regex.is_match(text)))
            }),
        }
    }
}

/// A [`Meant`] that is ready to be asked.
enum Test<'a> {
    Ids(&'a [(u32, u32)]),
    Tag(regex::bytes::Regex),
    Message(regex::bytes::Regex),
}

/// Who is meant. Directives give patterns; `ctl` gives a tag or message in full.
///
/// # Errors
/// When a pattern can't be read.
pub(super) fn select(chains: &[Chain], meant: &Meant, in_full: bool) -> Result<Vec<usize>, String> {
    let regex = |text: &str| {
        let text = if in_full { format!("^{}$", regex::escape(text)) } else { text.to_owned() };
        pattern::plain(&text, false)
    };
    let test = match meant {
        Meant::Ids(ranges) => Test::Ids(ranges),
        Meant::Tag(tag) => Test::Tag(regex(tag)?),
        Meant::Message(message) => Test::Message(regex(message)?),
    };
    Ok((0..chains.len()).filter(|at| chains[*at].is_meant(&test)).collect())
}

/// Takes rules out.
///
/// # Errors
/// When a pattern can't be read.
pub(super) fn remove(chains: &mut Vec<Chain>, meant: &Meant) -> Result<(), String> {
    let mut out = select(chains, meant, false)?;
    while let Some(at) = out.pop() {
        chains.remove(at);
    }
    Ok(())
}

/// Changes what rules look at: exclusions for each link, additions for the head.
///
/// # Errors
/// When a pattern can't be read.
pub(super) fn targets(chains: &mut [Chain], meant: &Meant, targets: &[Target]) -> Result<(), String> {
    for at in select(chains, meant, false)? {
        for (link, written) in chains[at].links.iter_mut().enumerate() {
            if let Some(test) = &mut written.test {
                test.targets.extend(targets.iter().filter(|target| target.excluded || link == 0).cloned());
            }
        }
    }
    Ok(())
}

/// Changes what a rule says: what is given takes the place of what was.
///
/// # Errors
/// When there is no such rule.
pub(super) fn actions(chains: &mut [Chain], place: &Place, id: u32, new: &Actions) -> Result<(), Fault> {
    let chain = chains.iter_mut().find(|chain| chain.id() == id);
    let chain =
        chain.ok_or_else(|| Fault::new(place, format!("rule {id} is not there; name one that was read before")))?;
    let old = &mut chain.links[0].actions;
    let new = new.clone();
    if new.bare || !new.transforms.is_empty() {
        (old.transforms, old.bare) = (new.transforms, new.bare);
    }
    old.effect = new.effect.or(old.effect);
    old.status = new.status.or(old.status);
    old.log = new.log.or(old.log);
    old.severity = new.severity.or(old.severity);
    old.skip_after = new.skip_after.or(old.skip_after.take());
    old.message = new.message.or(old.message.take());
    old.data = new.data.or(old.data.take());
    old.tags.extend(new.tags);
    old.assignments.extend(new.assignments);
    old.controls.extend(new.controls);
    old.capture |= new.capture;
    old.multi_match |= new.multi_match;
    Ok(())
}
