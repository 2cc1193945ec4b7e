//! The table of rules, a file a theme. A new rule is an entry and a sample of what is bad and what is good in `tests.rs`.

pub mod configuration;
mod cookies;
mod data;
mod headers;
mod leaks;
mod pages;
pub mod site;
mod texts;
pub mod transport;

use super::rule::{Looks, Rule};

/// All rules.
pub fn all() -> impl Iterator<Item = &'static Rule> {
    let passive = [cookies::RULES, headers::RULES, leaks::RULES, data::RULES, pages::RULES];
    let asked = [site::RULES, transport::RULES, configuration::RULES];
    passive.into_iter().flatten().chain(asked.into_iter().flatten().copied())
}

/// Those that look at answers.
pub fn passive() -> impl Iterator<Item = &'static Rule> {
    all().filter(|rule| matches!(rule.looks, Looks::Answer(_)))
}

/// The rule of this name.
#[must_use]
pub fn named(id: &str) -> Option<&'static Rule> {
    all().find(|rule| rule.id == id)
}

#[cfg(test)]
mod tests;
