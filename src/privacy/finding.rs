//! What was found, where, and how sure that is.

use std::{fmt, ops::Range, sync::Arc};

macro_rules! kinds {
    ($($variant:ident $name:literal $topic:ident $doc:literal),* $(,)?) => {
        /// A type of personal data or of secret, by its published name: Presidio's entity names where one exists.
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Kind {
            $(#[doc = $doc] $variant,)*
            /// A type of the operator's own (`[[privacy.detector]]`).
            Own(Arc<str>),
        }

        impl Kind {
            /// Every built-in type.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// As it is written everywhere.
            #[must_use]
            pub fn name(&self) -> &str {
                match self {
                    $(Self::$variant => $name,)*
                    Self::Own(name) => name,
                }
            }

            /// Its place in [`Kind::ALL`]; none for an operator's own.
            pub(super) fn index(&self) -> Option<usize> {
                enum Index { $($variant),* }
                match self {
                    $(Self::$variant => Some(Index::$variant as usize),)*
                    Self::Own(_) => None,
                }
            }

            /// The words that speak of it.
            pub(super) fn topic(&self) -> Option<Topic> {
                match self {
                    $(Self::$variant => Topic::$topic.some(),)*
                    Self::Own(_) => None,
                }
            }
        }
    };
}

use super::context::Topic;

kinds! {
    Email "EMAIL_ADDRESS" Email "RFC 5321 address with a public-looking domain.",
    Phone "PHONE_NUMBER" Phone "E.164, or a national form.",
    KrRrn "KR_RRN" Rrn "Resident registration number, six digits of birth and seven more.",
    KrFrn "KR_FRN" Frn "Foreigner registration number, the same form with 5 to 8 as seventh digit.",
    KrBrn "KR_BRN" Brn "Business registration number, 3-2-5.",
    KrCorpReg "KR_CORP_REG" Corp "Corporate registration number, 6-7.",
    KrDriverLicense "KR_DRIVER_LICENSE" License "Driving licence, 2-2-6-2.",
    KrPassport "KR_PASSPORT" Passport "Passport, a letter and eight digits.",
    KrBankAccount "KR_BANK_ACCOUNT" Account "Account of a Korean bank.",
    KrHealthInsurance "KR_HEALTH_INSURANCE" Health "Number of the national health insurance.",
    CreditCard "CREDIT_CARD" Card "ISO/IEC 7812 number, 12 to 19 digits with Luhn's check digit.",
    Iban "IBAN_CODE" Iban "ISO 13616, MOD 97-10.",
    UsSsn "US_SSN" Ssn "Social security number, 3-2-4.",
    UsItin "US_ITIN" Ssn "Taxpayer number, 9xx-5x..9x-xxxx.",
    UsPassport "US_PASSPORT" Passport "Passport, nine digits or a letter and eight.",
    UkNhs "UK_NHS" Nhs "NHS number, ten digits, modulus 11.",
    UkNino "UK_NINO" Nino "National insurance number.",
    InAadhaar "IN_AADHAAR" Aadhaar "Twelve digits with Verhoeff's check digit.",
    InPan "IN_PAN" Pan "Permanent account number.",
    SgNric "SG_NRIC_FIN" Nric "NRIC or FIN with its check letter.",
    CaSin "CA_SIN" Sin "Social insurance number, nine digits, Luhn.",
    AuTfn "AU_TFN" Tfn "Tax file number, nine digits, modulus 11.",
    BrCpf "BR_CPF" Cpf "Cadastro de pessoas físicas, eleven digits, two check digits.",
    CnRic "CN_RIC" CnId "GB 11643 number, eighteen characters, MOD 11-2.",
    JpMyNumber "JP_MY_NUMBER" MyNumber "Individual number, twelve digits, modulus 11.",
    DeTaxId "DE_TAX_ID" DeTax "Steuer-Identifikationsnummer, eleven digits, MOD 11,10.",
    DeIdCard "DE_ID_CARD" DeCard "Personalausweis, nine characters.",
    FrNir "FR_NIR" Nir "Numéro de sécurité sociale, fifteen digits, modulus 97.",
    EsNif "ES_NIF" Nif "DNI, eight digits and a letter, modulus 23.",
    EsNie "ES_NIE" Nif "NIE, X, Y or Z, seven digits and a letter.",
    ItFiscalCode "IT_FISCAL_CODE" Fiscal "Codice fiscale, sixteen characters with a check letter.",
    PlPesel "PL_PESEL" Pesel "PESEL, eleven digits with a date of birth.",
    SePersonnummer "SE_PERSONNUMMER" Personnummer "Personnummer, Luhn.",
    FiHetu "FI_HETU" Hetu "Henkilötunnus, modulus 31.",
    NlBsn "NL_BSN" Bsn "Burgerservicenummer, nine digits, modulus 11.",
    BeNrn "BE_NRN" Nrn "Rijksregisternummer, eleven digits, modulus 97.",
    IpAddress "IP_ADDRESS" Ip "IPv4 or IPv6, but for loopback and unspecified ones.",
    MacAddress "MAC_ADDRESS" Mac "EUI-48.",
    UrlCredentials "URL_CREDENTIALS" None "User and password of a URL (RFC 3986, section 3.2.1).",
    PostalCode "POSTAL_CODE" Postal "Beside a keyword only.",
    KrVehicle "KR_VEHICLE" Vehicle "Number plate.",
    DateOfBirth "DATE_OF_BIRTH" Birth "A date beside a keyword.",
    Crypto "CRYPTO" None "Bitcoin or Ethereum address.",
    Person "PERSON" None "A name, by its label, honorific or place.",
    Location "LOCATION" None "A postal address, by its label or its grammar.",
    Jwt "JWT" None "JSON web token (RFC 7519).",
    BearerToken "BEARER_TOKEN" None "Bearer credentials (RFC 6750).",
    BasicCredentials "BASIC_CREDENTIALS" None "Basic credentials (RFC 7617).",
    SessionCookie "SESSION_COOKIE" None "Value of a cookie that carries a session.",
    PrivateKey "PRIVATE_KEY" None "PEM private key.",
    ApiKey "API_KEY" None "Key with a well-known prefix, or in a field named so.",
    Password "PASSWORD" None "Value of a field named so.",
}

impl Kind {
    /// Whether its values open something, and tell nothing about anybody.
    pub(super) fn is_secret(&self) -> bool {
        matches!(
            self,
            Self::UrlCredentials
                | Self::Jwt
                | Self::BearerToken
                | Self::BasicCredentials
                | Self::SessionCookie
                | Self::PrivateKey
                | Self::ApiKey
                | Self::Password
        )
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Of what type.
    pub kind: Kind,
    /// Its bytes.
    pub start: usize,
    /// One past its last byte.
    pub end: usize,
    /// Percent, 1 to 100.
    pub confidence: u8,
    /// Whether it may go on past what was looked at, up to its terminator.
    pub open: bool,
}

impl Finding {
    pub(super) fn new(kind: Kind, span: Range<usize>, confidence: u8) -> Self {
        Self { kind, start: span.start, end: span.end, confidence, open: false }
    }

    /// Its bytes.
    #[must_use]
    pub fn span(&self) -> Range<usize> {
        self.start..self.end
    }
}
