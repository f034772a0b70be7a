//! Describes the responses of proxies that did not open a connection.

use super::{ErrorContext, network_error};
use crate::error::TransportFailure;
use crate::error::TransportFailureKind::{self, ProxyAuthorization, ProxyRefused};
use crate::http::proxies::{Proxy, or_bypass};
use crate::http::socks::SocksError;
use crate::http::tunnel::TunnelError;
use crate::http::{RequestError, Response, RetryAction, html};

/// Hint for a proxy that cannot be reached.
pub(super) const CHECK: &str = "check HTTPS_PROXY, ALL_PROXY and NO_PROXY";
/// Hint for a host name that this machine cannot resolve for a SOCKS proxy.
pub(super) const SEND_NAME: &str =
    "use socks5h:// or socks4a://, with which the proxy resolves the host name";

const LOGIN: &str = "check the user and password in the URL of the proxy (percent-encoded)";
const OTHER_LOGIN: &str = "use a local proxy that authenticates to this one, such as cntlm";
const PROTOCOL: &str = "check the scheme and port of the proxy: http://HOST:PORT for an HTTP proxy, socks4a://HOST:PORT for SOCKS4";

fn allow(context: &ErrorContext<'_>) -> String {
    let host = context.endpoint.host();
    let bypass = bypass(context.proxy).replace("the host", "it");
    format!("ask the operator of the proxy to allow {host}{bypass}")
}

/// Returns the end of a hint to avoid the proxy, if that is possible.
fn bypass(proxy: Option<&Proxy>) -> &'static str {
    proxy.map_or("", |proxy| or_bypass(&proxy.variable))
}

/// Returns the hint to set a user and password if none are set.
fn set_login(proxy: Option<&Proxy>) -> String {
    let scheme = proxy.map_or("http", |proxy| proxy.scheme);
    format!(
        "set the user and password in the URL of the proxy: {scheme}://NAME:PASSWORD@HOST:PORT (percent-encoded)"
    )
}

/// Describes why an HTTP proxy requires a user and password, with a hint.
fn login(response: &Response, proxy: Option<&Proxy>) -> (String, String) {
    const MAX_NAME_LEN: usize = 20;
    let offered = response.headers.iter();
    let offered = offered.filter(|(name, _)| name == "proxy-authenticate");
    let mut methods: Vec<&str> = offered
        .filter_map(|(_, value)| value.split([' ', ',']).next())
        .filter(|name| !name.is_empty() && name.len() <= MAX_NAME_LEN)
        .filter(|name| name.bytes().all(|byte| byte.is_ascii_alphanumeric()))
        .collect();
    methods.dedup();
    let is_basic = |name: &&str| name.eq_ignore_ascii_case("basic");
    if !methods.is_empty() && !methods.iter().any(is_basic) {
        let description = format!(
            "requires {} authentication, which is not supported",
            methods.join(" or ")
        );
        return (description, format!("{OTHER_LOGIN}{}", bypass(proxy)));
    }
    match proxy.and_then(|proxy| proxy.credentials.as_ref()) {
        Some(_) => ("rejected the user or password".to_owned(), LOGIN.to_owned()),
        None => ("requires authentication".to_owned(), set_login(proxy)),
    }
}

/// Adds the proxy's authentication requirement to the error if the proxy responded to the request itself.
pub(in crate::http) fn explain_login(
    error: &mut RequestError,
    response: &Response,
    proxy: Option<&Proxy>,
) {
    let kind = error.transport_failure.map(|failure| failure.kind);
    if kind == Some(ProxyAuthorization) {
        let (description, hint) = login(response, proxy);
        let generic = "proxy authentication required";
        error.message = error
            .message
            .replacen(generic, &format!("the proxy {description}"), 1);
        error.hint = Some(hint);
    }
}

/// Describes the response to `CONNECT`.
pub(super) fn tunnel_error(error: &TunnelError, context: &ErrorContext<'_>) -> RequestError {
    let (retry, message, hint) = match error {
        TunnelError::Rejected(response) => return rejected(response, context),
        TunnelError::Closed => (
            RetryAction::Backoff,
            "the proxy closed the connection instead of answering CONNECT",
            CHECK,
        ),
        TunnelError::NotHttp => (
            RetryAction::No,
            "the proxy did not respond with HTTP",
            "check the scheme and port of the proxy: a SOCKS proxy is socks5h://HOST:PORT",
        ),
    };
    proxy_error(retry, ProxyRefused, message.to_owned()).with_hint(hint)
}

