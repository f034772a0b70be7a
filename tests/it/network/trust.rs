//! Certificates that are configured directly, of any version, and hosts named in a computing centre's response.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rcgen::{CertificateParams, DnType, KeyPair, SigningKey as _};
use rustls::crypto::{CryptoProvider, ring, verify_tls13_signature_with_raw_key};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, SubjectPublicKeyInfoDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{
    DigitallySignedStruct, DistinguishedName, Error, ServerConfig, SignatureScheme,
    SupportedProtocolVersion, client::danger::HandshakeSignatureValid, version,
};
use x509_cert::der::{Decode as _, Encode as _};

use super::connection::{REFERENCE, running};
use crate::support::tls::{serve, write};
use crate::support::{Joblens, Run, joblens, json};

/// A certificate in DER and the key with which the server uses it.
struct Shown {
    der: Vec<u8>,
    key: KeyPair,
}

impl Shown {
    /// Returns a self-signed certificate for localhost, marked as a CA like by `openssl req -x509`.
    fn self_signed(adapt: impl FnOnce(&mut CertificateParams)) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.distinguished_name = rcgen::DistinguishedName::new();
        params
            .distinguished_name
            .push(DnType::CommonName, "LocalHost");
        adapt(&mut params);
        let der = params.self_signed(&key).unwrap().der().to_vec();
        Self { der, key }
    }

    /// Returns the certificate as version 1, which has no extensions, like that of `openssl x509 -req`.
    fn version_1() -> Self {
        let shown = Self::self_signed(|_| {});
        let issuer = shown.subject();
        let signer = KeyPair::try_from(shown.key.serialize_der()).unwrap();
        shown.into_version_1(&issuer, &signer)
    }

    fn subject(&self) -> Vec<u8> {
        let read = x509_cert::Certificate::from_der(&self.der).unwrap();
        read.tbs_certificate().subject().to_der().unwrap()
    }

    fn into_version_1(self, issuer: &[u8], signer: &KeyPair) -> Self {
        let Self { der, key } = self;
        let read = x509_cert::Certificate::from_der(&der).unwrap();
        let fields = read.tbs_certificate();
        let fields = [
            fields.serial_number().to_der(),
            fields.signature().to_der(),
            Ok(issuer.to_vec()),
            fields.validity().to_der(),
            fields.subject().to_der(),
            fields.subject_public_key_info().to_der(),
        ];
        let signed = tagged(0x30, &fields.map(Result::unwrap).concat());
        let signature = [vec![0], signer.sign(&signed).unwrap()].concat();
        let algorithm = read.signature_algorithm().to_der().unwrap();
        let whole = [signed, algorithm, tagged(0x03, &signature)].concat();
        Self {
            der: tagged(0x30, &whole),
            key,
        }
    }

    fn pem(&self) -> String {
        use base64::Engine as _;
        let text = base64::engine::general_purpose::STANDARD.encode(&self.der);
        format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
    }

    fn certified(&self, provider: &CryptoProvider) -> SingleCertAndKey {
        let key = PrivateKeyDer::try_from(self.key.serialize_der()).unwrap();
        let key = provider.key_provider.load_private_key(key).unwrap();
        let chain = vec![CertificateDer::from(self.der.clone())];
        // This constructor checks nothing, since a server may send a certificate that does not match its key.
        SingleCertAndKey::from(CertifiedKey::new(chain, key))
    }

    fn serve(
        &self,
        versions: &[&'static SupportedProtocolVersion],
        response: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static,
    ) -> u16 {
        let provider = Arc::new(ring::default_provider());
        let certified = self.certified(&provider);
        let config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(certified));
        serve(config, response)
    }
}

/// Encodes a tag with its content as DER.
fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap().to_be_bytes();
    let head = match content.len() {
        0..128 => vec![tag, length[1]],
        128..256 => vec![tag, 0x81, length[1]],
        _ => vec![tag, 0x82, length[0], length[1]],
    };
    [&head[..], content].concat()
}

/// Returns a run of a command with a profile of these settings, in this folder.
fn run(folder: &Path, arguments: &[&str], settings: &str) -> Joblens {
    let config = folder.join("config.toml");
    let token = crate::support::SECRETS[0];
    let settings = settings.replace("TOKEN", &format!("token = '{token}'"));
    write(&config, &format!("[sugon.centre]\n{settings}\n"), 0o600);
    let options = ["-o", "json", "-p", "centre", "--max-attempts", "1"];
    let config = ["--config", config.to_str().unwrap()];
    joblens(&[arguments, &options, &config].concat())
}

