mod forms;
mod nobody;

use std::fmt::Write as _;

use super::*;
use crate::privacy::settings::{Checksum, Own, Pattern};

fn detector() -> Detector {
    Detector::new(&Settings::default())
}

/// Findings as `TYPE=value`.
fn found(text: &str) -> Vec<String> {
    let show = |f: &Finding| format!("{}={}", f.kind, String::from_utf8_lossy(&text.as_bytes()[f.span()]));
    detector().detect(text.as_bytes()).iter().map(show).collect()
}

#[test]
fn every_type_is_found() {
    for (text, kind, value) in [
        ("write to kim.minsu+x@mail.example.co.kr.", "EMAIL_ADDRESS", "kim.minsu+x@mail.example.co.kr"),
        ("연락처는 010-1234-5678입니다", "PHONE_NUMBER", "010-1234-5678"),
        ("call +821012345678 now", "PHONE_NUMBER", "+821012345678"),
        ("id 01012345678 ok", "PHONE_NUMBER", "01012345678"),
        ("(212) 555-0187 ok", "PHONE_NUMBER", "(212) 555-0187"),
        ("ring 020 7946 0958 ok", "PHONE_NUMBER", "020 7946 0958"),
        ("Tel. 030 1234567", "PHONE_NUMBER", "030 1234567"),
        ("tél 01 23 45 67 89", "PHONE_NUMBER", "01 23 45 67 89"),
        ("電話 03-1234-5678", "PHONE_NUMBER", "03-1234-5678"),
        ("电话 138 1234 5678", "PHONE_NUMBER", "138 1234 5678"),
        ("mobile 98765 43210", "PHONE_NUMBER", "98765 43210"),
        ("celular (11) 91234-5678", "PHONE_NUMBER", "(11) 91234-5678"),
        ("김서윤(900101-1234568)", "KR_RRN", "900101-1234568"),
        ("x 900101 1234567 y", "KR_RRN", "900101 1234567"),
        ("x 900101-1****** y", "KR_RRN", "900101-1******"),
        ("외국인등록번호 900101-5234567", "KR_FRN", "900101-5234567"),
        ("사업자등록번호 124-81-00998", "KR_BRN", "124-81-00998"),
        ("법인등록번호 130111-0006246", "KR_CORP_REG", "130111-0006246"),
        ("면허 11-20-123456-10", "KR_DRIVER_LICENSE", "11-20-123456-10"),
        ("여권번호 M12345678", "KR_PASSPORT", "M12345678"),
        ("신한은행 110-123-456789", "KR_BANK_ACCOUNT", "110-123-456789"),
        ("건강보험번호 123-45-67890-1", "KR_HEALTH_INSURANCE", "123-45-67890-1"),
        ("paid with 4111 1111 1111 1111.", "CREDIT_CARD", "4111 1111 1111 1111"),
        ("card 378282246310005", "CREDIT_CARD", "378282246310005"),
        ("to GB82 WEST 1234 5698 7654 32 today", "IBAN_CODE", "GB82 WEST 1234 5698 7654 32"),
        ("DE89370400440532013000", "IBAN_CODE", "DE89370400440532013000"),
        ("SSN 123-45-6789", "US_SSN", "123-45-6789"),
        ("ITIN 912-70-1234", "US_ITIN", "912-70-1234"),
        ("passport number 512345678", "US_PASSPORT", "512345678"),
        ("NHS number 943 476 5919", "UK_NHS", "943 476 5919"),
        ("NINO AB123456C", "UK_NINO", "AB123456C"),
        ("2341 2341 2346", "IN_AADHAAR", "2341 2341 2346"),
        ("PAN ABCPE1234F", "IN_PAN", "ABCPE1234F"),
        ("NRIC S1234567D", "SG_NRIC_FIN", "S1234567D"),
        ("SIN 046 454 286", "CA_SIN", "046 454 286"),
        ("TFN 123 456 782", "AU_TFN", "123 456 782"),
        ("111.444.777-35", "BR_CPF", "111.444.777-35"),
        ("11010519491231002X", "CN_RIC", "11010519491231002X"),
        ("マイナンバー 1234 5678 9018", "JP_MY_NUMBER", "1234 5678 9018"),
        ("Steuer-ID 86095742719", "DE_TAX_ID", "86095742719"),
        ("Personalausweis L01X00T47", "DE_ID_CARD", "L01X00T47"),
        ("NIR 2 55 08 14 168 025 38", "FR_NIR", "2 55 08 14 168 025 38"),
        ("DNI 12345678Z", "ES_NIF", "12345678Z"),
        ("NIE X1234567L", "ES_NIE", "X1234567L"),
        ("RSSMRA85T10A562S", "IT_FISCAL_CODE", "RSSMRA85T10A562S"),
        ("PESEL 44051401359", "PL_PESEL", "44051401359"),
        ("personnummer 811218-9876", "SE_PERSONNUMMER", "811218-9876"),
        ("131052-308T", "FI_HETU", "131052-308T"),
        ("BSN 111222333", "NL_BSN", "111222333"),
        ("85.07.30-033.28", "BE_NRN", "85.07.30-033.28"),
        ("from 203.0.113.7:443", "IP_ADDRESS", "203.0.113.7"),
        ("from 2001:db8::8a2e:370:7334 ok", "IP_ADDRESS", "2001:db8::8a2e:370:7334"),
        ("mac 3c:22:fb:aa:bb:cc", "MAC_ADDRESS", "3c:22:fb:aa:bb:cc"),
        ("mac 3C-22-FB-AA-BB-CC", "MAC_ADDRESS", "3C-22-FB-AA-BB-CC"),
        ("postgres://app:s3cret@db.example/x", "URL_CREDENTIALS", "app:s3cret"),
        ("우편번호 06234", "POSTAL_CODE", "06234"),
        ("서울 12가 3456", "KR_VEHICLE", "서울 12가 3456"),
        ("born on 1990-01-31", "DATE_OF_BIRTH", "1990-01-31"),
        ("생년월일: 1990년 1월 31일", "DATE_OF_BIRTH", "1990년 1월 31일"),
        ("to 0x52908400098527886E0F7030069857D2E4169EE7", "CRYPTO", "0x52908400098527886E0F7030069857D2E4169EE7"),
        ("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "CRYPTO", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"),
        ("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "CRYPTO", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"),
        ("성명: 김서윤", "PERSON", "김서윤"),
        ("{\"customer_name\": \"Alicia Fukasawa\"}", "PERSON", "Alicia Fukasawa"),
        ("김하늘 님께", "PERSON", "김하늘"),
        ("Dear Mr. John Smith,", "PERSON", "John Smith"),
        ("서울특별시 강남구 테헤란로 42길 15, 302호에", "LOCATION", "서울특별시 강남구 테헤란로 42길 15, 302호"),
        ("{\"address\":\"12 Main Street, Springfield\"}", "LOCATION", "12 Main Street, Springfield"),
        ("Bearer abcdef0123456789", "BEARER_TOKEN", "abcdef0123456789"),
        ("Authorization: Basic dXNlcjpwYXNzd29yZA==", "BASIC_CREDENTIALS", "dXNlcjpwYXNzd29yZA=="),
        ("t=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln ok", "JWT", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln"),
        ("JSESSIONID=1A2B3C4D5E6F", "SESSION_COOKIE", "1A2B3C4D5E6F"),
        ("key AKIAIOSFODNN7EXAMPLE", "API_KEY", "AKIAIOSFODNN7EXAMPLE"),
        ("password=hunter2&x=1", "PASSWORD", "hunter2"),
        ("{\"password\":\"pa\\\"ss\"}", "PASSWORD", "pa\\\"ss"),
        ("{\\\"password\\\":\\\"hunter2\\\"}", "PASSWORD", "hunter2"),
        ("비밀번호: abc!123", "PASSWORD", "abc!123"),
        (
            "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
            "PRIVATE_KEY",
            "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
        ),
    ] {
        assert!(found(text).contains(&format!("{kind}={value}")), "{text}: {:?}", found(text));
    }
}

#[test]
fn what_is_encoded_is_found_where_it_stands() {
    for (text, value) in [
        ("q=900101%2D1234567&x", "900101%2D1234567"),
        ("q=900101%252D1234567&x", "900101%252D1234567"),
        ("q=010+1234+5678", "010+1234+5678"),
        ("q=kim%40example.com", "kim%40example.com"),
        ("{\"a\":\"010\\u002d1234\\u002d5678\"}", "010\\u002d1234\\u002d5678"),
        ("<td>010&#45;1234&#x2d;5678</td>", "010&#45;1234&#x2d;5678"),
        ("０１０－１２３４－５６７８", "０１０－１２３４－５６７８"),
        ("010\u{2013}1234\u{2013}5678", "010\u{2013}1234\u{2013}5678"),
    ] {
        assert!(found(text).iter().any(|f| f.ends_with(&format!("={value}"))), "{text}: {:?}", found(text));
    }
}

#[test]
fn what_is_nobodys_is_let_be() {
    for text in [
        "2026-11-24T10:00:00.123456Z INFO started in 123ms",
        "[24/Nov/2026:10:00:00 +0000] \"GET /v1/items/123456 HTTP/1.1\" 200 12345678",
        "1700000000 1700000000123 1700000000123456 1700000000123456789",
        "202611241030 20261124103000 20261124",
        "id=550e8400-e29b-41d4-a716-446655440000 12345678-1234-1234-1234-123456789012",
        "sha 5d41402abc4b2a76b9719d911017c592 d41d8cd98f00b204e9800998ecf8427e",
        "Chrome/120.0.0.0 Safari/537.36 v1.2.3.4 version 10.20.30.40",
        "price 1,234,567 total 12 345 678 USD 1234.56",
        "37.566535, 126.977969 lat=37.5665350 lon=126.9779692",
        "order 4111111111111111 ok 1234567890123",
        "127.0.0.1:8080 0.0.0.0 ::1 [::]:80 12:34:56",
        "file name: Report Name: 12 x=y; a:b",
        "logo@2x.png npm@1.2.3 user@localhost",
        "token=null password= secret: ****",
        "std::vec::Vec::new a::b",
    ] {
        assert_eq!(found(text), Vec::<String>::new(), "{text}");
    }
}

/// xorshift64 (Marsaglia 2003): the same sequence everywhere.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }
}

