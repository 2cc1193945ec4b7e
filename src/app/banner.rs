//! What a person sees at the start: where it listens, how to try it, what is on.

use crate::{app::gateway::Addresses, common::clock, config::Config, tls::settings::Profile};

/// Prints it on standard output.
pub fn print(config: &Config, addresses: &Addresses, demo: bool) {
    let development = config.tls.is_development().then(|| config.tls.development_dir.join("ca.pem"));
    let host = if addresses.https.ip().is_unspecified() || addresses.https.ip().is_loopback() {
        "localhost".to_owned()
    } else {
        addresses.https.ip().to_string()
    };
    let url = format!("https://{host}:{}/", addresses.https.port());
    println!("Privet {} protects", env!("CARGO_PKG_VERSION"));
    for line in config.summary().iter().filter(|line| {
        !line.starts_with("https")
            && !line.starts_with("http")
            && !line.starts_with("admin")
            && !line.starts_with("console")
    }) {
        println!("  {line}");
    }
    println!("\n  {url}");
    if let Some(http) = addresses.http {
        println!("  http://{http}/ only redirects there");
    }
    if let Some(admin) = addresses.admin {
        let metrics = if config.admin.open_metrics { " /metrics" } else { "" };
        println!("  http://{admin}/livez /readyz{metrics}");
    }
    if let Some(console) = addresses.console {
        println!("  https://{console}/ for people, /scim/v2 for identity providers, /v1 for programs");
    }
    let ca = development.map(|ca| std::path::absolute(&ca).unwrap_or(ca));
    match &ca {
        Some(ca) => {
            println!("\nNo certificate is configured, so a development CA was made: {}", ca.display());
            // `localhost` may resolve to ::1 first, where nobody listens.
            println!(
                "Try it:\n  curl --cacert '{}' --resolve '{host}:{}:{}' {url}",
                ca.display(),
                addresses.https.port(),
                reachable(addresses)
            );
        }
        None => match config.tls.acme.first().and_then(|order| order.domains.first()) {
            Some(domain) if config.tls.certificates.is_empty() => {
                let (port, at) = (addresses.https.port(), reachable(addresses));
                println!("\nCertificates are ordered; `privet certs show` says how that stands. Try it:");
                println!("  curl --resolve '{domain}:{port}:{at}' https://{domain}:{port}/");
            }
            _ => println!("\nTry it:\n  curl {url}"),
        },
    }
    if demo {
        println!("Look at {url}customers or {url}api/customers?size=3: nobody's data comes through as it is.");
        println!("The demo application lets in alice@example.com with the password: correct horse battery");
    }
    if clock::is_set() {
        println!("The clock was set by --now; every record says so");
    }
    let profile = match config.tls.profile {
        Profile::Modern => "TLS 1.3",
        Profile::Intermediate => "TLS 1.2 and 1.3",
    };
    println!(
        "\nOn: {profile} with X25519MLKEM768, redirect to https, strict framing, one canonical path, header hygiene, secure cookies, limits"
    );
    println!("Reload: SIGHUP or change the file. End: SIGTERM or Ctrl-C.");
}

fn reachable(addresses: &Addresses) -> String {
    if addresses.https.ip().is_unspecified() { "127.0.0.1".to_owned() } else { addresses.https.ip().to_string() }
}
