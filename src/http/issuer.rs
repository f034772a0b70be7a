use super::x509::Certificate;

/// Longer names are cut, since the creator of the certificate can choose any name.
const MAX_NAME_CHARS: usize = 200;

/// Returns the issuer of a DER certificate in the form of RFC 4514, such as `CN=Example CA,O=Example`; `None` if
/// the certificate cannot be read.
pub(super) fn issuer(certificate: &[u8]) -> Option<String> {
    let name = Certificate::parse(certificate)?.issuer();
    let shown: String = name.chars().take(MAX_NAME_CHARS).collect();
    (!shown.is_empty()).then_some(shown)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rcgen::{CertificateParams, DnType, KeyPair};

    fn certificate() -> Vec<u8> {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let name = &mut params.distinguished_name;
        name.push(DnType::OrganizationName, "示例公司");
        name.push(DnType::CommonName, "Proxy CA");
        let key = KeyPair::generate().unwrap();
        params.self_signed(&key).unwrap().der().to_vec()
    }

    #[test]
    fn names_the_issuer_of_a_certificate() {
        let message = issuer(&certificate()).unwrap();
        assert!(
            message.contains("O=示例公司") && message.contains("CN=Proxy CA"),
            "{message}"
        );
    }

    #[test]
    fn a_truncated_certificate_has_no_issuer() {
        let whole = certificate();
        for end in 0..whole.len() {
            assert_eq!(issuer(&whole[..end]), None);
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = issuer(&bytes);
        }
    }
}
