//! Notices of `[incident]`: who tells people, by what, with which words, and where everybody sees it.

use std::{fs, path::Path, time::Duration};

use http::HeaderValue;

use super::{
    context::{Context, seconds},
    diagnose::Diagnostics,
    mail,
    reader::Table,
    secret,
};
use crate::{
    common::secret::Secret,
    dial::{address::Address, mail::Security},
    format::font::Font,
    incident::notice::{
        settings::{Channel, Mail, Name, Page, Settings, Templates, Webhook},
        template::Template,
    },
};

/// Most bytes of a template.
const LONGEST: u64 = 64 << 10;
/// How often the public page may be looked at.
const EVERY: (Duration, Duration) = (seconds(1), seconds(86_400));
/// Most characters of who tells, and of where people can ask.
const LINE: usize = 300;

/// Reads them out of `[incident]`.
pub(super) fn resolve(table: &mut Table, context: &mut Context<'_>, d: &mut Diagnostics<'_>) -> Settings {
    let default = Settings::default();
    let (at_retry, at_font) = (table.place("retry"), table.place("font"));
    let mail = table.table_if("mail", "incident.mail", d).and_then(|table| mailed(table, context, d));
    let span = table.span.clone();
    let webhook = table.table_if("webhook", "incident.webhook", d).and_then(|table| posted(table, context, d));
    if mail.is_some() && webhook.is_some() {
        let hint = Some("keep one of them: one person would be told twice".to_owned());
        d.note(&span, "both [incident.mail] and [incident.webhook]", hint);
    }
    let page = table.table_if("page", "incident.page", d).and_then(|table| page(table, context, d));
    let settings = Settings {
        organisation: line(table, "organisation", d),
        contact: line(table, "contact", d),
        templates: templates(table, context, d),
        channel: mail.map(Channel::Mail).or(webhook.map(Channel::Webhook)),
        rate: table.number("rate", d, 1..=1000).and_then(|n| u32::try_from(n).ok()).unwrap_or(default.rate),
        retry: table.duration("retry", d, default.retry),
        page,
        font: table.text("font", d).map(|path| context.path(&path)),
    };
    if settings.retry < seconds(1) || settings.retry > seconds(3600) {
        d.note(&at_retry, "`retry` must be from 1s to 1h", None);
    }
    if let Some(font) = &settings.font
        && let Err(error) = Font::open(font)
    {
        let hint =
            Some("a TrueType font (.ttf) with the signs of Korean is expected, such as NanumGothic.ttf".to_owned());
        d.note(&at_font, format!("`font` can't be used: {error}"), hint);
    }
    settings
}

fn line(table: &mut Table, name: &'static str, d: &mut Diagnostics<'_>) -> Option<String> {
    let place = table.place(name);
    let text = table.text(name, d)?;
    if text.trim().is_empty() || text.chars().count() > LINE || text.chars().any(char::is_control) {
        d.note(&place, format!("`{name}` is a text of 1 to {LINE} characters, in one line"), None);
    }
    Some(text)
}

fn mailed(mut table: Table, context: &mut Context<'_>, d: &mut Diagnostics<'_>) -> Option<Mail> {
    let span = table.span.clone();
    let at_reason = table.place("cleartext_reason");
    let reason = table.text("cleartext_reason", d).filter(|text| !text.trim().is_empty());
    for (name, hint) in [("smtp", mail::SMTP), ("from", "\"privacy@example.com\"")] {
        if !table.has(name) {
            d.note(&span, format!("[incident.mail] has no `{name}`"), Some(format!("add `{name}`: {hint}")));
        }
    }
    let from = table.parsed("from", d, "an address such as \"privacy@example.com\"", mail::mailbox);
    let server = mail::server(&mut table, reason.as_deref(), context, d);
    if reason.is_some() && server.as_ref().is_some_and(|server| server.security != Security::Clear) {
        let hint = Some("remove it, or write smtp:// without `ca`".to_owned());
        d.note(&at_reason, "`cleartext_reason` where nothing goes in clear", hint);
    }
    table.finish(d);
    Some(Mail { from: from?, server: server?, cleartext_reason: reason })
}