/// Runs `get` from a server at a port, with this text as its `ca_file`.
pub(super) fn get(port: u16, ca_file: &str) -> Run {
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("ca.pem"), ca_file, 0o644);
    let settings = format!("endpoint = 'https://localhost:{port}'\nTOKEN\nca_file = 'ca.pem'");
    run(folder.path(), &["get", REFERENCE], &settings).run()
}

const VERSIONS: [&SupportedProtocolVersion; 2] = [&version::TLS12, &version::TLS13];

/// Removes the alternative names, so that the common name is the host.
fn without_names(params: &mut CertificateParams) {
    params.subject_alt_names.clear();
}

#[test]
fn a_certificate_in_ca_file_is_trusted_for_the_server_that_presents_it() {
    for shown in [
        Shown::self_signed(|_| {}),
        Shown::self_signed(without_names),
        Shown::version_1(),
    ] {
        let other = Shown::self_signed(|_| {}).pem();
        for version in VERSIONS {
            let port = shown.serve(&[version], |_| running());
            for ca_file in [shown.pem(), other.clone() + &shown.pem()] {
                let run = get(port, &ca_file);
                assert_eq!(run.code, 0, "{}", run.stderr);
                assert_eq!(run.job()["state"], "running");
            }
        }
    }
}

#[test]
fn a_version_1_certificate_of_a_known_ca_is_refused_with_a_reason() {
    let ca = Shown::self_signed(|params| {
        params
            .distinguished_name
            .push(DnType::CommonName, "Example CA");
    });
    let shown = Shown::self_signed(without_names).into_version_1(&ca.subject(), &ca.key);
    let port = shown.serve(&VERSIONS, |_| running());
    let run = get(port, &ca.pem());
    refused(&run, "it, or a CA certificate above it, is of version 1");
    let error = run.error().to_string();
    assert!(error.contains("reissue it with version 3"), "{error}");
    assert!(!error.contains("OtherError"), "{error}");
    let own = get(port, &(ca.pem() + &shown.pem()));
    assert_eq!(own.code, 0, "{}", own.stderr);
}

#[test]
fn doctor_reports_a_certificate_in_ca_file_as_trusted() {
    let shown = Shown::self_signed(|_| {});
    let port = shown.serve(&VERSIONS, |_| {
        json(r#"{"code":"0","data":{"total":0,"list":[]}}"#)
    });
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("ca.pem"), &shown.pem(), 0o644);
    let settings = format!("endpoint = 'https://localhost:{port}'\nTOKEN\nca_file = 'ca.pem'");
    let run = run(folder.path(), &["doctor"], &settings).run();
    assert_eq!(run.code, 0, "{}", run.stdout);
    let json = run.json();
    let checks = json["accounts"][0]["checks"].as_array().unwrap();
    let tls = checks.iter().find(|check| check["name"] == "tls").unwrap();
    assert_eq!(tls["status"], "ok", "{tls}");
}

fn refused(run: &Run, why: &str) {
    assert_eq!(run.code, 5, "{}", run.stderr);
    assert_eq!(run.error()["category"], "network", "{}", run.stderr);
    assert!(run.stderr.contains(why), "{why}: {}", run.stderr);
}

#[test]
fn host_dates_and_purpose_of_a_certificate_in_ca_file_are_checked() {
    let other_name = |params: &mut CertificateParams| {
        params.subject_alt_names = vec![rcgen::SanType::IpAddress("127.0.0.9".parse().unwrap())];
    };
    let other_common_name = |params: &mut CertificateParams| {
        without_names(params);
        let name = &mut params.distinguished_name;
        name.push(DnType::CommonName, "other.example");
    };
    let years = |from, to| {
        move |params: &mut CertificateParams| {
            params.not_before = rcgen::date_time_ymd(from, 1, 1);
            params.not_after = rcgen::date_time_ymd(to, 1, 1);
        }
    };
    let for_clients = |params: &mut CertificateParams| {
        params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    };
    for (shown, why) in [
        (
            Shown::self_signed(other_name),
            "certificate is valid for 127.0.0.9",
        ),
        (
            Shown::self_signed(other_common_name),
            "certificate is valid for other.example",
        ),
        (
            Shown::self_signed(years(2010, 2011)),
            "it expired at 2011-01-01T00:00:00Z",
        ),
        (
            Shown::self_signed(years(2090, 2091)),
            "it is valid from 2090-01-01T00:00:00Z",
        ),
        (
            Shown::self_signed(for_clients),
            "it is not a server certificate",
        ),
    ] {
        let port = shown.serve(&VERSIONS, |_| running());
        refused(&get(port, &shown.pem()), why);
    }
}

