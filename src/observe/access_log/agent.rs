//! The family of a user agent: one of a closed list, so that nothing of what a client says reaches the log.
//!
//! Many agents name others that they want to be taken for. The list is in order of trust: whoever names itself beside Chrome is
//! not Chrome, and whoever names Chrome is not Safari.

/// What a token stands for, the most telling first. Tokens are compared without regard to case, up to `/`.
const FAMILIES: &[(&str, &str)] = &[
    ("googlebot", "Googlebot"),
    ("bingbot", "Bingbot"),
    ("yeti", "Yeti"),
    ("yandexbot", "YandexBot"),
    ("baiduspider", "Baiduspider"),
    ("applebot", "Applebot"),
    ("duckduckbot", "DuckDuckBot"),
    ("facebookexternalhit", "Facebook"),
    ("gptbot", "GPTBot"),
    ("claudebot", "ClaudeBot"),
    ("headlesschrome", "Headless Chrome"),
    ("edg", "Edge"),
    ("edge", "Edge"),
    ("edga", "Edge"),
    ("edgios", "Edge"),
    ("opr", "Opera"),
    ("opera", "Opera"),
    ("whale", "Whale"),
    ("samsungbrowser", "Samsung Internet"),
    ("ucbrowser", "UC Browser"),
    ("vivaldi", "Vivaldi"),
    ("yabrowser", "Yandex Browser"),
    ("kakaotalk", "KakaoTalk"),
    ("naver", "NAVER"),
    ("crios", "Chrome"),
    ("fxios", "Firefox"),
    ("chrome", "Chrome"),
    ("chromium", "Chrome"),
    ("firefox", "Firefox"),
    ("msie", "Internet Explorer"),
    ("trident", "Internet Explorer"),
    ("safari", "Safari"),
    ("curl", "curl"),
    ("wget", "Wget"),
    ("python-requests", "Python Requests"),
    ("python-urllib", "Python urllib"),
    ("aiohttp", "aiohttp"),
    ("httpx", "HTTPX"),
    ("python-httpx", "HTTPX"),
    ("go-http-client", "Go"),
    ("okhttp", "OkHttp"),
    ("apache-httpclient", "Apache HttpClient"),
    ("java", "Java"),
    ("axios", "axios"),
    ("node-fetch", "node-fetch"),
    ("node", "Node.js"),
    ("undici", "Node.js"),
    ("postmanruntime", "Postman"),
    ("insomnia", "Insomnia"),
    ("grpc-go", "gRPC"),
    ("kube-probe", "kube-probe"),
    ("prometheus", "Prometheus"),
    ("nghttp2", "nghttp2"),
    ("h2load", "nghttp2"),
];

/// Longest part of the header that is looked at.
const LONGEST: usize = 512;

/// The family, or `Other`.
#[must_use]
pub fn family(user_agent: &[u8]) -> &'static str {
    let text = &user_agent[..user_agent.len().min(LONGEST)];
    let part = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    let mut best = FAMILIES.len();
    let mut start = None;
    for (at, byte) in text.iter().copied().chain([b' ']).enumerate() {
        match (part(byte), start) {
            (true, None) => start = Some(at),
            (false, Some(from)) => {
                best = best.min(rank(&text[from..at], best));
                start = None;
            }
            _ => {}
        }
    }
    FAMILIES.get(best).map_or("Other", |(_, family)| family)
}

/// The place of `token` among the first `limit` families.
fn rank(token: &[u8], limit: usize) -> usize {
    // Versions and words of two letters, of which there are many.
    if token.len() < 3 || token[0].is_ascii_digit() {
        return limit;
    }
    let same = |name: &str| name.len() == token.len() && name.as_bytes().eq_ignore_ascii_case(token);
    FAMILIES[..limit].iter().position(|(name, _)| same(name)).unwrap_or(limit)
}

#[cfg(test)]
mod tests {
    use super::family;

    #[test]
    fn families_are_told_apart_and_nothing_is_echoed() {
        let chrome =
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36";
        for (text, name) in [
            (chrome, "Chrome"),
            (&format!("{chrome} Edg/131.0"), "Edge"),
            ("Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15", "Safari"),
            ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "Firefox"),
            ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "Googlebot"),
            ("curl/8.5.0", "curl"),
            ("python-requests/2.32", "Python Requests"),
            ("kim@example.com", "Other"),
            ("", "Other"),
        ] {
            assert_eq!(family(text.as_bytes()), name, "{text}");
        }
        assert_eq!(family(&[0xff; 4096]), "Other");
    }
}
