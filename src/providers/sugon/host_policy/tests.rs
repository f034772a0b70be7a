use super::*;
use crate::providers::test_support;

fn policy(named_by: &str, listed: &str) -> HostPolicy {
    let profile =
        test_support::profile(&super::super::CLOUD, &[("JOBLENS_SUGON_AI_HOSTS", listed)]);
    let named_by = Endpoint::parse(named_by, &[], true).unwrap();
    HostPolicy::new(&profile, &named_by).unwrap()
}

fn is_allowed(named_by: &str, listed: &str, url: &str) -> bool {
    !policy(named_by, listed).check([url]).allowed.is_empty()
}

#[test]
fn hosts_of_the_same_domain_are_allowed_over_tls() {
    for (named_by, url) in [
        ("https://www.scnet.cn", "https://ai01.scnet.cn:65011/ai"),
        ("https://www.scnet.cn", "https://www.scnet.cn:65011/ai"),
        ("https://www.scnet.cn", "https://a.b.SCNET.cn./ai/"),
        ("https://scnet.cn", "https://ai.scnet.cn"),
        (
            "https://api01.centre.com.cn:65102",
            "https://ai01.centre.com.cn",
        ),
        ("https://centre.edu.cn", "https://ai.centre.edu.cn"),
        ("https://centre.lan", "https://ai.centre.lan"),
        ("https://api.university.edu", "https://ai.university.edu"),
        ("https://api.centre.中国", "https://ai.centre.中国"),
        ("https://10.0.0.1:65102", "https://10.0.0.1:65106/ai"),
        ("https://centre:65102", "https://centre:65106/ai"),
        ("https://www.例子.cn", "https://ai.例子.cn/ai"),
    ] {
        assert!(is_allowed(named_by, "", url), "{named_by}: {url}");
    }
}

#[test]
fn hosts_of_other_or_shared_domains_and_plain_http_are_rejected() {
    for (named_by, url) in [
        ("https://www.scnet.cn", "http://ai01.scnet.cn/ai"),
        ("https://www.scnet.cn", "http://www.scnet.cn/ai"),
        ("https://www.scnet.cn", "https://evil.test/ai"),
        ("https://www.scnet.cn", "https://evilscnet.cn/ai"),
        ("https://www.scnet.cn", "https://www.scnet.cn.evil.test/ai"),
        ("https://www.scnet.cn", "https://www.scnet.cn@evil.test/ai"),
        ("https://www.scnet.cn", "https://127.0.0.1/ai"),
        ("https://www.scnet.cn", "https://localhost/ai"),
        ("https://www.scnet.cn", "ftp://ai.scnet.cn/ai"),
        ("https://centre.com.cn", "https://evil.com.cn"),
        ("https://centre.ac.cn", "https://evil.ac.cn"),
        ("https://centre.bj.cn", "https://evil.bj.cn"),
        ("https://centre.co.uk", "https://evil.co.uk"),
        ("https://a.blog.br", "https://evil.blog.br"),
        ("https://a.tokyo.jp", "https://evil.tokyo.jp"),
        ("https://a.gitlab.io", "https://evil.gitlab.io"),
        ("https://api.a.example.io", "https://ai.a.example.io"),
        ("https://a.blogspot.com", "https://evil.blogspot.com"),
        ("https://a.myqcloud.com", "https://evil.myqcloud.com"),
        ("https://a.aliyuncs.com", "https://evil.aliyuncs.com"),
        ("https://a.b.dyndns.org", "https://evil.b.dyndns.org"),
        ("https://centre.公司.cn", "https://evil.公司.cn"),
        ("https://centre.cn.com", "https://evil.cn.com"),
        ("https://com.cn", "https://evil.com.cn"),
        ("https://centre.cn", "https://evil.cn"),
        ("https://a.github.io", "https://evil.github.io"),
        (
            "https://lb-1.cn-hangzhou.alb.aliyuncs.com",
            "https://lb-2.cn-hangzhou.alb.aliyuncs.com",
        ),
        ("https://10.0.0.1", "https://10.0.0.2"),
        ("https://10.0.0.1", "https://evil.0.0.1.test"),
        ("http://127.0.0.1:7411", "http://127.0.0.1:7412/ai"),
        ("http://127.0.0.1:7411", "http://localhost:7411/ai"),
        ("http://plain.corp.test", "http://ai.corp.test"),
    ] {
        assert!(!is_allowed(named_by, "", url), "{named_by}: {url}");
    }
    let long = format!("https://www.scnet.cn/{}", "a".repeat(MAX_URL_BYTES));
    let rejected = policy("https://www.scnet.cn", "")
        .check([long.as_str()])
        .rejected;
    assert!(rejected.unwrap().contains("longer than 2048 bytes"));
}