#[test]
fn a_server_without_the_key_of_the_certificate_is_refused() {
    for shown in [Shown::self_signed(|_| {}), Shown::version_1()] {
        let stranger = Shown {
            der: shown.der.clone(),
            key: KeyPair::generate().unwrap(),
        };
        for version in VERSIONS {
            let requests = Arc::new(AtomicUsize::new(0));
            let counter = Arc::clone(&requests);
            let port = stranger.serve(&[version], move |_| {
                counter.fetch_add(1, Ordering::Relaxed);
                running()
            });
            refused(&get(port, &shown.pem()), "is not trusted");
            assert_eq!(requests.load(Ordering::Relaxed), 0);
        }
    }
}

#[test]
fn a_self_signed_certificate_missing_from_ca_file_is_an_error_with_a_hint() {
    let shown = Shown::self_signed(|_| {});
    let port = shown.serve(&VERSIONS, |_| running());
    // A certificate with the same name, as after a renewal.
    let before = Shown::self_signed(|_| {});
    let run = get(port, &before.pem());
    refused(&run, "it is self-signed (CN=LocalHost)");
    let hint = run.error()["hint"].as_str().unwrap().to_owned();
    assert!(hint.contains("add its certificate to the file"), "{hint}");
}

/// Accepts one certificate, of any version, from clients that have its key.
#[derive(Debug)]
struct OneClient(Vec<u8>);

impl ClientCertVerifier for OneClient {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        assert_eq!(certificate[..], self.0[..]);
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::HandshakeNotComplete)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let read = x509_cert::Certificate::from_der(certificate).unwrap();
        let key = read.tbs_certificate().subject_public_key_info().to_der();
        let key = SubjectPublicKeyInfoDer::from(key.unwrap());
        let algorithms = ring::default_provider().signature_verification_algorithms;
        verify_tls13_signature_with_raw_key(message, &key, signed, &algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        ring::default_provider()
            .signature_verification_algorithms
            .supported_schemes()
    }
}

#[test]
fn a_client_certificate_of_version_1_is_presented_to_the_server() {
    let (server, client) = (Shown::self_signed(|_| {}), Shown::version_1());
    let provider = Arc::new(ring::default_provider());
    let certified = server.certified(&provider);
    let config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&version::TLS13])
        .unwrap()
        .with_client_cert_verifier(Arc::new(OneClient(client.der.clone())))
        .with_cert_resolver(Arc::new(certified));
    let port = serve(config, |_| running());
    let folder = tempfile::tempdir().unwrap();
    let other = KeyPair::generate().unwrap();
    for (name, text) in [
        ("ca.pem", server.pem()),
        ("me.pem", client.pem()),
        ("me.key", client.key.serialize_pem()),
        ("other.key", other.serialize_pem()),
    ] {
        write(&folder.path().join(name), &text, 0o600);
    }
    let get = |key: &str| {
        let settings = format!(
            "endpoint = 'https://localhost:{port}'\nTOKEN\nca_file = 'ca.pem'\n\
             client_cert = 'me.pem'\nclient_key = '{key}'"
        );
        run(folder.path(), &["get", REFERENCE], &settings).run()
    };
    let shown = get("me.key");
    assert_eq!(shown.code, 0, "{}", shown.stderr);
    let wrong = get("other.key");
    assert_eq!(wrong.code, 2, "{}", wrong.stderr);
    assert!(
        wrong.stderr.contains("does not match the certificate"),
        "{}",
        wrong.stderr
    );
}

#[test]
fn insecure_skip_verify_does_not_apply_to_hosts_named_in_responses() {
    let ai = Shown::self_signed(|_| {});
    let requests = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&requests);
    let ai_port = ai.serve(&VERSIONS, move |_| {
        counter.fetch_add(1, Ordering::Relaxed);
        running()
    });
    let platform = Shown::self_signed(|_| {});
    let port = platform.serve(&VERSIONS, move |head| match head.contains("/tokens") {
        true => json(r#"{"code":"0","data":[{"clusterId":"1","token":"fetched-token"}]}"#),
        false => json(format!(
            r#"{{"code":"0","data":{{"aiUrls":[{{"url":"https://localhost:{ai_port}/ai","enable":"true"}}]}}}}"#
        )),
    });
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("ca.pem"), &ai.pem(), 0o644);
    let settings = format!(
        "user = 'u'\naccess_key = 'aaaa'\nsecret_key = 'bbbb-secret'\ninsecure_skip_verify = true\n\
         platform_endpoint = 'https://localhost:{port}'\nauth_endpoint = 'https://localhost:{port}'"
    );
    let get = |settings: &str| run(folder.path(), &["get", REFERENCE], settings).run();
    refused(&get(&settings), "it is self-signed");
    assert_eq!(requests.load(Ordering::Relaxed), 0);
    let run = get(&format!("{settings}\nca_file = 'ca.pem'"));
    assert_eq!(run.code, 0, "{}", run.stderr);
}