#[allow(clippy::too_many_lines)] // a form a line
/// Log lines with ids and numbers of many forms, and nobody's data.
fn logs(bytes: usize) -> String {
    let mut r = Random(0x9E37_79B9_7F4A_7C15);
    let mut text = String::with_capacity(bytes + 512);
    while text.len() < bytes {
        let _ = write!(
            text,
            "2026-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z ",
            1 + r.below(12),
            1 + r.below(28),
            r.below(24),
            r.below(60),
            r.below(60),
            r.below(1_000_000)
        );
        let _ = match r.below(10) {
            0 => writeln!(
                text,
                "INFO order {} accepted total={}.{:02} items={}",
                r.below(10_u64.pow(12)),
                r.below(10_000),
                r.below(100),
                r.below(20)
            ),
            1 => writeln!(
                text,
                "DEBUG trace={:016x}{:016x} span={:016x} took {}us",
                r.below(u64::MAX),
                r.below(u64::MAX),
                r.below(u64::MAX),
                r.below(1_000_000)
            ),
            2 => writeln!(
                text,
                "GET /api/v2/items/{}?page={}&size={} 200 {} {}",
                r.below(10_u64.pow(9)),
                r.below(99),
                r.below(100),
                r.below(10_u64.pow(7)),
                r.below(1000)
            ),
            3 => writeln!(
                text,
                "id={:08x}-{:04x}-4{:03x}-a{:03x}-{:012x} seq={}",
                r.below(1 << 32),
                r.below(1 << 16),
                r.below(4096),
                r.below(4096),
                r.below(1 << 48),
                r.below(10_u64.pow(10))
            ),
            4 => writeln!(
                text,
                "epoch {} {} {} ",
                1_600_000_000 + r.below(200_000_000),
                1_600_000_000_000 + r.below(200_000_000_000),
                1_600_000_000_000_000 + r.below(200_000_000_000_000)
            ),
            5 => writeln!(
                text,
                "at {}.{:06},{}.{:07} zoom {}",
                r.below(90),
                r.below(1_000_000),
                r.below(180),
                r.below(10_000_000),
                r.below(20)
            ),
            6 => writeln!(
                text,
                "kernel: [{:5}.{:06}] cpu{} freq {} Hz mem 0x{:012x}",
                r.below(100_000),
                r.below(1_000_000),
                r.below(64),
                r.below(5_000_000_000),
                r.below(1 << 48)
            ),
            7 => writeln!(
                text,
                "job {} attempt {}/{} batch {:04}-{:04}-{:02} size {} bytes",
                r.below(10_u64.pow(14)),
                r.below(9),
                r.below(9),
                r.below(9999),
                r.below(9999),
                r.below(99),
                r.below(10_u64.pow(11))
            ),
            8 => writeln!(
                text,
                "ref INV-{}-{:06} sku {}-{}-{} ver {}.{}.{}",
                2020 + r.below(7),
                r.below(1_000_000),
                r.below(1000),
                r.below(100_000),
                r.below(10),
                r.below(30),
                r.below(30),
                r.below(3000)
            ),
            _ => writeln!(
                text,
                "row {} | {} | {} | {} | {}",
                r.below(10_u64.pow(8)),
                r.below(10_u64.pow(11)),
                r.below(10_u64.pow(13)),
                r.below(10_u64.pow(16)),
                r.below(10_u64.pow(18))
            ),
        };
    }
    text
}

