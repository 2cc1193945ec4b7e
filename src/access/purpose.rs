//! Purposes: what people may say that they work for. A closed list, with a key of a public vocabulary each, so that records can be
//! compared and reported.

use std::sync::Arc;

/// One purpose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Purpose {
    /// What policies and records name it by: small letters, digits, `-`.
    pub key: Arc<str>,
    /// As people read it in English.
    pub title_en: String,
    /// As people read it in Korean.
    pub title_ko: String,
    /// Its key in the W3C's Data Privacy Vocabulary (`dpv:...`) or in Fideslang (`fides:...`).
    pub dpv: String,
    /// Who may choose it; nobody where it is empty.
    pub roles: Vec<String>,
    /// Whether a ticket has to be named with it.
    pub ticket: bool,
}

impl Purpose {
    /// Whether people of one of `roles` may choose it.
    #[must_use]
    pub fn is_of(&self, roles: &[&str]) -> bool {
        self.roles.iter().any(|role| roles.contains(&role.as_str()))
    }
}

/// The closed list, in its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Purposes(Vec<Purpose>);

impl Purposes {
    /// The list that Privet brings.
    #[must_use]
    pub fn shipped() -> Self {
        let purpose = |key: &str, title_en: &str, title_ko: &str, dpv: &str, roles: &[&str], ticket| Purpose {
            key: key.into(),
            title_en: title_en.to_owned(),
            title_ko: title_ko.to_owned(),
            dpv: format!("dpv:{dpv}"),
            roles: roles.iter().map(|role| (*role).to_owned()).collect(),
            ticket,
        };
        Self(vec![
            purpose(
                "marketing",
                "Marketing to people who have agreed",
                "동의한 이용자 대상 마케팅",
                "DirectMarketing",
                &["marketing"],
                false,
            ),
            purpose(
                "complaint",
                "Complaints and inquiries",
                "고객 불만 및 문의 처리",
                "CustomerClaimsManagement",
                &["complaints"],
                true,
            ),
            purpose(
                "duty",
                "The duty of my job description",
                "직무기술서상 업무 수행",
                "ServiceProvision",
                &["duty"],
                false,
            ),
            purpose("account", "Administration of accounts", "계정 관리", "AccountManagement", &["duty"], false),
            purpose(
                "breach",
                "Handling of a breach",
                "개인정보 유출 대응",
                "EnforceSecurity",
                &["privacy-officer"],
                false,
            ),
            purpose(
                "rights",
                "A person's own rights",
                "정보주체 권리 행사 대응",
                "RightsFulfilment",
                &["privacy-officer"],
                false,
            ),
            purpose(
                "legal-duty",
                "A duty of the law",
                "법적 의무 이행",
                "LegalCompliance",
                &["privacy-officer"],
                false,
            ),
            purpose(
                "audit",
                "Audit of how data is handled",
                "개인정보 처리 점검",
                "OrganisationComplianceManagement",
                &["privacy-officer"],
                false,
            ),
        ])
    }

    /// Adds a purpose; one of the same key is replaced in its place.
    pub fn put(&mut self, purpose: Purpose) {
        match self.0.iter_mut().find(|known| known.key == purpose.key) {
            Some(known) => *known = purpose,
            None => self.0.push(purpose),
        }
    }

    /// All of them.
    pub fn iter(&self) -> std::slice::Iter<'_, Purpose> {
        self.0.iter()
    }

    /// The purpose of this key.
    #[must_use]
    pub fn find(&self, key: &str) -> Option<&Purpose> {
        self.0.iter().find(|purpose| &*purpose.key == key)
    }

    /// Those that people of `roles` may choose.
    pub fn of<'p>(&'p self, roles: &'p [&'p str]) -> impl Iterator<Item = &'p Purpose> {
        self.0.iter().filter(|purpose| purpose.is_of(roles))
    }

    /// Their keys.
    #[must_use]
    pub fn keys(&self) -> Vec<&str> {
        self.0.iter().map(|purpose| &*purpose.key).collect()
    }
}

impl<'p> IntoIterator for &'p Purposes {
    type Item = &'p Purpose;
    type IntoIter = std::slice::Iter<'p, Purpose>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// Whether this may be the key of a purpose, or the name of a group of types.
#[must_use]
pub fn is_key(text: &str) -> bool {
    let legal = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=32).contains(&text.len()) && text.bytes().all(legal) && text != super::vocabulary::NONE
}
