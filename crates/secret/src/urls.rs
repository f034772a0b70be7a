//! Masks secrets in URLs.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::names::is_secret_parameter;
use super::random::looks_random;
use super::{MASK, Secret};

/// All characters except `A-Za-z0-9-._~` (RFC 3986, section 2.3).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The part of a webhook's URL before its secret.
const WEBHOOKS: [&str; 5] = [
    "//api.telegram.org/bot",
    "//discord.com/api/webhooks/",
    "//hooks.slack.com/services/",
    ".office.com/webhook",
    "/open-apis/bot/v2/hook/",
];

/// The text between the tag of an image and its digest.
const DIGESTS: [&str; 2] = ["@sha256:", "@sha512:"];
/// Maximum number of bytes in which an unencoded password is searched, so that a long text is read in linear time.
const MAX_USER_INFO_LEN: usize = 2048;

/// Percent-encodes UTF-8 bytes strictly: unreserved characters stay, all others become `%XX` in upper case.
pub fn percent_encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// Masks secrets in every URL of a text: user info, since users clone with a token in it, parameters with the names
/// of secrets, and the secret of a webhook. User info is masked also without a scheme, as in
/// `USER:PASSWORD@HOST/IMAGE`. A text without secrets is returned unchanged.
pub fn mask_urls(text: &str) -> Cow<'_, str> {
    if !memchr::memchr_iter(b':', text.as_bytes()).any(|at| text[at..].starts_with("://")) {
        return match memchr::memchr(b'@', text.as_bytes()) {
            Some(_) => mask_bare_user_info(text),
            None => text.into(),
        };
    }
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let url = &rest[at..];
        let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>');
        let end = url.find(ends).unwrap_or(url.len());
        masked.push_str(&mask_bare_user_info(&rest[..at]));
        masked.push_str(&masked_url(&url[..end]));
        rest = &url[end..];
    }
    (masked + &mask_bare_user_info(rest)).into()
}

/// Masks user info with a password in the words of a text without URLs.
fn mask_bare_user_info(text: &str) -> Cow<'_, str> {
    let mut masked = String::new();
    let mut copied = 0;
    let mut at = 0;
    for word in text.split_inclusive(|c: char| c.is_whitespace() || "\"'<>=(,;|".contains(c)) {
        // The text before the digest of an image is a tag and not a password.
        let digests = DIGESTS.iter().filter_map(|digest| word.find(digest));
        let end = digests.min().unwrap_or(word.len());
        let user_info = word[..end].rfind('@');
        let user_info = user_info.filter(|end| is_user_info(&word[..*end], &word[end + 1..]));
        if let Some(length) = user_info {
            masked.push_str(&text[copied..at]);
            masked.push_str(MASK);
            copied = at + length;
        }
        at += word.len();
    }
    match copied {
        0 => text.into(),
        _ => (masked + &text[copied..]).into(),
    }
}

/// Returns `true` if a text is `USER:PASSWORD` before the `@` of a host with a domain, a port or a path; `false` for
/// an email address or a name such as `run:B2@resnet50`.
fn is_user_info(text: &str, host: &str) -> bool {
    let Some((user, password)) = text.split_once(':') else {
        return false;
    };
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '%');
    let is_word = || password.chars().all(|c| c.is_lowercase() || c == '.');
    !user.is_empty()
        && user.chars().all(is_part)
        && user.chars().any(char::is_alphabetic)
        && !password.is_empty()
        && !password.contains('/')
        && !is_word()
        && host.starts_with(|c: char| c.is_alphanumeric() || c == '[')
        && host.contains(['.', '/', ':'])
}

/// Masks a URL that begins with `://`, without its scheme. It can contain another URL.
fn masked_url(url: &str) -> String {
    let mut masked = String::with_capacity(url.len());
    let mut rest = url;
    while let Some((head, tail)) = rest.split_once("://") {
        let host = user_info_length(tail);
        masked.push_str(head);
        masked.push_str("://");
        masked.push_str(if host > 0 { MASK } else { "" });
        rest = &tail[host..];
    }
    masked.push_str(rest);
    let webhook = WEBHOOKS.iter().find_map(|hook| {
        let start = masked.find(hook)? + hook.len();
        let end = masked[start..]
            .find('?')
            .map_or(masked.len(), |at| start + at);
        (start < end).then_some(start..end)
    });
    if let Some(secret) = webhook {
        masked.replace_range(secret, MASK);
    }
    let path = masked.find(['?', '#', ';']).unwrap_or(masked.len());
    let path = mask_path(&masked[..path]) + &masked[path..];
    mask_parameters(&path)
}

