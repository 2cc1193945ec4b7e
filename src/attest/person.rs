//! Somebody who does not exist: values that every detector must know, by a number.

/// A made-up person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The key of their record.
    pub id: String,
    /// A mail address of a domain that is nobody's (RFC 2606).
    pub email: String,
    /// A Korean mobile number.
    pub phone: String,
    /// A resident registration number with its check digit.
    pub rrn: String,
    /// A card number with its check digit.
    pub card: String,
}

/// Digits of a resident registration number, by their weights.
const WEIGHTS: [u32; 12] = [2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5];

impl Person {
    /// The person of a number.
    #[must_use]
    pub fn of(number: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(number);
        let mut digits = |n: usize| -> Vec<u32> { (0..n).map(|_| random.u32(0..10)).collect() };
        let (head, tail) = (digits(4), digits(4));
        let text = |digits: &[u32]| digits.iter().map(ToString::to_string).collect::<String>();
        // Born on 17 March 1985.
        let mut rrn = vec![8, 5, 0, 3, 1, 7, 1];
        rrn.extend(digits(5));
        let sum: u32 = rrn.iter().zip(WEIGHTS).map(|(digit, weight)| digit * weight).sum();
        rrn.push((11 - sum % 11) % 10);
        let mut card = vec![4, 5, 3, 9];
        card.extend(digits(11));
        let doubled = |(place, digit): (usize, &u32)| match digit * 2 {
            // Counted from the check digit, which is still to come: every place with an even number is doubled.
            double if place % 2 == 0 => double / 10 + double % 10,
            _ => *digit,
        };
        let sum: u32 = card.iter().enumerate().map(doubled).sum();
        card.push((10 - sum % 10) % 10);
        Self {
            id: format!("probe-{number:016x}"),
            email: format!("probe.{}@privet-probe.example.com", text(&digits(8))),
            phone: format!("010-{}{}-{}", 2 + head[0] % 7, text(&head[1..]), text(&tail)),
            rrn: format!("{}-{}", text(&rrn[..6]), text(&rrn[6..])),
            // In groups: a number of sixteen digits alone may be anything.
            card: card.chunks(4).map(text).collect::<Vec<_>>().join("-"),
        }
    }

    /// What must not be seen in clear: its type, and the value.
    #[must_use]
    pub fn values(&self) -> [(&'static str, &str); 4] {
        [
            ("EMAIL_ADDRESS", &self.email),
            ("PHONE_NUMBER", &self.phone),
            ("KR_RRN", &self.rrn),
            ("CREDIT_CARD", &self.card),
        ]
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::privacy::{self, Engine, Keys, Tally};

    #[test]
    fn everything_about_them_is_known_as_personal() {
        let engine = Engine::new(&privacy::settings::Settings::default(), Arc::new(Keys::ephemeral().expect("keys")));
        for number in 0..500 {
            let person = Person::of(number);
            for (kind, value) in person.values() {
                let (mut out, mut tally) = (Vec::new(), Tally::default());
                engine.scrub(value.as_bytes(), &mut out, &mut tally);
                let found: Vec<String> = tally.iter().map(|(kind, _)| kind.name().to_owned()).collect();
                assert!(found.contains(&kind.to_owned()), "{value} is {found:?}");
            }
            assert_eq!(person, Person::of(number));
        }
        assert_ne!(Person::of(1).email, Person::of(2).email);
    }
}
