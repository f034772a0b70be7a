//! The products of the cloud whose APIs are called, and their endpoints.

use crate::error::Problem;
use crate::http::{Endpoint, Request};
use crate::providers::products::Product;
use crate::settings::Profile;

/// E-HPC 1.0.
pub(super) static EHPC: Product = Product::new("ehpc", "2018-04-12");

/// E-HPC NEXT, at the same hosts.
pub(super) static EHPC_NEXT: Product = Product::new("ehpc", "2024-07-30");

/// Elastic Container Instance, which runs the containers of serverless jobs.
pub(super) static ECI: Product = Product {
    endpoint_key: Some("eci_endpoint"),
    ..Product::new("eci", "2018-08-08")
};

/// PAI-DLC, which runs training jobs.
pub(super) static DLC: Product = Product {
    endpoint_key: Some("dlc_endpoint"),
    permission_prefix: "paidlc",
    ..Product::new("pai-dlc", "2020-12-03")
};

/// E-HPC Instant, the successor of serverless jobs.
pub(super) static INSTANT: Product = Product {
    endpoint_key: Some("instant_endpoint"),
    permission_prefix: "ehpc",
    ..Product::new("ehpcinstant", "2023-07-01")
};

/// AIWorkSpace, the workspaces of PAI.
pub(super) static WORKSPACE: Product = Product {
    endpoint_key: Some("workspace_endpoint"),
    permission_prefix: "paiworkspace",
    ..Product::new("aiworkspace", "2021-02-04")
};

pub(super) static ALL: [&Product; 6] = [&EHPC, &EHPC_NEXT, &ECI, &DLC, &INSTANT, &WORKSPACE];

/// Returns the product of a request.
pub(super) fn of_request(request: &Request) -> &'static Product {
    Product::of_request(&ALL, "x-acs-version", request).unwrap_or(&EHPC)
}

/// Returns the endpoint of a product: its own setting, otherwise `endpoint`, otherwise
/// `https://PRODUCT.REGION.aliyuncs.com`.
///
/// A public host of E-HPC in `endpoint` applies to E-HPC only. Other products use their public host in the same
/// region and network.
///
/// # Errors
/// `missing_credentials` if neither region nor endpoint is set, `usage` if one of them is invalid.
pub(super) fn endpoint(
    product: &Product,
    profile: &Profile,
    allow_http: bool,
) -> Result<Endpoint, Problem> {
    let region = profile.get("region");
    let is_region = |text: &str| {
        text.bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    if region.is_some_and(|region| !is_region(region)) {
        return Err(profile
            .invalid("region", "is not a valid region id")
            .with_hint("use the cloud's form, e.g. cn-hangzhou"));
    }
    let name = product.name;
    let shared = |text: &str| public_host(text, name).or_else(|| Some(text.to_owned()));
    product.endpoint(profile, allow_http, shared, || match region {
        Some(region) => Ok(format!("https://{name}.{region}.aliyuncs.com")),
        None => Err(profile.missing("region", &["region"], &["ALIBABA_CLOUD_REGION_ID"])),
    })
}

/// Returns the address of a product that corresponds to a public address of E-HPC, such as
/// `https://ehpc-vpc.cn-hangzhou.aliyuncs.com`.
fn public_host(endpoint: &str, host: &str) -> Option<String> {
    let rest = endpoint.strip_prefix("https://ehpc")?;
    let is_public =
        rest.starts_with(['.', '-']) && rest.trim_end_matches('/').ends_with(".aliyuncs.com");
    is_public.then(|| format!("https://{host}{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::aliyun::CLOUD;
    use crate::providers::test_support::profile;

    fn origin(product: &'static Product, settings: &[(&str, &str)]) -> String {
        let keys = [
            ("ALIBABA_CLOUD_ACCESS_KEY_ID", "test-id"),
            ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "test-secret"),
        ];
        let settings: Vec<_> = keys.iter().chain(settings).copied().collect();
        let endpoint = endpoint(product, &profile(&CLOUD, &settings), false).unwrap();
        endpoint.origin()
    }

    #[test]
    fn the_host_of_a_product_follows_from_the_region_or_an_endpoint_setting() {
        let region = ("ALIBABA_CLOUD_REGION_ID", "cn-hangzhou");
        let endpoint = |text| ("JOBLENS_ALIYUN_ENDPOINT", text);
        let eci = |settings: &[_]| origin(&ECI, settings);
        assert_eq!(eci(&[region]), "https://eci.cn-hangzhou.aliyuncs.com");
        let vpc = endpoint("https://ehpc-vpc.cn-beijing.aliyuncs.com");
        assert_eq!(
            eci(&[region, vpc]),
            "https://eci-vpc.cn-beijing.aliyuncs.com"
        );
        let gateway = endpoint("https://gateway.corp.example");
        assert_eq!(eci(&[region, gateway]), "https://gateway.corp.example");
        let own = ("JOBLENS_ALIYUN_ECI_ENDPOINT", "https://eci.corp.example");
        assert_eq!(eci(&[region, gateway, own]), "https://eci.corp.example");
        assert_eq!(
            origin(&DLC, &[region, vpc]),
            "https://pai-dlc-vpc.cn-beijing.aliyuncs.com"
        );
        assert_eq!(
            origin(&INSTANT, &[region]),
            "https://ehpcinstant.cn-hangzhou.aliyuncs.com"
        );
    }
}