#[test]
fn numbers_of_machines_are_rarely_taken_for_peoples() {
    let text = logs(4 << 20);
    let mut wrong = Vec::new();
    for line in text.lines() {
        wrong.extend(found(line).into_iter().map(|f| format!("{f} in {line}")));
    }
    assert!(wrong.len() <= 4, "{} in 4 MB: {:#?}", wrong.len(), &wrong[..wrong.len().min(30)]);
}

#[test]
fn own_detectors_and_allowed_values() {
    let settings = Settings {
        detectors: vec![
            Own {
                name: "EMPLOYEE_NO".into(),
                regex: Pattern::anywhere("E[0-9]{6}").expect("valid"),
                keywords: vec!["employee".into()],
                max_length: 7,
                checksum: None,
            },
            Own {
                name: "LOYALTY".into(),
                regex: Pattern::anywhere("L[0-9]{4,}").expect("valid"),
                keywords: Vec::new(),
                max_length: 9,
                checksum: Some(Checksum::Luhn),
            },
        ],
        allow: vec!["NoReply@example.com".into()],
        allow_regex: vec![Pattern::whole("10\\..*").expect("valid")],
        allow_domains: vec!["privet.example".into()],
        off: vec![Kind::MacAddress],
        ..Settings::default()
    };
    let detector = Detector::new(&settings);
    let text = b"Employee E123456, E654321aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa E111111 \
        noreply@example.com a@x.privet.example a@privet.example b@notprivet.example 10.1.2.3 11.1.2.3 3c:22:fb:aa:bb:cc L18 L00018 L00019";
    let names: Vec<_> =
        detector.detect(text).iter().map(|f| String::from_utf8_lossy(&text[f.span()]).into_owned()).collect();
    assert_eq!(names, ["E123456", "E654321", "b@notprivet.example", "11.1.2.3", "L00018"]);
    for regex in ["(", "x*", "[0-9]{1000}{1000}"] {
        assert!(Pattern::anywhere(regex).is_err(), "{regex}");
    }
    assert!(Pattern::whole("a)|(b").is_err());
}

