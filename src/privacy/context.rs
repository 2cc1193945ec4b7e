//! Words that say what a number beside them is.

use std::{ops::Range, sync::LazyLock};

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use super::operator;

macro_rules! topics {
    ($($topic:ident: $words:literal),* $(,)?) => {
        /// What a keyword speaks of.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(u8)]
        pub(super) enum Topic { None, $($topic),* }

        const WORDS: &[(Topic, &str)] = &[$((Topic::$topic, $words)),*];
        pub(super) const TOPICS: usize = WORDS.len() + 1;
    };
}

// One line a topic; words are parted by a bar, compared without regard to ASCII case, and taken whole where they are ASCII. A space
// within a word may as well be written as an underscore, a dash or a plus, or left out.
topics! {
    Email: "email|e-mail|mail|이메일|메일|メール|邮箱",
    Phone: "phone|phones|telephone|tel|mobile|cell|cellphone|fax|call|calling|answering|office|contact|sms|dial|hotline|whatsapp|handy|telefon|\
        téléphone|telefono|teléfono|telefone|celular|portable|msisdn|phone number|전화|휴대폰|핸드폰|연락처|휴대전화|팩스|고객센터|콜센터|\
        대표번호|문의|電話|携帯|电话|手机",
    Rrn: "rrn|resident registration|resident registration number|resident number|resident no|jumin|ssn kr|주민등록번호|주민번호|주민등록|주민|실명번호",
    Frn: "frn|alien registration|alien registration number|foreigner registration|arc number|외국인등록번호|외국인등록|외국인번호|외국인 등록",
    Brn: "brn|business registration|business registration number|business number|biz no|biz number|bizno|사업자등록번호|사업자번호|사업자 등록번호|사업자등록|사업자",
    Corp: "corporate registration|corporate registration number|corp reg no|법인 번호|법인등기번호|법인등록번호|법인번호|법인 등록번호|법인등록",
    License: "driver license|drivers license|driver license number|drivers license number|license no|dl number|driver's license|driver licence|driving licence|driving license|license number|운전면허번호|면허번호|운전면허|운전면허증|면허증|\
        면허|운전면허 번호",
    Passport: "passport|passport number|passport no|passport num|여권번호|여권|여권 번호|パスポート|护照|reisepass|passeport|pasaporte",
    Account: "account number|bank account|bank account number|account no|account num|acct|acct no|acct number|bank acct|계좌번호|계좌|은행|통장|입금|예금주|송금|이체|농협|신협|수협|새마을금고|우체국|카카오뱅크|토스뱅크|케이뱅크|환급|\
        가상계좌|국민|신한|하나|우리은행|기업은행|sc제일|씨티",
    Health: "건강보험번호|건강보험증|건강보험|의료보험번호|의료보험|보험증번호|증권번호|가입번호|가입자 번호|가입자번호|보험번호",
    Card: "credit card|credit card number|card number|card no|card num|card|cards|cc|cc number|cc num|visa|mastercard|amex|debit|debit card|pan|카드번호|카드|신용카드|체크카드|결제카드|カード|信用卡|karte|tarjeta",
    Iban: "iban|bic|swift",
    Ssn: "ssn|ssns|social security|social security number|social security no|tax id|taxpayer|itin|tin",
    Nhs: "nhs|nhs number|nhs no|national health",
    Nino: "nino|ni number|national insurance|national insurance number",
    Aadhaar: "aadhaar|aadhaar number|aadhaar no|aadhar|uidai|आधार",
    Pan: "pan card|permanent account",
    Nric: "nric|fin number",
    Sin: "sin|social insurance|social insurance number",
    Tfn: "tfn|tax file|tax file number",
    Cpf: "cpf|cadastro",
    CnId: "身份证|身份證|公民身份|resident identity|id card",
    MyNumber: "my number|マイナンバー|個人番号",
    DeTax: "steuer id|steuer identifikationsnummer|steuerliche identifikationsnummer|identifikationsnummer|idnr|steuernummer|tax id",
    DeCard: "personalausweis|personalausweisnummer|ausweis|ausweisnummer",
    Nir: "nir|sécurité sociale|securite sociale|insee|numéro de sécu",
    Nif: "nif|dni|nie|documento nacional",
    Fiscal: "codice fiscale|fiscal code",
    Pesel: "pesel",
    Personnummer: "personnummer|pnr|personal identity number|samordningsnummer",
    Hetu: "hetu|henkilötunnus|personal identity code",
    Bsn: "bsn|burgerservicenummer|sofinummer",
    Nrn: "nrn|rijksregister|rijksregisternummer|registre national|numéro national|insz|niss",
    Ip: "ip|ip address|ipaddr|client_ip|remote_addr|아이피",
    Mac: "mac|mac address",
    Postal: "zip|zip code|postal|postal code|postcode|post code|pin code|plz|code postal|cep|〒|우편번호|우:|(우 |우편|郵便番号|邮编",
    Vehicle: "차량번호|차량|차번호|번호판|license plate",
    Birth: "birth|born|birthday|birth date|birth day|date of birth|dob|bday|geboren|geburtsdatum|naissance|nacimiento|생년월일|생일|생신|출생|년생|일생|출생일|생년|生年月日|出生",
    // Numbers that are nobody's data: they take a value away from the topics above.
    Other: "order|order id|order number|order_id|order no|invoice|version|ver|build|sku|trace|request_id|request id|주문번호|접수번호|송장|송장번호|처방전|처방|처방번호|처방전번호|관리번호|\
        문서번호|제품번호|모델|고시|사건번호|일련번호|사원번호|사번|학번",
}

