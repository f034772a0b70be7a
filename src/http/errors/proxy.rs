//! What a proxy answered in place of a connection.

use super::network_error;
use crate::error::{TransportFailure, TransportFailureKind};
use crate::http::tunnel::TunnelError;
use crate::http::{RequestError, RetryAction};

/// The next step for a proxy that cannot be reached.
pub(super) const CHECK: &str = "check HTTPS_PROXY, ALL_PROXY and NO_PROXY";

const LOGIN: &str = "set the user and password in the URL of the proxy: http://NAME:PASSWORD@HOST:PORT (percent-encoded)";
const ALLOW: &str =
    "ask the operator of the proxy to allow the host and port, or add the host to NO_PROXY";

/// What the answer to `CONNECT` says.
pub(super) fn tunnel_error(error: TunnelError) -> RequestError {
    let (retry, message, hint) = match error {
        // A wrong password that is sent again and again locks the user's account.
        TunnelError::Status(407) => {
            let message = "the proxy requires authentication (HTTP 407 to CONNECT)".to_owned();
            return proxy_error(
                RetryAction::No,
                TransportFailureKind::ProxyAuthorization,
                message,
            )
            .with_hint(LOGIN);
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
    proxy_error(retry, TransportFailureKind::ProxyRefused, message).with_hint(hint)
}

/// What a SOCKS proxy did, by the words of the library that asked it.
pub(super) fn socks_error(text: &str) -> RequestError {
    use TransportFailureKind::{ProxyAuthorization, ProxyRefused};
    const PROTOCOL: &str = "check the scheme and port of the proxy: http://HOST:PORT for an HTTP proxy, socks4a://HOST:PORT for SOCKS4";
    let text = text.strip_prefix("SOCKS error: ").unwrap_or(text);
    let known = [
        (
            "server does not support user/pass",
            ProxyAuthorization,
            "the SOCKS proxy does not accept a user and password, or requires them",
            LOGIN,
        ),
        (
            "server implements authentication",
            ProxyAuthorization,
            "the SOCKS proxy chose another way of authentication than was offered",
            LOGIN,
        ),
        (
            "credentials not accepted",
            ProxyAuthorization,
            "the SOCKS proxy rejected the user or password",
            LOGIN,
        ),
        (
            "io error",
            ProxyRefused,
            "the proxy closed the connection during the SOCKS handshake",
            PROTOCOL,
        ),
        (
            "failed parsing",
            ProxyRefused,
            "the proxy did not answer in SOCKS",
            PROTOCOL,
        ),
        (
            "failed serialize",
            ProxyRefused,
            "the host name or the user and password are too long for SOCKS",
            CHECK,
        ),
        (
            "host address is more",
            ProxyRefused,
            "the host name is too long for SOCKS",
            CHECK,
        ),
        (
            "could not resolve",
            ProxyRefused,
            "SOCKS4 needs an IPv4 address and the host has none",
            "use socks5h://HOST:PORT if the proxy supports it",
        ),
        (
            "IPV6 is not supported",
            ProxyRefused,
            "SOCKS4 needs an IPv4 address and the host has none",
            "use socks5h://HOST:PORT if the proxy supports it",
        ),
        (
            "connection not allowed",
            ProxyRefused,
            "the SOCKS proxy does not allow the connection",
            ALLOW,
        ),
        (
            "network unreachable",
            ProxyRefused,
            "the SOCKS proxy cannot reach the network of the host",
            ALLOW,
        ),
        (
            "host unreachable",
            ProxyRefused,
            "the SOCKS proxy cannot reach the host",
            ALLOW,
        ),
        (
            "connection refused",
            ProxyRefused,
            "the host refused the connection from the SOCKS proxy",
            ALLOW,
        ),
        (
            "ttl expired",
            ProxyRefused,
            "the SOCKS proxy cannot reach the host (TTL expired)",
            ALLOW,
        ),
        (
            "command not supported",
            ProxyRefused,
            "the SOCKS proxy does not support connections",
            PROTOCOL,
        ),
        (
            "address type not supported",
            ProxyRefused,
            "the SOCKS proxy does not support this type of address",
            "socks5:// sends an address, socks5h:// the host name",
        ),
        (
            "server failed to execute",
            ProxyRefused,
            "the SOCKS4 proxy rejected or failed the connection",
            ALLOW,
        ),
        (
            "server ident",
            ProxyAuthorization,
            "the SOCKS4 proxy requires an identd user",
            CHECK,
        ),
    ];
    let found = known
        .into_iter()
        .find(|(begin, ..)| text.starts_with(begin));
    let (_, kind, message, hint) =
        found.unwrap_or(("", ProxyRefused, "the SOCKS proxy failed to connect", ALLOW));
    let retry = match kind {
        ProxyAuthorization => RetryAction::No,
        _ => RetryAction::Backoff,
    };
    proxy_error(retry, kind, message.to_owned()).with_hint(hint)
}

fn proxy_error(retry: RetryAction, kind: TransportFailureKind, message: String) -> RequestError {
    let fault = TransportFailure {
        kind,
        at_proxy: true,
    };
    network_error(retry, fault, message)
}