/// Masks the values of secret parameters in query, fragment and path of a URL.
fn mask_parameters(url: &str) -> String {
    let Some(first) = url.find(['?', '#', ';']) else {
        return url.to_owned();
    };
    let part = |part: &str| {
        let trimmed = part.trim_end_matches(['?', '&', '#', ';']);
        match trimmed.split_once('=') {
            Some((name, value)) if !value.is_empty() && is_secret_parameter(name) => {
                format!("{name}={MASK}{}", &part[trimmed.len()..])
            }
            _ => part.to_owned(),
        }
    };
    let parts = url[first..].split_inclusive(['?', '&', '#', ';']);
    url[..first].to_owned() + &parts.map(part).collect::<String>()
}

/// Returns the length of the user info of a URL without its scheme, not including the `@`.
///
/// An unencoded password can contain any character. If the text after the first colon is not a port, it is a
/// password that ends at the last `@`.
fn user_info_length(url: &str) -> usize {
    let authority = &url[..url.find(['/', '?', '#']).unwrap_or(url.len())];
    if let Some(at) = authority.rfind('@') {
        return at;
    }
    let is_port = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    match authority.rsplit_once(':') {
        Some((_, port)) if !is_port(port) && !authority.starts_with('[') => {
            beginning(url, MAX_USER_INFO_LEN).rfind('@').unwrap_or(0)
        }
        _ => 0,
    }
}

/// Returns the first bytes of a text, cut between two characters.
pub(super) fn beginning(text: &str, length: usize) -> &str {
    let mut ends = (0..4).filter_map(|cut| text.get(..length.checked_sub(cut)?));
    ends.next().unwrap_or(text)
}

/// Masks everything in the URL of a page that can grant access: user info, parameters, query and fragment.
pub fn mask_access_url(url: &str) -> String {
    let (scheme, rest) = split_scheme(url);
    let host = user_info_length(rest);
    let (mask, rest) = match host {
        0 => ("", rest),
        _ => (MASK, &rest[host..]),
    };
    let (path, end) = match rest.find(['?', '#', ';']) {
        Some(at) if at + 1 < rest.len() => rest.split_at(at + 1),
        _ => (rest, ""),
    };
    let path = mask_path(path);
    let end = if end.is_empty() { "" } else { MASK };
    format!("{scheme}{mask}{path}{end}")
}

/// Masks secrets in a path: `/lab/token=V` and `/webhook/V`.
fn mask_path(path: &str) -> String {
    let mut names_secret = false;
    let part = |part: &str| {
        let follows_name = std::mem::replace(
            &mut names_secret,
            part.to_ascii_lowercase().contains("hook") || is_secret_parameter(part),
        );
        match part.split_once('=') {
            Some((name, value)) if !value.is_empty() && is_secret_parameter(name) => {
                format!("{name}={MASK}")
            }
            _ if follows_name && looks_random(part) => MASK.to_owned(),
            _ => part.to_owned(),
        }
    };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

/// Returns scheme and host of a proxy's URL with everything else masked, since it may be a secret.
///
/// Everything before the last `@` is masked: an unencoded password can contain any character, and then the text is
/// not a valid URL.
pub fn mask_proxy_url(url: &str) -> String {
    let (scheme, rest) = split_scheme(url);
    let (mask, host) = match rest.rsplit_once('@') {
        Some((_, host)) => (format!("{MASK}@"), host),
        None => (String::new(), rest),
    };
    let end = host.find(['/', '?', '#']).unwrap_or(host.len());
    let (host, path) = host.split_at(end);
    let path = match path.trim_end_matches('/').is_empty() {
        true => path.to_owned(),
        false => format!("{}{MASK}", &path[..1]),
    };
    format!("{scheme}{mask}{host}{path}")
}

/// Returns the parts that [`mask_proxy_url`] masks: the password as given and decoded, and path and query.
pub fn proxy_secrets(url: &str) -> Vec<Secret> {
    let (_, rest) = split_scheme(url.trim());
    let (user_info, host) = rest.rsplit_once('@').unwrap_or(("", rest));
    let (user, password) = user_info.split_once(':').unwrap_or(("", user_info));
    let decoded = percent_decode_str(password).decode_utf8_lossy();
    let path = host.find(['/', '?', '#']).map_or("", |end| &host[end..]);
    let texts = [password, &decoded, path.trim_matches(['/', '?', '#'])];
    let texts = texts
        .into_iter()
        .filter(|text| !text.is_empty() && *text != user);
    texts.map(Secret::new).collect()
}

/// Masks the user info of `scheme://user:password@host`, where the scheme is optional, like [`mask_proxy_url`].
pub fn mask_user_info(text: &str) -> String {
    let (scheme, rest) = split_scheme(text);
    match rest.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}{MASK}@{host}"),
        None => text.to_owned(),
    }
}

