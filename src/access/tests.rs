use std::{fmt::Write as _, fs, net::IpAddr, path::Path};

use super::*;
use crate::{
    access::settings::{Names, Policies, Source, Types},
    privacy::Kind,
};

fn shipped() -> Access {
    Access::new(Arc::new(Settings::shipped().clone()))
}

/// What a careful person of `roles` asks, everything as it should be.
fn ask<'a>(roles: &'a [&'a str], purpose: &'a str) -> Ask<'a> {
    Ask {
        route: "shop",
        action: Action::View,
        roles,
        duty: roles.contains(&"duty").then_some("payroll"),
        purpose: Some(purpose),
        ticket: true,
        consent: true,
        pledged: true,
        second_factor: true,
        address: IpAddr::from([10, 1, 2, 3]),
        hour: 10,
        weekday: 3,
        bulk: false,
        glass: false,
    }
}

fn permit(access: &Access, ask: &Ask<'_>) -> Permit {
    match access.authorize(ask) {
        Decision::Permit(permit) => permit,
        other => panic!("{ask:?}: {other:?}"),
    }
}

fn own(texts: &[&str]) -> Result<Settings, Vec<policy::Fault>> {
    let texts = texts.iter().enumerate();
    let sources: Vec<Source> =
        texts.map(|(n, text)| Source { name: format!("{n}.cedar"), text: (*text).to_owned() }).collect();
    let (purposes, types) = (Purposes::shipped(), Types::default());
    let names = Names { types: &types, purposes: &purposes.keys(), routes: Some(&["shop"]) };
    let policies = Policies::read(&sources, names)?;
    Ok(Settings {
        sources,
        policies,
        purposes,
        types,
        utc_offset: 0,
        open_unrecorded: false,
        download_expiry: super::settings::DOWNLOAD_EXPIRY,
        recipients: Vec::new(),
        consent: None,
        endpoint: None,
    })
}

#[test]
fn shipped_policies_are_valid() {
    let settings = Settings::shipped();
    let names = Names { types: &settings.types, purposes: &settings.purposes.keys(), routes: Some(&[]) };
    if let Err(faults) = Policies::read(&settings.sources, names) {
        panic!("{faults:#?}");
    }
    assert!(settings.policies.0.iter().all(|policy| policy.about.is_some()));
}

#[test]
fn marketing_sees_how_to_reach_those_who_have_agreed() {
    let access = shipped();
    let (roles, purpose) = (["marketing"], "marketing");
    let permit = permit(&access, &ask(&roles, purpose));
    assert_eq!(*permit.reveal, [Kind::Email, Kind::Phone, Kind::PostalCode, Kind::Person, Kind::Location]);
    assert_eq!((permit.consent, permit.review), (Rule::Drop, false));
    assert_eq!(permit.policies.iter().map(|id| &**id).collect::<Vec<_>>(), ["marketing-contact", "marketing-view"]);
    let ask = ask(&roles, purpose);
    assert_eq!(access.authorize(&Ask { consent: false, ..ask }), Decision::Deny(Why::Consent));
    assert_eq!(access.authorize(&Ask { pledged: false, ..ask }), Decision::Pledge);
    assert_eq!(access.authorize(&Ask { action: Action::Change, ..ask }), Decision::Deny(Why::Nothing));
    for other in [None, Some("breach"), Some("complaint"), Some("none"), Some("")] {
        assert_eq!(access.authorize(&Ask { purpose: other, ..ask }), Decision::Purpose(vec!["marketing".into()]));
    }
    // Of a purpose nobody learns who may not choose it anyway.
    assert_eq!(access.authorize(&Ask { roles: &["guest"], ..ask }), Decision::Deny(Why::Role));
    assert_eq!(access.authorize(&Ask { roles: &[], ..ask }), Decision::Deny(Why::Role));
}

#[test]
fn complaints_need_a_ticket_or_the_glass_and_never_see_cards() {
    let access = shipped();
    let full = ask(&["complaints"], "complaint");
    let seen = permit(&access, &full);
    assert!(seen.reveal.contains(&Kind::Phone) && !seen.reveal.contains(&Kind::CreditCard) && !seen.review);
    assert_eq!(seen.consent, Rule::Any);
    let without = Ask { ticket: false, ..full };
    assert_eq!(access.authorize(&without), Decision::Ticket);
    assert!(access.has_glass(&without) && !access.has_glass(&Ask { pledged: false, ..without }));
    let broken = permit(&access, &Ask { glass: true, ..without });
    assert!(broken.review && broken.reveal == seen.reveal);
    // With everything in order there is nothing to look at afterwards.
    assert!(!permit(&access, &Ask { glass: true, ..full }).review);
    // Without a ticket nothing is changed, glass or not.
    assert_eq!(access.authorize(&Ask { action: Action::Change, glass: true, ..without }), Decision::Ticket);
}

