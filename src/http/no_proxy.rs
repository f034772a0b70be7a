//! Parses `NO_PROXY`, the hosts that are excluded from proxies, in the notations that other programs accept.

use std::net::IpAddr;

use url::Host;

/// Entries of `NO_PROXY`, separated by commas, semicolons or blanks.
#[derive(Debug)]
pub(super) struct NoProxy(Vec<Entry>);

#[derive(Debug)]
struct Entry {
    hosts: Hosts,
    /// `None` for every port.
    port: Option<u16>,
}

#[derive(Debug)]
enum Hosts {
    All,
    /// A domain with its subdomains.
    Domain(String),
    /// The first part of an address: `192.168.` for `192.168.*`.
    Prefix(String),
    /// Addresses with the same leading bits, whose number is given.
    Network(IpAddr, u32),
}

impl NoProxy {
    /// Parses the value of the variable. Like in other programs, entries that are not a host are ignored.
    pub(super) fn parse(value: &str) -> Self {
        let entries = value.split(|c: char| c == ',' || c == ';' || c.is_whitespace());
        Self(entries.filter_map(Entry::parse).collect())
    }

    /// Returns `true` if requests to this host and port bypass the proxy; an IPv6 address has no brackets.
    pub(super) fn matches(&self, host: &str, port: u16) -> bool {
        let host = host.trim_end_matches('.');
        self.0
            .iter()
            .any(|entry| entry.port.is_none_or(|own| own == port) && entry.hosts.contains(host))
    }
}

impl Entry {
    fn parse(text: &str) -> Option<Self> {
        let text = text.split_once("://").map_or(text, |(_, rest)| rest);
        if let Some((address, bits)) = text.split_once('/')
            && let Ok(address) = without_brackets(address).parse()
            && !bits.is_empty()
        {
            let hosts = network(address, bits)?;
            return Some(Self { hosts, port: None });
        }
        let text = text.split('/').next().unwrap_or_default();
        let (name, port) = match text.rsplit_once(':') {
            // Further colons are part of an IPv6 address.
            Some((name, port)) if !name.contains(':') || name.ends_with(']') => {
                (name, Some(port.parse().ok()?))
            }
            _ => (text, None),
        };
        let hosts = Hosts::parse(name)?;
        Some(Self { hosts, port })
    }
}

impl Hosts {
    fn parse(name: &str) -> Option<Self> {
        if name == "*" {
            return Some(Self::All);
        }
        if let Some(prefix) = name.strip_suffix('*').filter(|rest| rest.ends_with('.')) {
            return Some(Self::Prefix(prefix.to_owned()));
        }
        let name = name.strip_prefix('*').unwrap_or(name);
        let name = name.trim_start_matches('.').trim_end_matches('.');
        if let Ok(address) = without_brackets(name).parse() {
            return Some(Self::Network(address, u32::MAX));
        }
        // Lower case and punycode, as in endpoints.
        match Host::parse(name).ok()? {
            Host::Domain(domain) => Some(Self::Domain(domain)),
            Host::Ipv4(address) => Some(Self::Network(address.into(), u32::MAX)),
            Host::Ipv6(address) => Some(Self::Network(address.into(), u32::MAX)),
        }
    }

    fn contains(&self, host: &str) -> bool {
        match self {
            Self::All => true,
            Self::Domain(domain) => host
                .strip_suffix(domain.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.ends_with('.')),
            Self::Prefix(prefix) => host.starts_with(prefix),
            Self::Network(network, bits) => host
                .parse::<IpAddr>()
                .is_ok_and(|address| leading(address, *bits) == leading(*network, *bits)),
        }
    }
}

/// Returns a network from an address and its prefix length: `10.0.0.0` and `8`.
fn network(address: IpAddr, bits: &str) -> Option<Hosts> {
    let bits: u32 = bits.parse().ok()?;
    let width = if address.is_ipv4() { 32 } else { 128 };
    (bits <= width).then_some(Hosts::Network(address, bits))
}

fn without_brackets(address: &str) -> &str {
    address.trim_start_matches('[').trim_end_matches(']')
}

/// Returns the width of an address in bits, and its leading bits. An IPv4-mapped IPv6 address counts as IPv4.
fn leading(address: IpAddr, bits: u32) -> (u32, u128) {
    let (width, value) = match address.to_canonical() {
        IpAddr::V4(address) => (32, u128::from(address.to_bits())),
        IpAddr::V6(address) => (128, address.to_bits()),
    };
    let unused = width - bits.min(width);
    (width, value.checked_shr(unused).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_no_proxy_spellings_of_other_programs() {
        for (value, matching, others) in [
            (
                "*.corp.example",
                &["ai.corp.example", "a.b.corp.example"][..],
                &["notcorp.example", "corp.example.org"][..],
            ),
            (".corp.example", &["ai.corp.example"], &["xcorp.example"]),
            (
                "Corp.Example.",
                &["corp.example", "ai.corp.example", "ai.corp.example."],
                &["example"],
            ),
            (
                "ai.corp.example:8443",
                &["ai.corp.example", "x.ai.corp.example"],
                &["corp.example"],
            ),
            (
                "10.0.0.0/8 corp.example",
                &["10.1.2.3", "ai.corp.example", "::ffff:10.1.2.3"],
                &["11.0.0.1", "fd00::1"],
            ),
            (
                "localhost;corp.example",
                &["localhost", "corp.example"],
                &["local"],
            ),
            ("a.example,\tb.example , ,", &["b.example"], &["c.example"]),
            ("fd00::/8", &["fd12::1"], &["fe80::1", "253.0.0.1"]),
            ("[fd00::1]:8443", &["fd00::1"], &["fd00::2"]),
            ("[fd00::1]", &["fd00::1"], &["fd00::2"]),
            ("fd00::1", &["fd00::1"], &["fd00::2"]),
            ("192.168.*", &["192.168.1.2"], &["192.169.1.2"]),
            (
                "10.0.0.1/32,0.0.0.1/33",
                &["10.0.0.1"],
                &["10.0.0.2", "0.0.0.1"],
            ),
            ("0.0.0.0/0", &["192.0.2.1"], &["::1", "a.example"]),
            ("*", &["anything.example", "::1"], &[]),
            ("https://ai.corp.example/", &["ai.corp.example"], &[]),
            ("例子.cn", &["a.xn--fsqu00a.cn"], &["fsqu00a.cn"]),
            ("", &[], &["a.example"]),
        ] {
            let list = NoProxy::parse(value);
            for host in matching {
                assert!(list.matches(host, 8443), "{host} in {value}");
            }
            for host in others {
                assert!(!list.matches(host, 8443), "{host} in {value}");
            }
        }
        assert!(!NoProxy::parse("ai.corp.example:443").matches("ai.corp.example", 8443));
        assert!(!NoProxy::parse("[fd00::1]:443").matches("fd00::1", 8443));
        assert!(!NoProxy::parse("ai.example:port").matches("ai.example", 8443));
    }

    proptest! {
        #[test]
        fn no_value_panics(value in r"[a-z0-9.:*/,;\[\]训 -]{0,40}", port in any::<u16>()) {
            let list = NoProxy::parse(&value);
            list.matches("10.0.0.1", port);
            list.matches("fd00::1", port);
        }
    }
}
