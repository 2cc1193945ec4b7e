//! 5,000 made-up people, the same at every start; what is edited is kept until the end.

use std::fmt::Write as _;

use serde::Serialize;

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Customer {
    pub(super) id: usize,
    pub(super) name: String,
    pub(super) email: String,
    pub(super) phone: String,
    pub(super) rrn: String,
    pub(super) address: String,
    pub(super) card: String,
    pub(super) marketing_consent: bool,
}

impl Customer {
    /// One line of CSV.
    pub(super) fn csv(&self) -> String {
        let mut line = self.id.to_string();
        for value in [&self.name, &self.email, &self.phone, &self.rrn, &self.address, &self.card] {
            line.push(',');
            if value.contains([',', '"', '\n', '\r']) {
                // Writing to a String can't fail.
                let _ = write!(line, "\"{}\"", value.replace('"', "\"\""));
            } else {
                line.push_str(value);
            }
        }
        line + &format!(",{}\n", self.marketing_consent)
    }
}

/// All of them; number `n` stands at `n - 1`.
pub(super) fn all() -> Vec<Customer> {
    let mut random = fastrand::Rng::with_seed(20_261_124);
    (1..=COUNT).map(|id| customer(id, &mut random)).collect()
}

/// How many.
pub(super) const COUNT: usize = 5000;

const FAMILY: [(&str, &str); 12] = [
    ("김", "kim"),
    ("이", "lee"),
    ("박", "park"),
    ("최", "choi"),
    ("정", "jung"),
    ("강", "kang"),
    ("조", "cho"),
    ("윤", "yoon"),
    ("장", "jang"),
    ("임", "lim"),
    ("한", "han"),
    ("오", "oh"),
];
const GIVEN: [(&str, &str); 12] = [
    ("민준", "minjun"),
    ("서연", "seoyeon"),
    ("도윤", "doyun"),
    ("지우", "jiwoo"),
    ("하은", "haeun"),
    ("예준", "yejun"),
    ("수빈", "subin"),
    ("지호", "jiho"),
    ("유진", "yujin"),
    ("현우", "hyunwoo"),
    ("은지", "eunji"),
    ("태영", "taeyoung"),
];
const WESTERN: [(&str, &str); 8] = [
    ("Alice", "Miller"),
    ("Thomas", "Becker"),
    ("Claire", "Dubois"),
    ("Oliver", "Smith"),
    ("Priya", "Sharma"),
    ("Lucas", "Silva"),
    ("Emma", "Wilson"),
    ("Hana", "Tanaka"),
];
const ROADS: [&str; 6] = [
    "서울특별시 강남구 테헤란로",
    "서울특별시 마포구 월드컵북로",
    "부산광역시 해운대구 센텀중앙로",
    "대전광역시 유성구 대학로",
    "인천광역시 연수구 송도과학로",
    "광주광역시 서구 상무중앙로",
];
const STREETS: [&str; 4] = ["High Street", "Station Road", "Church Lane", "Mill Road"];

fn customer(id: usize, random: &mut fastrand::Rng) -> Customer {
    let korean = random.u8(0..10) < 7;
    let domain = ["example.com", "example.net", "example.org"][random.usize(0..3)];
    let (name, user, phone, address) = if korean {
        let (family, given) = (FAMILY[random.usize(0..12)], GIVEN[random.usize(0..12)]);
        (
            format!("{}{}", family.0, given.0),
            format!("{}.{}", given.1, family.1),
            format!("010-{:04}-{:04}", random.u16(2000..10_000), random.u16(0..10_000)),
            format!("{} {}, {}층", ROADS[random.usize(0..6)], random.u16(1..400), random.u8(1..20)),
        )
    } else {
        let (given, family) = (WESTERN[random.usize(0..8)].0, WESTERN[random.usize(0..8)].1);
        (
            format!("{given} {family}"),
            format!("{}.{}", given.to_lowercase(), family.to_lowercase()),
            // Ofcom keeps these numbers free for drama: 020 7946 0000 to 0999.
            format!("+44 20 7946 0{:03}", random.u16(0..1000)),
            format!("{} {}, London", random.u16(1..200), STREETS[random.usize(0..4)]),
        )
    };
    Customer {
        id,
        name,
        email: format!("{user}{id}@{domain}"),
        phone,
        rrn: resident_number(random),
        address,
        card: card(random),
        marketing_consent: random.u8(0..100) < 37,
    }
}

/// A Korean resident registration number of somebody born from 1950 to 1999, with its checksum (weights 2 to 9, 2 to 5, modulo 11).
fn resident_number(random: &mut fastrand::Rng) -> String {
    let body = format!(
        "{:02}{:02}{:02}{}{:05}",
        random.u8(50..100),
        random.u8(1..13),
        random.u8(1..29),
        random.u8(1..3),
        random.u32(0..100_000)
    );
    let sum: u32 = body.bytes().zip([2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5]).map(|(b, w)| u32::from(b - b'0') * w).sum();
    format!("{}-{}{}", &body[..6], &body[6..], (11 - sum % 11) % 10)
}

/// Sixteen digits from a range that card schemes keep for tests, with their check digit (ISO/IEC 7812-1, Luhn).
fn card(random: &mut fastrand::Rng) -> String {
    let body = format!("41111111{:07}", random.u32(0..10_000_000));
    let sum: u32 = body
        .bytes()
        .rev()
        .enumerate()
        .map(|(i, b)| {
            let digit = u32::from(b - b'0') * if i % 2 == 0 { 2 } else { 1 };
            digit / 10 + digit % 10
        })
        .sum();
    let all = format!("{body}{}", (10 - sum % 10) % 10);
    format!("{} {} {} {}", &all[..4], &all[4..8], &all[8..12], &all[12..])
}