impl Topic {
    pub(super) const fn some(self) -> Option<Self> {
        if matches!(self, Self::None) { None } else { Some(self) }
    }
}

/// Bytes before a value in which a keyword counts.
pub(super) const BEFORE: usize = 72;
/// Bytes after a value in which a keyword counts.
pub(super) const AFTER: usize = 24;

const FAR: u8 = u8::MAX;

/// How far the nearest word of each topic is: bytes, [`FAR`] where there is none.
#[derive(Debug, Clone, Copy)]
pub(super) struct Context {
    distances: [u8; TOPICS],
    /// The least of all.
    least: u8,
}

struct Keywords {
    automaton: AhoCorasick,
    topics: Vec<(Topic, bool)>,
}

/// Every word in every way that it is written, with its topic.
pub(super) fn words() -> Vec<(Topic, String)> {
    WORDS
        .iter()
        .flat_map(|&(topic, words)| words.split('|').map(move |word| (topic, word)))
        .flat_map(|(topic, word)| {
            let inner = word.trim_matches(' ').contains(' ') && word.is_ascii();
            let ways: &[&str] = if inner { &[" ", "_", "-", "+", ""] } else { &[" "] };
            ways.iter().map(move |way| (topic, word.replace(' ', way)))
        })
        .collect()
}

static KEYWORDS: LazyLock<Keywords> = LazyLock::new(|| {
    let words = words();
    Keywords {
        // Most numbers don't come as far (`detect::near`): one that is made in little time will do.
        automaton: AhoCorasick::builder()
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .match_kind(MatchKind::LeftmostLongest)
            .ascii_case_insensitive(true)
            .build(words.iter().map(|(_, word)| word))
            .expect("the words are few and fixed"),
        topics: words.iter().map(|(topic, word)| (*topic, word.is_ascii())).collect(),
    }
});

impl Context {
    pub(super) const EMPTY: Self = Self { distances: [FAR; TOPICS], least: FAR };

    /// Reads around `value`, no further than the bounds of `text`.
    pub(super) fn around(text: &[u8], value: Range<usize>) -> Self {
        let mut found = Self::EMPTY;
        let keywords = &*KEYWORDS;
        let field = field(text, value.start);
        let from = field.unwrap_or(value.start.saturating_sub(BEFORE));
        let before = &text[from..value.start];
        for hit in keywords.automaton.find_iter(before) {
            let (topic, ascii) = keywords.topics[hit.pattern()];
            let word = from + hit.start()..from + hit.end();
            if (!ascii || is_whole(text, word.clone(), value.start)) && !is_of_mark(text, &word) {
                let distance = before.len() - hit.end();
                match between_lines(&before[hit.end()..]) {
                    Some(0) => found.note(topic, distance),
                    Some(newlines) => found.note(topic, distance + newlines * 16),
                    None => {}
                }
            }
        }
        if field.is_some() {
            return found;
        }
        let after = &text[value.end..text.len().min(value.end + AFTER)];
        for hit in keywords.automaton.find_iter(after) {
            let (topic, ascii) = keywords.topics[hit.pattern()];
            let word = value.end + hit.start()..value.end + hit.end();
            if (!ascii || is_whole(text, word.clone(), value.start))
                && !after[..hit.start()].contains(&b'\n')
                && !is_of_mark(text, &word)
            {
                // A word before a value speaks of it sooner than one behind it, which may belong to the next.
                let same_word = hit.start() <= 2;
                found.note(topic, if same_word { 4 + hit.start() } else { 24 + 2 * hit.start() });
            }
        }
        found
    }