#[test]
fn an_officer_has_a_second_factor_and_a_ticket_for_many() {
    let access = shipped();
    let full = ask(&["privacy-officer"], "rights");
    let seen = permit(&access, &full);
    assert!(seen.reveal.contains(&Kind::KrRrn) && !seen.reveal.contains(&Kind::Password));
    assert_eq!(access.authorize(&Ask { second_factor: false, ..full }), Decision::Deny(Why::SecondFactor));
    let export = Ask { action: Action::Download, bulk: true, ticket: false, ..full };
    assert_eq!(access.authorize(&export), Decision::Ticket);
    permit(&access, &Ask { ticket: true, ..export });
    permit(&access, &Ask { bulk: false, ..export });
    // Who is an officer as well is not held back by what binds a role in another purpose, and is in its own.
    let both = ["complaints", "privacy-officer"];
    assert!(permit(&access, &ask(&both, "rights")).reveal.contains(&Kind::CreditCard));
    assert!(!permit(&access, &ask(&both, "complaint")).reveal.contains(&Kind::CreditCard));
}

#[test]
fn a_duty_has_a_name() {
    let access = shipped();
    let full = ask(&["duty"], "duty");
    permit(&access, &full);
    assert!(!matches!(access.authorize(&Ask { duty: None, ..full }), Decision::Permit(_)));
}

#[test]
fn where_only_the_glass_helps_it_is_offered() {
    let policies = "@id(\"a\") @glass(\"review\") permit (principal in Role::\"marketing\", action, resource);\n\
                    @id(\"b\") permit (principal in Role::\"night\", action == Action::\"view\", resource == Route::\"shop\") \
                    when { context.hour >= 22 && context.weekday < 6 && context.address.isInRange(ip(\"10.0.0.0/8\")) };";
    let mut settings = own(&[policies]).expect("valid");
    settings
        .purposes
        .put(Purpose { roles: vec!["night".to_owned()], ..settings.purposes.find("audit").expect("one").clone() });
    let access = Access::new(Arc::new(settings));
    let full = ask(&["marketing"], "marketing");
    assert_eq!(access.authorize(&full), Decision::Glass);
    let broken = permit(&access, &Ask { glass: true, ..full });
    assert!(broken.review && broken.reveal.len() == Kind::ALL.len());
    let night = Ask { hour: 23, ..ask(&["night"], "audit") };
    assert!(permit(&access, &night).reveal.is_empty());
    for other in [
        Ask { hour: 21, ..night },
        Ask { weekday: 6, ..night },
        Ask { address: IpAddr::from([192, 0, 2, 1]), ..night },
        Ask { route: "till", ..night },
    ] {
        assert_eq!(access.authorize(&other), Decision::Deny(Why::Nothing));
    }
    let mapped = "::ffff:10.0.0.1".parse().expect("an address");
    permit(&access, &Ask { address: mapped, ..night });
}

#[test]
fn a_policy_that_cannot_be_evaluated_lets_nobody_pass() {
    let policies = "@id(\"a\") permit (principal, action, resource);\n\
                    @id(\"b\") forbid (principal, action, resource) when { context.hour * 9223372036854775807 > 1 };";
    let access = Access::new(Arc::new(own(&[policies]).expect("valid")));
    let asked = ask(&["marketing"], "marketing");
    assert_eq!(access.authorize(&asked), Decision::Deny(Why::Broken("b".into())));
}

#[test]
fn types_that_are_judged_alike_are_judged_as_if_one_by_one() {
    let settings = Settings::shipped();
    // With a policy that names every type, each is a class of its own.
    let all: Vec<String> = settings.types.all().iter().map(|kind| format!("Type::\"{kind}\"")).collect();
    let more = format!(
        "@id(\"more\") forbid (principal, action == Action::\"see\", resource) \
         when {{ context.hour == 99 && [{}].contains(resource) }};",
        all.join(", ")
    );
    let mut texts: Vec<&str> = policy::SHIPPED.iter().map(|(_, text)| *text).collect();
    texts.push(&more);
    let (alike, alone) = (shipped(), Access::new(Arc::new(own(&texts).expect("valid"))));
    let mut permits = 0;
    let both = ["complaints", "privacy-officer"];
    for roles in [&["marketing"][..], &["complaints"], &["privacy-officer"], &["duty"], &both] {
        for purpose in &settings.purposes {
            for glass in [false, true] {
                let asked = Ask { glass, ticket: !glass, ..ask(roles, &purpose.key) };
                let decision = alike.authorize(&asked);
                assert_eq!(alone.authorize(&asked), decision, "{asked:?}");
                permits += usize::from(matches!(decision, Decision::Permit(_)));
            }
        }
    }
    assert_eq!(permits, 26);
}

