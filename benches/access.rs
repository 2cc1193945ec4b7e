//! What a decision costs, where the same was asked before, on another route, and for another duty: for each shipped role with what it takes to
//! pass, for somebody who may not; where policies have to be asked anew; and the first question of a set of roles, when its policies are gathered and all of them are looked at.

use std::{
    hint::black_box,
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

use criterion::{Criterion, criterion_group, criterion_main};
use privet::{
    access::{
        Access, Action, Ask, Decision, Settings,
        settings::{Names, Policies, Source},
        subject::{Name, Subjects},
    },
    seal::Ring,
};

fn ask<'a>(roles: &'a [&'a str], purpose: &'a str) -> Ask<'a> {
    Ask {
        route: "shop.example/customers",
        action: Action::View,
        roles,
        duty: Some("payroll"),
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

/// As shipped, and a policy besides that speaks of addresses: each is a question of its own then, which policies are asked anew.
fn by_address() -> Settings {
    let mut settings = Settings::shipped().clone();
    let text = "@id(\"office\") forbid (principal, action, resource) unless { context.address.isInRange(ip(\"10.0.0.0/8\")) };";
    settings.sources.push(Source { name: "office.cedar".to_owned(), text: text.to_owned() });
    let keys = settings.purposes.keys();
    let names = Names { types: &settings.types, purposes: &keys, routes: None };
    settings.policies = Policies::read(&settings.sources, names).expect("valid");
    settings
}

fn decisions(c: &mut Criterion) {
    let settings = Arc::new(Settings::shipped().clone());
    let access = Access::new(Arc::clone(&settings));
    let mut group = c.benchmark_group("access");
    let cases = [
        ("marketing", &["marketing"][..], "marketing"),
        ("complaints", &["complaints"], "complaint"),
        ("privacy-officer", &["privacy-officer"], "rights"),
        ("duty", &["duty"], "duty"),
        ("three roles", &["complaints", "duty", "marketing"], "complaint"),
    ];
    for (name, roles, purpose) in cases {
        let ask = ask(roles, purpose);
        assert!(matches!(access.authorize(&ask), Decision::Permit(_)), "{name}");
        group.bench_function(format!("permit/{name}"), |b| b.iter(|| access.authorize(black_box(&ask))));
        // Where no policy speaks of a route by its name, one that was not asked for yet is no other question.
        let mut next = 0_u64;
        group.bench_function(format!("permit on another route/{name}"), |b| {
            b.iter(|| {
                next += 1;
                access.authorize(black_box(&Ask { route: itoa::Buffer::new().format(next), ..ask }))
            });
        });
        // Nor is another duty, where none names it.
        group.bench_function(format!("permit for another duty/{name}"), |b| {
            b.iter(|| {
                next += 1;
                access.authorize(black_box(&Ask { duty: Some(itoa::Buffer::new().format(next)), ..ask }))
            });
        });
    }
    let refused = [
        ("no pledge", Ask { pledged: false, ..ask(&["marketing"], "marketing") }),
        ("no purpose", Ask { purpose: None, ..ask(&["privacy-officer"], "") }),
        ("a guest", ask(&["guest"], "marketing")),
    ];
    for (name, ask) in refused {
        assert!(!matches!(access.authorize(&ask), Decision::Permit(_)), "{name}");
        group.bench_function(format!("refuse/{name}"), |b| b.iter(|| access.authorize(black_box(&ask))));
    }
    let first = ask(&["complaints", "marketing"], "complaint");
    group.bench_function("first of its roles", |b| {
        b.iter_with_setup(|| Access::new(Arc::clone(&settings)), |access| access.authorize(black_box(&first)));
    });
    let office = Access::new(Arc::new(by_address()));
    for (name, roles, purpose) in cases {
        let ask = ask(roles, purpose);
        let mut next = 0_u32;
        group.bench_function(format!("permit from another address/{name}"), |b| {
            b.iter(|| {
                next += 1;
                let address = IpAddr::V4(Ipv4Addr::from_bits(0x0a00_0000 | next & 0x00ff_ffff));
                let decision = office.authorize(black_box(&Ask { address, ..ask }));
                assert!(matches!(decision, Decision::Permit(_)), "{name}");
            });
        });
    }
    let subjects = Subjects::of(&Ring::ephemeral().expect("random bytes"));
    let name = Name::of("email");
    group.bench_function("subject", |b| b.iter(|| subjects.name(black_box(&name), b"Kim.Chulsoo@example.com")));
    group.finish();
}

criterion_group!(benches, decisions);
criterion_main!(benches);