    /// Whether there is a word of no other topic.
    pub(super) fn is_only(&self, topic: Topic) -> bool {
        self.distances.iter().enumerate().all(|(i, &distance)| distance == FAR || i == topic as usize)
    }

    fn note(&mut self, topic: Topic, distance: usize) {
        let distance = u8::try_from(distance).unwrap_or(FAR - 1);
        let place = &mut self.distances[topic as usize];
        *place = (*place).min(distance);
        self.least = self.least.min(distance);
    }

    /// Whether no word of any topic is near.
    pub(super) fn is_empty(&self) -> bool {
        self.least == FAR
    }

    /// Whether a word of the topic is near.
    pub(super) fn has(&self, topic: Topic) -> bool {
        self.distances[topic as usize] != FAR
    }

    /// Whether no other topic is nearer than this one.
    pub(super) fn speaks_of(&self, topic: Topic) -> bool {
        self.has(topic) && self.distances[topic as usize] == self.least
    }

    /// Whether another topic of numbers is nearer than this one.
    pub(super) fn speaks_of_another(&self, topic: Topic) -> bool {
        self.least < 16 && self.distances[topic as usize] > self.least
    }
}

/// How many lines end between a word and a value that has it for its label; none where what stands between is more than a label's sign.
fn between_lines(between: &[u8]) -> Option<usize> {
    let Some(first) = memchr::memchr(b'\n', between) else { return Some(0) };
    let sign = between.iter().all(|b| !b.is_ascii_alphanumeric() && *b < 0x80);
    (sign && first < 4).then(|| memchr::memchr_iter(b'\n', between).count())
}

/// Where the name of the field begins whose value begins at `start`, where that is a machine's number: `"bytes": 12`, `seq=12`. Only
/// the name counts there, not what stands before it.
pub(super) fn machine_field(text: &[u8], start: usize) -> Option<usize> {
    let mut end = start;
    end -= usize::from(end > 0 && matches!(text[end - 1], b'"' | b'\''));
    end -= usize::from(end > 1 && text[end - 1] == b' ' && text[end - 2] == b':');
    end = end.checked_sub(1).filter(|&i| matches!(text[i], b':' | b'='))?;
    end -= usize::from(end > 0 && matches!(text[end - 1], b'"' | b'\''));
    let part = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    let length = text[..end].iter().rev().take(48).take_while(|b| part(b)).count();
    let name = &text[end - length..end];
    let last = name.iter().rposition(|b| !b.is_ascii_alphabetic()).map_or(name, |i| &name[i + 1..]);
    // `orderId`: a capital begins a part, where small letters follow.
    let hump = last.iter().rposition(u8::is_ascii_uppercase).filter(|&i| i + 1 < last.len() && i > 0);
    let last = &last[hump.unwrap_or(0)..];
    is_machine(last).then_some(end - length)
}

/// Whether it is the last part of a name that machines give to numbers of theirs.
fn is_machine(name: &[u8]) -> bool {
    let mut word = [0; 14];
    let Some(word) = word.get_mut(..name.len()) else { return false };
    word.copy_from_slice(name);
    word.make_ascii_lowercase();
    #[rustfmt::skip] // many to a line
    let machine = matches!(
        &*word,
        b"id" | b"ids" | b"uid" | b"gid" | b"pid" | b"tid" | b"seq" | b"sequence" | b"offset" | b"ts" |
        b"time" | b"timestamp" | b"at" | b"iat" | b"exp" | b"nbf" | b"size" | b"bytes" | b"length" | b"len"
        | b"count" | b"cnt" | b"total" | b"amount" | b"price" | b"duration" | b"latency" | b"elapsed" |
        b"ms" | b"us" | b"ns" | b"sec" | b"seconds" | b"millis" | b"micros" | b"nanos" | b"status" |
        b"version" | b"ver" | b"port" | b"trace" | b"span" | b"hash" | b"etag" | b"crc" | b"checksum" |
        b"rev" | b"revision" | b"build" | b"commit" | b"order" | b"txn" | b"xid" | b"lsn" | b"cursor" |
        b"page" | b"limit" | b"epoch" | b"nonce" | b"partition" | b"generation" | b"quantity" | b"qty" |
        b"score" | b"rate" | b"ratio" | b"lat" | b"lon" | b"lng" | b"latitude" | b"longitude" | b"height" |
        b"width" | b"index" | b"idx" | b"row" | b"rows" | b"line" | b"col" | b"job" | b"batch" | b"run" |
        b"step" | b"attempt" | b"retries" | b"memory" | b"mem" | b"cpu" | b"heap" | b"rss" | b"uptime" |
        b"ttl" | b"max" | b"min" | b"avg" | b"sum" | b"took" | b"items" | b"sku" | b"balance" | b"level" |
        b"load" | b"temperature" | b"pressure"
    );
    machine
}

