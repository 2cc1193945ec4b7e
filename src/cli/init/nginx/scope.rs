//! What holds in a block, and in those within it that say nothing else.

use std::path::{Path, PathBuf};

use super::{known, syntax::Directive};
use crate::cli::init::model::{Model, UpstreamTls, duration, header, hsts};

/// What nginx takes where nothing is said.
const BODY_LIMIT: &str = "1MiB";

/// What is inherited.
#[derive(Debug, Clone, Default)]
pub(super) struct Scope {
    /// Whether the application gets the client's Host.
    pub(super) pass_host: bool,
    pub(super) headers: Vec<(String, String)>,
    pub(super) hsts: Option<String>,
    pub(super) hidden: Vec<String>,
    body_limit: Option<String>,
    pub(super) response_timeout: Option<String>,
    pub(super) connect_timeout: Option<String>,
    pub(super) tls: UpstreamTls,
    /// Why nobody is to pass.
    pub(super) closed: Option<String>,
}

/// Whether [`Scope::within`] reads it.
pub(super) fn is_known(directive: &Directive) -> bool {
    const NAMES: [&str; 16] = [
        "proxy_set_header",
        "add_header",
        "proxy_hide_header",
        "client_max_body_size",
        "proxy_read_timeout",
        "proxy_connect_timeout",
        "proxy_ssl_trusted_certificate",
        "proxy_ssl_name",
        "proxy_ssl_certificate",
        "proxy_ssl_certificate_key",
        "auth_basic",
        "auth_request",
        "auth_jwt",
        "allow",
        "deny",
        "internal",
    ];
    NAMES.contains(&&*directive.name)
}

impl Scope {
    /// What holds within a block.
    pub(super) fn within(&self, block: &[Directive], base: &Path, model: &mut Model) -> Self {
        let mut scope = self.clone();
        // A level that sets any headers has none of those above it.
        if block.iter().any(|directive| directive.name == "proxy_set_header") {
            scope.pass_host = false;
        }
        if block.iter().any(|directive| directive.name == "add_header") {
            (scope.headers, scope.hsts) = (Vec::new(), None);
        }
        if block.iter().any(|directive| directive.name == "proxy_hide_header") {
            scope.hidden = Vec::new();
        }
        block.iter().filter(|directive| is_known(directive)).for_each(|directive| scope.take(directive, base, model));
        scope
    }

    /// The largest body.
    pub(super) fn body_limit(&self) -> String {
        self.body_limit.clone().unwrap_or_else(|| BODY_LIMIT.to_owned())
    }

    fn take(&mut self, directive: &Directive, base: &Path, model: &mut Model) {
        let (first, second) = (directive.word(0), directive.word(1));
        let plain = !directive.words.iter().any(|word| word.contains('$'));
        let taken = match &*directive.name {
            "proxy_set_header" => self.forward(first, second),
            "add_header" if plain && first.eq_ignore_ascii_case("strict-transport-security") => {
                set(&mut self.hsts, hsts(second))
            }
            "add_header" if plain => {
                self.headers.retain(|(name, _)| !name.eq_ignore_ascii_case(first));
                add(&mut self.headers, header(first, second))
            }
            "proxy_hide_header" => add(&mut self.hidden, header(first, "x").map(|(name, _)| name)),
            "client_max_body_size" => set(&mut self.body_limit, size(first)),
            "proxy_read_timeout" => set(&mut self.response_timeout, duration(first)),
            "proxy_connect_timeout" => set(&mut self.connect_timeout, duration(first)),
            "proxy_ssl_trusted_certificate" => set(&mut self.tls.ca, readable(base, first)),
            "proxy_ssl_name" if plain => set(&mut self.tls.server_name, Some(first.to_owned())),
            "proxy_ssl_certificate" => set(&mut self.tls.pair, Some((base.join(first), PathBuf::new()))),
            "proxy_ssl_certificate_key" => match &mut self.tls.pair {
                Some(pair) => {
                    pair.1 = base.join(first);
                    true
                }
                None => false,
            },
            "auth_basic" if first == "off" => {
                self.closed = None;
                true
            }
            name @ ("auth_basic" | "auth_request" | "auth_jwt" | "deny" | "internal") => {
                self.close(directive);
                // Nobody comes there from outside: that is all it says.
                name == "internal"
            }
            _ => false,
        };
        if !taken {
            known::lose(directive, model);
        }
    }

    fn close(&mut self, directive: &Directive) {
        let (name, place) = (&directive.name, &directive.place);
        self.closed = Some(format!("`{name}` in {} line {}", place.file, place.line));
    }

    /// Whether Privet tells the application what it was told.
    fn forward(&mut self, name: &str, value: &str) -> bool {
        match &*name.to_ascii_lowercase() {
            "host" => {
                self.pass_host = matches!(value, "$host" | "$http_host" | "$host:$server_port");
                self.pass_host || value == "$proxy_host"
            }
            // Privet tells it by itself.
            "x-real-ip" | "x-forwarded-for" | "x-forwarded-proto" | "x-forwarded-host" | "x-forwarded-port"
            | "x-forwarded-ssl" | "x-forwarded-scheme" | "forwarded" | "upgrade" | "connection" | "x-request-id" => {
                true
            }
            _ => false,
        }
    }
}

/// Puts a value in its place, where there is one; whether there was.
fn set<T>(place: &mut Option<T>, value: Option<T>) -> bool {
    let given = value.is_some();
    if given {
        *place = value;
    }
    given
}

/// The same for a list.
fn add<T>(list: &mut Vec<T>, value: Option<T>) -> bool {
    let before = list.len();
    list.extend(value);
    list.len() > before
}

/// A file that can be read.
fn readable(base: &Path, text: &str) -> Option<PathBuf> {
    let path = base.join(text);
    crate::dial::pem::roots(&path).is_ok().then_some(path)
}

/// A size as Privet writes it.
fn size(text: &str) -> Option<String> {
    let (digits, unit) = match text.strip_suffix(['k', 'K', 'm', 'M', 'g', 'G']) {
        Some(digits) => (
            digits,
            text.chars().last().map_or("B", |unit| match unit.to_ascii_lowercase() {
                'k' => "KiB",
                'm' => "MiB",
                _ => "GiB",
            }),
        ),
        None => (text, "B"),
    };
    let number: u64 = digits.parse().ok().filter(|number| *number < 1 << 40)?;
    Some(if number == 0 { "off".to_owned() } else { format!("{number}{unit}") })
}

#[cfg(test)]
mod tests {
    #[test]
    fn sizes() {
        let of = |text: &str| super::size(text);
        assert_eq!((of("10m"), of("1G"), of("8k")), (Some("10MiB".into()), Some("1GiB".into()), Some("8KiB".into())));
        assert_eq!((of("500"), of("0"), of("m"), of("-1m")), (Some("500B".into()), Some("off".into()), None, None));
    }
}