#[test]
fn numbers_in_a_row_are_all_found() {
    const VALUES: [&str; 6] =
        ["010-9876-5432", "01098765432", "900101-1234568", "4111-1111-1111-1111", "02-123-4567", "+82-10-1234-5678"];
    let mut r = Random(21);
    for _ in 0..200 {
        let row: Vec<&str> = (0..12).map(|_| VALUES[usize::try_from(r.below(6)).unwrap_or(0)]).collect();
        let text = row.join(" ");
        let covered: usize = found(&text).iter().map(|f| f.split_once('=').map_or(0, |(_, value)| value.len())).sum();
        assert!(covered + 11 >= text.len(), "{text}: {:?}", found(&text));
    }
}

#[test]
fn any_bytes_do() {
    let mut r = Random(7);
    let detector = detector();
    for length in 0..2000 {
        let alphabet: &[u8] =
            b"0123456789-./:=@%\\u&#;\"'(){}[] \n*xMmrDs\xEB\x8B\x98\xEC\x94\xA8\xEF\xBC\x90\xE2\x80\x93abeyJ.-_";
        let text: Vec<u8> = (0..length % 200)
            .map(|_| {
                if r.below(8) == 0 {
                    u8::try_from(r.below(256)).unwrap_or(0)
                } else {
                    alphabet[usize::try_from(r.below(alphabet.len() as u64)).unwrap_or(0)]
                }
            })
            .collect();
        let found = detector.detect(&text);
        let sorted = found.windows(2).all(|w| w[0].end <= w[1].start);
        assert!(sorted && found.iter().all(|f| f.start < f.end && f.end <= text.len()), "{text:?}: {found:?}");
    }
}

#[test]
fn what_is_found_depends_on_no_more_than_what_stands_near() {
    let detector = detector();
    let filler = "It rained all day and nobody came to the door, not even the postman.\n".repeat(60);
    let values = "연락처 010-1234-5678, 주민등록번호 900101-1234568; q=kim%40example.com &#48;10-1234-5678 카드 4111-1111-1111-1111\n";
    let names = |text: &str| {
        let found = detector.detect(text.as_bytes());
        found.iter().map(|f| (f.kind.clone(), text[f.span()].to_owned())).collect::<Vec<_>>()
    };
    let alone = names(values);
    assert_eq!(alone.len(), 5, "{alone:?}");
    // Wherever the values stand between what is passed over.
    for shift in (0..filler.len()).filter(|&n| filler.is_char_boundary(n)).step_by(37) {
        assert_eq!(names(&format!("{}\n{values}{filler}", &filler[shift..])), alone, "{shift}");
        let twice = names(&format!("{values}{}\n{values}", &filler[shift..]));
        assert_eq!(twice, [alone.clone(), alone.clone()].concat(), "{shift}");
    }
}
