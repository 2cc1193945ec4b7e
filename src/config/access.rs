//! `[access]`: policies, purposes, groups of types, and where consent is learned from.

use std::{fs, io, path::Path, sync::Arc};

use super::{
    context::Context,
    diagnose::{Diagnostic, Diagnostics, did_you_mean},
    file::Value,
    reader::Table,
};
use crate::{
    access::{
        Settings,
        settings::{DOWNLOAD_EXPIRY, KeyOf, Names, Policies, Purpose, Purposes, Recipient, Source, Types, is_key},
    },
    identity,
    privacy::{self, Kind},
};

/// Most bytes of a file of policies.
const LONGEST: u64 = 1 << 20;

/// What access is decided by; `routes` are the names of all.
pub(super) fn resolve(
    table: Option<Table>,
    routes: &[&str],
    privacy: &privacy::settings::Settings,
    context: &mut Context<'_>,
    d: &mut Diagnostics<'_>,
) -> Option<Arc<Settings>> {
    let mut table = table?;
    let place = table.place("policies");
    let folder = table.text("policies", d).map(|text| context.path(&text));
    let own: Vec<Kind> = privacy.detectors.iter().map(|own| Kind::Own(Arc::clone(&own.name))).collect();
    let types = Types::new(own.clone(), &groups(&mut table, &own, d));
    let mut purposes = Purposes::shipped();
    for table in table.tables("purpose", "access.purpose[]", d) {
        if let Some(purpose) = purpose(table, d) {
            purposes.put(purpose);
        }
    }
    let utc_offset = table.parsed("utc_offset", d, "an offset such as \"+09:00\"", offset).unwrap_or(0);
    let open_unrecorded = table.choice("on_unavailable", d, &[("closed", false), ("open", true)], false);
    let download_expiry = table.duration("download_expiry", d, DOWNLOAD_EXPIRY);
    let recipients = recipients(&mut table, d);
    let (consent, endpoint) = super::consent::resolve(&mut table, &purposes.keys(), context, d);
    table.finish(d);
    let mut sources = Source::shipped();
    if let Some(folder) = folder {
        match read(&folder, context) {
            Ok(files) if files.is_empty() => {
                let hint = Some("put files `*.cedar` into it, or remove `policies`".to_owned());
                d.note(&place, "the folder of `policies` holds none", hint);
            }
            Ok(files) => files.into_iter().for_each(|(name, source)| put(&mut sources, &name, source)),
            Err(error) => {
                let hint =
                    Some("the name of a folder is expected, with files of UTF-8 text of at most 1 MiB".to_owned());
                d.note(&place, format!("`policies` can't be read: {error}"), hint);
            }
        }
    }
    let names = Names { types: &types, purposes: &purposes.keys(), routes: Some(routes) };
    match Policies::read(&sources, names) {
        Ok(policies) => Some(Arc::new(Settings {
            sources,
            policies,
            purposes,
            types,
            utc_offset,
            open_unrecorded,
            download_expiry,
            recipients,
            consent,
            endpoint,
        })),
        Err(faults) => {
            for fault in faults {
                let hint = fault.hint;
                let (file, line, column, message) = (fault.file, fault.line, fault.column, fault.message);
                d.elsewhere(Diagnostic { file, line, column, message, hint });
            }
            None
        }
    }
}

/// The files of a folder in the order of their names; the folder and each of them are watched.
fn read(folder: &Path, context: &mut Context<'_>) -> io::Result<Vec<(String, Source)>> {
    context.files.push(folder.to_owned());
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "cedar") {
            paths.push(path);
        }
    }
    paths.sort();
    let mut files = Vec::new();
    for path in paths {
        context.files.push(path.clone());
        let shown = path.display().to_string();
        let told = |error: io::Error| io::Error::other(format!("{shown}: {error}"));
        if fs::metadata(&path).map_err(told)?.len() > LONGEST {
            return Err(told(io::Error::other("it is longer than 1 MiB")));
        }
        let text = fs::read_to_string(&path).map_err(told)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        files.push((name, Source { name: shown.clone(), text }));
    }
    Ok(files)
}

/// In the place of the shipped file of this name, or behind all.
fn put(sources: &mut Vec<Source>, name: &str, source: Source) {
    match sources.iter_mut().find(|known| known.name == name) {
        Some(known) => *known = source,
        None => sources.push(source),
    }
}

