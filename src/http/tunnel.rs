//! Opens a connection through an HTTP proxy with `CONNECT`.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::{Endpoint, Response};
use crate::secret::Secret;

/// Maximum length of the head of a response. A longer one does not come from a proxy.
const MAX_HEAD_BYTES: usize = 16 << 10;
/// Maximum size of an error page that is read for its title, and maximum time for it.
const MAX_PAGE_BYTES: usize = 64 << 10;
const PAGE_TIMEOUT: Duration = Duration::from_millis(500);

/// The reason why a proxy did not open a connection.
#[derive(Debug)]
pub(super) enum TunnelError {
    /// It responded with a status other than success.
    Rejected(Response),
    /// It closed the connection.
    Closed,
    /// Its response is not HTTP.
    NotHttp,
}

/// Sends a `CONNECT` request for an endpoint to a proxy.
///
/// # Errors
/// The proxy's response if it is not a success.
pub(super) async fn open_tunnel(
    proxy: &mut (impl AsyncRead + AsyncWrite + Unpin),
    endpoint: &Endpoint,
    authorization: Option<Secret>,
) -> Result<(), TunnelError> {
    let host = endpoint.authority();
    let host = match endpoint.has_port() {
        true => host.to_owned(),
        false => format!("{host}:{}", endpoint.port()),
    };
    let agent = super::USER_AGENT;
    let mut request = format!("CONNECT {host} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: {agent}\r\n");
    if let Some(authorization) = &authorization {
        request += &format!("Proxy-Authorization: {}\r\n", authorization.expose());
    }
    request += "\r\n";
    let sent = proxy.write_all(request.as_bytes()).await;
    sent.map_err(|_| TunnelError::Closed)?;
    proxy.flush().await.map_err(|_| TunnelError::Closed)?;
    let mut head = Vec::new();
    // Reads byte by byte, since the bytes after the head belong to the endpoint.
    while !head.ends_with(b"\r\n\r\n") && !head.ends_with(b"\n\n") {
        let byte = proxy.read_u8().await.map_err(|_| TunnelError::Closed)?;
        head.push(byte);
        let is_http = head.starts_with(b"HTTP/") || b"HTTP/".starts_with(&head);
        if !is_http || head.len() > MAX_HEAD_BYTES {
            return Err(TunnelError::NotHttp);
        }
    }
    let mut response = parse_head(&head).ok_or(TunnelError::NotHttp)?;
    if (200..300).contains(&response.status) {
        return Ok(());
    }
    // After the timeout, the part that was read is enough.
    let _ = tokio::time::timeout(PAGE_TIMEOUT, read_page(proxy, &mut response)).await;
    Err(TunnelError::Rejected(response))
}

/// Reads the part of a response's body that may contain a title, as far as it arrives.
async fn read_page(proxy: &mut (impl AsyncRead + Unpin), response: &mut Response) {
    let length = response.header("content-length");
    let length = length.and_then(|text| text.trim().parse().ok());
    let length = length.unwrap_or(usize::MAX).min(MAX_PAGE_BYTES);
    while response.body.len() < length && !response.body.ends_with(b"\r\n0\r\n\r\n") {
        match proxy.read_buf(&mut response.body).await {
            Ok(1..) => {}
            _ => return,
        }
    }
}

/// Parses a response without its body.
fn parse_head(head: &[u8]) -> Option<Response> {
    let text = String::from_utf8_lossy(head);
    let headers = text.lines().skip(1).filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        Some((name.trim().to_ascii_lowercase(), value.trim().to_owned()))
    });
    Some(Response {
        status: status(head)?,
        headers: headers.collect(),
        body: Vec::new(),
    })
}

