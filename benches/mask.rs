//! Masking of bodies on one core: a list of 5,000 made-up customers, as JSON, CSV, HTML, XML, form and text.
//!
//! ```text
//! cargo bench --bench mask
//! ```
//!
//! A customer has a number, a name, an address of mail, a telephone number, a resident number, a postal address, a card and a flag: six of
//! eight values are personal. `logs` is JSON of which every fiftieth record holds a value. Bytes are counted as they come in. The last
//! columns tell how long it takes, against a mask of all: where a judge is asked about each customer (`judged`), where all is seen
//! and told to the judge (`seen`), where all is seen and only counted (`counted`), and where a canary is planted besides what is seen
//! (`planted`). `html, page` is a page of twenty customers.

use std::{hint::black_box, sync::Arc};

use privet::{
    format::Media,
    privacy::{
        Engine, Keys, Kind, Kinds,
        mask::{
            self, Facts, Judge, Mask, Rewriter, Verdict,
            canary::Canary,
            settings::{At, Canaries, Ids, Records, Uninspectable},
        },
        settings::Settings,
    },
};

struct Customer {
    id: usize,
    name: &'static str,
    email: String,
    phone: String,
    rrn: String,
    address: String,
    card: String,
}

fn customers() -> Vec<Customer> {
    let mut random = fastrand::Rng::with_seed(20_261_124);
    (1..=5000)
        .map(|id| Customer {
            id,
            name: ["김민준", "이서연", "박도윤", "Oliver Smith", "Claire Dubois"][random.usize(0..5)],
            email: format!("person{id}@example.com"),
            phone: format!("010-{:04}-{:04}", random.u16(2000..10_000), random.u16(0..10_000)),
            rrn: format!("{:02}0101-1{:06}", random.u8(50..99), random.u32(0..1_000_000)),
            address: format!("서울특별시 강남구 테헤란로 {}, {}층", random.u16(1..400), random.u8(1..20)),
            card: format!("4111 1111 {:04} {:04}", random.u16(0..10_000), random.u16(0..10_000)),
        })
        .collect()
}

fn join(each: impl Fn(&Customer) -> String) -> String {
    customers().iter().map(each).collect()
}

fn bodies() -> Vec<(&'static str, Media, String)> {
    let json = |c: &Customer| {
        format!(
            "{{\"id\":{},\"name\":\"{}\",\"email\":\"{}\",\"phone\":\"{}\",\"rrn\":\"{}\",\"address\":\"{}\",\"card\":\"{}\",\"marketing_consent\":true}}",
            c.id, c.name, c.email, c.phone, c.rrn, c.address, c.card
        )
    };
    let rows: Vec<String> = customers().iter().map(json).collect();
    let html = |c: &Customer| {
        format!(
            "<tr><td><a href=\"/customers/{0}\">{0}</a><td>{1}<td>{2}<td>{3}<td>{4}<td>{5}<td>{6}</tr>\n",
            c.id, c.name, c.email, c.phone, c.rrn, c.address, c.card
        )
    };
    let page = |rows: String| {
        let head = "<tr><th>id<th>name<th>email<th>phone<th>rrn<th>address<th>card</tr>";
        format!("<html><body><table>{head}{rows}</table></body></html>")
    };
    let mut random = fastrand::Rng::with_seed(7);
    let logs: Vec<String> = (0..10_000)
        .map(|i| {
            let message = if i % 50 == 0 { "mail to kim@example.com sent" } else { "order was accepted and is being packed" };
            format!(
                "{{\"ts\":\"2026-11-24T10:11:{:02}.{:03}Z\",\"level\":\"info\",\"order_id\":{},\"sku\":\"A-{:05}\",\"price\":{}.90,\"message\":\"{message}\",\"items\":[{{\"title\":\"Blue chair with arms\",\"count\":2,\"in_stock\":true}}]}}",
                i % 60, i % 1000, 1_000_000 + i, random.u32(0..100_000), random.u16(1..500)
            )
        })
        .collect();
    vec![
        ("json", Media::Json, format!("{{\"customers\":[{}]}}", rows.join(","))),
        ("json, logs", Media::JsonLines, logs.join("\n")),
        (
            "csv",
            Media::Csv,
            format!(
                "id,name,email,phone,rrn,address,card\n{}",
                join(|c| {
                    format!("{},{},{},{},{},\"{}\",{}\n", c.id, c.name, c.email, c.phone, c.rrn, c.address, c.card)
                })
            ),
        ),
        ("html", Media::Html, page(join(html))),
        ("html, page", Media::Html, page(customers().iter().take(20).map(html).collect())),
        (
            "xml",
            Media::Xml,
            format!(
                "<customers>{}</customers>",
                join(|c| {
                    format!(
                        "<customer id=\"{}\"><name>{}</name><email>{}</email><phone>{}</phone><rrn>{}</rrn><address>{}</address><card>{}</card></customer>\n",
                        c.id, c.name, c.email, c.phone, c.rrn, c.address, c.card
                    )
                })
            ),
        ),
        (
            "form",
            Media::Form,
            join(|c| {
                format!(
                    "name={}&email={}&phone={}&rrn={}&card={}&",
                    c.id,
                    c.email.replace('@', "%40"),
                    c.phone,
                    c.rrn,
                    c.card.replace(' ', "+")
                )
            }),
        ),
        (
            "text",
            Media::Text,
            join(|c| format!("{} wrote from {} and asked to be called at {}.\n", c.name, c.email, c.phone)),
        ),
    ]
}