/// What Cedar says of one action at one resource when it is asked for all policies at once, those behind the glass only with it.
fn whole(settings: &Settings, ask: &Ask<'_>, action: &str, resource: cedar_policy::EntityUid) -> (bool, Vec<String>) {
    use cedar_policy::{Authorizer, Context, Entities, Entity, PolicySet, Request, RestrictedExpression as Value};
    use vocabulary::Sort;
    let chosen = settings.policies.0.iter().filter(|policy| ask.glass || !policy.glass);
    let set = PolicySet::from_policies(chosen.map(|policy| policy.cedar.clone())).expect("ids are told apart");
    let staff = Sort::Staff.uid("somebody");
    let groups = |kind: &Kind| settings.types.groups_of(kind).map(|group| Sort::Type.uid(group)).collect();
    let types = settings.types.all().iter().map(|kind| Entity::new_no_attrs(Sort::Type.uid(kind.name()), groups(kind)));
    let people = Entity::new_no_attrs(staff.clone(), ask.roles.iter().map(|role| Sort::Role.uid(role)).collect());
    let entities = Entities::from_entities(types.chain([people]), None).expect("entities");
    let pairs = [
        ("purpose", Value::new_entity_uid(Sort::Purpose.uid(ask.purpose.expect("one")))),
        ("duty", Value::new_entity_uid(Sort::Duty.uid(ask.duty.unwrap_or("none")))),
        ("ticket", Value::new_bool(ask.ticket)),
        ("pledged", Value::new_bool(ask.pledged)),
        ("bulk", Value::new_bool(ask.bulk)),
        ("hour", Value::new_long(ask.hour.into())),
        ("address", Value::new_ip(ask.address.to_string())),
    ];
    let context = Context::from_pairs(pairs.map(|(name, value)| (name.to_owned(), value))).expect("a context");
    let request = Request::new(staff, Sort::Action.uid(action), resource, context, None).expect("a request");
    let response = Authorizer::new().is_authorized(&request, &set, &entities);
    assert_eq!(response.diagnostics().errors().count(), 0);
    let reasons = response.diagnostics().reason().map(ToString::to_string).collect();
    (response.decision() == cedar_policy::Decision::Allow, reasons)
}

