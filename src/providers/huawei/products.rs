//! The products that are used: their hosts, API versions and endpoint settings.

use super::{CLOUD, regions};
use crate::error::Problem;
use crate::http::Endpoint;
use crate::providers::products::Product;
use crate::secret::is_region_like;
use crate::settings::Profile;

/// Workspace APP, whose endpoint setting is `endpoint`; its host name depends on the region.
pub(super) static WORKSPACE: Product = Product::new("workspace", "v1");

/// ModelArts, which trains models.
pub(super) static MODELARTS: Product = Product {
    endpoint_key: Some("modelarts_endpoint"),
    ..Product::new("modelarts", "v2")
};

/// Returns the endpoint of a product: from its own setting, otherwise from `endpoint`, otherwise its public host in
/// the region.
///
/// If `endpoint` is a public host, it belongs to one product, and other products get their own host in the same
/// region.
///
/// # Errors
/// `missing_credentials` without a region; `usage` for an invalid address, and for a region in which the product's
/// host is not known.
pub(super) fn endpoint(
    product: &Product,
    profile: &Profile,
    allow_http: bool,
) -> Result<Endpoint, Problem> {
    let shared = |text: &str| address_beside(product, text).or_else(|| Some(text.to_owned()));
    product.endpoint(profile, allow_http, shared, || {
        Ok(format!("https://{}", public_host(product, profile)?))
    })
}

/// Derives the address of a product from the public address of another product in the same region.
fn address_beside(product: &Product, endpoint: &str) -> Option<String> {
    let host = endpoint.strip_prefix("https://")?.trim_end_matches('/');
    let (_, rest) = host.split_once('.')?;
    let is_public = |domain: &&str| rest.ends_with(&format!(".{domain}"));
    let is_other = *product != WORKSPACE && CLOUD.public_domains.iter().any(is_public);
    is_other.then(|| format!("https://{}.{rest}", product.name))
}

fn public_host(product: &Product, profile: &Profile) -> Result<String, Problem> {
    let region = profile
        .get("region")
        .ok_or_else(|| profile.missing("region", &["region"], &["JOBLENS_HUAWEI_REGION"]))?;
    let host = match *product == WORKSPACE {
        true => regions::workspace_host(region),
        false => regions::is_known(region).then_some(product.name),
    };
    let host = host.map(|host| format!("{host}.{region}.myhuaweicloud.com"));
    host.ok_or_else(|| unknown_region(product, profile, region))
}

fn unknown_region(product: &Product, profile: &Profile, region: &str) -> Problem {
    let message = match is_region_like(region) {
        true => format!("is '{region}', which has no known endpoint"),
        false => "has no known endpoint".to_owned(),
    };
    let (key, name) = match *product == WORKSPACE {
        true => ("endpoint", "Workspace APP"),
        false => (product.endpoint_key.unwrap_or("endpoint"), product.name),
    };
    profile.invalid("region", &message).with_hint(format!(
        "set {key} to the address of {name} in that region, or fix the region"
    ))
}

/// Returns the endpoint of Workspace APP or, in a region without Workspace APP, of ModelArts.
///
/// # Errors
/// The errors of [`endpoint`].
pub(super) fn first_endpoint(profile: &Profile, allow_http: bool) -> Result<Endpoint, Problem> {
    let is_known = profile.get("region").is_some_and(regions::is_known);
    match endpoint(&WORKSPACE, profile, allow_http) {
        Err(_) if is_known && profile.get("endpoint").is_none() => {
            endpoint(&MODELARTS, profile, allow_http)
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
        let endpoint = endpoint(product, &profile(&CLOUD, settings), false);
        endpoint.map(|endpoint| endpoint.origin())
    }

    fn modelarts(settings: &[(&str, &str)]) -> String {
        origin(&MODELARTS, settings).unwrap()
    }

    #[test]
    fn the_host_of_a_product_follows_from_the_region_or_an_endpoint_setting() {
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
