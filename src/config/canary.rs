//! `[route.canary]`: invented people, planted into lists of a route.

use std::sync::Arc;

use super::{diagnose::Diagnostics, reader::Table};
use crate::privacy::{
    self,
    mask::settings::{At, Canaries, Ids, Records},
};

/// What a route plants. It takes that people are known, that what they see is written down, and that it is said where records are.
pub(super) fn on_route(
    table: Option<Table>,
    (is_recorded, records): (bool, Option<&Records>),
    privacy: &privacy::settings::Settings,
    d: &mut Diagnostics<'_>,
) -> Option<Arc<Canaries>> {
    let mut table = table?;
    let (span, mail_place) = (table.span.clone(), table.place("mail"));
    let mail = table.parsed("mail", d, "a domain such as \"shop.example\"", domain);
    let ids =
        table.parsed("ids", d, "a range such as \"9000000-9999999\"", |text| Ids::parse(text).map_err(str::to_owned));
    let phone = table.parsed("phone", d, "a number such as \"010-0###-####\"", phone);
    let least = table.number("least", d, 2..=1000).and_then(|n| usize::try_from(n).ok());
    table.finish(d);
    let has_lists = records.is_some_and(|records| !records.subject.iter().all(|at| matches!(at, At::Segment(_))));
    if !is_recorded || !has_lists {
        let hint =
            "add `gate = \"staff\"`, `record = true`, and where records are: `subject = \"json:/customers/*/id\"`";
        let why =
            "canaries are planted for somebody who is known, into lists of JSON, CSV or HTML that are written down";
        d.note(&span, why, Some(hint.to_owned()));
    }
    if mail.is_none() && mail_place == span {
        let hint =
            "name a domain whose mail is yours, and that customers have no address at: `mail = \"shop.example\"`";
        d.note(&span, "[route.canary] needs `mail`", Some(hint.to_owned()));
    }
    let mail = mail?;
    let is_allowed = |domain: &String| mail == *domain || mail.ends_with(&format!(".{domain}"));
    if privacy.allow_domains.iter().any(is_allowed) {
        let hint = Some("name another domain, or remove it there".to_owned());
        d.note(
            &mail_place,
            "`allow_domains` has this domain: a canary alone would be shown where others are masked",
            hint,
        );
    }
    let phone = phone.unwrap_or_else(|| Canaries::PHONE.to_owned());
    Some(Arc::new(Canaries { mail, ids, phone, least: least.unwrap_or(Canaries::LEAST) }))
}

fn domain(text: &str) -> Result<String, String> {
    let label =
        |label: &str| (1..=63).contains(&label.len()) && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let last = text.rsplit('.').next().unwrap_or_default();
    let is_top = last.len() >= 2 && last.bytes().all(|b| b.is_ascii_alphabetic());
    if text.contains('.') && text.len() <= 200 && text.split('.').all(label) && is_top {
        Ok(text.to_ascii_lowercase())
    } else {
        Err(format!("\"{text}\" is no domain"))
    }
}

fn phone(text: &str) -> Result<String, String> {
    let signs = |b: u8| b.is_ascii_digit() || matches!(b, b'#' | b'+' | b'-' | b' ' | b'(' | b')' | b'.');
    let digits = text.bytes().filter(|b| b.is_ascii_digit() || *b == b'#').count();
    if !text.bytes().all(signs) || !(7..=15).contains(&digits) || text.matches('#').count() < 2 {
        return Err("7 to 15 digits, of which at least two are `#`, and signs between them".to_owned());
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::{Config, Flags, Report};

    fn parse(route: &str, canary: &str) -> Result<Config, Report> {
        let text = format!(
            "data_dir = \"data\"\n[[route]]\nhost = \"shop.example\"\nupstream = \"http://127.0.0.1:1\"\n{route}\n[route.canary]\n{canary}\n"
        );
        Config::parse("privet.toml", &text, Path::new("/etc/privet"), &|_| None, &Flags::default())
    }

    const ROUTE: &str = "gate = \"staff\"\nrecord = true\nsubject = [\"json:/customers/*/id\", \"path:2\"]";

    #[test]
    fn canaries_of_a_route() {
        let text = "mail = \"Shop.example\"\nids = \"9000000-9999999\"\nphone = \"010-0###-####\"\nleast = 2";
        let config = parse(ROUTE, text).unwrap_or_else(|report| panic!("{report}"));
        let rule = config.gateway.routes[0].canaries.clone().expect("canaries");
        assert_eq!((&*rule.mail, &*rule.phone, rule.least), ("shop.example", "010-0###-####", 2));
        assert!(rule.may_name("9000001") && rule.may_name("x@shop.example"));
        assert_eq!(config.incident.signals.planted, [("shop.example/".to_owned(), rule)], "signals know them");
        let usual = parse(ROUTE, "mail = \"shop.example\"").expect("valid");
        let usual = usual.gateway.routes[0].canaries.clone().expect("canaries");
        assert_eq!((&*usual.phone, usual.least, usual.ids.is_none()), (Canaries::PHONE, 4, true));
    }

    #[test]
    fn what_is_wrong_is_told() {
        let own = format!("{ROUTE}\nprivacy = {{ allow_domains = [\"example\"] }}");
        for (route, canary, why) in [
            (ROUTE, "", "needs `mail`"),
            (ROUTE, "mail = \"shop\"", "is no domain"),
            (ROUTE, "mail = \"shop.example\"\nids = \"1-9\"", "less than 10,000 ids"),
            (ROUTE, "mail = \"shop.example\"\nids = \"x\"", "a range such as"),
            (ROUTE, "mail = \"shop.example\"\nphone = \"010-1234-5678\"", "at least two are `#`"),
            (ROUTE, "mail = \"shop.example\"\nleast = 1", "out of range"),
            (
                "gate = \"staff\"\nrecord = true\nsubject = \"path:2\"",
                "mail = \"shop.example\"",
                "somebody who is known",
            ),
            ("gate = \"staff\"\nsubject = \"csv:id\"", "mail = \"shop.example\"", "somebody who is known"),
            (&own, "mail = \"shop.example\"", "`allow_domains` has this domain"),
        ] {
            let report = parse(route, canary).expect_err(canary).to_string();
            assert!(report.contains(why), "{canary}: {report}");
        }
    }
}
