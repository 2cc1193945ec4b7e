//! Seeded texts: the same everywhere and at every run.
//!
//! - [`access_json`], [`access_combined`]: access logs with client addresses, dense in digits.
//! - [`machines`]: logs of services, data bases and meters that hold ids and numbers of every length and nobody's data.
//! - [`english`], [`korean`]: prose of which one record in fifty holds a value.

#![allow(dead_code, unreachable_pub, missing_docs, clippy::pedantic)] // shared by benches and tests; small numbers

mod machines;

use std::fmt::Write as _;

pub use machines::machines;

/// xorshift64* (Vigna 2016).
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    pub fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        ((u128::from(self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)) * u128::from(n)) >> 64) as u64
    }

    /// A number of exactly `digits` digits.
    fn digits(&mut self, digits: u32) -> u64 {
        let least = 10_u64.pow(digits - 1);
        least + self.below(least * 9)
    }

    fn pick<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.below(words.len() as u64) as usize]
    }

    fn hex(&mut self, length: usize) -> String {
        (0..length).map(|_| char::from(b"0123456789abcdef"[self.below(16) as usize])).collect()
    }

    fn uuid(&mut self) -> String {
        format!("{}-{}-4{}-a{}-{}", self.hex(8), self.hex(4), self.hex(3), self.hex(3), self.hex(12))
    }

    fn time(&mut self) -> String {
        let [month, day, hour, minute, second] = [12, 28, 24, 60, 60].map(|n| self.below(n));
        format!("2026-{:02}-{:02}T{hour:02}:{minute:02}:{second:02}", month + 1, day + 1)
    }
}

const PATHS: &[&str] =
    &["/api/v1/items", "/api/v2/orders", "/static/js", "/search", "/v1/carts", "/img/products", "/feeds/daily"];
const AGENTS: &[&str] = &[
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_2 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.2 Mobile/15E148 Safari/604.1",
    "curl/8.5.0",
    "Mozilla/5.0 (X11; Linux x86_64; rv:121.0) Gecko/20100101 Firefox/121.0",
    "Mozilla/5.0 (Linux; Android 14; SM-G991N) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/119.0.6045.163 Mobile Safari/537.36",
];

fn address(r: &mut Random) -> String {
    if r.below(8) == 0 {
        format!("2001:db8:{:x}:{:x}::{:x}", r.below(65536), r.below(65536), r.below(65536))
    } else {
        format!("{}.{}.{}.{}", 11 + r.below(200), r.below(256), r.below(256), 1 + r.below(254))
    }
}

/// JSON lines with OpenTelemetry's names.
pub fn access_json(bytes: usize) -> String {
    let mut r = Random::new(1);
    let mut text = String::with_capacity(bytes + 1024);
    while text.len() < bytes {
        let (time, id, trace) = (r.time(), r.uuid(), r.hex(32));
        let (client, path, agent) = (address(&mut r), r.pick(PATHS), r.pick(AGENTS));
        let _ = writeln!(
            text,
            "{{\"time\":\"{time}.{:03}Z\",\"request.id\":\"{id}\",\"trace_id\":\"{trace}\",\"client.address\":\"{client}\",\
            \"http.request.method\":\"GET\",\"url.path\":\"{path}/{}\",\"url.query\":\"page={}&sort=asc\",\"http.response.status_code\":{},\
            \"http.response.body.size\":{},\"duration_ms\":{}.{:03},\"user_agent.original\":\"{agent}\"}}",
            r.below(1000),
            r.below(10_000_000),
            r.below(100),
            r.pick(&["200", "200", "200", "304", "404", "502"]),
            r.below(2_000_000),
            r.below(2000),
            r.below(1000),
        );
    }
    text
}

/// Apache's and nginx's combined format.
pub fn access_combined(bytes: usize) -> String {
    let mut r = Random::new(2);
    let mut text = String::with_capacity(bytes + 1024);
    while text.len() < bytes {
        let (client, path, agent) = (address(&mut r), r.pick(PATHS), r.pick(AGENTS));
        let _ = writeln!(
            text,
            "{client} - - [{:02}/Nov/2026:{:02}:{:02}:{:02} +0900] \"GET {path}/{}?page={} HTTP/1.1\" {} {} \"https://shop.example{path}\" \"{agent}\"",
            1 + r.below(28),
            r.below(24),
            r.below(60),
            r.below(60),
            r.below(10_000_000),
            r.below(100),
            r.pick(&["200", "200", "200", "304", "404", "502"]),
            r.below(2_000_000),
        );
    }
    text
}