/// Describes an HTTP status other than success.
fn rejected(response: &Response, context: &ErrorContext<'_>) -> RequestError {
    let status = response.status;
    let title = html::page_title(response, context.redactor);
    let page = title.map_or_else(String::new, |title| format!(": HTML page '{title}'"));
    if let 401 | 407 = status {
        let (description, hint) = login(response, context.proxy);
        let message = format!("the proxy {description} (HTTP {status} to CONNECT){page}");
        // Repeated attempts with a wrong password would lock the user's account.
        return proxy_error(RetryAction::No, ProxyAuthorization, message).with_hint(hint);
    }
    let reason = match status {
        403 => ": it does not allow the connection",
        404 | 405 | 501 => ": it does not support CONNECT",
        429 => ": it limits connections",
        502 | 503 => ": it cannot reach the host",
        504 => ": the host did not answer in time",
        _ => "",
    };
    let is_transient = status == 429 || (status >= 500 && ![501, 511].contains(&status));
    let retry = match is_transient {
        true => RetryAction::Backoff,
        false => RetryAction::No,
    };
    let message = format!("the proxy answered HTTP {status} to CONNECT{reason}{page}");
    let host = context.endpoint.host();
    let bypass = bypass(context.proxy);
    let hint = match status {
        404 | 405 | 501 => CHECK.to_owned(),
        // A redirect is usually to a login page; 511 is Network Authentication Required.
        300..=399 | 511 => format!("log in to the proxy, such as with a browser{bypass}"),
        429 => "try again later, or lower --concurrency".to_owned(),
        500.. => format!("check the host name {host}, try again later{bypass}"),
        _ => allow(context),
    };
    let mut error = proxy_error(retry, ProxyRefused, message).with_hint(hint);
    let retry_after = response.retry_after(context.now);
    error.retry_after = retry_after.filter(|_| is_transient);
    error
}

/// Describes why a SOCKS proxy did not open a connection.
pub(super) fn socks_error(error: SocksError, context: &ErrorContext<'_>) -> RequestError {
    const METHOD: &str = "use a proxy that accepts a user and password";
    const USER: &str =
        "set the user in the URL of the proxy: socks4a://NAME@HOST:PORT, or use socks5h://";
    const ADDRESS: &str = "use socks5h://HOST:PORT, which sends the host name";
    let (description, hint) = match error {
        SocksError::NoMethod { has_user: false } => {
            let description = "requires a user and password";
            return login_error(description, set_login(context.proxy));
        }
        SocksError::NoMethod { has_user: true } => {
            let description =
                "does not accept a user and password; it requires another authentication method";
            return login_error(description, format!("{METHOD}{}", bypass(context.proxy)));
        }
        SocksError::OtherMethod => {
            let description = "chose an authentication method that was not offered";
            return login_error(description, format!("{METHOD}{}", bypass(context.proxy)));
        }
        SocksError::WrongPassword => return login_error("rejected the user or password", LOGIN),
        SocksError::Rejected4(92 | 93) => return login_error("requires an identd user", USER),
        SocksError::Closed => (
            "closed the connection during the SOCKS handshake",
            PROTOCOL.to_owned(),
        ),
        SocksError::NotSocks => (
            "did not respond with the SOCKS protocol",
            PROTOCOL.to_owned(),
        ),
        SocksError::TooLong => (
            "does not accept a host name, user or password of this length",
            CHECK.to_owned(),
        ),
        SocksError::NoIpv4 => (
            "needs an IPv4 address, and the host has none",
            ADDRESS.to_owned(),
        ),
        SocksError::Rejected5(7) => ("does not support connections", PROTOCOL.to_owned()),
        SocksError::Rejected5(8) => ("does not support this type of address", ADDRESS.to_owned()),
        SocksError::Rejected4(_) => ("rejected or failed the connection", allow(context)),
        SocksError::Rejected5(code) => {
            let description = match code {
                2 => "does not allow the connection",
                3 => "cannot reach the network of the host",
                4 => "cannot reach the host",
                5 => "was refused the connection by the host",
                6 => "cannot reach the host (TTL expired)",
                _ => "rejected or failed the connection",
            };
            (description, allow(context))
        }
    };
    let message = format!("the SOCKS proxy {description}");
    proxy_error(RetryAction::Backoff, ProxyRefused, message).with_hint(hint)
}

/// Returns the error for a SOCKS proxy that rejects the client.
fn login_error(description: &str, hint: impl Into<String>) -> RequestError {
    let message = format!("the SOCKS proxy {description}");
    proxy_error(RetryAction::No, ProxyAuthorization, message).with_hint(hint)
}

fn proxy_error(retry: RetryAction, kind: TransportFailureKind, message: String) -> RequestError {
    network_error(retry, TransportFailure::at_proxy(kind), message)
}
