mod tokens;

use super::list::Wanted;
use super::*;
use crate::providers::fixture;
use crate::providers::serve::{Step, Thing, World};

const NOW: &str = "2026-01-02T03:04:05Z";

fn client(endpoint: &str, token: &str) -> Result<Client, Problem> {
    let profile = fixture::profile(
        &CLOUD,
        &[
            ("JOBLENS_SUGON_ENDPOINT", endpoint),
            ("JOBLENS_SUGON_TOKEN", token),
        ],
    );
    Client::new(&profile, &fixture::wire(fixture::moment(NOW)))
}

fn reference(id: &str) -> Reference {
    fixture::reference(&CLOUD.kinds[0].template, &[id])
}

/// What the emulator answers to the client's own signed request.
fn asked(token: &str, id: &str) -> Answer {
    let client = client("http://127.0.0.1:7411", token).unwrap();
    let request = client.request(&reference(id));
    let now = fixture::moment(NOW);
    let proof = client.login.signs(&request, now, "0");
    let incoming = fixture::incoming(&request, &proof, now);
    assert_eq!(
        (CLOUD.server.operation)(&incoming).as_deref(),
        Some(OPERATION)
    );
    let thing = Thing {
        kind: "sugon/instance".to_owned(),
        segments: vec!["my id/1".to_owned()],
        steps: vec![Step {
            state: "Running".to_owned(),
            ..Step::default()
        }],
        parts: 2,
        ..Thing::default()
    };
    fixture::received((CLOUD.server.answer)(
        &incoming,
        &World::new(vec![thing], now),
    ))
}

#[test]
fn an_endpoint_that_ends_in_ai_is_never_doubled() {
    for endpoint in [
        "https://ai01.example.com:65011",
        "https://ai01.example.com:65011/ai",
        "https://ai01.example.com:65011/ai/",
    ] {
        let request = client(endpoint, "opaque-token")
            .unwrap()
            .request(&reference("a b"));
        assert_eq!(
            request.endpoint.origin() + &request.path,
            "https://ai01.example.com:65011/ai/openapi/v2/instance-service/a%20b/detail"
        );
    }
}

#[test]
fn each_form_of_the_list_asks_for_the_same_and_is_answered() {
    let client = client("http://127.0.0.1:7411", serve::TEST_TOKEN).unwrap();
    let now = fixture::moment(NOW);
    let things = (0..101).map(|n| Thing {
        kind: "sugon/instance".to_owned(),
        segments: vec![n.to_string()],
        ..Thing::default()
    });
    let world = World::new(things.collect(), now);
    let (task, list) = ("task", "task/list");
    for (form, below, has_body) in [
        (list::Form::Body, task, true),
        (list::Form::Query, task, false),
        (list::Form::QueryOfList, list, false),
    ] {
        let request = client.list_request(form, 100, &Wanted::default());
        let path = format!("/ai/openapi/v2/instance-service/{below}");
        assert_eq!((&request.path, request.method), (&path, Method::Get));
        assert_eq!(request.encoded_query(), "start=100&limit=100&sort=desc");
        let body: serde_json::Value = serde_json::from_slice(&request.body).unwrap_or_default();
        assert_eq!(body["start"] == 100 && body["limit"] == 100, has_body);
        let mut incoming =
            fixture::incoming(&request, &client.login.signs(&request, now, "0"), now);
        assert_eq!((CLOUD.server.operation)(&incoming).as_deref(), Some(LIST));
        if has_body {
            // What the body says is enough.
            incoming.query.clear();
        }
        let answer = fixture::received((CLOUD.server.answer)(&incoming, &world));
        assert_eq!(wire::refusal(&answer), None);
        let rows = wire::ListPage::read(&answer.body).unwrap().rows;
        let ids: Vec<_> = rows.iter().map(wire::Row::id).collect();
        assert_eq!(ids, [Some("100")]);
    }
}

#[test]
fn the_emulator_filters_its_list_by_state() {
    let client = client("http://127.0.0.1:7411", serve::TEST_TOKEN).unwrap();
    let now = fixture::moment(NOW);
    let things = ["Running", "Failed", "Running"].map(|word| Thing {
        kind: "sugon/instance".to_owned(),
        segments: vec![word.to_lowercase()],
        steps: vec![Step {
            state: word.to_owned(),
            ..Step::default()
        }],
        ..Thing::default()
    });
    let only_failed = Wanted {
        status: Some("Failed"),
        ..Wanted::default()
    };
    let request = client.list_request(list::Form::Query, 0, &only_failed);
    let proof = client.login.signs(&request, now, "0");
    let incoming = fixture::incoming(&request, &proof, now);
    let world = World::new(things.to_vec(), now);
    let answer = fixture::received((CLOUD.server.answer)(&incoming, &world));
    let rows = wire::ListPage::read(&answer.body).unwrap().rows;
    let ids: Vec<_> = rows.iter().map(wire::Row::id).collect();
    assert_eq!(ids, [Some("failed")]);
}

#[test]
fn tells_an_expired_token_before_asking() {
    // {"expireTime":"1686900109231"}
    let token = "e30.eyJleHBpcmVUaW1lIjoiMTY4NjkwMDEwOTIzMSJ9.c2ln";
    let problem = client("https://ai01.example.com", token).err().unwrap();
    assert_eq!(problem.category, Category::Refused);
    assert_eq!(problem.message, "the token expired at 2023-06-16T07:21:49Z");
    assert!(!problem.retryable);
}

#[test]
fn says_what_is_missing() {
    let wire = fixture::wire(fixture::moment(NOW));
    let of = |variables: &[(&str, &str)]| {
        Client::new(&fixture::profile(&CLOUD, variables), &wire)
            .err()
            .unwrap()
    };
    let problem = of(&[("JOBLENS_SUGON_ENDPOINT", "https://x.cn")]);
    assert_eq!(problem.category, Category::NoCredentials);
    assert!(problem.hint.unwrap().contains("JOBLENS_SUGON_TOKEN"));
    let problem = of(&[("JOBLENS_SUGON_TOKEN", "opaque-token")]);
    assert!(problem.hint.unwrap().contains("JOBLENS_SUGON_ENDPOINT"));
    let problem = of(&[
        ("JOBLENS_SUGON_TOKEN", "令牌令牌"),
        ("JOBLENS_SUGON_ENDPOINT", "https://x.cn"),
    ]);
    assert_eq!(problem.category, Category::Usage);
}

#[test]
fn the_emulator_answers_its_own_token() {
    let answer = asked(serve::TEST_TOKEN, "my id/1");
    assert_eq!(wire::classify(&answer), None);
    let clock = WallClock {
        offset_seconds: 8 * 3600,
        is_assumed: false,
    };
    let found = wire::read(&answer.body, &reference("my id/1"), &fixture::ask(), clock);
    let job = found.unwrap().job;
    assert_eq!(job.state_raw.as_deref(), Some("Running"));
    assert_eq!(job.created_at.unwrap().rfc3339(), NOW);
}

#[test]
fn the_emulator_refuses_other_tokens_and_knows_no_other_things() {
    let refused = wire::classify(&asked("some-other-token", "my id/1")).unwrap();
    assert_eq!(refused.category, Category::Refused);
    let missing = wire::classify(&asked(serve::TEST_TOKEN, "other")).unwrap();
    assert_eq!(missing.category, Category::NotFound);
}
