//! Reads certificates that rustls does not support: any version, and names other than those of hosts.

use chrono::{DateTime, Utc};
use rustls::CertificateError;
use rustls::client::verify_server_name;
use rustls::pki_types::{CertificateDer, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use rustls::server::ParsedCertificate;
use x509_cert::certificate::{CertificateInner, Raw, Version};
use x509_cert::der::asn1::UintRef;
use x509_cert::der::oid::ObjectIdentifier;
use x509_cert::der::oid::db::rfc4519::{COMMON_NAME, ORGANIZATION_NAME};
use x509_cert::der::oid::db::rfc5280::{ANY_EXTENDED_KEY_USAGE, ID_KP_SERVER_AUTH};
use x509_cert::der::{Decode as _, Encode as _, Reader as _, SliceReader};
use x509_cert::ext::pkix::name::DirectoryString;
use x509_cert::ext::pkix::{BasicConstraints, ExtendedKeyUsage, KeyUsage};
use x509_cert::spki::SubjectPublicKeyInfoOwned;

/// The extension that contains the host names.
const SUBJECT_ALT_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.17");

/// A certificate of any version.
#[derive(Debug)]
pub(super) struct Certificate(CertificateInner<Raw>);

impl Certificate {
    /// Parses DER; `None` if it is not a certificate.
    pub(super) fn parse(der: &[u8]) -> Option<Self> {
        // Certificates of proxies and gateways may follow fewer rules than those of a public CA.
        CertificateInner::from_der(der).ok().map(Self)
    }

    /// Returns its issuer in the form of RFC 4514: `CN=Example CA,O=Example`.
    pub(super) fn issuer(&self) -> String {
        self.0.tbs_certificate().issuer().to_string()
    }

    /// Returns the common name of its subject, empty if there is none, and the organizations.
    pub(super) fn subject(&self) -> (String, Vec<String>) {
        let subject = self.0.tbs_certificate().subject();
        let values = |wanted: ObjectIdentifier| {
            let attributes = subject.iter().filter(move |one| one.oid == wanted);
            attributes.filter_map(|one| {
                let text = one.value.decode_as::<DirectoryString>().ok()?;
                Some(text.value().into_owned())
            })
        };
        let name = values(COMMON_NAME).next().unwrap_or_default();
        (name, values(ORGANIZATION_NAME).collect())
    }

    /// Returns `true` if it names itself as its issuer.
    pub(super) fn is_self_signed(&self) -> bool {
        let fields = self.0.tbs_certificate();
        fields.issuer() == fields.subject()
    }

    /// Returns `true` if it names the subject of another certificate as its issuer.
    pub(super) fn is_issued_by(&self, ca: &Self) -> bool {
        self.0.tbs_certificate().issuer() == ca.0.tbs_certificate().subject()
    }

    /// Returns the size of its key if it is an RSA key.
    pub(super) fn rsa_bits(&self) -> Option<usize> {
        const RSA_ENCRYPTION: ObjectIdentifier =
            ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
        let key = self.0.tbs_certificate().subject_public_key_info();
        if key.algorithm.oid != RSA_ENCRYPTION {
            return None;
        }
        let mut reader = SliceReader::new(key.subject_public_key.as_bytes()?).ok()?;
        let modulus = reader.sequence(|fields| {
            let modulus = UintRef::decode(fields)?;
            UintRef::decode(fields)?;
            Ok::<_, x509_cert::der::Error>(modulus)
        });
        let bytes = modulus.ok()?.as_bytes();
        let unused = bytes.first()?.leading_zeros();
        Some(bytes.len() * 8 - usize::try_from(unused).ok()?)
    }

    /// Returns `true` if it is marked as the certificate of a CA.
    pub(super) fn is_ca(&self) -> bool {
        let extension = self.0.tbs_certificate().get_extension::<BasicConstraints>();
        matches!(extension, Ok(Some((_, constraints))) if constraints.ca)
    }

    /// Returns `true` if it can issue certificates, by the rules of OpenSSL: it is marked as a CA; or it has no such
    /// mark and may sign certificates; or its version has no extensions and it is self-signed.
    pub(super) fn can_issue(&self) -> bool {
        let fields = self.0.tbs_certificate();
        let usage = fields.get_extension::<KeyUsage>();
        let may_sign = match &usage {
            Ok(Some((_, usage))) => Some(usage.key_cert_sign()),
            Ok(None) => None,
            Err(_) => Some(false),
        };
        match fields.get_extension::<BasicConstraints>() {
            Ok(Some((_, constraints))) => constraints.ca && may_sign != Some(false),
            Ok(None) if self.is_old_version() => self.is_self_signed(),
            Ok(None) => may_sign == Some(true),
            Err(_) => false,
        }
    }

    /// Returns `true` if its version is below 3, without extensions.
    pub(super) fn is_old_version(&self) -> bool {
        self.0.tbs_certificate().version() != Version::V3
    }

    /// Returns the end of its validity.
    pub(super) fn expires_at(&self) -> Option<DateTime<Utc>> {
        let end = self.0.tbs_certificate().validity().not_after;
        let seconds = end.to_unix_duration().as_secs();
        DateTime::from_timestamp(i64::try_from(seconds).ok()?, 0)
    }

    /// Returns its public key.
    pub(super) fn public_key(&self) -> PublicKey {
        PublicKey(self.0.tbs_certificate().subject_public_key_info().clone())
    }

    /// Checks dates, purpose and host, but not the issuer's signature. If the certificate has no other host names,
    /// the common name is the host, as in curl.
    ///
    /// # Errors
    /// The reason why it is rejected.
    pub(super) fn check_server(
        &self,
        der: &CertificateDer<'_>,
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<(), CertificateError> {
        self.check_dates(now)?;
        self.check_purpose()?;
        let extensions = self.0.tbs_certificate().extensions();
        let mut extensions = extensions.into_iter().flatten();
        if extensions.any(|extension| extension.extn_id == SUBJECT_ALT_NAME) {
            let parsed = ParsedCertificate::try_from(der).map_err(certificate_error)?;
            return verify_server_name(&parsed, name).map_err(certificate_error);
        }
        let common_name = self.0.tbs_certificate().subject().common_name();
        let common_name = common_name.ok().flatten();
        let presented = common_name.map(|text| text.value().into_owned());
        let is_named = presented
            .as_deref()
            .and_then(|text| ServerName::try_from(text).ok())
            .is_some_and(|presented| presented == *name);
        match is_named {
            true => Ok(()),
            false => Err(CertificateError::NotValidForNameContext {
                expected: name.to_owned(),
                presented: presented.into_iter().collect(),
            }),
        }
    }

    /// Checks that the certificate is valid at this time.
    ///
    /// # Errors
    /// It is not yet valid or has expired.
    pub(super) fn check_dates(&self, now: UnixTime) -> Result<(), CertificateError> {
        let validity = self.0.tbs_certificate().validity();
        let not_before = UnixTime::since_unix_epoch(validity.not_before.to_unix_duration());
        let not_after = UnixTime::since_unix_epoch(validity.not_after.to_unix_duration());
        if now < not_before {
            return Err(CertificateError::NotValidYetContext {
                time: now,
                not_before,
            });
        }
        match now > not_after {
            false => Ok(()),
            true => Err(CertificateError::ExpiredContext {
                time: now,
                not_after,
            }),
        }
    }

    /// Checks that the certificate may be used for servers. A certificate without purposes is valid for all of
    /// them.
    fn check_purpose(&self) -> Result<(), CertificateError> {
        let fields = self.0.tbs_certificate();
        let extension = fields.get_extension::<ExtendedKeyUsage>();
        let Some((_, purposes)) = extension.map_err(|_| CertificateError::BadEncoding)? else {
            return Ok(());
        };
        let serves = [ID_KP_SERVER_AUTH, ANY_EXTENDED_KEY_USAGE];
        match purposes.0.iter().any(|purpose| serves.contains(purpose)) {
            true => Ok(()),
            false => Err(CertificateError::InvalidPurpose),
        }
    }
}

fn certificate_error(error: rustls::Error) -> CertificateError {
    match error {
        rustls::Error::InvalidCertificate(cause) => cause,
        _ => CertificateError::BadEncoding,
    }
}

/// The public key of a certificate.
#[derive(Debug)]
pub(super) struct PublicKey(SubjectPublicKeyInfoOwned);

impl PublicKey {
    /// Returns `true` if both keys are equal, in any encoding of their parameters; `false` if `other` cannot be
    /// parsed.
    pub(super) fn matches_der(&self, other: &[u8]) -> bool {
        SubjectPublicKeyInfoOwned::from_der(other).is_ok_and(|other| {
            other.algorithm.oid == self.0.algorithm.oid
                && other.subject_public_key == self.0.subject_public_key
        })
    }

    /// Encodes the key as DER.
    pub(super) fn to_der(&self) -> Option<SubjectPublicKeyInfoDer<'static>> {
        self.0.to_der().ok().map(SubjectPublicKeyInfoDer::from)
    }

    /// Returns the content of its algorithm identifier and the bits of the key, in the form that
    /// `SignatureVerificationAlgorithm` uses.
    pub(super) fn parts(&self) -> Option<(Vec<u8>, &[u8])> {
        let mut algorithm = self.0.algorithm.oid.to_der().ok()?;
        if let Some(parameters) = &self.0.algorithm.parameters {
            algorithm.extend(parameters.to_der().ok()?);
        }
        Some((algorithm, self.0.subject_public_key.as_bytes()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    /// A certificate with an RSA key of 1024 bits.
    const SHORT_KEY: &str = "\
         MIIB9DCCAV2gAwIBAgIUTjplncEsQQrxRic18heiDkwT1RowDQYJKoZIhvcNAQEL\
         BQAwDDEKMAgGA1UEAwwBeDAeFw0yNjExMjcxMzI4MjJaFw0zNjExMjQxMzI4MjJa\
         MAwxCjAIBgNVBAMMAXgwgZ8wDQYJKoZIhvcNAQEBBQADgY0AMIGJAoGBALpK55EH\
         Y0XLqtYxEN6B92luwM41bI2TrhZ8Y7D9TBok8U+SnwX2TalcA3v9PwzREKppRhCC\
         FnSyjGnXe0bfJgPf/hEcMrF2ZRJS837+LBYMYJbNl2HmFOBfxC2kv0EdZE+KdQqF\
         ERxBTZn4pe79fv9ryH6ADQ/xXKUFlHmCiIbFAgMBAAGjUzBRMB0GA1UdDgQWBBQO\
         GkXRRVzPWP//Wi/6UEBQ5WSDuzAfBgNVHSMEGDAWgBQOGkXRRVzPWP//Wi/6UEBQ\
         5WSDuzAPBgNVHRMBAf8EBTADAQH/MA0GCSqGSIb3DQEBCwUAA4GBAGM9q4DUrCxo\
         jqmDJ5muBAZZUOZ/9dSVldIGw0/HTkOFEW8iKp2ty6L1fOXBUUxrar1N4Q9nfOLv\
         oH2CfkPg5JwrJteLacNUk2j05+GllondB1TOK4Ke44HP5IpwE3DZ+gt1embgBZ7t\
         1HDJiS3hGwe+cQWxvr8GxW95Ehnck8gA";

    #[test]
    fn reads_the_size_of_an_rsa_key() {
        let der = STANDARD.decode(SHORT_KEY).unwrap();
        let read = Certificate::parse(&der).unwrap();
        assert_eq!(read.rsa_bits(), Some(1024));
        assert!(read.is_issued_by(&read));
        let other = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let other = Certificate::parse(other.cert.der()).unwrap();
        assert_eq!(other.rsa_bits(), None);
        assert!(!read.is_issued_by(&other));
    }

    #[test]
    fn reads_the_common_name_and_the_organizations_of_a_subject() {
        let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        let mut name = rcgen::DistinguishedName::new();
        name.push(rcgen::DnType::OrganizationName, "开发组");
        name.push(rcgen::DnType::CommonName, "jane");
        params.distinguished_name = name;
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let read = Certificate::parse(certificate.der()).unwrap();
        assert_eq!(
            read.subject(),
            ("jane".to_owned(), vec!["开发组".to_owned()])
        );
    }
}
