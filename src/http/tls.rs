//! Reads the trusted certificates and the client certificate of a profile.

use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use rustls::client::WantsClientCert;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, ConfigBuilder, RootCertStore};

use super::client_certificate::ClientCertificate;
use super::trusted::TrustedCertificates;
use super::x509::Certificate;
use super::{Endpoint, RequestError};
use crate::crypto::from_base64;
use crate::error::{Category, Problem};
use crate::secret::{Secret, quotable_path};
use crate::settings::{CA_DATA, FileError, Profile, TLS_SERVER_NAME, is_open_descriptor, read_pem};

/// Rejects a profile that disables the verification of this endpoint's certificate although the endpoint belongs to
/// a public cloud. Nothing is sent.
///
/// # Errors
/// A usage error.
pub fn validate_tls(profile: &Profile, endpoint: &str) -> Result<(), Problem> {
    let Ok(endpoint) = Endpoint::parse(endpoint, &[], true) else {
        return Ok(());
    };
    TlsConfig::from_profile(profile)
        .insecure_host(&endpoint)
        .map(drop)
        .map_err(|error| to_problem(error, profile))
}

/// Reads the TLS files of a profile, so that a file that cannot be used is reported before the first request. Pipes
/// are skipped, since they can be read only once.
///
/// # Errors
/// A usage error if a file is missing, has the wrong content or is writable by others, or if others can read a
/// secret file.
pub(super) fn check_tls_files(profile: &Profile) -> Result<(), Problem> {
    TlsConfig::from_profile(profile)
        .check_files()
        .map_err(|error| to_problem(error, profile))
}

fn to_problem(error: RequestError, profile: &Profile) -> Problem {
    let mut problem = Problem::new(error.category, error.message);
    problem.hint = error.hint;
    problem.with_account(profile.cloud(), &profile.name)
}

/// PEM text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Pem {
    /// In a file.
    File(String),
    /// As text, or as its Base64.
    Data(Secret),
}

impl Pem {
    /// Reads the bytes; `name` is used in errors.
    fn read(&self, name: &str, is_secret: bool) -> Result<Vec<u8>, RequestError> {
        match self {
            Self::File(path) => read_pem(Path::new(path), is_secret)
                .map_err(|fault| with_fault_hint(self.usage_error(name, &fault.reason()), &fault)),
            Self::Data(data) => {
                let text = data.expose();
                let decoded = (!text.contains("-----BEGIN")).then(|| from_base64(text));
                match decoded {
                    Some(decoded) => decoded.ok_or_else(|| self.usage_error(name, "is not Base64")),
                    None => Ok(text.as_bytes().to_vec()),
                }
            }
        }
    }

    /// Returns `true` if it is a pipe, which can be read only once.
    fn is_pipe(&self) -> bool {
        matches!(self, Self::File(path) if is_open_descriptor(Path::new(path)))
    }

    fn usage_error(&self, name: &str, description: &str) -> RequestError {
        let path = match self {
            Self::File(path) => format!(" {}", quotable_path(Path::new(path))),
            Self::Data(_) => String::new(),
        };
        RequestError::new(Category::Usage, format!("{name}{path} {description}"))
            .with_hint("use PEM files; the key must have no passphrase")
    }
}

/// The client's certificate and its key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ClientIdentity {
    certificate: Pem,
    key: Pem,
}

impl ClientIdentity {
    /// Creates an identity from certificates and a key as PEM text, or its Base64.
    pub fn from_data(certificate: Secret, key: Secret) -> Self {
        Self {
            certificate: Pem::Data(certificate),
            key: Pem::Data(key),
        }
    }

    /// Creates an identity from PEM files. Returns `None` if one of them is a pipe, which can be read only once.
    pub fn from_files(certificate: &str, key: &str) -> Option<Self> {
        let identity = Self::in_files(certificate, key);
        (!identity.certificate.is_pipe() && !identity.key.is_pipe()).then_some(identity)
    }

    fn in_files(certificate: &str, key: &str) -> Self {
        Self {
            certificate: Pem::File(certificate.to_owned()),
            key: Pem::File(key.to_owned()),
        }
    }

