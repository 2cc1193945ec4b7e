//! Forged records beside those of people.