fn groups(table: &mut Table, own: &[Kind], d: &mut Diagnostics<'_>) -> Vec<(String, Vec<Kind>)> {
    let Some(node) = table.node("groups") else { return Vec::new() };
    let hint = || Some("write `groups = { order = [\"ORDER_NO\"] }`".to_owned());
    let Value::Table(entries) = node.value else {
        d.note(&node.span, format!("`groups` is {}", node.value.kind()), hint());
        return Vec::new();
    };
    let known = || Kind::ALL.iter().chain(own);
    let mut groups = Vec::new();
    for entry in entries {
        if !is_key(&entry.key) {
            let hint = Some("up to 32 small letters, digits and `-`".to_owned());
            d.note(&entry.span, format!("`{}` is no name for a group of types", entry.key), hint);
        }
        let Value::List(items) = entry.node.value else {
            d.note(&entry.node.span, "a group of types is a list", hint());
            continue;
        };
        let mut kinds = Vec::new();
        for item in items {
            match &item.value {
                Value::Text(text) => {
                    if let Some(kind) = known().find(|kind| kind.name() == text) {
                        kinds.push(kind.clone());
                    } else {
                        let hint = did_you_mean(text, known().map(Kind::name));
                        d.note(&item.span, format!("\"{text}\" is no type of personal data"), hint);
                    }
                }
                other => d.note(&item.span, format!("a group of types holds {}", other.kind()), hint()),
            }
        }
        groups.push((entry.key, kinds));
    }
    groups
}

fn purpose(mut table: Table, d: &mut Diagnostics<'_>) -> Option<Purpose> {
    let span = table.span.clone();
    let key = |text: &str| is_key(text).then(|| text.into()).ok_or_else(|| format!("\"{text}\" is no key"));
    let title = |text: &str| {
        let right = (1..=100).contains(&text.chars().count()) && !text.chars().any(char::is_control);
        right
            .then(|| text.to_owned())
            .ok_or_else(|| "it is empty, too long, or has signs that can't be shown".to_owned())
    };
    let public = |text: &str| {
        let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        let rest = text.strip_prefix("dpv:").or_else(|| text.strip_prefix("fides:")).unwrap_or_default();
        let right = (1..=80).contains(&rest.len()) && rest.chars().all(legal);
        right.then(|| text.to_owned()).ok_or_else(|| format!("\"{text}\" is no such key"))
    };
    let role = |text: &str| identity::settings::role(text).ok_or_else(|| format!("\"{text}\" is no role"));
    let key = table.parsed("key", d, "up to 32 small letters, digits and `-`", key);
    let title_en = table.parsed("title_en", d, "up to 100 characters", title);
    let title_ko = table.parsed("title_ko", d, "up to 100 characters", title);
    let dpv = table.parsed("dpv", d, "a key such as \"dpv:DirectMarketing\" or \"fides:marketing\"", public);
    let roles = table.list("roles", d, "a role such as \"marketing\"", role);
    let ticket = table.flag("ticket", d, false);
    table.finish(d);
    if let (Some(key), Some(title_en), Some(title_ko), Some(dpv), Some(roles)) = (key, title_en, title_ko, dpv, roles) {
        return Some(Purpose { key, title_en, title_ko, dpv, roles, ticket });
    }
    d.note(&span, "a purpose needs `key`, `title_en`, `title_ko`, `dpv` and `roles`", None);
    None
}

fn recipients(table: &mut Table, d: &mut Diagnostics<'_>) -> Vec<KeyOf> {
    let mut all: Vec<KeyOf> = Vec::new();
    for table in table.tables("recipient", "access.recipient[]", d) {
        let span = table.span.clone();
        let Some(own) = recipient(table, d) else { continue };
        if all.iter().any(|known| (&known.issuer, &known.person) == (&own.issuer, &own.person)) {
            d.note(&span, "this person has a key already", Some("leave one of the two".to_owned()));
        }
        all.push(own);
    }
    all
}

