//! The products that are requested: their hosts, their versions, and the settings of their endpoints.

use super::{CLOUD, regions};
use crate::error::Problem;
use crate::http::Endpoint;
use crate::secret::is_region_like;
use crate::settings::Profile;

/// A product with an API of its own.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Product {
    /// The first part of its hosts; that of Workspace APP depends on the region.
    pub host: &'static str,
    /// The version of its API, which begins its paths.
    pub version: &'static str,
    /// The setting of its endpoint, where it has one besides `endpoint`.
    endpoint_key: Option<&'static str>,
}

/// Workspace APP, whose endpoint is `endpoint`.
pub(super) static WORKSPACE: Product = Product::new("workspace", "v1");

/// ModelArts, which trains models.
pub(super) static MODELARTS: Product = Product {
    endpoint_key: Some("modelarts_endpoint"),
    ..Product::new("modelarts", "v2")
};

impl Product {
    /// A product without a setting of its own.
    pub const fn new(host: &'static str, version: &'static str) -> Self {
        Self {
            host,
            version,
            endpoint_key: None,
        }
    }

    /// The endpoint of the product: the one that is set for it, else `endpoint`, else its public host in
    /// the region.
    ///
    /// A public host in `endpoint` is that of one product: others have their own in the same region.
    ///
    /// # Errors
    /// `missing_credentials` without a region; `usage` for an address that cannot be used, and for a region
    /// in which the product has no known host.
    pub fn endpoint(&self, profile: &Profile, allow_http: bool) -> Result<Endpoint, Problem> {
        let own = self.endpoint_key.and_then(|key| profile.get(key));
        let key = self.endpoint_key.filter(|_| own.is_some());
        let text = match (own, profile.get("endpoint")) {
            (Some(own), _) => own.to_owned(),
            (None, Some(shared)) => self
                .product_address(shared)
                .unwrap_or_else(|| shared.to_owned()),
            (None, None) => format!("https://{}", self.public_host(profile)?),
        };
        Endpoint::parse(&text, &[], allow_http)
            .map_err(|problem| profile.unusable(key.unwrap_or("endpoint"), problem))
    }

    /// The address of the product beside the public address of another one.
    fn product_address(&self, endpoint: &str) -> Option<String> {
        let host = endpoint.strip_prefix("https://")?.trim_end_matches('/');
        let (_, rest) = host.split_once('.')?;
        let is_public = |domain: &&str| rest.ends_with(&format!(".{domain}"));
        let is_other = *self != WORKSPACE && CLOUD.public_domains.iter().any(is_public);
        is_other.then(|| format!("https://{}.{rest}", self.host))
    }

    fn public_host(&self, profile: &Profile) -> Result<String, Problem> {
        let region = profile
            .get("region")
            .ok_or_else(|| profile.missing("region", &["region"], &["JOBLENS_HUAWEI_REGION"]))?;
        let host = match *self == WORKSPACE {
            true => regions::workspace_host(region),
            false => regions::is_known(region).then_some(self.host),
        };
        let host = host.map(|host| format!("{host}.{region}.myhuaweicloud.com"));
        host.ok_or_else(|| self.unknown_region(profile, region))
    }

    fn unknown_region(&self, profile: &Profile, region: &str) -> Problem {
        let what = match is_region_like(region) {
            true => format!("is '{region}', which has no known endpoint"),
            false => "has no known endpoint".to_owned(),
        };
        let (key, name) = match *self == WORKSPACE {
            true => ("endpoint", "Workspace APP"),
            false => (self.endpoint_key.unwrap_or("endpoint"), self.host),
        };
        profile.invalid("region", &what).with_hint(format!(
            "set {key} to the address of {name} in that region, or fix the region"
        ))
    }
}

/// The endpoint that a profile names: that of Workspace APP, which some regions do not have, else that of
/// ModelArts.
///
/// # Errors
/// As [`Product::endpoint`].
pub(super) fn first_endpoint(profile: &Profile, allow_http: bool) -> Result<Endpoint, Problem> {
    let is_known = profile.get("region").is_some_and(regions::is_known);
    match WORKSPACE.endpoint(profile, allow_http) {
        Err(_) if is_known && profile.get("endpoint").is_none() => {
            MODELARTS.endpoint(profile, allow_http)
        }
        found => found,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Category;
    use crate::providers::test_support::profile;

    fn origin(product: &Product, settings: &[(&str, &str)]) -> Result<String, Problem> {
        let endpoint = product.endpoint(&profile(&CLOUD, settings), false);
        endpoint.map(|endpoint| endpoint.origin())
    }

    fn modelarts(settings: &[(&str, &str)]) -> String {
        origin(&MODELARTS, settings).unwrap()
    }

    #[test]
    fn a_product_is_asked_at_its_own_public_host_unless_another_is_set() {
        let region = ("JOBLENS_HUAWEI_REGION", "cn-north-4");
        let endpoint = |text| ("JOBLENS_HUAWEI_ENDPOINT", text);
        let public = "https://modelarts.cn-north-4.myhuaweicloud.com";
        assert_eq!(modelarts(&[region]), public);
        let other = endpoint("https://appstream.cn-north-4.myhuaweicloud.com/");
        assert_eq!(modelarts(&[other]), public);
        let europe = endpoint("https://workspace.eu-west-101.myhuaweicloud.eu");
        assert_eq!(
            modelarts(&[region, europe]),
            "https://modelarts.eu-west-101.myhuaweicloud.eu"
        );
        let gateway = endpoint("https://gateway.corp.example:8443");
        assert_eq!(modelarts(&[gateway]), "https://gateway.corp.example:8443");
        let own = ("JOBLENS_HUAWEI_MODELARTS_ENDPOINT", "https://ma.example");
        assert_eq!(modelarts(&[gateway, own]), "https://ma.example");
        assert_eq!(
            origin(&WORKSPACE, &[other]).unwrap(),
            "https://appstream.cn-north-4.myhuaweicloud.com"
        );
    }

    #[test]
    fn a_region_without_a_product_is_an_error_for_that_product_only() {
        let settings = [("JOBLENS_HUAWEI_REGION", "na-mexico-1")];
        let problem = origin(&WORKSPACE, &settings).unwrap_err();
        assert_eq!(problem.category, Category::Usage);
        assert!(problem.hint.unwrap().starts_with("set endpoint"));
        let host = "https://modelarts.na-mexico-1.myhuaweicloud.com";
        assert_eq!(modelarts(&settings), host);
        let first = first_endpoint(&profile(&CLOUD, &settings), false);
        assert_eq!(first.unwrap().origin(), host);
        let settings = [("JOBLENS_HUAWEI_REGION", "cn-nowhere-1")];
        let problem = origin(&MODELARTS, &settings).unwrap_err();
        assert!(problem.hint.unwrap().starts_with("set modelarts_endpoint"));
        assert!(first_endpoint(&profile(&CLOUD, &settings), false).is_err());
    }
}
