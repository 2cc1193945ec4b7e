//! One key, as the schema has it.

/// One key.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// Its table: `""`, `listen`, `tls.certificate[]`, ...
    pub table: &'static str,
    /// Its name.
    pub name: &'static str,
    /// What it takes, with an example in TOML.
    pub example: &'static str,
    /// What holds without it.
    pub default: &'static str,
    /// What it means, with units.
    pub doc: &'static str,
}

/// One key, in the order of its fields.
pub(super) const fn key(
    table: &'static str,
    name: &'static str,
    example: &'static str,
    default: &'static str,
    doc: &'static str,
) -> Key {
    Key { table, name, example, default, doc }
}