    /// Returns the end of the certificate's validity, if it can be read.
    pub fn expires_at(&self) -> Option<DateTime<Utc>> {
        let bytes = self.certificate.read(CERTIFICATE, false).ok()?;
        let first = CertificateDer::pem_slice_iter(&bytes).next()?.ok()?;
        Certificate::parse(&first)?.expires_at()
    }

    /// Checks that certificate and key can be used.
    ///
    /// # Errors
    /// A usage error, as a [`RequestError`].
    pub fn check(&self) -> Result<(), RequestError> {
        self.load(&rustls::crypto::ring::default_provider())
            .map(drop)
    }

    fn load(&self, provider: &CryptoProvider) -> Result<SingleCertAndKey, RequestError> {
        self.load_with_names([CERTIFICATE, KEY], provider)
    }

    /// Loads certificate and key; errors use the two names.
    fn load_with_names(
        &self,
        [certificate, key]: [&str; 2],
        provider: &CryptoProvider,
    ) -> Result<SingleCertAndKey, RequestError> {
        let wrong_certificate = |what| self.certificate.usage_error(certificate, what);
        let wrong_key = |what| self.key.usage_error(key, what);
        let bytes = self.certificate.read(certificate, false)?;
        let certificates = CertificateDer::pem_slice_iter(&bytes)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| wrong_certificate("cannot be read as a PEM file"))?;
        if certificates.is_empty() {
            return Err(wrong_certificate("contains no certificate"));
        }
        let private = PrivateKeyDer::from_pem_slice(&self.key.read(key, true)?)
            .map_err(|_| wrong_key("contains no readable private key"))?;
        let private = provider
            .key_provider
            .load_private_key(private)
            .map_err(|_| wrong_key("has an unsupported type"))?;
        // rustls also compares the keys, but not for certificates of version 1.
        let certificate = Certificate::parse(&certificates[0])
            .ok_or_else(|| wrong_certificate("contains a certificate that cannot be read"))?;
        let is_own = private
            .public_key()
            .is_some_and(|public| certificate.public_key().matches_der(&public));
        if !is_own {
            return Err(wrong_key("does not match the certificate"));
        }
        let certified = CertifiedKey::new(certificates, private);
        Ok(SingleCertAndKey::from(certified))
    }
}

/// Reads the certificate of a server and its key from PEM files.
///
/// # Errors
/// A usage error, as a [`RequestError`].
pub(super) fn server_certificate(
    certificate: &Path,
    key: &Path,
    provider: &CryptoProvider,
) -> Result<SingleCertAndKey, RequestError> {
    let text = |path: &Path| path.display().to_string();
    let identity = ClientIdentity::in_files(&text(certificate), &text(key));
    identity.load_with_names(["certificate", "key"], provider)
}

/// Names of the client's certificate and its key in messages.
const CERTIFICATE: &str = "client_cert";
const KEY: &str = "client_key";

/// The trusted certificates of a profile, and its client certificate.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct TlsConfig {
    /// A private CA in addition to the system's store.
    pub ca_file: Option<String>,
    /// The only certificates that are trusted, if set.
    pub ca_data: Option<Secret>,
    /// The name that the server's certificate must contain, if it is not the host.
    pub server_name: Option<String>,
    identity: Option<ClientIdentity>,
    /// Disables the verification of the endpoint's certificate.
    pub skips_verification: bool,
    /// Domains of the public clouds, whose certificates are always checked.
    public_domains: &'static [&'static str],
}

impl TlsConfig {
    /// Reads the settings of a profile.
    pub(super) fn from_profile(profile: &Profile) -> Self {
        let text = |key| profile.get(key).map(str::to_owned);
        let files = profile.get("client_cert").zip(profile.get("client_key"));
        Self {
            ca_file: text("ca_file"),
            ca_data: profile.secret(CA_DATA).cloned(),
            server_name: text(TLS_SERVER_NAME),
            identity: files.map(|(certificate, key)| ClientIdentity::in_files(certificate, key)),
            skips_verification: profile.get("insecure_skip_verify") == Some("true"),
            public_domains: (profile.schema.all_public_domains)(),
        }
    }