#[test]
fn the_endpoint_itself_is_allowed_even_over_plain_http() {
    for named_by in [
        "http://127.0.0.1:7411",
        "http://[::1]:1",
        "http://plain.test",
    ] {
        assert!(is_allowed(named_by, "", &format!("{named_by}/ai")));
    }
}

#[test]
fn hosts_listed_in_the_profile_are_allowed() {
    let listed = "ai.example.com, https://ai2.example.com:65011\nother.example.com:8443 \
                  http://127.0.0.1:9 ai3.example.com:443";
    let by = "https://www.scnet.cn";
    for url in [
        "https://ai.example.com:65011/ai",
        "https://AI.example.com",
        "https://ai2.example.com:65011/ai",
        "https://other.example.com:8443",
        "https://ai3.example.com",
        "http://127.0.0.1:9/ai",
    ] {
        assert!(is_allowed(by, listed, url), "{url}");
    }
    for url in [
        "http://ai.example.com",
        "https://sub.ai.example.com",
        "https://ai2.example.com",
        "https://other.example.com",
        "https://ai3.example.com:8443",
        "http://127.0.0.1:10/ai",
    ] {
        assert!(!is_allowed(by, listed, url), "{url}");
    }
}

#[test]
fn an_invalid_entry_in_ai_hosts_is_a_usage_error() {
    let named_by = Endpoint::parse("https://www.scnet.cn", &[], false).unwrap();
    for entry in [
        "http://ai.example.com",
        "a b:c",
        "https://",
        "ai.example.com/v2",
    ] {
        let variables = [("JOBLENS_SUGON_AI_HOSTS", entry)];
        let profile = test_support::profile(&super::super::CLOUD, &variables);
        let problem = HostPolicy::new(&profile, &named_by).unwrap_err();
        assert_eq!(problem.category, crate::error::Category::Usage, "{entry}");
        assert!(problem.message.contains("ai_hosts"), "{problem}");
    }
}

#[test]
fn the_number_of_different_allowed_hosts_is_limited() {
    let policy = policy("https://www.scnet.cn", "");
    let urls: Vec<String> = (0..100)
        .map(|n| format!("https://ai{}.scnet.cn/ai", n / 2))
        .collect();
    let urls = ["http://evil.test"]
        .into_iter()
        .chain(urls.iter().map(String::as_str));
    let checked = policy.check(urls);
    assert_eq!(checked.allowed.len(), MAX_HOSTS);
    assert_eq!(checked.allowed[1].host(), "ai1.scnet.cn");
    assert_eq!(
        checked.rejected.as_deref(),
        Some("http://evil.test is plain HTTP")
    );
}

#[test]
fn shared_domains_are_sorted_names_below_known_top_level_domains() {
    let domains: Vec<&str> = SHARED_DOMAINS.lines().collect();
    assert!(domains.is_sorted_by(|a, b| a < b));
    for domain in domains {
        let (label, top) = domain.rsplit_once('.').unwrap();
        assert!(KNOWN_TOPS.contains(&top) && !label.is_empty(), "{domain}");
        assert_eq!(shared_domain(&format!("a.b.{domain}")), None);
    }
}