fn split_scheme(url: &str) -> (&str, &str) {
    url.find("://").map_or(("", url), |at| url.split_at(at + 3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_credentials_in_the_url_of_a_web_page() {
        for (url, shown) in [
            ("http://h:80/lab?token=x", "http://h:80/lab?***"),
            ("http://u:p@h/", "http://***@h/"),
            ("http://u:p/x@h/", "http://***@h/"),
            ("u:p@h:8888/x#y", "***@h:8888/x#***"),
            ("http://h/lab#token=x", "http://h/lab#***"),
            ("http://h/lab;token=x", "http://h/lab;***"),
            ("http://h/token=x/lab", "http://h/token=***/lab"),
            ("http://h/token/S3cr3tV4lue99/lab", "http://h/token/***/lab"),
            ("http://h/?", "http://h/?"),
            ("http://[::1]:80/@scope/x", "http://[::1]:80/@scope/x"),
        ] {
            assert_eq!(mask_access_url(url), shown);
        }
    }

    #[test]
    fn long_texts_are_read_in_linear_time() {
        for text in ["://a:bx/", "u:V1@", "https://h/token/"] {
            let text = text.repeat(100_000);
            assert!(!mask_urls(&text).is_empty());
        }
    }

    #[test]
    fn masks_credentials_in_every_url_of_a_text() {
        for (text, shown) in [
            (
                "GET https://h/p?token=s3cret 404; see http://h/?page=2&b=c",
                "GET https://h/p?token=*** 404; see http://h/?page=2&b=c",
            ),
            (
                "oss://b/o?Expires=1&Signature=s3cret%3D&x=y#token=s3cret",
                "oss://b/o?Expires=1&Signature=***&x=y#token=***",
            ),
            (
                "http://h/a;token=s3cret http://h/r?to=https://u:s3cret@i/?sig=s3cret",
                "http://h/a;token=*** http://h/r?to=https://***@i/?sig=***",
            ),
            (
                "curl https://hooks.slack.com/services/T0/B0/s3cret -d x",
                "curl https://hooks.slack.com/services/*** -d x",
            ),
            (
                "https://api.telegram.org/bot1:s3cret/sendMessage?chat_id=1",
                "https://api.telegram.org/bot***?chat_id=1",
            ),
            (
                "POST https://h/webhook/S3cr3tV4lue99 https://h/hooks/list",
                "POST https://h/webhook/*** https://h/hooks/list",
            ),
            (
                "pull u:S3cr3t@h/i:1 (u:p@S3cr3t@h.cn) image=u:S3cr3t@h/i@sha256:ab",
                "pull ***@h/i:1 (***@h.cn) image=***@h/i@sha256:ab",
            ),
            (
                "拉取\u{3000}u:S3cr3t@h:80 失败 https://h/p",
                "拉取\u{3000}***@h:80 失败 https://h/p",
            ),
            (
                "h/app:V1@sha256:ab h/app:V1@sha512:ab from:me@h.cn 12:30@h:1 git@h:o/r @u:B @ a:B@ run:B2@resnet50",
                "h/app:V1@sha256:ab h/app:V1@sha512:ab from:me@h.cn 12:30@h:1 git@h:o/r @u:B @ a:B@ run:B2@resnet50",
            ),
            ("https://h/?key=&a", "https://h/?key=&a"),
            ("a :// b", "a :// b"),
        ] {
            assert_eq!(mask_urls(text), shown);
        }
        assert_eq!(
            mask_urls("git clone https://x:p/q#r@h/p; curl http://h:80/@a 'ftp://u@h'"),
            "git clone https://***@h/p; curl http://h:80/@a 'ftp://***@h'"
        );
    }

    #[test]
    fn only_scheme_and_host_of_a_proxy_url_are_shown() {
        for (url, shown) in [
            (
                "http://user:pa@ss@proxy:8080/x",
                "http://***@proxy:8080/***",
            ),
            ("http://proxy:8080/?key=x", "http://proxy:8080/***"),
            ("socks4://127.0.0.1:7891/", "socks4://127.0.0.1:7891/"),
            ("user:p#ss@proxy", "***@proxy"),
            ("http://proxy#x", "http://proxy#***"),
        ] {
            assert_eq!(mask_proxy_url(url), shown);
        }
        for text in [
            "http://user:p/ss@proxy",
            "user:p#ss@proxy",
            "user:pa?ss@proxy",
        ] {
            assert!(!mask_user_info(text).contains("ss"), "{text}");
        }
        assert_eq!(mask_user_info("http://proxy:8080"), "http://proxy:8080");
    }
}