const ENGLISH: &[&str] = &[
    "the", "of", "and", "to", "in", "a", "is", "that", "for", "it", "was", "on", "with", "as", "be", "at", "by",
    "this", "had", "not", "are", "but", "from", "or", "have", "an", "they", "which", "one", "were", "her", "all",
    "she", "there", "would", "their", "we", "him", "been", "has", "when", "who", "will", "more", "no", "if", "out",
    "so", "said", "what", "up", "its", "about", "into", "than", "them", "can", "only", "other", "new", "some", "could",
    "time", "these", "two", "may", "then", "do", "first", "any", "my", "now", "such", "like", "our", "over", "man",
    "even", "most", "made", "after", "also", "well", "before", "must", "through", "harbour", "engine", "morning",
    "window", "council", "garden", "letter", "winter", "station", "teacher", "measure", "evening", "question",
    "history",
];

const KOREAN: &[&str] = &[
    "그는",
    "오늘",
    "아침에",
    "일찍",
    "일어나",
    "창문을",
    "열고",
    "밖을",
    "바라보았다",
    "겨울이",
    "지나고",
    "봄이",
    "오는",
    "소리가",
    "들렸다",
    "마을",
    "사람들은",
    "모두",
    "밭으로",
    "나가",
    "일을",
    "시작했다",
    "회의에서",
    "논의한",
    "내용을",
    "정리하여",
    "보고서를",
    "작성하고",
    "다음",
    "주까지",
    "제출해야",
    "한다",
    "새로운",
    "제도가",
    "시행되면",
    "많은",
    "변화가",
    "있을",
    "것으로",
    "예상된다",
    "우리는",
    "그",
    "이야기를",
    "오래",
    "기억했다",
    "학교에서",
    "배운",
    "것을",
    "생각하며",
    "걸었다",
];

/// Records of a few sentences, a line each; one in fifty holds a value.
fn prose(bytes: usize, seed: u64, words: &[&str], most: u64, values: &[&str]) -> String {
    let mut r = Random::new(seed);
    let mut text = String::with_capacity(bytes + 4096);
    let mut record = 0_u64;
    while text.len() < bytes {
        record += 1;
        // English is typographic in one record of ten, Korean in all.
        let typographic = seed != 4 || record.is_multiple_of(10);
        let sentences = 3 + r.below(5);
        for sentence in 0..sentences {
            let count = 8 + r.below(most);
            for word in 0..count {
                let next = r.pick(words);
                let mut chars = next.chars();
                match chars.next().filter(|_| word == 0) {
                    Some(first) => text.extend(first.to_uppercase().chain(chars)),
                    None => text.push_str(next),
                }
                text.push_str(match r.below(40) {
                    _ if word + 1 == count => ".",
                    0..=2 => ", ",
                    3 if seed == 4 => {
                        if typographic {
                            "’s "
                        } else {
                            "'s "
                        }
                    }
                    4 => {
                        if typographic {
                            " “"
                        } else {
                            " \""
                        }
                    }
                    5 => {
                        if typographic {
                            "” "
                        } else {
                            "\" "
                        }
                    }
                    _ => " ",
                });
            }
            if record.is_multiple_of(50) && sentence == 1 {
                text.push(' ');
                text.push_str(r.pick(values));
            }
            text.push(if sentence + 1 == sentences { '\n' } else { ' ' });
        }
    }
    text
}

/// English prose.
pub fn english(bytes: usize) -> String {
    prose(
        bytes,
        4,
        ENGLISH,
        20,
        &[
            "Write to kim@example.com today.",
            "Call (212) 555-0187 today.",
            "The card is 4111 1111 1111 1111.",
            "SSN: 078-05-1120.",
        ],
    )
}

/// Korean prose.
pub fn korean(bytes: usize) -> String {
    prose(
        bytes,
        5,
        KOREAN,
        14,
        &[
            "연락처는 010-1234-5678입니다.",
            "주민등록번호 900101-1234568.",
            "메일은 kim@example.com.",
            "신한은행 110-123-456789로.",
        ],
    )
}