fn recipient(mut table: Table, d: &mut Diagnostics<'_>) -> Option<KeyOf> {
    let span = table.span.clone();
    let name = |text: &str| (!text.is_empty()).then(|| text.to_owned()).ok_or_else(|| "it is empty".to_owned());
    let key = |text: &str| Recipient::parse(text).ok_or_else(|| "it is no public key of age".to_owned());
    let person = table.parsed("person", d, "the name of somebody who signs in", name);
    let issuer = table.parsed("issuer", d, "a realm, or the URL of a provider", name);
    let key = table.parsed("key", d, "what `age-keygen` prints as the public key, \"age1...\",", key);
    table.finish(d);
    if let (Some(person), Some(key)) = (person, key) {
        return Some(KeyOf { issuer: issuer.unwrap_or_else(|| "staff".to_owned()), person, key });
    }
    d.note(&span, "a recipient needs `person` and `key`", None);
    None
}

/// Minutes ahead of UTC.
fn offset(text: &str) -> Result<i16, String> {
    let wrong = || format!("\"{text}\" is no offset");
    let (sign, rest) = match text.split_at_checked(1) {
        Some(("+", rest)) => (1, rest),
        Some(("-", rest)) => (-1, rest),
        _ => return Err(wrong()),
    };
    let (hours, minutes) = rest.split_once(':').ok_or_else(wrong)?;
    let number = |text: &str, most: i16| {
        let digits = text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| text.parse().ok()).flatten().filter(|n: &i16| *n <= most).ok_or_else(wrong)
    };
    Ok(sign * (number(hours, 14)? * 60 + number(minutes, 59)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Flags, Report};

    fn parse(text: &str, base: &Path) -> Result<Config, Report> {
        let text = format!("{text}\n[[route]]\nhost = \"shop.example\"\nupstream = \"http://127.0.0.1:1\"\n");
        Config::parse("privet.toml", &text, base, &|_| None, &Flags::default())
    }

    #[test]
    fn offsets() {
        assert_eq!((offset("+09:00"), offset("-03:30"), offset("+00:00")), (Ok(540), Ok(-210), Ok(0)));
        for bad in ["", "9", "+9:00", "09:00", "+15:00", "+09:60", "+0900", "é09:00", "+ 9:00"] {
            assert!(offset(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_folder_replaces_and_adds() {
        let dir = tempfile::tempdir().expect("a folder");
        fs::create_dir(dir.path().join("policies")).expect("made");
        let write = |name: &str, text: &str| fs::write(dir.path().join("policies").join(name), text).expect("written");
        write(
            "marketing.cedar",
            "@id(\"m\") permit (principal in Role::\"marketing\", action, resource == Route::\"shop.example/\");",
        );
        write(
            "own.cedar",
            "@id(\"o\") permit (principal, action == Action::\"see\", resource in Type::\"loyalty\") when { context.purpose == Purpose::\"survey\" };",
        );
        write("notes.txt", "not read");
        let text = "[[privacy.detector]]\nname = \"LOYALTY_NO\"\nregex = \"L[0-9]+\"\n[access]\npolicies = \"policies\"\nutc_offset = \"+09:00\"\n\
                    groups = { loyalty = [\"LOYALTY_NO\", \"PERSON\"] }\n[[access.purpose]]\nkey = \"survey\"\ntitle_en = \"Surveys\"\n\
                    title_ko = \"설문\"\ndpv = \"fides:essential.service\"\nroles = [\"marketing\"]\n";
        let config = parse(text, dir.path()).unwrap_or_else(|report| panic!("{report}"));
        assert_eq!(config.files.len(), 3);
        let access = config.access.expect("settings");
        assert_eq!((access.sources.len(), access.utc_offset), (6, 540));
        assert!(access.policies.about("marketing-view").is_none() && access.purposes.find("survey").is_some());
        write(
            "own.cedar",
            "@id(\"o\") permit (principal, action == Action::\"see\",\n  resource in Type::\"loyality\");",
        );
        let report = parse(text, dir.path()).expect_err("a name that is none").to_string();
        assert!(
            report.contains("own.cedar:1:1: policy `o`: no type or group of types is called \"loyality\""),
            "{report}"
        );
        assert!(report.contains("did you mean \"loyalty\"?"), "{report}");
        write("own.cedar", "@id(\"o\")\npermit (principal, action,\n  resource) when { context.hour > \"9\" };");
        let report = parse(text, dir.path()).expect_err("a wrong type").to_string();
        assert!(report.contains("own.cedar:3:"), "{report}");
    }
}