/// Parses the status of a response, such as `HTTP/1.1 403 Forbidden`.
fn status(head: &[u8]) -> Option<u16> {
    let line = head.split(|byte| *byte == b'\r' || *byte == b'\n').next()?;
    let line = str::from_utf8(line.get(..12)?).ok()?;
    line.split(' ').nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The expected result: `Ok`, the status and body of an error, or `None` if the response is not HTTP.
    type Opened = Result<(), Option<(u16, String)>>;

    async fn open(response: &str) -> (Opened, String) {
        let (mut client, mut server) = tokio::io::duplex(64 << 10);
        server.write_all(response.as_bytes()).await.unwrap();
        server.shutdown().await.unwrap();
        let endpoint = Endpoint::parse("https://[fd00::1]", &[], false).unwrap();
        let authorization = Some(Secret::new("Basic am9lOnB3"));
        let opened = open_tunnel(&mut client, &endpoint, authorization).await;
        let opened = opened.map_err(|error| match error {
            TunnelError::Rejected(response) => {
                let body = String::from_utf8(response.body).unwrap();
                Some((response.status, body))
            }
            TunnelError::Closed | TunnelError::NotHttp => None,
        });
        drop(client);
        let mut sent = String::new();
        server.read_to_string(&mut sent).await.unwrap();
        (opened, sent)
    }

    #[tokio::test]
    async fn a_tunnel_is_opened_only_by_a_successful_proxy_response() {
        let large = format!(
            "HTTP/1.1 200 OK\r\nx: {}\r\n\r\n",
            "a".repeat(MAX_HEAD_BYTES)
        );
        for (response, expected) in [
            ("HTTP/1.1 200 Connection established\r\n\r\n", Ok(())),
            ("HTTP/1.0 200 OK\nx: y\n\n", Ok(())),
            (
                "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n",
                Err(Some((407, String::new()))),
            ),
            (
                "HTTP/1.1 403\r\n\r\n<html>",
                Err(Some((403, "<html>".to_owned()))),
            ),
            (
                "HTTP/1.1 403 x\r\nContent-Length: 1\r\n\r\n<",
                Err(Some((403, "<".to_owned()))),
            ),
            ("HTTP/1.1 502 Bad Gate", Err(None)),
            ("", Err(None)),
            ("HTTP/1.1 训\r\n\r\n", Err(None)),
            ("HTTP/1.1\r\n\r\n", Err(None)),
            ("SSH-2.0-OpenSSH\r\n", Err(None)),
            (&large, Err(None)),
        ] {
            let (opened, sent) = open(response).await;
            assert_eq!(opened, expected, "{response}");
            assert!(
                sent.starts_with("CONNECT [fd00::1]:443 HTTP/1.1\r\nHost: [fd00::1]:443\r\n"),
                "{sent}"
            );
            assert!(
                sent.ends_with("Proxy-Authorization: Basic am9lOnB3\r\n\r\n"),
                "{sent}"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_unfinished_error_page_of_a_proxy_is_read_as_far_as_it_arrived() {
        let (mut client, mut server) = tokio::io::duplex(1024);
        let page = b"HTTP/1.1 403 No\r\n\r\n<title>Denied</title>";
        server.write_all(page).await.unwrap();
        let endpoint = Endpoint::parse("https://a.example", &[], false).unwrap();
        let opened = open_tunnel(&mut client, &endpoint, None).await;
        let Err(TunnelError::Rejected(response)) = opened else {
            panic!("{opened:?}")
        };
        assert_eq!(response.body, b"<title>Denied</title>");
    }

    #[tokio::test]
    async fn bytes_after_the_response_head_of_a_proxy_belong_to_the_endpoint() {
        let (mut client, mut server) = tokio::io::duplex(1024);
        server
            .write_all(b"HTTP/1.1 200 OK\r\n\r\nhello")
            .await
            .unwrap();
        let endpoint = Endpoint::parse("https://a.example:8443", &[], false).unwrap();
        open_tunnel(&mut client, &endpoint, None).await.unwrap();
        let mut rest = [0; 5];
        client.read_exact(&mut rest).await.unwrap();
        assert_eq!(&rest, b"hello");
    }
}
