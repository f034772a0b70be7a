//! Tests the seeds, which are built from the fixtures, and the inputs in `fuzz/corpus` and `fuzz/regressions`.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::fixtures::{files, root};
use super::{TARGETS, fixtures, run};
use crate::kind::Kind;
use crate::providers::{self, CLOUDS};

/// Inputs by target.
type Seeds = BTreeMap<&'static str, Vec<Vec<u8>>>;

fn seeds() -> Seeds {
    let text = |path: &str| fs::read_to_string(root().join(path)).unwrap();
    let bytes = |texts: &[&str]| texts.iter().map(|text| text.as_bytes().to_vec()).collect();
    let mut seeds = Seeds::new();
    for cloud in CLOUDS {
        let of_cloud = cloud.kinds.iter().flat_map(|kind| fixtures::inputs(kind));
        let head = format!(
            "{} scopes\n\x1eList 200\n{{}}",
            cloud.kinds[0].template.kind
        );
        // Inputs that replace values of a fixture with words, numbers and the secret.
        let edited =
            (0..9).map(|edit| [[0x02, edit, 0].as_slice(), &[1, 9, 0, edit, 3, 0]].concat());
        let others = edited.chain([head.into_bytes()]);
        seeds.insert(cloud.name(), of_cloud.chain(others).collect());
    }
    let kinds: Vec<&Kind> = providers::kinds().collect();
    let samples = kinds
        .iter()
        .map(|kind| kind.template.sample.as_bytes().to_vec());
    let others = [
        "ali/job/c/10_1-9:2",
        "aliyun@生产/job/c/%E8%AE%AD",
        "aliyun/job/c/",
        "huawei/image-job/@latest",
        "k8s/job/ns/a%2Fb",
    ];
    seeds.insert(
        "reference",
        samples.chain(bytes(&others) as Vec<_>).collect(),
    );
    let pages = files(root().join("fixtures/pages"))
        .into_iter()
        .flat_map(files);
    let pages = pages.filter(|path| path.extension().is_some_and(|name| name == "html"));
    let pages = pages.map(|path| fs::read(path).unwrap());
    let page = "<!-- x --><html><head><title>403 禁止 &amp; </title></head></html>";
    seeds.insert("html", pages.chain(bytes(&[page]) as Vec<_>).collect());
    let readme = text("README.md");
    let blocks = |word: &str| -> Vec<Vec<u8>> {
        let blocks = readme.split("```toml\n").skip(1);
        let blocks = blocks.map(|rest| rest.split("```").next().unwrap());
        let blocks = blocks.filter(|block| block.contains("[[job]]") == (word == "scenario"));
        blocks.map(|block| block.as_bytes().to_vec()).collect()
    };
    seeds.insert("settings", blocks("settings"));
    let mut scenarios = blocks("scenario");
    scenarios.push(text("src/emulator/default.toml").into_bytes());
    seeds.insert("scenario", scenarios);
    let cases = text("src/output/query/cases.txt");
    let cases = cases
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with([' ', '#']));
    let document = "{\"jobs\": [{\"a\": 1.5e300, \"b\": [\"训练\", null, -0.0]}], \"c\": 10000000000000000000001}";
    // The results of these expressions are tested elsewhere.
    let cases = cases.step_by(5);
    let cases = cases.map(|expression| format!("{expression}\n{document}").into_bytes());
    seeds.insert("jq", cases.collect());
    let others = [
        document,
        "{\"a\\u0000\\ud83d\\ude00##[x]\": [true, -1e-7, {\"$serde_json::private::Number\": \"1\"}]} ",
        "[1, \"\\x\"]",
    ];
    let responses = files(root().join("fixtures/aliyun/job")).into_iter();
    let responses = responses.filter(|path| path.extension().is_some_and(|name| name == "json"));
    let responses = responses.map(|path| fs::read(path).unwrap());
    seeds.insert("json", responses.chain(bytes(&others) as Vec<_>).collect());
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(document.as_bytes()).unwrap();
    let once = encoder.finish().unwrap();
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(&once).unwrap();
    let twice = encoder.finish().unwrap();
    seeds.insert("gzip", vec![[once.clone(), once].concat(), twice]);
    seeds.insert(
        "kubeconfig",
        bytes(&[
            "current-context: a\nclusters:\n- {name: c, cluster: {server: 'https://k:6443', \
             certificate-authority-data: Q0E=, proxy-url: 'socks5://h:1'}}\nusers:\n- name: u\n  user: \
             {client-certificate-data: Q1JU, client-key-data: S0VZ, as: root, as-groups: [x]}\n- name: e\n  \
             user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: p, args: [x], \
             interactiveMode: Never, env: [{name: A, value: b}]}}\ncontexts:\n- {name: a, context: \
             {cluster: c, user: u, namespace: n}}\n- {name: b, context: {cluster: c, user: e}}\n",
            "{\"current-context\": \"a\", \"clusters\": [], \"users\": [], \"contexts\": []}",
        ]),
    );
    seeds.insert(
        "ini",
        bytes(&[
            "[DEFAULT]\nregion = x\n[default]\ntype = access_key # c\naccess_key_id = \"a\"\npolicy = {\n  \
             \"a\": 1\n  }\n",
            "[profile a]\nsk: b ; c\n",
        ]),
    );
    seeds.insert(
        "command_output",
        bytes(&[
            "{\"Credentials\": {\"AccessKeyId\": \"a\", \"Expiration\": \"2026-01-01T00:00:00Z\"}}",
            "export ALIBABA_CLOUD_ACCESS_KEY_ID='a b'\n# c\nid=\"x$y\"\n",
            "{\"apiVersion\": \"client.authentication.k8s.io/v1\", \"status\": {\"token\": \"t\"}}",
        ]),
    );
    let log = "2026-01-02T03:04:05.123Z epoch 1 损失\r\n\x1eepoch 1 损失\r\nepoch 2\r";
    seeds.insert(
        "logs",
        bytes(&[log, "a\nb\nc\x1eb\nc\nd\x1ex\n", "key=\x1f\nb \x1f"]),
    );
    seeds
}

