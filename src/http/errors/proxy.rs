//! What a proxy answered in place of a connection.

use super::network_error;
use crate::error::TransportFailure;
use crate::error::TransportFailureKind::{self, ProxyAuthorization, ProxyRefused};
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

/// A kind and hint, and the errors that have them: how the library's text starts, and the message.
type SocksErrors = (
    (TransportFailureKind, &'static str),
    &'static [(&'static str, &'static str)],
);

/// The errors of a SOCKS proxy; the first that matches counts.
const SOCKS_ERRORS: [SocksErrors; 5] = [
    (
        (ProxyAuthorization, LOGIN),
        &[
            (
                "server does not support user/pass",
                "accepts no user and password, or requires them",
            ),
            (
                "server implements auth",
                "chose a way of authentication that was not offered",
            ),
            ("credentials not accepted", "rejected the user or password"),
            ("server ident", "requires an identd user"),
        ],
    ),
    (
        (ProxyRefused, PROTOCOL),
        &[
            (
                "io error",
                "closed the connection during the SOCKS handshake",
            ),
            ("failed parsing", "did not answer in SOCKS"),
            ("command not supported", "does not support connections"),
        ],
    ),
    (
        (ProxyRefused, CHECK),
        &[
            (
                "failed serialize",
                "cannot be sent so long a host name, user or password",
            ),
            ("host address is more", "cannot be sent so long a host name"),
        ],
    ),
    (
        (ProxyRefused, ADDRESS),
        &[
            (
                "could not resolve",
                "needs an IPv4 address, and the host has none",
            ),
            (
                "IPV6 is not supported",
                "needs an IPv4 address, and the host has none",
            ),
            (
                "address type not supported",
                "does not support this type of address",
            ),
        ],
    ),
    (
        (ProxyRefused, ALLOW),
        &[
            ("connection not allowed", "does not allow the connection"),
            (
                "network unreachable",
                "cannot reach the network of the host",
            ),
            ("host unreachable", "cannot reach the host"),
            ("ttl expired", "cannot reach the host (TTL expired)"),
            (
                "connection refused",
                "was refused the connection by the host",
            ),
            ("", "rejected or failed the connection"),
        ],
    ),
];

/// What a SOCKS proxy did, by the words of the library that asked it.
pub(super) fn socks_error(text: &str) -> RequestError {
    let text = text.strip_prefix("SOCKS error: ").unwrap_or(text);
    let known = SOCKS_ERRORS
        .iter()
        .flat_map(|(group, words)| words.iter().map(move |word| (group, word)));
    let (&(kind, hint), (_, what)) = known
        .into_iter()
        .find(|(_, (begin, _))| text.starts_with(begin))
        .expect("the last entry matches every text");
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