/// Nanoseconds that this thread was on a processor, so that others on the machine do not count.
fn spent() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|n| n.parse().ok()).unwrap_or(0.0)
}

/// Memory of one stream amid its body, in KiB: by how much four thousand of them make the process grow.
fn held(rule: &Arc<Mask>, media: Media, body: &str) -> f64 {
    let resident = || {
        let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
        text.split(' ').nth(1).and_then(|n| n.parse::<f64>().ok()).unwrap_or(0.0) * 4.0
    };
    let mut out = Vec::with_capacity(64 << 10);
    let before = resident();
    let streams: Vec<Rewriter> = (0..4000)
        .map(|_| {
            let mut rewriter = Rewriter::new(rule, Some(media), Some(encoding_rs::UTF_8), Uninspectable::Refuse, None);
            out.clear();
            rewriter.push(&body.as_bytes()[..body.len().min(16 << 10)], &mut out).expect("readable");
            rewriter
        })
        .collect();
    let grown = resident() - before;
    drop(black_box(streams));
    grown / 4000.0
}

/// Counts what it is asked and told.
#[derive(Debug, Default)]
struct Counting {
    records: usize,
    bytes: usize,
}

impl Judge for Counting {
    fn record(&mut self, facts: &Facts<'_>) -> Verdict {
        self.records += usize::from(facts.subject.is_some());
        Verdict::Show
    }

    fn outside(&mut self) -> Verdict {
        Verdict::Show
    }

    fn seen(&mut self, _: &Kind, value: &[u8]) {
        self.bytes += value.len();
    }
}

/// The best and the median rate in bytes a microsecond, and how many values were found.
fn rates(body: &str, start: impl Fn() -> Rewriter) -> (f64, f64, u64) {
    let mut rates = Vec::new();
    let mut values = 0;
    let mut out = Vec::with_capacity(2 * body.len());
    // Long enough for a clock that ticks a few hundred times a second.
    let times = 48_000_000 / body.len();
    for _ in 0..5 {
        let from = spent();
        for _ in 0..times {
            let mut rewriter = start();
            out.clear();
            for piece in body.as_bytes().chunks(16 << 10) {
                rewriter.push(piece, &mut out).expect("readable");
            }
            rewriter.finish(&mut out).expect("readable");
            black_box(&out);
            values = rewriter
                .found(|found| {
                    found.rows().iter().flat_map(|row| row.both().iter().map(|(_, n)| n).collect::<Vec<_>>()).sum()
                })
                .unwrap_or(0);
        }
        #[allow(clippy::cast_precision_loss)] // a rate for people
        rates.push((body.len() * times) as f64 / (spent() - from) * 1e3);
    }
    rates.sort_by(f64::total_cmp);
    (rates[rates.len() - 1], rates[rates.len() / 2], values)
}

fn main() {
    let settings = mask::engine_settings(&Settings::default());
    let engine = Arc::new(Engine::new(&settings, Arc::new(Keys::ephemeral().expect("random bytes"))));
    let rule = Arc::new(Mask::new(Arc::clone(&engine), Vec::new(), "bench".to_owned()));
    let open = Arc::new(Mask::new(engine, Vec::new(), "open".to_owned()).revealing(Kinds::all()));
    let places = ["json:/customers/*/id", "json:/order_id", "csv:id", "html:column:id"];
    let subject = places.iter().map(|at| At::parse(at).expect("a place")).collect();
    let records = Arc::new(Records { subject, consent: Vec::new() });
    let canaries = Canaries {
        mail: "shop.example".to_owned(),
        ids: Ids::parse("9000000-9999999").ok(),
        phone: Canaries::PHONE.to_owned(),
        least: Canaries::LEAST,
    };
    let canary = Arc::new(Canary::new([7; 32], &Arc::new(canaries)));
    let only = std::env::args().skip(1).find(|a| !a.starts_with('-'));
    println!(
        "{:12} {:>8} {:>10} {:>10} {:>9} {:>14} {:>8} {:>8} {:>8} {:>8}",
        "body", "MB", "best MB/s", "median", "values", "KiB a stream", "judged", "seen", "counted", "planted"
    );
    for (name, media, body) in bodies() {
        if only.as_ref().is_some_and(|only| name != only) {
            continue;
        }
        let start = |mask: &Arc<Mask>, is_judged: bool| {
            let judge = is_judged.then(|| (Arc::clone(&records), Box::<Counting>::default() as Box<dyn Judge>));
            Rewriter::new(mask, Some(media), Some(encoding_rs::UTF_8), Uninspectable::Refuse, judge)
        };
        let (best, median, values) = rates(&body, || start(&rule, false));
        let against = |mask: &Arc<Mask>, is_judged: bool| best / rates(&body, || start(mask, is_judged)).0;
        let (judged, seen, counted) = (against(&rule, true), against(&open, true), against(&open, false));
        let planted = best / rates(&body, || start(&open, true).planting(Some(Arc::clone(&canary)))).0;
        #[allow(clippy::cast_precision_loss)] // a size for people
        let size = body.len() as f64 / 1e6;
        let held = held(&rule, media, &body);
        println!(
            "{name:12} {size:8.2} {best:10.0} {median:10.0} {values:9} {held:14.0} {judged:8.2} {seen:8.2} {counted:8.2} {planted:8.2}"
        );
    }
}
