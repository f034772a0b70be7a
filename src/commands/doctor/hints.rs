//! Hints about requests that failed in transit.

use crate::error::{TransportFailure, TransportFailureKind};
use crate::http::Route;

/// Returns the next step, or `None` if the hint of the problem is sufficient.
///
/// `host` is `host[:port]` of the request.
pub(super) fn hint_for(fault: TransportFailure, host: &str, route: &Route) -> Option<String> {
    let name = name_of(host);
    let variable = match route {
        Route::Proxied { variable, .. } => variable.as_str(),
        Route::Direct | Route::Bypassed(_) | Route::Unusable { .. } => "HTTPS_PROXY",
    };
    Some(match (fault.kind, fault.at_proxy) {
        (TransportFailureKind::UnknownHost | TransportFailureKind::DnsFailure, true) => {
            format!("check the host in {variable}")
        }
        (
            TransportFailureKind::ConnectionRefused
            | TransportFailureKind::Unreachable
            | TransportFailureKind::ConnectTimeout
            | TransportFailureKind::Connection,
            true,
        ) => format!(
            "check the host and port in {variable} and that the proxy is running; add hosts that need no proxy to NO_PROXY"
        ),
        (TransportFailureKind::UnknownHost, false) => format!(
            "check region and endpoint of the profile; to query DNS: getent hosts {name}"
        ),
        (TransportFailureKind::DnsFailure, false) => {
            "check the network and the name servers (/etc/resolv.conf); a corporate network may need a proxy: set HTTPS_PROXY"
                .to_owned()
        }
        (TransportFailureKind::ConnectionRefused, false) => {
            "check the host and port of the endpoint; a firewall may reject the connection".to_owned()
        }
        (TransportFailureKind::Unreachable, false) => {
            "check the network connection, VPN, routes and firewall".to_owned()
        }
        (TransportFailureKind::ConnectTimeout, false) => {
            "a firewall may drop packets: check the endpoint and whether a proxy is needed (HTTPS_PROXY); --connect-timeout allows more time"
                .to_owned()
        }
        (TransportFailureKind::UnknownIssuer, _) => format!(
            "the certificate may come from a proxy or a private CA: save the CA certificate and set ca_file or --ca-file; to inspect it: openssl s_client -showcerts -connect {}",
            with_port(host)
        ),
        (TransportFailureKind::Timeout, _) => {
            "try again later; --request-timeout allows more time".to_owned()
        }
        _ => return None,
    })
}

/// Returns the host without its port.
pub(super) fn name_of(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => name,
        _ => host,
    }
}

fn with_port(host: &str) -> String {
    match name_of(host) == host {
        true => format!("{host}:443"),
        false => host.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_separated_from_its_port() {
        assert_eq!(name_of("a.example:8443"), "a.example");
        assert_eq!(name_of("[::1]:80"), "[::1]");
        assert_eq!(name_of("[::1]"), "[::1]");
        assert_eq!(with_port("a.example"), "a.example:443");
        assert_eq!(with_port("[::1]:80"), "[::1]:80");
    }
}
