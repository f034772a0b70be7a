//! Lists without a scope whose profile names a cluster, a namespace or a region.

use std::collections::BTreeSet;

use crate::support::emulated::Emulated;
use serde_json::{Value, json};

/// At least one job of every kind, all of a cloud in the same cluster or namespace.
const EVERY_KIND: &str = include_str!("../../../src/emulator/default.toml");

/// Settings of each cloud that names the scope of its jobs.
const SETTINGS: [&[(&str, &str)]; 5] = [
    &[("JOBLENS_ALIYUN_CLUSTER", "ehpc-hz-FYUr32")],
    &[("JOBLENS_KUBERNETES_NAMESPACE", "train")],
    &[("JOBLENS_TENCENT_CLUSTER", "cls-xxxxx")],
    &[
        ("JOBLENS_TENCENT_CLUSTER", "cls-xxxxx"),
        ("JOBLENS_TENCENT_NAMESPACE", "default"),
    ],
    &[
        ("JOBLENS_SUGON_CLUSTER_ID", "11112"),
        ("JOBLENS_SUGON_SCHEDULER_ID", "1638523853"),
    ],
];

fn list(emulated: &Emulated, settings: &[(&str, &str)], arguments: &[&str]) -> Value {
    let mut all = vec!["list", "-o", "json"];
    all.extend_from_slice(arguments);
    let run = emulated.joblens(&all).envs(settings.to_vec()).run();
    assert_eq!(run.code, 0, "{settings:?}: {}", run.stderr);
    run.json()
}

fn references(list: &Value) -> BTreeSet<String> {
    let jobs = list["jobs"].as_array().unwrap().iter();
    jobs.map(|job| job["ref"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_configured_scope_leaves_out_no_kind() {
    let emulated = Emulated::start(EVERY_KIND);
    let all = list(&emulated, &[], &[]);
    assert!(references(&all).len() > 20, "{all:#}");
    for settings in SETTINGS {
        let configured = list(&emulated, settings, &[]);
        assert_eq!(references(&configured), references(&all), "{settings:?}");
        assert_eq!(configured["coverage"]["complete"], true, "{settings:?}");
        let failed = list(&emulated, settings, &["--state", "failed"]);
        let unconfigured = list(&emulated, &[], &["--state", "failed"]);
        assert_eq!(
            references(&failed),
            references(&unconfigured),
            "{settings:?}"
        );
    }
}

#[test]
fn kinds_in_other_scopes_than_the_configured_one_are_not_listed() {
    let other = |name: &str| {
        format!("[[job]]\nref = '{name}'\nstates = [{{ after = '0s', state = 'Running' }}]\n")
    };
    let others = ["kubernetes/jobset/test/js-1", "kubernetes/job/test/job-1"].map(other);
    let emulated = Emulated::start(&format!("{EVERY_KIND}\n{}", others.concat()));
    let all = references(&list(&emulated, &[], &[]));
    let before = emulated.requests();
    let train = list(&emulated, &[("JOBLENS_KUBERNETES_NAMESPACE", "train")], &[]);
    let train = references(&train);
    let left_out: Vec<&String> = all.difference(&train).collect();
    assert_eq!(
        left_out,
        ["kubernetes/job/test/job-1", "kubernetes/jobset/test/js-1"]
    );
    let key = "kubernetes/ListNamespace";
    assert_eq!(emulated.requests().get(key), before.get(key));
}

#[test]
fn a_refused_kind_of_the_configured_scope_is_a_notice_and_the_first_one_an_error() {
    let settings = [("JOBLENS_KUBERNETES_NAMESPACE", "train")];
    let refusing = |operation: &str| {
        let fault = format!("operation = '{operation}'\nkind = 'status'\nstatus = 403\n");
        Emulated::start(&format!("{EVERY_KIND}\n[[fault]]\n{fault}"))
    };
    let emulated = refusing("ListNamespacedJobSet");
    let listed = list(&emulated, &settings, &[]);
    assert_eq!(listed["coverage"]["complete"], false, "{listed:#}");
    assert_eq!(listed["errors"], json!([]));
    assert_eq!(listed["coverage"], list(&emulated, &[], &[])["coverage"]);
    let emulated = refusing("ListNamespacedJob");
    let run = emulated.joblens(&["list"]).envs(settings).run();
    assert_eq!(run.code, 4, "{}", run.stderr);
}
