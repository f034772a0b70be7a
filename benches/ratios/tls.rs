//! A TLS server on loopback with its own CA that sends the same response to every request.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, Stream};

pub struct TlsServer {
    /// `https://localhost:PORT`
    pub origin: String,
    /// The CA's certificate in PEM form.
    pub ca: String,
}

impl TlsServer {
    /// Answers the first request of each connection with `answer` and closes the connection.
    pub fn start(answer: Vec<u8>) -> Self {
        let mut authority = rcgen::CertificateParams::new(Vec::new()).unwrap();
        authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        // If the CA had the name of its leaf, OpenSSL would treat the leaf as self-signed.
        let name = rcgen::DnType::CommonName;
        authority.distinguished_name.push(name, "joblens bench CA");
        let key = rcgen::KeyPair::generate().unwrap();
        let ca = authority.self_signed(&key).unwrap().pem();
        let issuer = rcgen::Issuer::new(authority, key);
        let key = rcgen::KeyPair::generate().unwrap();
        let leaf = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let certificate = leaf.signed_by(&key, &issuer).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
            )
            .unwrap();
        let (config, answer) = (Arc::new(config), Arc::new(answer));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (config, answer) = (Arc::clone(&config), Arc::clone(&answer));
                thread::spawn(move || serve(stream, config, &answer));
            }
        });
        Self {
            origin: format!("https://localhost:{port}"),
            ca,
        }
    }
}

/// Ignores errors: a client that disconnects reports its own error.
fn serve(mut stream: TcpStream, config: Arc<ServerConfig>, answer: &[u8]) {
    let mut connection = ServerConnection::new(config).unwrap();
    let mut tls = Stream::new(&mut connection, &mut stream);
    let mut head = Vec::new();
    let mut piece = [0; 4096];
    while !head.ends_with(b"\r\n\r\n") {
        match tls.read(&mut piece) {
            Ok(0) | Err(_) => return,
            Ok(length) => head.extend_from_slice(&piece[..length]),
        }
    }
    let _ = tls.write_all(answer);
    tls.conn.send_close_notify();
    let _ = tls.flush();
}
