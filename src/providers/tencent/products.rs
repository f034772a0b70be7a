//! The products of API 3.0: their hosts, their versions, and the settings of their endpoints.

use super::{CLOUD, regions};
use crate::error::Problem;
use crate::http::{Endpoint, Request};
use crate::settings::Profile;

/// A product of API 3.0.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Product {
    /// Its name in hosts, signatures and permissions.
    pub name: &'static str,
    /// The version of its API, which no other product has.
    pub version: &'static str,
    /// The setting of its endpoint.
    endpoint_key: &'static str,
}

/// The platform for training.
pub(crate) static TIONE: Product = Product {
    name: "tione",
    version: "2021-11-11",
    endpoint_key: "tione_endpoint",
};

/// Batch computing.
pub(crate) static BATCH: Product = Product {
    name: "batch",
    version: "2017-03-12",
    endpoint_key: "batch_endpoint",
};

impl Product {
    /// The product that a request is for; `None` for API 2.0.
    pub fn of_request(request: &Request) -> Option<&'static Self> {
        let mut headers = request.headers.iter();
        let (_, version) = headers.find(|(name, _)| *name == "x-tc-version")?;
        let mut all = [&TIONE, &BATCH].into_iter();
        all.find(|product| product.version == version)
    }

    /// The endpoint of the product: the one that is set for it, else `endpoint` unless it is a public
    /// host, which serves one product alone, else the public host of the product.
    ///
    /// # Errors
    /// `usage` for an address that cannot be used.
    pub fn endpoint(&self, profile: &Profile, allow_http: bool) -> Result<Endpoint, Problem> {
        let shared = || profile.get("endpoint").filter(|text| !is_public(text));
        let text = match profile.get(self.endpoint_key).or_else(shared) {
            Some(text) => text.to_owned(),
            None => format!("https://{}.tencentcloudapi.com", self.name),
        };
        Endpoint::parse(&text, &[], allow_http)
            .map_err(|problem| problem.with_account(profile.cloud, &profile.name))
    }
}

/// The name of a region in API 3.0, which does not take the short codes of API 2.0.
pub(super) fn region_name(region: &str) -> &str {
    match region.contains('-') {
        true => region,
        false => regions::other_spelling(region).unwrap_or(region),
    }
}

fn is_public(endpoint: &str) -> bool {
    let host = endpoint.split("://").last().unwrap_or_default();
    let host = host.split(['/', ':']).next().unwrap_or_default();
    let mut domains = CLOUD.public_domains.iter();
    domains.any(|domain| {
        host.strip_suffix(domain)
            .is_some_and(|rest| rest.ends_with('.'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::test_support::profile;

    fn batch(settings: &[(&str, &str)]) -> String {
        let endpoint = BATCH.endpoint(&profile(&CLOUD, settings), false);
        endpoint.unwrap().origin()
    }

    #[test]
    fn a_product_is_asked_at_its_own_public_host_unless_another_is_set() {
        let endpoint = |text| ("JOBLENS_TENCENT_ENDPOINT", text);
        let public = "https://batch.tencentcloudapi.com";
        assert_eq!(batch(&[]), public);
        assert_eq!(batch(&[endpoint("https://ccs.api.qcloud.com")]), public);
        let gateway = endpoint("https://gateway.corp.example:8443");
        assert_eq!(batch(&[gateway]), "https://gateway.corp.example:8443");
        let international = "https://batch.intl.tencentcloudapi.com";
        let own = ("JOBLENS_TENCENT_BATCH_ENDPOINT", international);
        assert_eq!(batch(&[gateway, own]), international);
    }

    #[test]
    fn short_codes_of_regions_are_written_out() {
        for (region, name) in [
            ("gz", "ap-guangzhou"),
            ("ap-guangzhou", "ap-guangzhou"),
            ("xx", "xx"),
        ] {
            assert_eq!(region_name(region), name);
        }
    }
}
