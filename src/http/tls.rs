//! Whom a profile trusts over TLS, and what it shows of itself.

use std::path::Path;
use std::sync::Arc;

use rustls::client::WantsClientCert;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, ConfigBuilder, RootCertStore};

use super::client_certificate::ClientCertificate;
use super::x509::Certificate;
use super::{Endpoint, RequestError};
use crate::error::{Category, Problem};
use crate::secret::quotable_path;
use crate::settings::{FileError, Profile, is_open_descriptor, read_pem};

/// Refuses a profile that would leave the certificate of this endpoint unchecked though it is a public
/// cloud's; nothing is sent.
///
/// # Errors
/// A usage error, as a request error.
pub fn validate_tls(profile: &Profile, endpoint: &str) -> Result<(), Problem> {
    let Ok(endpoint) = Endpoint::parse(endpoint, &[], true) else {
        return Ok(());
    };
    TlsConfig::from_profile(profile)
        .insecure_host(&endpoint)
        .map(drop)
        .map_err(|refusal| to_problem(refusal, profile))
}

/// Reads the files that a profile names for TLS, so that one that cannot be used is reported before
/// the first request. Pipes are not read: they can be read only once.
///
/// # Errors
/// A usage error: a file that is missing, not what it should be, or writable by others, or a secret
/// one that others can read.
pub fn check_tls_files(profile: &Profile) -> Result<(), Problem> {
    TlsConfig::from_profile(profile)
        .check_files()
        .map_err(|refusal| to_problem(refusal, profile))
}

fn to_problem(refusal: RequestError, profile: &Profile) -> Problem {
    let mut problem = Problem::new(refusal.category, refusal.message);
    problem.hint = refusal.hint;
    problem.with_account(profile.cloud, &profile.name)
}

/// Whom a profile trusts over TLS, and what it shows of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct TlsConfig {
    /// A private CA besides the system's store.
    pub ca_file: Option<String>,
    /// Files with a certificate of the client's own and its key.
    identity: Option<(String, String)>,
    /// The certificate of its endpoint is not checked.
    pub skips_verification: bool,
    /// Domains of the public clouds, whose certificates are always checked.
    public_domains: &'static [&'static str],
}

impl TlsConfig {
    /// What the settings of a profile say.
    pub(super) fn from_profile(profile: &Profile) -> Self {
        let text = |key| profile.get(key).map(str::to_owned);
        Self {
            ca_file: text("ca_file"),
            identity: text("client_cert").zip(text("client_key")),
            skips_verification: profile.get("insecure_skip_verify") == Some("true"),
            public_domains: profile.public_domains,
        }
    }

    /// The host whose certificate is not checked, if there is one.
    ///
    /// # Errors
    /// A usage error: a host of a public cloud.
    pub(super) fn insecure_host(
        &self,
        endpoint: &Endpoint,
    ) -> Result<Option<String>, RequestError> {
        if !self.skips_verification || !endpoint.is_https() {
            return Ok(None);
        }
        let host = endpoint.host().trim_end_matches('.');
        let is_public = self.public_domains.iter().any(|domain| {
            let rest = host.strip_suffix(domain);
            rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        });
        match is_public {
            false => Ok(Some(host.to_owned())),
            true => {
                let message = format!(
                    "insecure_skip_verify is not allowed for {host}, a host of a public cloud"
                );
                let mut refusal = RequestError::new(Category::Usage, message);
                refusal.hint = Some("remove insecure_skip_verify from the profile".to_owned());
                Err(refusal)
            }
        }
    }

    /// Adds the client's own certificate.
    pub(super) fn with_client_auth(
        &self,
        builder: ConfigBuilder<ClientConfig, WantsClientCert>,
        provider: &CryptoProvider,
    ) -> Result<ClientConfig, RequestError> {
        let identity = self.identity.as_ref();
        let own = identity.map(|(cert, key)| load_identity(cert, key, provider));
        let own = ClientCertificate(own.transpose()?);
        Ok(builder.with_client_cert_resolver(Arc::new(own)))
    }

    /// Reads the files, except pipes.
    fn check_files(&self) -> Result<(), RequestError> {
        let is_pipe = |path: &str| is_open_descriptor(Path::new(path));
        if let Some(ca_file) = self.ca_file.as_deref().filter(|path| !is_pipe(path)) {
            add_ca(&mut RootCertStore::empty(), Path::new(ca_file))?;
        }
        if let Some((cert, key)) = &self.identity
            && !is_pipe(cert)
            && !is_pipe(key)
        {
            load_identity(cert, key, &rustls::crypto::ring::default_provider())?;
        }
        Ok(())
    }
}