#[test]
fn policies_that_are_asked_in_parts_say_what_they_say_together() {
    let heads = [
        "principal, action, resource",
        "principal in Role::\"duty\", action, resource",
        "principal in Role::\"night\", action == Action::\"view\", resource",
        "principal in Role::\"duty\", action in [Action::\"view\", Action::\"change\"], resource",
        "principal in Role::\"duty\", action == Action::\"view\", resource == Route::\"shop\"",
        "principal, action == Action::\"see\", resource in Type::\"contact\"",
        "principal in Role::\"duty\", action == Action::\"see\", resource == Type::\"EMAIL_ADDRESS\"",
        "principal in Role::\"duty\", action == Action::\"see\", resource",
    ];
    let conditions = [
        "",
        "when { context.pledged }",
        "when { context.ticket || context.hour > 12 }",
        "unless { context.address.isInRange(ip(\"10.0.0.0/8\")) }",
        "when { context.bulk && context.duty == Duty::\"payroll\" }",
    ];
    let of_types = ["", "when { resource in Type::\"financial\" }", "unless { resource == Type::\"PHONE_NUMBER\" }"];
    let mut random = fastrand::Rng::with_seed(7);
    let (mut permits, mut refusals) = (0, 0);
    for round in 0..30 {
        let mut text = String::new();
        for number in 0..random.usize(2..7) {
            let head = heads[random.usize(..heads.len())];
            let mut effect = if random.u8(..4) == 0 { "forbid" } else { "permit" };
            // By a word in a remark or an annotation a policy counts as one that looks at more than it does.
            let about = ["", "@about(\"each action and permit\") "][random.usize(..2)];
            let glass = if random.u8(..5) == 0 { "@glass(\"review\") " } else { "" };
            if !glass.is_empty() {
                effect = "permit";
            }
            let condition = conditions[random.usize(..conditions.len())];
            let of_type = if head.contains("see") { of_types[random.usize(..of_types.len())] } else { "" };
            let _ = writeln!(text, "@id(\"p{number}\") {about}{glass}{effect} ({head}) {condition} {of_type};");
        }
        // Some never hold, which is refused where policies are read.
        let Ok(settings) = own(&[&text]) else { continue };
        let access = Access::new(Arc::new(settings));
        let settings = access.settings();
        for _ in 0..8 {
            let asked = Ask {
                action: Action::ALL[random.usize(..Action::ALL.len())],
                ticket: random.bool(),
                pledged: random.bool(),
                bulk: random.bool(),
                glass: random.bool(),
                hour: random.u8(..24),
                route: ["shop", "till"][random.usize(..2)],
                address: [[10, 1, 2, 3], [192, 0, 2, 1]][random.usize(..2)].into(),
                ..ask([&["duty"][..], &["duty", "night"]][random.usize(..2)], "duty")
            };
            let at = vocabulary::Sort::Route.uid(asked.route);
            let plain = Ask { glass: false, ..asked };
            let verdict = |action: &str, resource: &cedar_policy::EntityUid| {
                let first = whole(settings, &plain, action, resource.clone());
                // The glass adds to what nothing is said of, and takes nothing away.
                if first.0 || !first.1.is_empty() { first } else { whole(settings, &asked, action, resource.clone()) }
            };
            let (done, mut by) = verdict(asked.action.name(), &at);
            let Decision::Permit(permit) = access.authorize(&asked) else {
                assert!(!done, "{round}: {text}{asked:?}");
                refusals += 1;
                continue;
            };
            assert!(done, "{round}: {text}{asked:?}");
            let mut seen = Vec::new();
            for kind in settings.types.all() {
                let (is_seen, more) = verdict("see", &vocabulary::Sort::Type.uid(kind.name()));
                if is_seen {
                    seen.push(kind.clone());
                    by.extend(more);
                }
            }
            by.sort_unstable();
            by.dedup();
            assert_eq!(*permit.reveal, *seen, "{round}: {text}{asked:?}");
            assert_eq!(permit.policies.iter().map(|id| &**id).collect::<Vec<_>>(), by, "{round}: {text}{asked:?}");
            permits += 1;
        }
    }
    assert!(permits > 40 && refusals > 40, "{permits} and {refusals}");
}

#[test]
fn what_is_wrong_with_policies_is_told_with_its_place() {
    let cases = [
        ("permit (principal, action, resource);", "0.cedar:1:1: a policy has no name"),
        ("\n  @id(\"a\") permit (principal, action resource);", "0.cedar:2:38: unexpected token `resource`"),
        (
            "@id(\"a\")\npermit (principal, action, resource)\nwhen { context.hours > 1 };",
            "0.cedar:3:8: for policy `a`, attribute `hours`",
        ),
        (
            "@id(\"a\") permit (principal in Role::\"x\", action == Action::\"see\", resource in Type::\"contacts\");",
            "no type or group of types is called \"contacts\" (did you mean \"contact\"?)",
        ),
        (
            "@id(\"a\") permit (principal, action, resource) when { context.purpose == Purpose::\"fun\" };",
            "no purpose is called \"fun\" (known are: marketing,",
        ),
        ("@id(\"a\") permit (principal == Staff::\"kim\", action, resource);", "never of people"),
        (
            "@id(\"a\") permit (principal, action == Action::\"view\", resource == Route::\"shops\");",
            "no route is called \"shops\" (did you mean \"shop\"?)",
        ),
        ("@id(\"a\") @concent(\"drop\") permit (principal, action, resource);", "@concent means nothing"),
        ("@id(\"a\") @consent(\"hide\") permit (principal, action, resource);", "@consent(\"hide\") means nothing"),
        ("@id(\"a\") @consent(\"drop\") forbid (principal, action, resource);", "@consent stands on a forbid"),
        ("@id(\"a\") @glass(\"review\") forbid (principal, action, resource);", "this @glass means nothing"),
        ("@id(\"a\") permit (principal, action == Action::\"look\", resource);", "look"),
        ("@id(\"a\") permit (principal == ?principal, action, resource);", "a template stands here"),
        ("@id(\"a\") permit (principal, action == Action::\"see\", resource == Route::\"shop\");", "0.cedar:1:1: "),
        (
            "@id(\"a\") permit (principal, action, resource);\n@id(\"a\") permit (principal, action, resource);",
            "a second policy is called `a`",
        ),
    ];
    for (text, expected) in cases {
        let faults = own(&[text]).expect_err(text);
        let hint = |fault: &policy::Fault| fault.hint.as_ref().map_or(String::new(), |hint| format!(" ({hint})"));
        let shown: Vec<String> =
            faults.iter().map(|f| format!("{}:{}:{}: {}{}", f.file, f.line, f.column, f.message, hint(f))).collect();
        assert!(shown.iter().any(|line| line.contains(expected)), "{text}\n{expected}\n{shown:#?}");
        assert!(faults.iter().all(|fault| fault.line >= 1 && fault.hint.is_some()), "{faults:#?}");
    }
}

