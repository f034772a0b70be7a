//! Products with an API of their own: their versions and their endpoints.

use crate::error::Problem;
use crate::http::{Endpoint, Request};
use crate::settings::Profile;

/// A product of a cloud with an API of its own.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Product {
    /// The first part of its public hosts.
    pub name: &'static str,
    /// The version of its API, which no other product of the cloud has.
    pub version: &'static str,
    /// Its name in permissions.
    pub permission_prefix: &'static str,
    /// The setting of its endpoint, where `endpoint` does not name it.
    pub endpoint_key: Option<&'static str>,
}

impl Product {
    /// A product whose name in permissions is that of its hosts, and whose endpoint has no setting of
    /// its own.
    pub const fn new(name: &'static str, version: &'static str) -> Self {
        Self {
            name,
            version,
            permission_prefix: name,
            endpoint_key: None,
        }
    }

    /// The one of `all` that a request is for, by the header that has the version.
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

    /// The endpoint: the one that is set for the product, else what `shared` makes of `endpoint`, else
    /// the address that `public` gives.
    ///
    /// # Errors
    /// `usage` for an address that cannot be used, and as `public`.
    pub fn endpoint(
        &self,
        profile: &Profile,
        allow_http: bool,
        shared: impl FnOnce(&str) -> Option<String>,
        public: impl FnOnce() -> Result<String, Problem>,
    ) -> Result<Endpoint, Problem> {
        let own = self.endpoint_key.filter(|key| profile.get(key).is_some());
        let key = own.unwrap_or("endpoint");
        let text = match own {
            Some(key) => profile.get(key).map(str::to_owned),
            None => profile.get(key).and_then(shared),
        };
        let text = text.map_or_else(public, Ok)?;
        Endpoint::parse(&text, &[], allow_http).map_err(|problem| profile.unusable(key, problem))
    }
}

/// The endpoints of the products of a profile.
pub(super) struct Endpoints(Vec<(&'static Product, Endpoint)>);

impl Endpoints {
    /// The endpoints of these products.
    ///
    /// # Errors
    /// As `endpoint`.
    pub fn new(
        all: &[&'static Product],
        endpoint: impl Fn(&'static Product) -> Result<Endpoint, Problem>,
    ) -> Result<Self, Problem> {
        let all = all.iter();
        let endpoints = all.map(|product| Ok((*product, endpoint(product)?)));
        endpoints.collect::<Result<_, _>>().map(Self)
    }

    /// The endpoint of a product.
    pub fn of(&self, product: &Product) -> &Endpoint {
        let mut all = self.0.iter();
        let found = all.find(|(known, _)| *known == product);
        &found.expect("every product of the cloud has an endpoint").1
    }
}
