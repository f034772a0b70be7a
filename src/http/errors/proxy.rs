//! What a proxy answered in place of a connection.

use super::network_error;
use crate::error::TransportFailure;
use crate::error::TransportFailureKind::{self, ProxyAuthorization, ProxyRefused};
use crate::http::socks::SocksError;
use crate::http::tunnel::TunnelError;
use crate::http::{RequestError, RetryAction};

/// The next step for a proxy that cannot be reached.
pub(super) const CHECK: &str = "check HTTPS_PROXY, ALL_PROXY and NO_PROXY";

const LOGIN: &str = "set the user and password in the URL of the proxy: http://NAME:PASSWORD@HOST:PORT (percent-encoded)";
const ALLOW: &str =
    "ask the operator of the proxy to allow the host and port, or add the host to NO_PROXY";
const PROTOCOL: &str = "check the scheme and port of the proxy: http://HOST:PORT for an HTTP proxy, socks4a://HOST:PORT for SOCKS4";
const ADDRESS: &str = "use socks5h://HOST:PORT, which sends the host name";

/// What the answer to `CONNECT` says.
pub(super) fn tunnel_error(error: TunnelError) -> RequestError {
    let (retry, message, hint) = match error {
        // A wrong password that is sent again and again locks the user's account.
        TunnelError::Status(407) => {
            let message = "the proxy requires authentication (HTTP 407 to CONNECT)".to_owned();
            return proxy_error(RetryAction::No, ProxyAuthorization, message).with_hint(LOGIN);
        }
        TunnelError::Status(status) => {
            let why = match status {
                401 => ": it requires authentication",
                403 => ": it does not allow the connection",
                404 | 405 | 501 => ": it does not support CONNECT",
                429 => ": it limits connections",
                502 | 503 => ": it cannot reach the host",
                504 => ": the host did not answer in time",
                _ => "",
            };
            let message = format!("the proxy answered HTTP {status} to CONNECT{why}");
            let is_transient = status == 429 || status >= 500 && status != 501;
            let retry = match is_transient {
                true => RetryAction::Backoff,
                false => RetryAction::No,
            };
            let hint = match status {
                401 => LOGIN,
                404 | 405 | 501 => CHECK,
                _ => ALLOW,
            };
            (retry, message, hint)
        }
        TunnelError::Closed => {
            let message = "the proxy closed the connection instead of answering CONNECT";
            (RetryAction::Backoff, message.to_owned(), CHECK)
        }
        TunnelError::NotHttp => {
            let message = "the proxy did not answer in HTTP";
            (
                RetryAction::No,
                message.to_owned(),
                "check the scheme and port of the proxy: a SOCKS proxy is socks5h://HOST:PORT",
            )
        }
    };
    proxy_error(retry, ProxyRefused, message).with_hint(hint)
}

/// What a SOCKS proxy did in place of opening a connection.
pub(super) fn socks_error(error: SocksError) -> RequestError {
    let (kind, what, hint) = match error {
        SocksError::NoMethod { has_user: false } => {
            (ProxyAuthorization, "requires a user and password", LOGIN)
        }
        SocksError::NoMethod { has_user: true } => (
            ProxyAuthorization,
            "accepts no user and password, and requires another authentication",
            LOGIN,
        ),
        SocksError::OtherMethod => (
            ProxyAuthorization,
            "chose a way of authentication that was not offered",
            LOGIN,
        ),
        SocksError::WrongPassword => (ProxyAuthorization, "rejected the user or password", LOGIN),
        SocksError::Refused4(92 | 93) => (ProxyAuthorization, "requires an identd user", LOGIN),
        SocksError::Closed => (
            ProxyRefused,
            "closed the connection during the SOCKS handshake",
            PROTOCOL,
        ),
        SocksError::NotSocks => (ProxyRefused, "did not answer in SOCKS", PROTOCOL),
        SocksError::TooLong => (
            ProxyRefused,
            "cannot be sent so long a host name, user or password",
            CHECK,
        ),
        SocksError::NoIpv4 => (
            ProxyRefused,
            "needs an IPv4 address, and the host has none",
            ADDRESS,
        ),
        SocksError::Refused5(7) => (ProxyRefused, "does not support connections", PROTOCOL),
        SocksError::Refused5(8) => (
            ProxyRefused,
            "does not support this type of address",
            ADDRESS,
        ),
        SocksError::Refused4(_) => (ProxyRefused, "rejected or failed the connection", ALLOW),
        SocksError::Refused5(code) => {
            let what = match code {
                2 => "does not allow the connection",
                3 => "cannot reach the network of the host",
                4 => "cannot reach the host",
                5 => "was refused the connection by the host",
                6 => "cannot reach the host (TTL expired)",
                _ => "rejected or failed the connection",
            };
            (ProxyRefused, what, ALLOW)
        }
    };
    let retry = match kind {
        ProxyAuthorization => RetryAction::No,
        _ => RetryAction::Backoff,
    };
    proxy_error(retry, kind, format!("the SOCKS proxy {what}")).with_hint(hint)
}

fn proxy_error(retry: RetryAction, kind: TransportFailureKind, message: String) -> RequestError {
    let fault = TransportFailure {
        kind,
        at_proxy: true,
    };
    network_error(retry, fault, message)
}