#[test]
fn every_target_runs_its_seeds_corpus_and_regressions_without_a_panic() {
    let seeds = seeds();
    let names: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, seeds.keys().copied().collect::<Vec<_>>());
    std::thread::scope(|scope| {
        for (name, seeds) in &seeds {
            scope.spawn(move || {
                assert!(!seeds.is_empty(), "{name}");
                seeds.iter().for_each(|seed| run(name, seed));
                for folder in ["corpus", "regressions"] {
                    for file in files(root().join("fuzz").join(folder).join(name)) {
                        let data = fs::read(&file).unwrap();
                        let result = std::panic::catch_unwind(|| run(name, &data));
                        assert!(result.is_ok(), "{}", file.display());
                    }
                }
            });
        }
    });
}

/// Writes the seeds for cargo-fuzz if `JOBLENS_SEEDS=fuzz/seeds` is set.
#[test]
fn the_seeds_are_written_where_requested() {
    let named = std::env::var("JOBLENS_SEEDS").map(|folder| root().join(folder));
    let scratch = tempfile::tempdir().unwrap();
    let folder = named.unwrap_or_else(|_| scratch.path().to_owned());
    for (name, seeds) in seeds() {
        let folder = folder.join(name);
        fs::create_dir_all(&folder).unwrap();
        for (number, seed) in seeds.iter().enumerate() {
            fs::write(folder.join(format!("seed-{number:03}")), seed).unwrap();
        }
        assert!(files(folder).len() >= seeds.len(), "{name}");
    }
}

#[test]
fn every_target_has_a_program() {
    let manifest = fs::read_to_string(root().join("fuzz/Cargo.toml")).unwrap();
    let manifest: toml::Table = manifest.parse().unwrap();
    let programs = manifest["bin"].as_array().unwrap().iter();
    let programs: Vec<&str> = programs.map(|bin| bin["name"].as_str().unwrap()).collect();
    let names: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
    assert_eq!(programs, names);
    for name in names {
        let path = root().join(format!("fuzz/targets/{name}.rs"));
        let program = fs::read_to_string(path).unwrap();
        assert!(
            program.contains(&format!("joblens::fuzz::run(\"{name}\", data)")),
            "{name}"
        );
    }
}
