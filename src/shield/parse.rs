//! `SecLang` as the Core Rule Set writes it. What is not known is a fault with its place; nothing is passed over in silence.

mod actions;
mod target;

pub use actions::expand;
pub use target::{meant, targets};

use super::{
    operator,
    rule::{Directive, Document, Test, Written},
    source::{Fault, Line, Source, words},
};

/// Directives that Privet decides on in its own way, and where.
const ELSEWHERE: &[(&str, &str)] = &[
    ("SecRuleEngine", "a route's `shield` decides"),
    ("SecRequestBodyAccess", "bodies are always looked at"),
    ("SecResponseBodyAccess", "`shield.responses` decides"),
    ("SecResponseBodyMimeType", "texts are looked at"),
    ("SecResponseBodyMimeTypesClear", "texts are looked at"),
    ("SecRequestBodyLimit", "`shield.limits` decides"),
    ("SecRequestBodyNoFilesLimit", "`shield.limits` decides"),
    ("SecRequestBodyInMemoryLimit", "bodies are looked at in memory"),
    ("SecRequestBodyLimitAction", "a route's `shield_exceeded` decides"),
    ("SecRequestBodyJsonDepthLimit", "`shield.limits` decides"),
    ("SecArgumentsLimit", "`shield.limits` decides"),
    ("SecResponseBodyLimit", "`shield.limits` decides"),
    ("SecResponseBodyLimitAction", "a route's `shield_exceeded` decides"),
    ("SecTmpDir", "nothing is written to files"),
    ("SecDataDir", "nothing is written to files"),
    ("SecUploadDir", "nothing is written to files"),
    ("SecUploadKeepFiles", "nothing is written to files"),
    ("SecUploadFileMode", "nothing is written to files"),
    ("SecUploadFileLimit", "nothing is written to files"),
    ("SecDebugLog", "the access log and `log` say what was decided"),
    ("SecDebugLogLevel", "the access log and `log` say what was decided"),
    ("SecAuditEngine", "the access log says what was decided"),
    ("SecAuditLog", "the access log says what was decided"),
    ("SecAuditLog2", "the access log says what was decided"),
    ("SecAuditLogParts", "the access log says what was decided"),
    ("SecAuditLogType", "the access log says what was decided"),
    ("SecAuditLogFormat", "the access log says what was decided"),
    ("SecAuditLogStorageDir", "the access log says what was decided"),
    ("SecAuditLogRelevantStatus", "the access log says what was decided"),
    ("SecAuditLogDirMode", "the access log says what was decided"),
    ("SecAuditLogFileMode", "the access log says what was decided"),
    ("SecArgumentSeparator", "`&` separates arguments"),
    ("SecCookieFormat", "cookies are read by RFC 6265"),
    ("SecUnicodeMapFile", "full-width forms are folded"),
    ("SecStatusEngine", "nobody is told"),
    ("SecServerSignature", "the application's `Server` header is taken off"),
    ("SecComponentSignature", "a name of the rules"),
    ("SecWebAppId", "a name of the rules"),
    ("SecCollectionTimeout", "collections live as long as a request; bans remember"),
    ("SecPcreMatchLimit", "patterns take linear time"),
    ("SecPcreMatchLimitRecursion", "patterns take linear time"),
    ("SecHttpBlKey", "nobody is asked about addresses"),
    ("SecGeoLookupDb", "nobody is asked about addresses"),
    ("SecXmlExternalEntity", "nothing is fetched"),
    ("SecTmpSaveUploadedFiles", "nothing is written to files"),
];

/// Reads a file.
///
/// # Errors
/// At the first thing that can't be read.
pub fn read(source: &Source, into: &mut Document) -> Result<(), Fault> {
    for line in source.lines() {
        let directive = directive(source, &line)?;
        into.directives.push(directive);
    }
    Ok(())
}

fn directive(source: &Source, line: &Line) -> Result<Directive, Fault> {
    let words = words(line)?;
    let (name, arguments) = words.split_first().ok_or_else(|| Fault::new(&line.place, "a line without a word"))?;
    let wants = |counts: std::ops::RangeInclusive<usize>, form: &str| {
        if counts.contains(&arguments.len()) {
            return Ok(());
        }
        let what = format!("`{name}` has {} arguments; it is written `{name} {form}`", arguments.len());
        Err(Fault::new(&line.place, what))
    };
    let is = |other: &str| name.eq_ignore_ascii_case(other);
    if is("SecRule") {
        wants(2..=3, "VARIABLES \"OPERATOR\" \"ACTIONS\"")?;
        let targets = targets(&line.place, &arguments[0])?;
        let (negated, operator) = operator::read(source, &line.place, &arguments[1])?;
        let actions = actions::read(&line.place, arguments.get(2).map_or("", String::as_str))?;
        let test = Some(Test { targets, operator, negated });
        return Ok(Directive::Rule(Box::new(Written { place: line.place.clone(), test, actions })));
    }
    if is("SecAction") || is("SecDefaultAction") {
        wants(1..=1, "\"ACTIONS\"")?;
        let actions = actions::read(&line.place, &arguments[0])?;
        let written = Box::new(Written { place: line.place.clone(), test: None, actions });
        return Ok(if is("SecAction") { Directive::Rule(written) } else { Directive::Default(written) });
    }
    if is("SecMarker") {
        wants(1..=1, "NAME")?;
        return Ok(Directive::Marker(arguments[0].clone()));
    }
    if let Some(by) = ["ById", "ByTag", "ByMsg"].into_iter().find(|by| is(&format!("SecRuleRemove{by}"))) {
        wants(1..=usize::MAX, "WHICH")?;
        return Ok(Directive::Remove(meant(&line.place, by, &arguments.join(" "))?));
    }
    if let Some(by) = ["ById", "ByTag", "ByMsg"].into_iter().find(|by| is(&format!("SecRuleUpdateTarget{by}"))) {
        wants(2..=2, "WHICH \"VARIABLES\"")?;
        let which = meant(&line.place, by, &arguments[0])?;
        return Ok(Directive::UpdateTarget(line.place.clone(), which, targets(&line.place, &arguments[1])?));
    }
    if is("SecRuleUpdateActionById") {
        wants(2..=2, "ID \"ACTIONS\"")?;
        let id = arguments[0].parse().map_err(|_| Fault::new(&line.place, "the first argument is a rule's number"))?;
        let actions = Box::new(actions::read(&line.place, &arguments[1])?);
        return Ok(Directive::UpdateAction(line.place.clone(), id, actions));
    }
    if let Some((known, why)) = ELSEWHERE.iter().find(|(known, _)| is(known)) {
        return Ok(Directive::Set(line.place.clone(), (*known).to_owned(), why));
    }
    let what = match name.as_str() {
        name if name.eq_ignore_ascii_case("Include") || name.eq_ignore_ascii_case("IncludeOptional") => {
            format!("`{name}` is not followed: name the file under `shield.before` or `shield.after`")
        }
        name => format!("`{name}` is no directive that Privet knows"),
    };
    Err(Fault::new(&line.place, what))
}
