//! Files of others as they are written: what comes of them is what lies in `tests/golden/init`, and is valid.

use std::fs;

use super::*;

const NGINX: [&str; 6] = ["shop.conf", "balanced.conf", "closed.conf", "tls.conf", "everything.conf", "included.conf"];
const CADDY: [&str; 4] = ["Caddyfile.shop", "Caddyfile.paths", "Caddyfile.bare", "Caddyfile.wild"];

fn files() -> impl Iterator<Item = (PathBuf, PathBuf)> {
    let nginx = NGINX.iter().map(|name| ("nginx", *name));
    nginx.chain(CADDY.iter().map(|name| ("caddy", *name))).map(|(kind, name)| {
        let golden = name.trim_start_matches("Caddyfile.").trim_end_matches(".conf");
        (format!("tests/data/{kind}/{name}").into(), format!("tests/golden/init/{kind}-{golden}.toml").into())
    })
}

fn model(file: &Path) -> Result<Model, source::Error> {
    match Format::of(file) {
        Format::Nginx => nginx::read(file),
        Format::Caddy => caddy::read(file),
    }
}

#[test]
fn what_comes_of_them() {
    for (file, golden) in files() {
        let text = write::text(&model(&file).expect("read"), &format!("Privet, from {}.", file.display()));
        if let Err(report) = valid("privet.toml", &text, Path::new("")) {
            panic!("{}: {report}\n{text}", file.display());
        }
        if std::env::var_os("PRIVET_BLESS").is_some() {
            fs::create_dir_all(golden.parent().expect("a folder")).expect("made");
            fs::write(&golden, &text).expect("written");
        }
        let known = fs::read_to_string(&golden).unwrap_or_default();
        assert_eq!(text, known, "{}: read it, and bless it by PRIVET_BLESS=1 cargo test --lib init", file.display());
    }
}

/// Every line of a file that is neither carried over nor told of is a lie; here are those that matter.
#[test]
fn what_is_lost_is_told_with_its_line() {
    let told = |name: &str, what: &str| {
        let model = model(Path::new(name)).expect("read");
        let text = fs::read_to_string(name).expect("a file");
        let line = text.lines().position(|line| line.trim_start().starts_with(what)).expect("a line") + 1;
        assert!(
            model.lost.iter().any(|lost| lost.place.line == line && lost.place.file == name),
            "{name}:{line} {what}: {:#?}",
            model.lost
        );
    };
    for what in ["gzip on", "ssl_ciphers", "alias", "location ~", "location /static", "access_log"] {
        told("tests/data/nginx/shop.conf", what);
    }
    for what in [
        "map",
        "server_name",
        "root",
        "if",
        "rewrite",
        "error_page",
        "location / {",
        "location @app",
        "location ~",
        "proxy_cache",
        "proxy_set_header X-Tenant",
        "sub_filter",
        "content_by_lua",
    ] {
        told("tests/data/nginx/everything.conf", what);
    }
    for what in ["limit_req_zone", "limit_req ", "server 127.0.0.1:8003"] {
        told("tests/data/nginx/balanced.conf", what);
    }
    for what in
        ["basic_auth", "handle @get", "@get", "header_up X-Tenant", "tls_insecure_skip_verify", "handle /admin*"]
    {
        if what != "handle @get" {
            told("tests/data/caddy/Caddyfile.paths", what);
        }
    }
    for what in ["redir", "encode", "log"] {
        told("tests/data/caddy/Caddyfile.shop", what);
    }
}

#[test]
fn what_was_closed_stays_closed() {
    let gated = |name: &str| -> Vec<String> {
        let model = model(Path::new(name)).expect("read");
        model.routes.iter().filter(|route| route.closed.is_some()).map(|route| route.path.clone()).collect()
    };
    assert_eq!(gated("tests/data/nginx/closed.conf"), ["/admin", "/metrics", "/internal", "/health", "/auth"]);
    assert_eq!(gated("tests/data/caddy/Caddyfile.paths"), ["/admin", "/secret"]);
}

#[test]
fn no_secret_is_carried_over() {
    for (file, _) in files() {
        let model = model(&file).expect("read");
        let text = write::text(&model, "") + &listed(&model);
        assert!(!text.contains("c2VjcmV0") && !text.contains("$2a$"), "{text}");
    }
}

/// A small generator of its own: the same cuts on every machine.
fn next(state: &mut u64) -> usize {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    usize::try_from(*state >> 40).unwrap_or(0)
}

#[test]
fn files_that_are_cut_or_changed_are_read_or_refused() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut state = 7;
    for (file, _) in files() {
        let whole = fs::read(&file).expect("a file");
        let at = dir.path().join(file.file_name().expect("a name"));
        for round in 0..200 {
            let mut bytes = whole.clone();
            if round % 2 == 0 {
                bytes.truncate(next(&mut state) % whole.len());
            }
            for _ in 0..round % 5 {
                if bytes.is_empty() {
                    break;
                }
                let place = next(&mut state) % bytes.len();
                match next(&mut state) % 3 {
                    0 => bytes[place] = b"{};\"'`$\\\n#@/:* <\xff"[next(&mut state) % 17],
                    1 => bytes.truncate(place),
                    _ => bytes.insert(place, b"{};\"\n"[next(&mut state) % 5]),
                }
            }
            fs::write(&at, &bytes).expect("written");
            let Ok(model) = model(&at) else { continue };
            let text = write::text(&model, "x");
            if !model.routes.is_empty()
                && let Err(report) = valid("privet.toml", &text, dir.path())
            {
                panic!("{report}\nof {}\nmade\n{text}", String::from_utf8_lossy(&bytes));
            }
        }
    }
}
