/// Longer names are cut: whoever made the certificate chose them.
const LONGEST: usize = 200;

/// Attributes of a name that tell a reader who it is: the object identifier and its short word.
const ATTRIBUTES: [(&[u8], &str); 3] = [
    (&[0x55, 4, 3], "CN"),
    (&[0x55, 4, 10], "O"),
    (&[0x55, 4, 11], "OU"),
];

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const VERSION: u8 = 0xa0;
const OBJECT_IDENTIFIER: u8 = 6;
const BMP_STRING: u8 = 30;

/// Who issued a certificate in DER form, as `CN=Example CA, O=Example`; `None` for what cannot be
/// read. Source: RFC 5280, 4.1 and 4.1.2.4.
pub(super) fn issuer(certificate: &[u8]) -> Option<String> {
    let mut outside = Reader(certificate);
    let mut certificate = Reader(outside.value(SEQUENCE)?);
    let mut inside = Reader(certificate.value(SEQUENCE)?);
    if inside.0.first() == Some(&VERSION) {
        inside.value(VERSION)?;
    }
    // Serial number and algorithm of the signature come first.
    inside.next()?;
    inside.next()?;
    let mut names = Reader(inside.value(SEQUENCE)?);
    let mut parts = Vec::new();
    while !names.0.is_empty() {
        let mut set = Reader(names.value(SET)?);
        while !set.0.is_empty() {
            let mut pair = Reader(set.value(SEQUENCE)?);
            let kind = pair.value(OBJECT_IDENTIFIER)?;
            let (tag, value) = pair.next()?;
            let known = ATTRIBUTES.iter().find(|(id, _)| *id == kind);
            parts.extend(known.map(|(_, word)| format!("{word}={}", text(tag, value))));
        }
    }
    let whole = parts.join(", ");
    let shown: String = whole.chars().take(LONGEST).collect();
    (!shown.is_empty()).then_some(shown)
}

fn text(tag: u8, value: &[u8]) -> String {
    match tag {
        BMP_STRING => {
            let units: Vec<u16> = value
                .chunks_exact(2)
                .map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
                .collect();
            String::from_utf16_lossy(&units)
        }
        _ => String::from_utf8_lossy(value).into_owned(),
    }
}

/// Values in DER form, one after another.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// The next value with its tag.
    fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, rest) = rest.split_first()?;
        let (length, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            // A certificate is far shorter than what four bytes can count.
            0x81..=0x84 => {
                let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
                let length = bytes
                    .iter()
                    .fold(0, |sum, byte| sum << 8 | usize::from(*byte));
                (length, rest)
            }
            _ => return None,
        };
        let (value, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, value))
    }

    /// The next value, which must have this tag.
    fn value(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.next()
            .filter(|(own, _)| *own == tag)
            .map(|(_, value)| value)
    }
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
    fn tells_who_issued_a_certificate() {
        let told = issuer(&certificate()).unwrap();
        assert!(
            told.contains("O=示例公司") && told.contains("CN=Proxy CA"),
            "{told}"
        );
    }

    #[test]
    fn a_certificate_that_is_cut_anywhere_tells_nothing_wrong() {
        let whole = certificate();
        for end in 0..whole.len() {
            assert_eq!(issuer(&whole[..end]), None);
        }
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_much(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = issuer(&bytes);
        }
    }
}
