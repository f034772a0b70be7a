use std::net::IpAddr;

use url::Url;

use crate::error::Problem;

/// The host of a request: scheme and authority, as they are sent and signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    https: bool,
    authority: String,
    loopback: bool,
}

impl Endpoint {
    /// Parses `https://host[:port]`, which may end in one of `paths` (such as `/ai`) and a slash.
    ///
    /// The host is normalized like by a URL parser: lower case, punycode, without the default port. Plain HTTP is
    /// allowed for loopback only, unless `allow_http` is set.
    ///
    /// # Errors
    /// A usage error that describes what is wrong with the text.
    pub fn parse(text: &str, paths: &[&str], allow_http: bool) -> Result<Self, Problem> {
        let usage_error = |description: &str| {
            Problem::usage(format!(
                "endpoint '{}' {description}",
                crate::secret::quotable(text)
            ))
            .with_hint("use https://host or https://host:port")
        };
        let url = Url::parse(text.trim()).map_err(|_| usage_error("is not a valid URL"))?;
        let https = match url.scheme() {
            "https" => true,
            "http" => false,
            _ => return Err(usage_error("must begin with https://")),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(usage_error("contains a user name or password"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(usage_error("contains a query or fragment"));
        }
        let path = url.path().trim_end_matches('/');
        if !path.is_empty() && !paths.contains(&path) {
            return Err(usage_error("contains a path"));
        }
        let host = url.host_str().ok_or_else(|| usage_error("has no host"))?;
        let loopback = is_loopback(host);
        if !https && !loopback && !allow_http {
            return Err(
                usage_error("uses plain HTTP, which is only allowed for localhost")
                    .with_hint("use https://, or pass --allow-http"),
            );
        }
        let authority = match url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        Ok(Self {
            https,
            authority,
            loopback,
        })
    }

    /// Returns `host[:port]` as in the `Host` header.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Returns the host; an IPv6 address has no brackets.
    pub fn host(&self) -> &str {
        let host = match self.authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => host,
            _ => &self.authority,
        };
        host.trim_start_matches('[').trim_end_matches(']')
    }

    /// Returns `true` if the endpoint has a port other than the default of its scheme.
    pub fn has_port(&self) -> bool {
        let port = self.authority.rsplit_once(':').map(|(_, port)| port);
        port.is_some_and(|port| !port.ends_with(']'))
    }

    /// Returns the port, by default that of the scheme.
    pub(super) fn port(&self) -> u16 {
        let default = if self.https { 443 } else { 80 };
        let port = self
            .authority
            .rsplit_once(':')
            .map(|(_, port)| port.parse());
        port.and_then(Result::ok).unwrap_or(default)
    }

    /// Returns `http` or `https`.
    pub(super) fn scheme(&self) -> &'static str {
        if self.https { "https" } else { "http" }
    }

    /// Returns `true` if the endpoint uses TLS.
    pub fn is_https(&self) -> bool {
        self.https
    }

    /// Returns `true` if the host is this machine.
    pub fn is_loopback(&self) -> bool {
        self.loopback
    }

    /// Returns `scheme://host[:port]`.
    pub fn origin(&self) -> String {
        format!("{}://{}", self.scheme(), self.authority)
    }
}

fn is_loopback(host: &str) -> bool {
    let trimmed = host.trim_start_matches('[').trim_end_matches(']');
    trimmed == "localhost" || trimmed.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Endpoint, Problem> {
        Endpoint::parse(text, &["/ai"], false)
    }

    #[test]
    fn the_authority_of_an_endpoint_is_normalized() {
        let authorities = [
            (
                "https://EHPC.cn-hangzhou.aliyuncs.com:443/",
                "ehpc.cn-hangzhou.aliyuncs.com",
            ),
            (
                "https://ai01.example.com:65011/ai/",
                "ai01.example.com:65011",
            ),
            ("https://例子.cn", "xn--fsqu00a.cn"),
            ("http://127.0.0.1:7411", "127.0.0.1:7411"),
            ("http://[::1]:80", "[::1]"),
        ];
        for (text, authority) in authorities {
            assert_eq!(parse(text).unwrap().authority(), authority, "{text}");
        }
    }

    #[test]
    fn rejects_endpoints_that_are_insecure_or_not_a_plain_origin() {
        for text in [
            "http://example.com",
            "https://user:pw@example.com",
            "https://example.com/v1",
            "https://example.com?x=1",
            "ftp://example.com",
            "example.com",
            "http://127.0.0.1.example.com",
            "",
        ] {
            let problem = parse(text).unwrap_err();
            assert!(!problem.message.contains("pw@"), "{}", problem.message);
        }
        assert!(Endpoint::parse("http://example.com", &[], true).is_ok());
    }
}