/// Reads the client's own certificate and its key.
fn load_identity(
    cert: &str,
    key: &str,
    provider: &CryptoProvider,
) -> Result<SingleCertAndKey, RequestError> {
    let read = |name, path, is_secret| {
        let bytes = read_pem(Path::new(path), is_secret);
        bytes.map_err(|fault| with_fault_hint(wrong(name, path, &fault.reason()), &fault))
    };
    let bytes = read("client_cert", cert, false)?;
    let certificates = CertificateDer::pem_slice_iter(&bytes)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| wrong("client_cert", cert, "cannot be read as a PEM file"))?;
    if certificates.is_empty() {
        return Err(wrong("client_cert", cert, "contains no certificate"));
    }
    let private = PrivateKeyDer::from_pem_slice(&read("client_key", key, true)?)
        .map_err(|_| wrong("client_key", key, "contains no readable private key"))?;
    let private = provider
        .key_provider
        .load_private_key(private)
        .map_err(|_| wrong("client_key", key, "has an unsupported type"))?;
    // rustls compares the keys too, and cannot do so for certificates of version 1.
    let certificate = Certificate::parse(&certificates[0]).ok_or_else(|| {
        wrong(
            "client_cert",
            cert,
            "contains a certificate that cannot be read",
        )
    })?;
    let is_own = private
        .public_key()
        .is_some_and(|public| certificate.public_key().is(&public));
    if !is_own {
        return Err(wrong("client_key", key, "does not match the certificate"));
    }
    Ok(SingleCertAndKey::from(CertifiedKey::new(
        certificates,
        private,
    )))
}

/// Adds the certificates of a file to the store, and gives them back.
pub(super) fn add_ca(
    roots: &mut RootCertStore,
    path: &Path,
) -> Result<Vec<CertificateDer<'static>>, RequestError> {
    let wrong = |what: &str| {
        let mut refusal = RequestError::new(
            Category::Usage,
            format!("CA file {} {what}", quotable_path(path)),
        );
        refusal.hint = Some("use a PEM file with certificates".to_owned());
        refusal
    };
    let bytes = read_pem(path, false);
    let bytes = bytes.map_err(|fault| with_fault_hint(wrong(&fault.reason()), &fault))?;
    let certificates = CertificateDer::pem_slice_iter(&bytes)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| wrong("is not a PEM file"))?;
    if certificates.is_empty() {
        return Err(wrong("contains no certificate"));
    }
    for certificate in &certificates {
        roots
            .add(certificate.clone())
            .map_err(|_| wrong("contains an unusable certificate"))?;
    }
    Ok(certificates)
}

fn wrong(name: &str, path: &str, what: &str) -> RequestError {
    let shown = quotable_path(Path::new(path));
    let mut refusal = RequestError::new(Category::Usage, format!("{name} {shown} {what}"));
    refusal.hint = Some("use PEM files; the key must have no passphrase".to_owned());
    refusal
}

/// The next step where the file itself says it.
fn with_fault_hint(error: RequestError, fault: &FileError) -> RequestError {
    match fault.hint() {
        Some(hint) => error.with_hint(hint),
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_cloud_is_always_checked() {
        let trust = TlsConfig {
            skips_verification: true,
            public_domains: &["aliyuncs.com", "myhuaweicloud.com"],
            ..TlsConfig::default()
        };
        let host = |url: &str| trust.insecure_host(&Endpoint::parse(url, &[], true).unwrap());
        for public in [
            "https://ehpc.cn-hangzhou.aliyuncs.com",
            "https://IMS.cn-north-4.MyHuaweiCloud.com:8443",
            "https://aliyuncs.com.",
        ] {
            assert_eq!(host(public).unwrap_err().category, Category::Usage);
        }
        let own = host("https://notaliyuncs.com:1").unwrap();
        assert_eq!(own.as_deref(), Some("notaliyuncs.com"));
        assert_eq!(host("https://[::1]:1").unwrap().as_deref(), Some("::1"));
        assert_eq!(host("http://127.0.0.1").unwrap(), None);
    }
}
