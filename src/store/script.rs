//! Lua that the server runs as one step.

use std::{fmt::Write as _, sync::Arc};

use aws_lc_rs::digest;
use redis::Cmd;

/// A script, sent by its hash; its text goes over the wire only when the server does not know it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Script(Arc<Text>);

#[derive(Debug)]
struct Text {
    source: String,
    sha1: String,
}

impl Script {
    /// A script of this text. Its keys are `KEYS`, its arguments `ARGV`; all keys of a call must share a hash tag (`{..}`), so that a
    /// cluster has them in one place.
    #[must_use]
    pub fn new(source: &str) -> Self {
        // SHA-1 is how the server names scripts; nothing is kept safe by it.
        let digest = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, source.as_bytes());
        let mut sha1 = String::with_capacity(40);
        for byte in digest.as_ref() {
            // Writing to a String can't fail.
            let _ = write!(sha1, "{byte:02x}");
        }
        Self(Arc::new(Text { source: source.to_owned(), sha1 }))
    }

    /// What the server calls it: 40 hexadecimal digits.
    #[must_use]
    pub fn sha1(&self) -> &str {
        &self.0.sha1
    }
}

/// A script and what it is called with.
#[derive(Debug)]
pub(super) struct Call {
    script: Script,
    keys: Vec<Vec<u8>>,
    arguments: Vec<Vec<u8>>,
}

impl Call {
    pub(super) fn new<K: AsRef<[u8]>, A: AsRef<[u8]>>(
        script: &Script,
        prefix: &str,
        keys: &[K],
        arguments: &[A],
    ) -> Self {
        Self {
            script: script.clone(),
            keys: keys.iter().map(|key| [prefix.as_bytes(), key.as_ref()].concat()).collect(),
            arguments: arguments.iter().map(|argument| argument.as_ref().to_vec()).collect(),
        }
    }

    /// By hash.
    pub(super) fn by_hash(&self) -> Cmd {
        self.command("EVALSHA", &self.script.0.sha1)
    }

    /// By text, after which the server knows the hash.
    pub(super) fn by_text(&self) -> Cmd {
        self.command("EVAL", &self.script.0.source)
    }

    /// The key that decides where it runs.
    pub(super) fn key(&self) -> &[u8] {
        self.keys.first().map_or(&[], Vec::as_slice)
    }

    fn command(&self, name: &str, script: &str) -> Cmd {
        let mut command = redis::cmd(name);
        command.arg(script).arg(self.keys.len()).arg(&self.keys[..]).arg(&self.arguments[..]);
        command
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_what_the_server_computes() {
        // `redis-cli script load "return 1"`
        assert_eq!(Script::new("return 1").sha1(), "e0e1f9fabfc9d4800c877a703b823ac0578ff8db");
    }
}
