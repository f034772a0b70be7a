//! Sugon AI (曙光, SCNet): container instances of the open API v2.

mod list;
mod serve;
mod sign;
mod wire;

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};

use super::shapes::{Shapes, shape};
use super::states::Level;
use super::{
    Ask, Boxed, Cloud, Cursor, Filter, Found, Kind, ListOrder, Page, wall_clock::WallClock,
};
use crate::crypto::percent_encode;
use crate::error::{Category, Problem};
use crate::http::{Account, Endpoint, Method, Request, Wire};
use crate::model::Time;
use crate::reference::{Reference, Scope, Segment, Template};
use crate::settings::{KeySpec, Profile};

pub use wire::{Details, StartScript, Tensorboard};

/// Sugon AI.
pub static CLOUD: Cloud = Cloud {
    name: "sugon",
    kinds: &[Kind {
        template: Template {
            cloud: "sugon",
            cloud_short: "scnet",
            kind: "instance",
            kind_short: "inst",
            segments: &[Segment {
                name: "INSTANCE",
                setting: None,
            }],
            scope_segments: 0,
            ranges: false,
            sample: "sugon/instance/8a85c1f2c6b34b5f8e2d9a7b6c5d4e3f",
        },
        levels: &[
            Level {
                takes_own: true,
                ..Level::new("job", wire::STATES)
            },
            Level::new("notebook", &[]),
            Level::new("container", &[]),
        ],
        details: Shapes {
            job: &[shape::<Details>],
            ..Shapes::NONE
        },
        operation: "GET /ai/openapi/v2/instance-service/{id}/detail",
        permission: "a token of the computing region (the platform's own token is not enough)",
        list_operation: "GET /ai/openapi/v2/instance-service/task",
        list_permission: "a token of the computing region (the platform's own token is not enough)",
        list_order: ListOrder::NewestFirst,
        list_limit: None,
    }],
    scope_details: &[],
    keys: &[KeySpec::secret("token", &["JOBLENS_SUGON_TOKEN"])],
    tools: &[],
    connect: |profile, wire| Ok(Box::new(Client::new(profile, wire)?)),
    server: serve::SERVER,
};

/// Our name of the operation that tells all about one instance; the vendor gives it none.
const OPERATION: &str = "InstanceServiceDetail";

/// Our name of the operation that lists instances.
const LIST: &str = "ListInstances";

/// One token of one computing region.
struct Client {
    account: Account,
    wire: Arc<Wire>,
    endpoint: Endpoint,
    signer: sign::Signer,
    clock: WallClock,
    /// How this region takes a call for the list, once it has answered one.
    list_form: OnceLock<list::Form>,
    /// True once the list has been refused with a filter and given without.
    no_filter: AtomicBool,
    profile: String,
    credential: String,
}

impl Client {
    fn new(profile: &Profile, wire: &Arc<Wire>) -> Result<Self, Problem> {
        let token = profile
            .secret("token")
            .ok_or_else(|| profile.missing("token", &["token"], &["JOBLENS_SUGON_TOKEN"]))?;
        if !token.expose().bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(profile.wrong("token", "holds characters that no token has"));
        }
        let endpoint = profile.get("endpoint").ok_or_else(|| {
            profile.missing("endpoint", &["endpoint"], &["JOBLENS_SUGON_ENDPOINT"])
        })?;
        let endpoint = Endpoint::parse(endpoint, &["/ai"], wire.limits().allow_http)
            .map_err(|problem| framed(problem, &profile.name))?;
        let credential = profile.credential_label("token", "token");
        let client = Self {
            account: Account::new(wire, profile, credential.clone(), [token]),
            wire: Arc::clone(wire),
            endpoint,
            signer: sign::Signer::new(token.clone()),
            clock: WallClock::of(profile)?,
            list_form: OnceLock::new(),
            no_filter: AtomicBool::new(false),
            profile: profile.name.clone(),
            credential,
        };
        client.check_expiry()?;
        Ok(client)
    }

    /// Tells an expired token before anything is sent with it.
    fn check_expiry(&self) -> Result<(), Problem> {
        let expired = self
            .signer
            .expires_at()
            .filter(|at| *at <= self.wire.now())
            .and_then(Time::new);
        let Some(at) = expired else {
            return Ok(());
        };
        let message = format!("the token expired at {}", at.rfc3339());
        let mut problem = framed(Problem::new(Category::Refused, message), &self.profile);
        problem.credential = Some(self.credential.clone());
        problem.host = Some(self.endpoint.authority().to_owned());
        Err(problem.hint("log in again and set the new token of the computing region"))
    }

    fn request(&self, reference: &Reference) -> Request {
        Request {
            operation: OPERATION,
            method: Method::Get,
            endpoint: self.endpoint.clone(),
            path: format!(
                "/ai/openapi/v2/instance-service/{}/detail",
                percent_encode(reference.id())
            ),
            query: Vec::new(),
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    async fn instance(&self, reference: &Reference, ask: &Ask) -> Result<Found, Problem> {
        self.check_expiry()?;
        let request = self.request(reference);
        let answer = self
            .account
            .send(&request, &self.signer, &wire::classify, ask.deadline)
            .await?;
        wire::read(&answer.body, reference, ask, self.clock)
            .map_err(|expected| self.account.unreadable(&request, &answer, &expected))
    }
}

impl super::Client for Client {
    fn endpoint(&self) -> Option<String> {
        Some(self.endpoint.origin())
    }

    fn look_up<'a>(
        &'a self,
        reference: &'a Reference,
        ask: &'a Ask,
    ) -> Boxed<'a, Result<Found, Problem>> {
        Box::pin(self.instance(reference, ask))
    }

    fn list<'a>(
        &'a self,
        scope: &'a Scope,
        filter: &'a Filter,
        page: Option<Cursor>,
        ask: &'a Ask,
    ) -> Option<Boxed<'a, Result<Page, Problem>>> {
        Some(Box::pin(self.instances(scope, filter, page, ask)))
    }
}

fn framed(mut problem: Problem, profile: &str) -> Problem {
    problem.cloud = Some("sugon".to_owned());
    problem.profile = Some(profile.to_owned());
    problem
}

#[cfg(test)]
mod tests {
    use super::list::Wanted;
    use super::*;
    use crate::http::{Answer, Signer as _};
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
        let proof = client.signer.sign(&request, now, "0");
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
                fixture::incoming(&request, &client.signer.sign(&request, now, "0"), now);
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
        let proof = client.signer.sign(&request, now, "0");
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
}
