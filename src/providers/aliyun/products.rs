//! The products that are requested: their hosts, their versions, and the settings of their endpoints.

use crate::error::Problem;
use crate::http::{Endpoint, Request};
use crate::settings::Profile;

/// A product with an API of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Product {
    /// E-HPC 1.0.
    Ehpc,
    /// E-HPC NEXT, at the same hosts.
    EhpcNext,
    /// Elastic Container Instance, which runs the containers of serverless jobs.
    Eci,
    /// PAI-DLC, jobs of training.
    Dlc,
    /// E-HPC Instant, the successor of serverless jobs.
    Instant,
}

/// What is to be known of a product.
struct Facts {
    /// The version of its API.
    version: &'static str,
    /// The first part of its public hosts.
    host: &'static str,
    /// The setting of its endpoint, where that of E-HPC does not name it.
    endpoint_key: Option<&'static str>,
    /// Its name in permissions.
    permission_prefix: &'static str,
}

impl Product {
    const ALL: [Self; 5] = [
        Self::Ehpc,
        Self::EhpcNext,
        Self::Eci,
        Self::Dlc,
        Self::Instant,
    ];

    /// The product that a request is for.
    pub fn of_request(request: &Request) -> Self {
        let mut headers = request.headers.iter();
        let version = headers.find(|(name, _)| *name == "x-acs-version");
        let version = version.map(|(_, version)| version.as_str());
        let all = Self::ALL.into_iter();
        let mut products = all.filter(|product| Some(product.version()) == version);
        products.next().unwrap_or(Self::Ehpc)
    }

    /// The name of the product in permissions.
    pub fn permission_prefix(self) -> &'static str {
        self.facts().permission_prefix
    }

    /// The version of its API.
    pub fn version(self) -> &'static str {
        self.facts().version
    }

    fn facts(self) -> Facts {
        let (version, host, endpoint_key, permission_prefix) = match self {
            Self::Ehpc => ("2018-04-12", "ehpc", None, "ehpc"),
            Self::EhpcNext => ("2024-07-30", "ehpc", None, "ehpc"),
            Self::Eci => ("2018-08-08", "eci", Some("eci_endpoint"), "eci"),
            Self::Dlc => ("2020-12-03", "pai-dlc", Some("dlc_endpoint"), "paidlc"),
            Self::Instant => (
                "2023-07-01",
                "ehpcinstant",
                Some("instant_endpoint"),
                "ehpc",
            ),
        };
        Facts {
            version,
            host,
            endpoint_key,
            permission_prefix,
        }
    }
}

/// The endpoints of a profile, in the order of [`Product::ALL`].
pub(super) struct Endpoints(Vec<Endpoint>);

impl Endpoints {
    /// The endpoints that a profile names.
    ///
    /// # Errors
    /// `missing_credentials` where neither region nor endpoint is set, `usage` where one cannot be used.
    pub fn new(profile: &Profile, allow_http: bool) -> Result<Self, Problem> {
        let endpoint = |product| endpoint(product, profile, allow_http);
        let all = Product::ALL.into_iter().map(endpoint);
        all.collect::<Result<_, _>>().map(Self)
    }

    /// The endpoint of a product.
    pub fn of(&self, product: Product) -> &Endpoint {
        &self.0[product as usize]
    }
}

/// The endpoint of a product: the one that is set for it, else `endpoint`, else
/// `https://PRODUCT.REGION.aliyuncs.com`.
///
/// A public host of E-HPC in `endpoint` is the host of E-HPC only: other products have the public host of
/// the same region and network.
pub(super) fn endpoint(
    product: Product,
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
    let facts = product.facts();
    let own = facts.endpoint_key.and_then(|key| profile.get(key));
    let text = match (own.or(profile.get("endpoint")), region) {
        (Some(endpoint), _) => match own {
            Some(own) => own.to_owned(),
            None => public_host(endpoint, facts.host).unwrap_or_else(|| endpoint.to_owned()),
        },
        (None, Some(region)) => format!("https://{}.{region}.aliyuncs.com", facts.host),
        (None, None) => {
            return Err(profile.missing("region", &["region"], &["ALIBABA_CLOUD_REGION_ID"]));
        }
    };
    Endpoint::parse(&text, &[], allow_http)
        .map_err(|problem| problem.with_account(profile.cloud, &profile.name))
}

/// The address of a product beside a public address of E-HPC, such as
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

    fn origin(product: Product, settings: &[(&str, &str)]) -> String {
        let keys = [
            ("ALIBABA_CLOUD_ACCESS_KEY_ID", "test-id"),
            ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "test-secret"),
        ];
        let settings: Vec<_> = keys.iter().chain(settings).copied().collect();
        let endpoint = endpoint(product, &profile(&CLOUD, &settings), false).unwrap();
        endpoint.origin()
    }

    #[test]
    fn a_product_is_asked_at_its_own_public_host_unless_another_is_set() {
        let region = ("ALIBABA_CLOUD_REGION_ID", "cn-hangzhou");
        let endpoint = |text| ("JOBLENS_ALIYUN_ENDPOINT", text);
        let eci = |settings: &[_]| origin(Product::Eci, settings);
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
            origin(Product::Dlc, &[region, vpc]),
            "https://pai-dlc-vpc.cn-beijing.aliyuncs.com"
        );
        assert_eq!(
            origin(Product::Instant, &[region]),
            "https://ehpcinstant.cn-hangzhou.aliyuncs.com"
        );
    }
}
