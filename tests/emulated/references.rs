//! How references are given, filled in and expanded.

use serde_json::json;

use crate::kinds::refs;
use crate::support::emulated::Emulated;
use crate::{IMAGE_JOB, INSTANCE, JOB, KINDS, SERVICE, WORLD};

#[test]
fn a_bare_reference_is_looked_up() {
    let emulated = Emulated::start(WORLD);
    let run = emulated.joblens(&[INSTANCE, "-o", "json"]).run();
    assert_eq!(run.job()["ref"], INSTANCE);
    assert_eq!(run.code, 0);
}

#[test]
fn short_names_become_long_ones_and_the_input_is_kept() {
    let emulated = Emulated::start(WORLD);
    let short = [
        "ali/job/ehpc-hz-FYUr32/train-7",
        "ALI/inv/ehpc-hz-FYUr32/c-1",
        "scnet/inst/7d3e1f60b2c94a58a1e0c4f29d8b6e35",
        "hw/img/702371902345678848",
        "qcloud/svc/cls-1/default/web",
    ];
    let envelope = emulated.get(&short).run().json();
    assert_eq!(refs(&envelope), KINDS);
    let inputs: Vec<_> = envelope["jobs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|job| &job["input"])
        .collect();
    assert_eq!(inputs, short);
}

#[test]
fn standard_input_takes_the_place_of_a_dash() {
    let emulated = Emulated::start(WORLD);
    let input = format!("# mine\n\n  {INSTANCE}  \r\n{SERVICE}\n{JOB}\n");
    let run = emulated.get(&[JOB, "-", IMAGE_JOB]).input(&input).run();
    assert_eq!(refs(&run.json()), [JOB, INSTANCE, SERVICE, IMAGE_JOB]);
    let bare = emulated.joblens(&["-", "-o", "json"]).input(&input).run();
    assert_eq!(refs(&bare.json()), [INSTANCE, SERVICE, JOB]);
}

#[test]
fn a_range_becomes_its_subtasks_and_the_cluster_comes_from_the_settings() {
    let scenario =
        "[[job]]\nref = 'aliyun/job/C/10_1-9:2'\nstates = [{ after = '0s', state = 'Running' }]\n";
    let emulated = Emulated::start(scenario);
    let run = emulated
        .get(&["aliyun/job/10_1-3"])
        .env("JOBLENS_ALIYUN_CLUSTER", "C")
        .run();
    let envelope = run.json();
    assert_eq!(refs(&envelope), ["aliyun/job/C/10_1", "aliyun/job/C/10_3"]);
    assert_eq!(envelope["jobs"][1]["input"], "aliyun/job/10_1-3");
    assert_eq!(envelope["errors"][0]["ref"], "aliyun/job/C/10_2");
    assert_eq!(run.code, 3);
    let stepped = emulated.get(&["aliyun/job/C/10_1-9:2"]).run();
    assert_eq!((stepped.code, refs(&stepped.json()).len()), (0, 5));
}

#[test]
fn segments_that_are_missing_on_the_left_come_from_the_settings() {
    let emulated = Emulated::start(WORLD);
    let run = emulated
        .get(&["tencent/service/web", "tencent/service/default/web"])
        .env("JOBLENS_TENCENT_CLUSTER", "cls-1")
        .env("JOBLENS_TENCENT_NAMESPACE", "default")
        .run();
    assert_eq!(refs(&run.json()), [SERVICE], "the same thing is shown once");
    let run = emulated
        .get(&["tencent/service/web"])
        .env("JOBLENS_TENCENT_CLUSTER", "cls-1")
        .run();
    assert_eq!(
        (run.code, run.error()["category"].as_str()),
        (2, Some("usage"))
    );
    assert!(
        run.error()["message"]
            .to_string()
            .contains("NAMESPACE is missing"),
        "{}",
        run.stdout
    );
}

#[test]
fn an_id_that_needs_encoding_is_asked_for_as_it_is() {
    let reference = "tencent/service/cls%201/de%2Ffault/%E7%BD%91%E7%AB%99%26a%3Db%2B";
    let emulated = Emulated::start(&format!("[[job]]\nref = \"{reference}\"\n"));
    let job = emulated.get(&[reference]).run().job();
    assert_eq!(
        (&job["ref"], &job["id"]),
        (&json!(reference), &json!("网站&a=b+"))
    );
    let reference = "huawei/image-job/a%2Fb%20c";
    let scenario = format!(
        "[[job]]\nref = \"{reference}\"\nstates = [{{ after = '0s', state = 'RUNNING' }}]\n"
    );
    assert_eq!(
        Emulated::start(&scenario).get(&[reference]).run().job()["id"],
        "a/b c"
    );
    let reference = "aliyun/job/C%3F/%E4%BD%9C%E4%B8%9A~%2A%27";
    let scenario = format!(
        "[[job]]\nref = \"{reference}\"\nstates = [{{ after = '0s', state = 'Running' }}]\n"
    );
    assert_eq!(
        Emulated::start(&scenario).get(&[reference]).run().job()["id"],
        "作业~*'"
    );
}