fn posted(mut table: Table, context: &mut Context<'_>, d: &mut Diagnostics<'_>) -> Option<Webhook> {
    let span = table.span.clone();
    if !table.has("url") {
        d.note(&span, "[incident.webhook] has no `url`", Some("add `url = \"https://HOST/PATH\"`".to_owned()));
    }
    let parse = |text: &str| Address::parse(text).map_err(|error| error.to_string());
    let address = table.parsed("url", d, "\"https://HOST/PATH\"", parse);
    let authorization = secret::text(&mut table, ["authorization", "authorization_file"], context, d);
    if let Some((_, place)) = authorization.as_ref().filter(|(text, _)| HeaderValue::from_str(text).is_err()) {
        d.note(place, "`authorization` holds what a header can't", None);
    }
    let tls = address.as_ref().is_none_or(|address| address.server_name().is_some());
    let ca = mail::ca(&mut table, tls, context, d);
    table.finish(d);
    let authorization = authorization.map(|(text, _)| Secret::new(text));
    Some(Webhook { address: address?, ca, authorization })
}

fn page(mut table: Table, context: &mut Context<'_>, d: &mut Diagnostics<'_>) -> Option<Page> {
    let (span, at_every) = (table.span.clone(), table.place("every"));
    if !table.has("url") {
        let hint = Some("add `url = \"https://HOST\"`, a host that this gateway serves".to_owned());
        d.note(&span, "[incident.page] has no `url`", hint);
    }
    let parse = |text: &str| {
        let address = Address::parse(text).map_err(|error| error.to_string())?;
        let whole = address.server_name().is_some() && address.path_and_query() == "/";
        whole.then_some(address).ok_or_else(|| "it must be https:// and a host, without a path".to_owned())
    };
    let address = table.parsed("url", d, "\"https://HOST\"", parse);
    let ca = mail::ca(&mut table, true, context, d);
    let every = table.duration("every", d, seconds(3600));
    if every < EVERY.0 || every > EVERY.1 {
        d.note(&at_every, "`every` must be from 1s to 24h", None);
    }
    table.finish(d);
    Some(Page { address: address?, ca, every })
}

/// The built-in ones, but for those that the folder has.
fn templates(table: &mut Table, context: &mut Context<'_>, d: &mut Diagnostics<'_>) -> Templates {
    let mut templates = Templates::default();
    let place = table.place("templates");
    let Some(folder) = table.text("templates", d).map(|text| context.path(&text)) else { return templates };
    let names: Vec<(String, Name)> = Name::all().into_iter().map(|name| (name.file(), name)).collect();
    let known =
        || Some(format!("it may hold {}", names.iter().map(|(file, _)| file.as_str()).collect::<Vec<_>>().join(", ")));
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) => {
            d.note(&place, format!("`templates` can't be read: {error}"), known());
            return templates;
        }
    };
    let mut own = false;
    for entry in entries.flatten() {
        let file = entry.file_name().to_string_lossy().into_owned();
        let Some((_, name)) = names.iter().find(|(known, _)| *known == file) else {
            if entry.path().extension().is_some_and(|end| end == "html" || end == "txt") {
                d.note(&place, format!("`templates` holds {file}, which stands for nothing"), known());
            }
            continue;
        };
        context.files.push(entry.path());
        own = true;
        match read(&entry.path(), &file) {
            Ok(template) => templates.replace(*name, template),
            Err(error) => d.note(&place, format!("`templates`: {error}"), None),
        }
    }
    if !own {
        d.note(&place, "`templates` holds no template", known());
    }
    templates
}

fn read(path: &Path, file: &str) -> Result<Template, String> {
    let length = fs::metadata(path).map_err(|error| format!("{file}: {error}"))?.len();
    if length > LONGEST {
        return Err(format!("{file} is longer than 64 KiB"));
    }
    let text = fs::read_to_string(path).map_err(|error| format!("{file} can't be read as UTF-8: {error}"))?;
    Template::parse(file, &text.replace("\r\n", "\n")).map_err(|error| error.to_string())
}
