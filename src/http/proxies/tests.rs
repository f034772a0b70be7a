use super::*;

fn parse(name: &str, value: &str) -> ProxyConfig {
    ProxyConfig::parse(&[(name.to_owned(), value.to_owned())])
}

fn route(proxies: &ProxyConfig, url: &str) -> Route {
    proxies.route(&Endpoint::parse(url, &[], true).unwrap())
}

#[test]
fn an_invalid_proxy_url_is_an_error_that_shows_no_password() {
    let proxies = parse("HTTPS_PROXY", "htp://user:hunter2@proxy:1");
    let Route::Unusable { problem } = route(&proxies, "https://cloud.example") else {
        panic!("it cannot be used");
    };
    assert!(
        problem.message.contains("htp://***@proxy:1"),
        "{}",
        problem.message
    );
    for wrong in [
        "http://",
        "socks6://h:1",
        "://h:1",
        "http://h:99999",
        "socks://",
        "http://joe:pw@",
        "http://a b:1",
    ] {
        assert_eq!(parse("ALL_PROXY", wrong).problems().count(), 1, "{wrong}");
    }
}

#[test]
fn an_unusable_proxy_only_fails_the_requests_that_would_use_it() {
    let variables = [
        ("all_proxy", "quic://proxy:1"),
        ("https_proxy", "http://good:3128"),
        ("no_proxy", "corp.example"),
    ];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let proxies = ProxyConfig::parse(&variables);
    let is_through =
        |route| matches!(route, Route::Proxied { variable, .. } if variable == "https_proxy");
    assert!(is_through(route(&proxies, "https://cloud.example")));
    assert_eq!(route(&proxies, "http://127.0.0.1:1"), Route::Direct);
    let excepted = Route::Bypassed("no_proxy".to_owned());
    assert_eq!(route(&proxies, "http://ai.corp.example"), excepted);
    let unusable = route(&proxies, "http://cloud.example");
    assert!(matches!(unusable, Route::Unusable { .. }));
}

#[test]
fn reads_the_usual_spellings_of_proxy_urls() {
    use ProxyProtocol::{Http, Https, Socks4, Socks5};
    for (value, protocol, uri) in [
        ("proxy:3128", Http, "http://proxy:3128"),
        ("http://proxy", Http, "http://proxy:80"),
        ("HTTP://Proxy/", Http, "http://proxy:80"),
        ("https://u:p@proxy:1", Https, "http://proxy:1"),
        ("https://proxy:80", Https, "http://proxy:80"),
        ("https://proxy", Https, "http://proxy:443"),
        ("http://[fd00::1]:3128", Http, "http://[fd00::1]:3128"),
        (
            "socks://proxy:7891/",
            Socks4 { resolves: true },
            "http://proxy:7891",
        ),
        (
            "SOCKS4A://proxy",
            Socks4 { resolves: false },
            "http://proxy:1080",
        ),
        (
            "socks5://proxy",
            Socks5 { resolves: true },
            "http://proxy:1080",
        ),
        (
            "socks5h://proxy",
            Socks5 { resolves: false },
            "http://proxy:1080",
        ),
    ] {
        let proxy = parse_proxy("HTTPS_PROXY", value).unwrap();
        assert_eq!(
            (proxy.protocol, &proxy.uri),
            (protocol, &uri.parse().unwrap()),
            "{value}"
        );
    }
    assert!(parse("HTTPS_PROXY", " ").variables.is_empty());
}

#[test]
fn proxy_credentials_are_decoded_and_unencoded_characters_have_a_hint() {
    for (value, name, password) in [
        ("http://joe:p%23w%2Fd@proxy:1", "joe", "p#w/d"),
        (r"http://corp\joe:password@proxy:1", r"corp\joe", "password"),
        (
            "http://joe@corp.example:pass@word@proxy:1",
            "joe@corp.example",
            "pass@word",
        ),
        ("joe:a:b@proxy", "joe", "a:b"),
        ("socks5h://用户:密码@proxy", "用户", "密码"),
        ("http://joe@proxy", "joe", ""),
    ] {
        let proxy = parse_proxy("HTTPS_PROXY", value).unwrap();
        let credentials = Some((name.to_owned(), Secret::new(password)));
        assert_eq!(proxy.credentials, credentials, "{value}");
        assert_eq!(proxy.host(), "proxy");
        assert!(
            proxy.masked_url.contains("://***@proxy:"),
            "{}",
            proxy.masked_url
        );
    }
    for (password, encoded) in [
        ("hunter#22", "%23"),
        ("hunter/22", "%2F"),
        ("?hunter", "%3F"),
    ] {
        for value in [
            format!("http://joe:{password}@proxy:1"),
            format!("{password}:pw@proxy"),
        ] {
            let problem = parse_proxy("HTTPS_PROXY", &value).unwrap_err();
            let hint = problem.hint.unwrap();
            assert!(
                hint.ends_with(encoded) && hint.contains("HTTPS_PROXY"),
                "{hint}"
            );
            assert!(!problem.message.contains("hunter"), "{}", problem.message);
        }
    }
}

#[test]
fn returns_the_route_to_an_endpoint_by_scheme_and_no_proxy() {
    let variables = [
        ("https_proxy", "http://joe:hunter2@proxy:3128"),
        ("ALL_PROXY", "socks5h://other:1080"),
        ("NO_PROXY", ".corp.example,10.0.0.0/8"),
    ];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let proxies = ProxyConfig::parse(&variables);
    let route = |url: &str| route(&proxies, url);
    let through = |variable: &str, proxy: &str| Route::Proxied {
        variable: variable.to_owned(),
        proxy: proxy.to_owned(),
    };
    assert_eq!(
        route("https://cloud.example"),
        through("https_proxy", "http://***@proxy:3128")
    );
    assert_eq!(
        route("http://cloud.example"),
        through("ALL_PROXY", "socks5h://other:1080")
    );
    let excepted = Route::Bypassed("NO_PROXY".to_owned());
    assert_eq!(route("https://ai.corp.example:8443"), excepted);
    assert_eq!(route("https://10.1.2.3"), excepted);
    assert_eq!(route("https://127.0.0.1:1"), Route::Direct);
}