/// Compares with a file, or writes it with `PRIVET_BLESS=1`.
fn golden(name: &str, actual: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/access").join(name);
    if std::env::var_os("PRIVET_BLESS").is_some() {
        fs::write(&path, actual).expect("written");
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    let differs = actual.lines().zip(expected.lines()).find(|(a, b)| a != b);
    assert!(actual == expected, "{name} differs at {differs:?}; look, then run with PRIVET_BLESS=1");
}

#[test]
fn golden_matrix() {
    let access = shipped();
    let settings = access.settings();
    for role in ["marketing", "complaints", "privacy-officer", "duty", "guest"] {
        let roles = [role];
        let mut out = format!(
            "# What the shipped policies let `{role}` do and see; everybody else's purposes are refused alike.\n"
        );
        let purposes: Vec<Option<&str>> =
            settings.purposes.of(&roles).map(|one| Some(&*one.key)).chain([None]).collect();
        for purpose in purposes {
            for action in Action::ALL {
                for consent in [true, false] {
                    let shown = purpose.unwrap_or("(none)");
                    let known = if consent { "known" } else { "unknown" };
                    let _ = write!(out, "\n{} for {shown}, consent {known}\n", action.name());
                    for (how, change) in WAYS {
                        let asked = Ask { action, purpose, consent, ..ask(&roles, "") };
                        let _ = writeln!(out, "  {how:14} {}", line(&access.authorize(&change(asked)), settings));
                    }
                }
            }
        }
        golden(&format!("{role}.txt"), &out);
    }
}

type Way = (&'static str, for<'a> fn(Ask<'a>) -> Ask<'a>);

const WAYS: [Way; 7] = [
    ("in order", |ask| ask),
    ("no pledge", |ask| Ask { pledged: false, ..ask }),
    ("one factor", |ask| Ask { second_factor: false, ..ask }),
    ("no ticket", |ask| Ask { ticket: false, ..ask }),
    ("glass", |ask| Ask { ticket: false, glass: true, ..ask }),
    ("bulk", |ask| Ask { bulk: true, ..ask }),
    ("bulk no ticket", |ask| Ask { bulk: true, ticket: false, ..ask }),
];

/// Types by the groups that are wholly seen, and what else is.
fn line(decision: &Decision, settings: &Settings) -> String {
    let Decision::Permit(permit) = decision else { return format!("{decision:?}") };
    let types = &settings.types;
    let mut groups: Vec<&str> = types.all().iter().flat_map(|kind| types.groups_of(kind)).collect();
    groups.sort_unstable();
    groups.dedup();
    let within = |group: &&str| {
        let mut all = types.all().iter().filter(|kind| types.groups_of(kind).any(|of| of == *group));
        all.all(|kind| permit.reveal.contains(kind))
    };
    let whole: Vec<&str> = groups.into_iter().filter(within).collect();
    let rest = permit.reveal.iter().filter(|kind| !types.groups_of(kind).any(|group| whole.contains(&group)));
    let seen: Vec<&str> = whole.iter().copied().chain(rest.map(Kind::name)).collect();
    let review = if permit.review { ", to be reviewed" } else { "" };
    format!(
        "yes: sees {}; without consent: {}{review}; by {}",
        seen.join(" "),
        permit.consent.name(),
        permit.policies.join(" ")
    )
}

#[test]
fn duties_are_told_apart_by_policies_that_name_them() {
    let read = |text: &str| {
        let policy = format!(
            "@id(\"x\")\n@about(\"y\")\npermit (principal in Role::\"duty\", action == Action::\"view\", resource) when {{ {text} }};"
        );
        own(&[policy.as_str()]).unwrap_or_else(|faults| panic!("{faults:?}")).policies.duties()
    };
    assert_eq!(
        read("context.duty == Duty::\"payroll\" || context.duty == Duty::\"급여\""),
        Some(["payroll", "급여"].map(str::to_owned).into())
    );
    assert_eq!(read("context.pledged"), Some(std::collections::HashSet::new()));
    assert_eq!(read("context.duty == Duty::\"a\\\"b\""), None, "a name that is not written as it is");
}
