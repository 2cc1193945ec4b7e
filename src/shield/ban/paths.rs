//! Paths that only scanners look for. They count where the application has no such thing: one that has it is not banned for being used.

/// Names of a path's segments, lower-case and in order.
const SEGMENTS: &[&str] = &[
    ".aws",
    ".bash_history",
    ".bzr",
    ".circleci",
    ".docker",
    ".ds_store",
    ".env",
    ".git",
    ".git-credentials",
    ".gitlab-ci.yml",
    ".hg",
    ".htaccess",
    ".htpasswd",
    ".kube",
    ".npmrc",
    ".ssh",
    ".svn",
    ".vscode",
    "_profiler",
    "actuator",
    "adminer.php",
    "boaform",
    "cgi-bin",
    "console.action",
    "cpanel",
    "eval-stdin.php",
    "hnap1",
    "id_rsa",
    "jmx-console",
    "ldap.config",
    "myadmin",
    "mysqladmin",
    "phpinfo.php",
    "phpmyadmin",
    "pma",
    "rdweb",
    "server-status",
    "sftp-config.json",
    "shell.php",
    "solr",
    "swagger-ui.html",
    "thinkphp",
    "wp-admin",
    "wp-config.php",
    "wp-login.php",
    "wlwmanifest.xml",
    "xmlrpc.php",
];
/// Ends of a path's last segment.
const ENDS: &[&str] = &[".bak", ".env", ".old", ".pem", ".sql", ".sql.gz", ".swp", "~"];

/// Whether only a scanner would ask for `path`, or it is at or below one of `own`.
#[must_use]
pub fn is_scanned(path: &str, own: &[String]) -> bool {
    let path = path.to_ascii_lowercase();
    let is_own = |own: &String| {
        let own = own.trim_end_matches('/');
        path.get(..own.len()).is_some_and(|start| start.eq_ignore_ascii_case(own))
            && path.get(own.len()..).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let mut segments = path.split('/');
    // `.env.production` and the like are `.env` to a scanner.
    let known = |segment: &str| SEGMENTS.contains(&segment) || segment.starts_with(".env.");
    segments.any(known) || ENDS.iter().any(|end| path.ends_with(end)) || own.iter().any(is_own)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scanners_are_told_from_visitors() {
        for path in [
            "/.env",
            "/api/.ENV.production",
            "/.git/config",
            "/blog/wp-login.php",
            "/wp-admin/",
            "/dump.sql",
            "/a/phpMyAdmin/index.php",
        ] {
            assert!(is_scanned(path, &[]), "{path}");
        }
        for path in [
            "/",
            "/environment",
            "/git",
            "/.well-known/security.txt",
            "/orders/7",
            "/old-admin",
            "/solritude",
            "/wp-content/uploads/a.jpg",
            "/a.environment",
        ] {
            assert!(!is_scanned(path, &[]), "{path}");
        }
        let own = ["/Old-Admin/".to_owned()];
        assert!(is_scanned("/old-admin", &own) && is_scanned("/old-admin/x", &own));
        assert!(!is_scanned("/old-administration", &own) && !is_scanned("/é", &["/e".to_owned()]));
    }
}
