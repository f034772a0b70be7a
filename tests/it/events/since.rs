use super::*;

#[test]
fn a_relative_since_counts_from_the_servers_clock() {
    for offset in ["-3h", "+3h"] {
        let emulated = Emulated::start(&format!("clock_offset = '{offset}'\n{WORLD}"));
        let reasons = |since: &str| -> Vec<Value> {
            let service = "tencent/service/cls-1/default/web";
            let run = events(&emulated, &[service, "--since", since, "-o", "json"]);
            assert_eq!(run.code, 0, "{}", run.stderr);
            let events = list(&run).into_iter();
            events.map(|one| one["reason"].clone()).collect()
        };
        assert_eq!(reasons("1h"), ["Unhealthy"], "{offset}");
    }
}
