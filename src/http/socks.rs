//! Opens a connection through a SOCKS proxy: version 4 with host names (4a), and version 5 (RFC 1928, RFC 1929).

use std::io;
use std::net::IpAddr;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use crate::secret::Secret;

const NO_AUTHENTICATION: u8 = 0;
const USER_AND_PASSWORD: u8 = 2;

/// The reason why a SOCKS proxy did not open a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SocksError {
    /// It closed the connection.
    Closed,
    /// Its response is not SOCKS.
    NotSocks,
    /// It accepts none of the offered authentication methods.
    NoMethod {
        /// `true` if a user and password were offered.
        has_user: bool,
    },
    /// It chose a method that was not offered.
    OtherMethod,
    /// It rejected the user or password.
    WrongPassword,
    /// The host name, the user or the password has more than 255 bytes.
    TooLong,
    /// Version 4 does not support IPv6 addresses.
    NoIpv4,
    /// The error code of version 4.
    Rejected4(u8),
    /// The error code of version 5.
    Rejected5(u8),
}

impl From<io::Error> for SocksError {
    fn from(_: io::Error) -> Self {
        Self::Closed
    }
}

/// The host that a proxy connects to: a name, or an address.
pub(super) enum SocksTarget {
    Name(String),
    Address(IpAddr),
}

/// Requests a connection from a proxy of version 4. A host name is sent as in version 4a.
///
/// # Errors
/// The proxy's response if it is not a success.
pub(super) async fn connect_4(
    io: &mut (impl AsyncRead + AsyncWrite + Unpin),
    target: &SocksTarget,
    port: u16,
    user: Option<&str>,
) -> Result<(), SocksError> {
    let (address, name) = match target {
        SocksTarget::Address(IpAddr::V4(address)) => (address.octets(), None),
        SocksTarget::Address(IpAddr::V6(_)) => return Err(SocksError::NoIpv4),
        SocksTarget::Name(name) => ([0, 0, 0, 1], Some(name)),
    };
    let mut request = vec![4, 1];
    request.extend(port.to_be_bytes());
    request.extend(address);
    for text in [Some(user.unwrap_or_default()), name.map(String::as_str)] {
        let text = text.map(str::as_bytes);
        request.extend(text.into_iter().flat_map(|text| text.iter().chain(&[0])));
    }
    io.write_all(&request).await?;
    let mut reply = [0; 8];
    io.read_exact(&mut reply[..1]).await?;
    if reply[0] != 0 {
        return Err(SocksError::NotSocks);
    }
    io.read_exact(&mut reply[1..]).await?;
    match reply[1] {
        90 => Ok(()),
        code => Err(SocksError::Rejected4(code)),
    }
}

/// Requests a connection from a proxy of version 5. If a user is given, the proxy can still choose no
/// authentication.
///
/// # Errors
/// The proxy's response if it is not a success.
pub(super) async fn connect_5(
    io: &mut (impl AsyncRead + AsyncWrite + Unpin),
    target: &SocksTarget,
    port: u16,
    user: Option<&(String, Secret)>,
) -> Result<(), SocksError> {
    let methods: &[u8] = match user {
        Some(_) => &[5, 2, NO_AUTHENTICATION, USER_AND_PASSWORD],
        None => &[5, 1, NO_AUTHENTICATION],
    };
    io.write_all(methods).await?;
    match (read_reply(io).await?, user) {
        (NO_AUTHENTICATION, _) => {}
        (USER_AND_PASSWORD, Some((name, password))) => {
            let mut request = vec![1];
            push_text(&mut request, name)?;
            push_text(&mut request, password.expose())?;
            io.write_all(&request).await?;
            // Some proxies respond with the version of SOCKS instead of that of the method.
            let mut reply = [0; 2];
            io.read_exact(&mut reply).await?;
            if reply[1] != 0 {
                return Err(SocksError::WrongPassword);
            }
        }
        (USER_AND_PASSWORD, None) => return Err(SocksError::NoMethod { has_user: false }),
        (0xff, user) => {
            let has_user = user.is_some();
            return Err(SocksError::NoMethod { has_user });
        }
        _ => return Err(SocksError::OtherMethod),
    }
    let mut request = vec![5, 1, 0];
    match target {
        SocksTarget::Address(IpAddr::V4(address)) => {
            request.push(1);
            request.extend(address.octets());
        }
        SocksTarget::Address(IpAddr::V6(address)) => {
            request.push(4);
            request.extend(address.octets());
        }
        SocksTarget::Name(name) => {
            request.push(3);
            push_text(&mut request, name)?;
        }
    }
    request.extend(port.to_be_bytes());
    io.write_all(&request).await?;
    match read_reply(io).await? {
        0 => skip_address(io).await,
        code => Err(SocksError::Rejected5(code)),
    }
}

/// Returns the second byte of a response of version 5. The first byte is the version.
async fn read_reply(io: &mut (impl AsyncRead + Unpin)) -> Result<u8, SocksError> {
    match io.read_u8().await? {
        5 => Ok(io.read_u8().await?),
        _ => Err(SocksError::NotSocks),
    }
}