/// Where that begins which alone speaks of a value at `start`, where that is less than what stands around it.
pub(super) fn field(text: &[u8], start: usize) -> Option<usize> {
    match start.checked_sub(1).map(|i| text[i])? {
        b'/' => path(text, start),
        b':' | b'=' | b' ' | b'"' | b'\'' => machine_field(text, start),
        _ => None,
    }
}

/// Where the segment of a path begins that stands before a number at `start`: nothing before it speaks of the number.
fn path(text: &[u8], start: usize) -> Option<usize> {
    let before =
        text[..start].strip_suffix(b"/").filter(|before| before.last().is_some_and(u8::is_ascii_alphanumeric))?;
    let segment = |b: &&u8| b.is_ascii_graphic() && !matches!(**b, b'"' | b'/');
    Some(before.len() - before.iter().rev().take(BEFORE).take_while(segment).count())
}

/// Whether a number that begins at `start` is what a machine's field or path holds: `seq=12`, `/items/12`, but not `/users/12`.
pub(super) fn is_machines(text: &[u8], start: usize) -> bool {
    const PEOPLE: &str = "|user|users|customer|customers|member|members|patient|patients|person|persons|people|employee|employees|resident|residents|citizen|client|";
    let path = || {
        let Some(before) = text[..start].strip_suffix(b"/") else { return false };
        let length = before.iter().rev().take(12).take_while(|b| b.is_ascii_alphanumeric()).count();
        let name = String::from_utf8_lossy(&before[before.len() - length..]).to_ascii_lowercase();
        length > 0 && !PEOPLE.contains(&format!("|{name}|"))
    };
    let word = || {
        let Some(before) = text[..start].strip_suffix(b" ") else { return false };
        let length = before.iter().rev().take(14).take_while(|b| b.is_ascii_lowercase()).count();
        length > 1 && is_machine(&before[before.len() - length..])
    };
    machine_field(text, start).is_some() || path() || word()
}

/// Whether a word is the name of a type in a mark that was written for a value.
fn is_of_mark(text: &[u8], word: &Range<usize>) -> bool {
    operator::is_mark(text, word.start, word.end, operator::is_built_in)
}

/// Whether the word stands by itself; a value may follow it at once.
fn is_whole(text: &[u8], word: Range<usize>, value: usize) -> bool {
    is_begun(text, &word) && (word.end == value || is_ended(text, &word))
}

/// Whether a byte goes on with a word: a short word within letters and digits is a piece of a hash sooner.
fn goes_on(byte: u8, word: &Range<usize>) -> bool {
    byte.is_ascii_alphabetic() || word.len() < 4 && byte.is_ascii_digit()
}

/// Whether no other word goes on before it.
pub(super) fn is_begun(text: &[u8], word: &Range<usize>) -> bool {
    let before = word.start.checked_sub(1).map(|i| text[i]);
    // `userPhone`: a capital after a small letter begins a word.
    before.is_none_or(|b| !goes_on(b, word) || (b.is_ascii_lowercase() && text[word.start].is_ascii_uppercase()))
}

/// Whether no other word goes on behind it.
pub(super) fn is_ended(text: &[u8], word: &Range<usize>) -> bool {
    let after = text.get(word.end);
    after.is_none_or(|&b| !goes_on(b, word) || (b.is_ascii_uppercase() && text[word.end - 1].is_ascii_lowercase()))
}
