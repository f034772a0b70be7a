//! Products of a cloud that have their own API, with its version and endpoint.

use crate::error::Problem;
use crate::http::{Endpoint, Request};
use crate::settings::Profile;

/// A product of a cloud that has its own API.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Product {
    /// The first part of the names of its public hosts.
    pub name: &'static str,
    /// The version of its API, which is unique among the cloud's products.
    pub version: &'static str,
    /// The product's name in permissions.
    pub permission_prefix: &'static str,
    /// The setting for its endpoint, if `endpoint` does not apply to it.
    pub endpoint_key: Option<&'static str>,
}

impl Product {
    /// Creates a product with the same name in permissions and hosts, and without its own setting for the endpoint.
    pub const fn new(name: &'static str, version: &'static str) -> Self {
        Self {
            name,
            version,
            permission_prefix: name,
            endpoint_key: None,
        }
    }

    /// Returns the product of a request, by the header that contains the API version.
    pub fn of_request(
        all: &[&'static Self],
        header: &str,
        request: &Request,
    ) -> Option<&'static Self> {
        let mut headers = request.headers.iter();
        let (_, version) = headers.find(|(name, _)| *name == header)?;
        let mut all = all.iter().copied();
        all.find(|product| product.version == version)
    }

    /// Returns the endpoint: from the product's setting, otherwise what `shared` returns for the setting
    /// `endpoint`, otherwise the address that `public` returns.
    ///
    /// # Errors
    /// `usage` for an invalid address; the errors of `public`.
    pub fn endpoint(
        &self,
        profile: &Profile,
        allow_http: bool,
        shared: impl FnOnce(&str) -> Option<String>,
        public: impl FnOnce() -> Result<String, Problem>,
    ) -> Result<Endpoint, Problem> {
        let product_key = self.endpoint_key.filter(|key| profile.get(key).is_some());
        let key = product_key.unwrap_or("endpoint");
        let text = match product_key {
            Some(key) => profile.get(key).map(str::to_owned),
            None => profile.get(key).and_then(shared),
        };
        let text = text.map_or_else(public, Ok)?;
        Endpoint::parse(&text, &[], allow_http).map_err(|problem| profile.unusable(key, problem))
    }
}

/// The endpoints of a profile's products.
pub(super) struct Endpoints(Vec<(&'static Product, Endpoint)>);

impl Endpoints {
    /// Determines the endpoints of these products.
    ///
    /// # Errors
    /// The errors of `endpoint`.
    pub fn new(
        all: &[&'static Product],
        endpoint: impl Fn(&'static Product) -> Result<Endpoint, Problem>,
    ) -> Result<Self, Problem> {
        let all = all.iter();
        let endpoints = all.map(|product| Ok((*product, endpoint(product)?)));
        endpoints.collect::<Result<_, _>>().map(Self)
    }

    /// Returns the endpoint of a product.
    pub fn of(&self, product: &Product) -> &Endpoint {
        let mut endpoints = self.0.iter();
        let entry = endpoints.find(|(known, _)| *known == product);
        &entry.expect("every product of the cloud has an endpoint").1
    }
}