/// Skips the address that the proxy has bound.
async fn skip_address(io: &mut (impl AsyncRead + Unpin)) -> Result<(), SocksError> {
    let mut head = [0; 2];
    io.read_exact(&mut head).await?;
    let length = match head[1] {
        1 => 4,
        4 => 16,
        3 => usize::from(io.read_u8().await?),
        _ => return Err(SocksError::NotSocks),
    };
    // The port follows the address.
    let mut rest = vec![0; length + 2];
    io.read_exact(&mut rest).await?;
    Ok(())
}

fn push_text(request: &mut Vec<u8>, text: &str) -> Result<(), SocksError> {
    let length = u8::try_from(text.len()).map_err(|_| SocksError::TooLong)?;
    request.push(length);
    request.extend(text.as_bytes());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user() -> Option<(String, Secret)> {
        Some(("joe".to_owned(), Secret::new("pw")))
    }

    /// Returns the result of a connection through a proxy of version 5 that sends `responses`, and the bytes sent to
    /// it.
    async fn connect_through(
        responses: &[u8],
        target: &SocksTarget,
        user: Option<(String, Secret)>,
    ) -> (Result<(), SocksError>, Vec<u8>) {
        let (mut client, mut server) = tokio::io::duplex(4096);
        server.write_all(responses).await.unwrap();
        server.shutdown().await.unwrap();
        let connected = connect_5(&mut client, target, 443, user.as_ref()).await;
        drop(client);
        let mut sent = Vec::new();
        server.read_to_end(&mut sent).await.unwrap();
        (connected, sent)
    }

    #[tokio::test]
    async fn a_proxy_without_authentication_works_with_and_without_a_user() {
        let name = SocksTarget::Name("h.test".to_owned());
        let done = b"\x05\x00\x05\x00\x00\x01\0\0\0\0\0\0";
        let (connected, sent) = connect_through(done, &name, user()).await;
        assert_eq!(connected, Ok(()));
        assert_eq!(sent, b"\x05\x02\x00\x02\x05\x01\x00\x03\x06h.test\x01\xbb");
        let (connected, sent) = connect_through(done, &name, None).await;
        assert_eq!(connected, Ok(()));
        assert!(sent.starts_with(b"\x05\x01\x00\x05"), "{sent:?}");
    }

    #[tokio::test]
    async fn a_user_is_sent_where_the_proxy_requires_one() {
        let address = SocksTarget::Address("192.0.2.7".parse().unwrap());
        let done = b"\x05\x02\x01\x00\x05\x00\x00\x03\x02ab\0\0";
        let (connected, sent) = connect_through(done, &address, user()).await;
        assert_eq!(connected, Ok(()));
        let expected = b"\x05\x02\x00\x02\x01\x03joe\x02pw\x05\x01\x00\x01\xc0\x00\x02\x07\x01\xbb";
        assert_eq!(sent, expected);
    }

    #[tokio::test]
    async fn every_socks_failure_has_its_own_error() {
        let no_method = |has_user| SocksError::NoMethod { has_user };
        for (responses, user, expected) in [
            (&b""[..], None, SocksError::Closed),
            (b"\x05", None, SocksError::Closed),
            (b"HTTP/1.1 400", None, SocksError::NotSocks),
            (b"\x05\xff", None, no_method(false)),
            (b"\x05\xff", user(), no_method(true)),
            (b"\x05\x02", None, no_method(false)),
            (b"\x05\x01", user(), SocksError::OtherMethod),
            (b"\x05\x02\x01\x01", user(), SocksError::WrongPassword),
            (b"\x05\x00\x05\x02", None, SocksError::Rejected5(2)),
            (b"\x05\x00\x05\x00\x00\x09", None, SocksError::NotSocks),
            (b"\x05\x00\x05\x00\x00\x01\0", None, SocksError::Closed),
        ] {
            let target = SocksTarget::Name("h.test".to_owned());
            let (connected, _) = connect_through(responses, &target, user).await;
            assert_eq!(connected, Err(expected), "{responses:?}");
        }
        let long = SocksTarget::Name("x".repeat(256));
        let (connected, _) = connect_through(b"\x05\x00", &long, None).await;
        assert_eq!(connected, Err(SocksError::TooLong));
    }

    #[tokio::test]
    async fn socks_4_sends_the_host_name_after_the_user() {
        for (response, expected) in [
            (&b"\x00\x5a\0\0\0\0\0\0"[..], Ok(())),
            (b"\x00\x5b\0\0\0\0\0\0", Err(SocksError::Rejected4(0x5b))),
            (b"\x05\x00", Err(SocksError::NotSocks)),
            (b"\x00", Err(SocksError::Closed)),
        ] {
            let (mut client, mut server) = tokio::io::duplex(4096);
            server.write_all(response).await.unwrap();
            server.shutdown().await.unwrap();
            let target = SocksTarget::Name("h.test".to_owned());
            let connected = connect_4(&mut client, &target, 80, Some("joe")).await;
            assert_eq!(connected, expected);
            drop(client);
            let mut sent = Vec::new();
            server.read_to_end(&mut sent).await.unwrap();
            assert_eq!(sent, b"\x04\x01\x00\x50\x00\x00\x00\x01joe\0h.test\0");
        }
        let address = SocksTarget::Address("::1".parse().unwrap());
        let rejected = connect_4(&mut tokio::io::empty(), &address, 80, None).await;
        assert_eq!(rejected, Err(SocksError::NoIpv4));
    }
}
