//! The products of API 3.0. Their names are used in hosts, signatures and permissions.

use super::{CLOUD, regions};
use crate::error::Problem;
use crate::http::{Endpoint, Request};
pub(crate) use crate::providers::products::Product;
use crate::settings::Profile;

/// TI-ONE, the training platform.
pub(crate) static TIONE: Product = Product {
    endpoint_key: Some("tione_endpoint"),
    ..Product::new("tione", "2021-11-11")
};

/// Batch, for batch computing.
pub(crate) static BATCH: Product = Product {
    endpoint_key: Some("batch_endpoint"),
    ..Product::new("batch", "2017-03-12")
};

pub(super) static ALL: [&Product; 2] = [&TIONE, &BATCH];

/// Returns the product of a request; `None` for API 2.0.
pub(super) fn of_request(request: &Request) -> Option<&'static Product> {
    Product::of_request(&ALL, "x-tc-version", request)
}

/// Returns the endpoint of a product: from its own setting, otherwise from `endpoint`, otherwise its public host.
/// A public host in `endpoint` is ignored, because it serves only one product.
///
/// # Errors
/// `usage` for an invalid address.
pub(super) fn endpoint(
    product: &Product,
    profile: &Profile,
    allow_http: bool,
) -> Result<Endpoint, Problem> {
    let shared = |text: &str| (!is_public(text)).then(|| text.to_owned());
    let public = || Ok(format!("https://{}.tencentcloudapi.com", product.name));
    product.endpoint(profile, allow_http, shared, public)
}

/// Returns the name of a region in API 3.0, which does not accept the short codes of API 2.0.
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
        let endpoint = endpoint(&BATCH, &profile(&CLOUD, settings), false);
        endpoint.unwrap().origin()
    }

    #[test]
    fn the_host_of_a_product_is_public_unless_a_gateway_or_endpoint_is_set() {
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
    fn short_region_codes_are_expanded() {
        for (region, name) in [
            ("gz", "ap-guangzhou"),
            ("ap-guangzhou", "ap-guangzhou"),
            ("xx", "xx"),
        ] {
            assert_eq!(region_name(region), name);
        }
    }
}
