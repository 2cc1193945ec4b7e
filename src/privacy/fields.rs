//! What the names of fields say, for those that were seen of late: queries have the same few again and again.

use std::fmt;

use super::{
    Engine, Tally,
    detect::usual::{Expected, Told},
};

/// Names that are remembered, each in the one place that it leads to, and the longest in bytes.
const PLACES: usize = 64;
const LONGEST: usize = 16;

/// Names that were seen of late. Only letters are remembered, and nothing of any value.
#[derive(Default)]
pub struct Fields(Vec<Field>);

#[derive(Clone, Copy)]
struct Field {
    /// Of the rules that were asked; none is 0.
    engine: u64,
    name: u128,
    expected: Expected,
}

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fields").finish_non_exhaustive()
    }
}

impl Fields {
    /// Appends the value of a field with what is personal in it rewritten, as [`Engine::scrub_field`] does. Returns whether there was
    /// anything.
    pub fn scrub(&mut self, engine: &Engine, name: &[u8], value: &[u8], out: &mut Vec<u8>, tally: &mut Tally) -> bool {
        match engine.detector().look(self.expected(engine, name), value) {
            Told::Nothing => {
                out.extend_from_slice(value);
                false
            }
            Told::Whole(kind) => {
                tally.add(kind);
                engine.rewrite_plain(kind, value, out);
                true
            }
            Told::Unsure => engine.scrub_field(name, value, out, tally),
        }
    }

    fn expected(&mut self, engine: &Engine, name: &[u8]) -> Expected {
        const EMPTY: Field = Field { engine: 0, name: 0, expected: Expected::Other };
        if name.len() > LONGEST || !name.iter().all(|b| b.is_ascii_alphabetic() || *b == b'_') {
            return Expected::Other;
        }
        let mut word = [0; LONGEST];
        word[..name.len()].copy_from_slice(name);
        let word = u128::from_le_bytes(word);
        self.0.resize(PLACES, EMPTY);
        let place = word.wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835) >> 122;
        let field = &mut self.0[usize::try_from(place).unwrap_or(0)];
        if (field.engine, field.name) != (engine.id(), word) {
            *field = Field { engine: engine.id(), name: word, expected: engine.detector().expect(name) };
        }
        field.expected
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::privacy::{Keys, Kind, settings::Settings};

    #[test]
    fn a_name_that_is_known_changes_nothing() {
        let keys = Arc::new(Keys::ephemeral().expect("keys"));
        let off = Settings { off: vec![Kind::Phone], ..Settings::default() };
        let engines = [Settings::default(), off].map(|settings| Engine::new(&settings, Arc::clone(&keys)));
        let mut fields = Fields::default();
        for engine in engines.iter().chain(&engines) {
            for name in ["phone", "email", "page", "name", "Phone", "x-phone", "", "a_field_of_a_longer_name"] {
                for value in ["010-1234-5678", "kim.minsu@example.net", "2", "김민수", "date", "", "1 010-1234-5678"]
                {
                    let (name, value) = (name.as_bytes(), value.as_bytes());
                    let (mut plain, mut known) = ((Vec::new(), Tally::default()), (Vec::new(), Tally::default()));
                    let found = engine.scrub_field(name, value, &mut plain.0, &mut plain.1);
                    assert_eq!(fields.scrub(engine, name, value, &mut known.0, &mut known.1), found);
                    assert_eq!(known, plain);
                }
            }
        }
    }
}