    /// Replaces the client's certificate if `identity` is given.
    pub(super) fn with_identity(&self, identity: Option<&ClientIdentity>) -> Self {
        Self {
            identity: identity.or(self.identity.as_ref()).cloned(),
            ..self.clone()
        }
    }

    /// Returns the host whose certificate is not verified, if there is one.
    ///
    /// # Errors
    /// A usage error if it is a host of a public cloud.
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
            false => Ok(Some(self.server_name.as_deref().unwrap_or(host).to_owned())),
            true => {
                let message = format!(
                    "insecure_skip_verify is not allowed for {host}, a host of a public cloud"
                );
                let mut error = RequestError::new(Category::Usage, message);
                error.hint = Some("remove insecure_skip_verify from the profile".to_owned());
                Err(error)
            }
        }
    }

    /// Adds the client's certificate to the configuration.
    pub(super) fn with_client_auth(
        &self,
        builder: ConfigBuilder<ClientConfig, WantsClientCert>,
        provider: &CryptoProvider,
    ) -> Result<ClientConfig, RequestError> {
        let identity = self.identity.as_ref();
        let certificate = identity.map(|identity| identity.load(provider));
        let certificate = ClientCertificate(certificate.transpose()?);
        Ok(builder.with_client_cert_resolver(Arc::new(certificate)))
    }

    /// Reads the files, except pipes.
    fn check_files(&self) -> Result<(), RequestError> {
        let is_pipe = |path: &str| is_open_descriptor(Path::new(path));
        if let Some(ca_file) = self.ca_file.as_deref().filter(|path| !is_pipe(path)) {
            read_ca(Path::new(ca_file))?;
        }
        if let Some(identity) = &self.identity
            && !identity.certificate.is_pipe()
            && !identity.key.is_pipe()
        {
            identity.check()?;
        }
        Ok(())
    }
}

/// Reads the certificates of a file.
///
/// # Errors
/// A usage error if the file cannot be read or contains a certificate that cannot be used.
pub(super) fn read_ca(path: &Path) -> Result<Vec<CertificateDer<'static>>, RequestError> {
    let usage_error = |description: &str| {
        let mut error = RequestError::new(
            Category::Usage,
            format!("CA file {} {description}", quotable_path(path)),
        );
        error.hint = Some("set --ca-file or ca_file to a PEM file with CA certificates".to_owned());
        error
    };
    let bytes = read_pem(path, false);
    let bytes = bytes.map_err(|fault| with_fault_hint(usage_error(&fault.reason()), &fault))?;
    let certificates = CertificateDer::pem_slice_iter(&bytes)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| usage_error("is not a PEM file"))?;
    if certificates.is_empty() {
        return Err(usage_error("contains no certificate"));
    }
    if !certificates.iter().all(is_usable) {
        return Err(usage_error("contains an unusable certificate"));
    }
    Ok(certificates)
}

/// Returns `true` if rustls can read a certificate.
fn is_usable(certificate: &CertificateDer<'static>) -> bool {
    RootCertStore::empty().add(certificate.clone()).is_ok()
}

/// Reads certificates from PEM text or its Base64. They replace all other trusted certificates.
///
/// # Errors
/// A usage error if none of them can be used.
pub(super) fn ca_of_data(data: &Secret) -> Result<TrustedCertificates, RequestError> {
    let pem = Pem::Data(data.clone());
    let usage_error = || pem.usage_error(CA_DATA, "contains no usable certificate");
    let bytes = pem.read(CA_DATA, false)?;
    let certificates = CertificateDer::pem_slice_iter(&bytes).collect::<Result<Vec<_>, _>>();
    let certificates = certificates.map_err(|_| usage_error())?;
    if certificates.is_empty() || !certificates.iter().all(is_usable) {
        return Err(usage_error());
    }
    let mut trusted = TrustedCertificates::default();
    trusted.add(certificates);
    Ok(trusted)
}

/// Checks that PEM text, or its Base64, contains certificates that can be trusted.
///
/// # Errors
/// A usage error whose message begins with the name of the setting.
pub fn check_ca(data: &Secret) -> Result<(), RequestError> {
    ca_of_data(data).map(drop)
}

/// Adds the hint of the file error, if there is one.
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
    fn certificate_checks_cannot_be_disabled_for_a_public_cloud() {
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
