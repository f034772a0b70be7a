//! Certificates that can issue those of servers.

use rcgen::{CertificateParams, IsCa, KeyUsagePurpose};

use super::connection::running;
use super::trust::get;
use crate::support::tls::Authority;

/// A certificate that is trusted for its own server must not become a CA.
#[test]
fn only_valid_ca_certificates_in_ca_file_can_issue_server_certificates() {
    type Adapt = fn(&mut CertificateParams);
    let cases: [(&str, i32, Adapt); 7] = [
        ("a CA", 0, |_| {}),
        ("may sign certificates", 0, |params| {
            params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        }),
        ("not a CA", 5, |params| params.is_ca = IsCa::ExplicitNoCa),
        ("without constraints", 5, |params| params.is_ca = IsCa::NoCa),
        ("may not sign certificates", 5, |params| {
            params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        }),
        ("expired", 5, |params| {
            params.not_after = rcgen::date_time_ymd(2020, 1, 1);
        }),
        ("not valid yet", 5, |params| {
            params.not_before = rcgen::date_time_ymd(2100, 1, 1);
            params.not_after = rcgen::date_time_ymd(2101, 1, 1);
        }),
    ];
    for (what, code, adapt) in cases {
        let authority = Authority::new(adapt);
        let port = authority.serve(&authority.signed("localhost", |_| {}), false, |_| running());
        let run = get(port, &authority.pem());
        assert_eq!(run.code, code, "{what}: {}", run.stderr);
    }
}
