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

// One line a topic; words are parted by a bar, compared without regard to ASCII case, and taken whole where they are ASCII.
topics! {
    Email: "email|e-mail|mail|이메일|메일|メール|邮箱",
    Phone: "phone|phones|telephone|tel|mobile|cell|cellphone|fax|call|calling|answering|office|contact|sms|dial|hotline|whatsapp|handy|telefon|\
        téléphone|telefono|teléfono|telefone|celular|portable|msisdn|phone_number|phonenumber|phone number|전화|휴대폰|핸드폰|연락처|휴대전화|팩스|고객센터|콜센터|\
        대표번호|문의|電話|携帯|电话|手机",
    Rrn: "rrn|resident registration|주민등록번호|주민번호|주민등록|주민|실명번호",
    Frn: "frn|alien registration|외국인등록번호|외국인등록|외국인번호|외국인 등록",
    Brn: "brn|business registration|business number|사업자등록번호|사업자번호|사업자 등록번호|사업자등록|사업자",
    Corp: "corporate registration|법인등록번호|법인번호|법인 등록번호|법인등록",
    License: "driver license|drivers license|driver's license|driver licence|driving licence|driving license|license number|운전면허번호|면허번호|운전면허|운전면허증|면허증|\
        면허|운전면허 번호",
    Passport: "passport|passport number|여권번호|여권|여권 번호|パスポート|护照|reisepass|passeport|pasaporte",
    Account: "account number|bank account|account no|acct|계좌번호|계좌|은행|통장|입금|예금주|송금|이체|농협|신협|수협|새마을금고|우체국|카카오뱅크|토스뱅크|케이뱅크|환급|\
        가상계좌|국민|신한|하나|우리은행|기업은행|sc제일|씨티",
    Health: "건강보험번호|건강보험증|건강보험|의료보험번호|의료보험|보험증번호|증권번호|가입번호|가입자 번호|가입자번호|보험번호",
    Card: "credit card|creditcard|card number|cardnumber|card|cards|cc|visa|mastercard|amex|debit|pan|ccnum|카드번호|카드|신용카드|체크카드|결제카드|カード|信用卡|karte|tarjeta",
    Iban: "iban|bic|swift",
    Ssn: "ssn|ssns|social security|social security number|socialsecurity|tax id|taxpayer|itin|tin",
    Nhs: "nhs|nhs number|national health",
    Nino: "nino|ni number|national insurance",
    Aadhaar: "aadhaar|aadhar|uidai|आधार",
    Pan: "pan card|permanent account",
    Nric: "nric|fin number",
    Sin: "sin|social insurance",
    Tfn: "tfn|tax file",
    Cpf: "cpf|cadastro",
    CnId: "身份证|身份證|公民身份|resident identity|id card",
    MyNumber: "my number|mynumber|マイナンバー|個人番号",
    DeTax: "steuer-id|steuerid|steuer-identifikationsnummer|steueridentifikationsnummer|idnr|steuernummer|tax id",
    DeCard: "personalausweis|ausweis|ausweisnummer",
    Nir: "nir|sécurité sociale|securite sociale|insee|numéro de sécu",
    Nif: "nif|dni|nie|documento nacional",
    Fiscal: "codice fiscale|codicefiscale|fiscal code",
    Pesel: "pesel",
    Personnummer: "personnummer|pnr|personal identity number|samordningsnummer",
    Hetu: "hetu|henkilötunnus|personal identity code",
    Bsn: "bsn|burgerservicenummer|sofinummer",
    Nrn: "nrn|rijksregister|rijksregisternummer|registre national|numéro national|insz|niss",
    Ip: "ip|ip address|ipaddr|client_ip|remote_addr|아이피",
    Mac: "mac|mac address",
    Postal: "zip|zipcode|zip code|postal|postal code|postalcode|postcode|post code|plz|code postal|cep|우편번호|우:|우편|郵便番号|邮编",
    Vehicle: "차량번호|차량|차번호|번호판|license plate",
    Birth: "birth|born|birthday|birthdate|date of birth|dob|date_of_birth|dateofbirth|geboren|geburtsdatum|naissance|nacimiento|생년월일|생일|출생|출생일|생년|生年月日|出生",
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
pub(super) struct Context([u8; TOPICS]);

struct Keywords {
    automaton: AhoCorasick,
    topics: Vec<(Topic, bool)>,
}

static KEYWORDS: LazyLock<Keywords> = LazyLock::new(|| {
    let words: Vec<_> =
        WORDS.iter().flat_map(|&(topic, words)| words.split('|').map(move |word| (topic, word))).collect();
    Keywords {
        automaton: AhoCorasick::builder()
            .kind(Some(AhoCorasickKind::DFA))
            .match_kind(MatchKind::LeftmostLongest)
            .ascii_case_insensitive(true)
            .build(words.iter().map(|&(_, word)| word))
            .expect("the words are few and fixed"),
        topics: words.iter().map(|&(topic, word)| (topic, word.is_ascii())).collect(),
    }
});

impl Context {
    pub(super) const EMPTY: Self = Self([FAR; TOPICS]);

    /// Reads around `value`, no further than the bounds of `text`.
    pub(super) fn around(text: &[u8], value: Range<usize>) -> Self {
        let mut found = Self::EMPTY;
        let keywords = &*KEYWORDS;
        let from = value.start.saturating_sub(BEFORE);
        let before = &text[from..value.start];
        for hit in keywords.automaton.find_iter(before) {
            let (topic, ascii) = keywords.topics[hit.pattern()];
            let is_of_mark = || operator::is_mark(text, from + hit.start(), from + hit.end(), operator::is_built_in);
            if (!ascii || is_whole(before, hit.range())) && !is_of_mark() {
                let distance = before.len() - hit.end();
                let newlines = memchr::memchr_iter(b'\n', &before[hit.end()..]).count();
                found.note(topic, distance + newlines * 16);
            }
        }
        let after = &text[value.end..text.len().min(value.end + AFTER)];
        for hit in keywords.automaton.find_iter(after) {
            let (topic, ascii) = keywords.topics[hit.pattern()];
            let (start, end) = (value.end + hit.start(), value.end + hit.end());
            if (!ascii || is_whole(after, hit.range()))
                && !after[..hit.start()].contains(&b'\n')
                && !operator::is_mark(text, start, end, operator::is_built_in)
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
        self.0.iter().enumerate().all(|(i, &distance)| distance == FAR || i == topic as usize)
    }

    /// Whether there is no word of any topic.
    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(|&distance| distance == FAR)
    }

    fn note(&mut self, topic: Topic, distance: usize) {
        let place = &mut self.0[topic as usize];
        *place = (*place).min(u8::try_from(distance).unwrap_or(FAR - 1));
    }

    /// Whether a word of the topic is near.
    pub(super) fn has(&self, topic: Topic) -> bool {
        self.0[topic as usize] != FAR
    }

    /// Whether no other topic is nearer than this one.
    pub(super) fn speaks_of(&self, topic: Topic) -> bool {
        let own = self.0[topic as usize];
        own != FAR && self.0[1..].iter().all(|&other| own <= other)
    }

    /// Whether another topic of numbers is nearer than this one.
    pub(super) fn speaks_of_another(&self, topic: Topic) -> bool {
        let own = self.0[topic as usize];
        let near = |&(i, &distance): &(usize, &u8)| i != topic as usize && distance < own && distance < 16;
        self.0.iter().enumerate().skip(1).any(|pair| near(&pair))
    }
}

fn is_whole(text: &[u8], word: Range<usize>) -> bool {
    let letter = |b: &u8| b.is_ascii_alphabetic();
    let before = word.start.checked_sub(1).map(|i| text[i]);
    // `userPhone`: a capital after a small letter begins a word.
    let begins =
        before.is_none_or(|b| !letter(&b) || (b.is_ascii_lowercase() && text[word.start].is_ascii_uppercase()));
    begins
        && text
            .get(word.end)
            .is_none_or(|b| !letter(b) || (b.is_ascii_uppercase() && text[word.end - 1].is_ascii_lowercase()))
}
