use std::fs;
use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use rcgen::{Certificate, CertificateParams, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};

/// A CA for tests, and servers on loopback with its certificates.
pub struct Authority {
    certificate: Certificate,
    issuer: rcgen::Issuer<'static, KeyPair>,
}

impl Authority {
    pub fn new(adapt: impl FnOnce(&mut CertificateParams)) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        adapt(&mut params);
        let key = KeyPair::generate().unwrap();
        Self {
            certificate: params.self_signed(&key).unwrap(),
            issuer: rcgen::Issuer::new(params, key),
        }
    }

    /// Returns the certificate of the CA.
    pub fn pem(&self) -> String {
        self.certificate.pem()
    }

    /// Returns a certificate for a name, and its key.
    pub fn signed(
        &self,
        name: &str,
        adapt: impl FnOnce(&mut CertificateParams),
    ) -> (Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let mut leaf = CertificateParams::new(vec![name.to_owned()]).unwrap();
        adapt(&mut leaf);
        (leaf.signed_by(&key, &self.issuer).unwrap(), key)
    }

    /// Starts a server with this certificate and returns its port. It answers each request with `answer`, which
    /// receives the head of the request. With `wants_certificates`, clients must send a certificate of this CA.
    pub fn serve(
        &self,
        own: &(Certificate, KeyPair),
        wants_certificates: bool,
        response: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static,
    ) -> u16 {
        let config = self.config(own, wants_certificates, rustls::DEFAULT_VERSIONS);
        serve(config, response)
    }

    /// Returns the settings of such a server.
    pub fn config(
        &self,
        (certificate, key): &(Certificate, KeyPair),
        wants_certificates: bool,
        versions: &[&'static SupportedProtocolVersion],
    ) -> ServerConfig {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.der().clone()).unwrap();
        let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider.clone());
        let config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .unwrap();
        let config = match wants_certificates {
            true => config.with_client_cert_verifier(verifier.build().unwrap()),
            false => config.with_no_client_auth(),
        };
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let config = config.with_single_cert(vec![certificate.der().clone()], key);
        config.unwrap()
    }
}

/// Starts a server on loopback that answers each request by its head, and returns its port.
pub fn serve(
    config: ServerConfig,
    response: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static,
) -> u16 {
    let (config, response) = (Arc::new(config), Arc::new(response));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (config, response) = (Arc::clone(&config), Arc::clone(&response));
            thread::spawn(move || converse(stream.unwrap(), config, &*response));
        }
    });
    port
}

/// Reads the head of a request; `None` if no request arrives.
fn read_head(stream: &mut impl std::io::Read) -> Option<String> {
    let mut head = Vec::new();
    let mut byte = [0_u8; 1];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => return None,
        }
    }
    Some(String::from_utf8_lossy(&head).into_owned())
}

fn converse(
    mut stream: TcpStream,
    config: Arc<ServerConfig>,
    response: &(impl Fn(&str) -> Vec<u8> + ?Sized),
) {
    let mut connection = rustls::ServerConnection::new(config).unwrap();
    let mut tls = rustls::Stream::new(&mut connection, &mut stream);
    let Some(head) = read_head(&mut tls) else {
        return;
    };
    let _ = tls.write_all(&response(&head));
    tls.conn.send_close_notify();
    let _ = tls.flush();
}

/// Writes a file with this mode.
pub fn write(path: &Path, text: &str, mode: u32) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}
