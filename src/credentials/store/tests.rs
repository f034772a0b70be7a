use std::fs;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::super::cache::tests::Plain;
use super::super::test_support::{self, SCHEMA};
use super::*;
use crate::http::ClientOptions;
use crate::settings::RerunReason;
use crate::settings::{Environment, Settings};

const BORN: &str = "2026-01-02T03:04:05Z";

/// Issues `token-1`, `token-2` and so on, each valid for an hour.
#[derive(Clone, Default)]
struct Service {
    requested: Arc<AtomicUsize>,
    seconds: Arc<AtomicI64>,
    endless: bool,
}

impl Service {
    fn now(&self) -> DateTime<Utc> {
        test_support::moment(BORN) + TimeDelta::seconds(self.seconds.load(Ordering::Relaxed))
    }
}

#[async_trait]
impl CredentialProvider<Plain> for Service {
    async fn provide(&self, _deadline: Deadline) -> Result<Credential<Plain>, Problem> {
        let number = self.requested.fetch_add(1, Ordering::Relaxed) + 1;
        let token = format!("token-{number}");
        Ok(Credential {
            secrets: vec![Secret::new(&token)],
            signer: Plain(token),
            expires_at: (!self.endless).then(|| self.now() + TimeDelta::hours(1)),
        })
    }
}

/// A home folder, and a service that counts its requests.
struct Stage {
    home: tempfile::TempDir,
    service: Service,
}

impl Stage {
    fn new() -> Self {
        Self {
            home: tempfile::tempdir().unwrap(),
            service: Service::default(),
        }
    }

    fn profile(&self, variables: &[(&str, &str)]) -> Profile {
        let home = self.home.path().to_str().unwrap();
        let mut all = vec![
            ("HOME", home),
            ("JOBLENS_SUGON_TOKEN_CACHE", "true"),
            ("JOBLENS_SUGON_USER", "bob"),
            ("JOBLENS_SUGON_ACCESS_KEY", "testid"),
            ("JOBLENS_SUGON_SECRET_KEY", "testsecret"),
        ];
        for (name, value) in variables {
            all.retain(|(known, _)| known != name);
            all.push((name, value));
        }
        test_support::profile(&all)
    }

    /// Returns the provider of another run with these variables.
    fn run(&self, variables: &[(&str, &str)]) -> PersistentProvider<Plain> {
        self.run_as(&self.profile(variables))
    }

    fn run_as(&self, profile: &Profile) -> PersistentProvider<Plain> {
        let service = self.service.clone();
        let clock = Arc::new(move || service.now());
        let transport =
            Transport::new(ClientOptions::default(), &[], clock, Arc::new(|_| {})).unwrap();
        let issuer = Box::new(self.service.clone());
        PersistentProvider::new(
            issuer,
            &TokenStore::from_profile(profile, &transport, "").unwrap(),
        )
    }

    fn set(&self, second: i64) {
        self.service.seconds.store(second, Ordering::Relaxed);
    }

    fn files(&self) -> Vec<PathBuf> {
        let folder = self.home.path().join(".cache/joblens/tokens");
        let found = fs::read_dir(folder).into_iter().flatten();
        found.map(|one| one.unwrap().path()).collect()
    }
}

async fn issue(kept: &PersistentProvider<Plain>) -> String {
    let deadline = Deadline::after(Duration::from_secs(60));
    let issued = kept.provide(deadline).await.unwrap();
    assert_eq!(issued.secrets, [Secret::new(&issued.signer.0)]);
    issued.signer.0
}

#[tokio::test]
async fn a_later_run_uses_the_token_of_an_earlier_run() {
    let stage = Stage::new();
    assert_eq!(issue(&stage.run(&[])).await, "token-1");
    let deadline = Deadline::after(Duration::from_secs(60));
    let taken = stage.run(&[]).provide(deadline).await.unwrap();
    assert_eq!(taken.signer, Plain("token-1".to_owned()));
    assert_eq!(
        taken.expires_at,
        Some(stage.service.now() + TimeDelta::hours(1))
    );
    assert_eq!(stage.files().len(), 1);
}

#[tokio::test]
async fn a_token_that_expired_between_two_runs_is_requested_again() {
    let stage = Stage::new();
    for (second, token) in [
        (0, "token-1"),
        (3539, "token-1"),
        (3540, "token-2"),
        (3541, "token-2"),
        (99_999, "token-3"),
        // The clock was set back: a token from the future is not used.
        (0, "token-4"),
        (1, "token-4"),
    ] {
        stage.set(second);
        assert_eq!(issue(&stage.run(&[])).await, token, "{second}");
    }
    assert_eq!(stage.files().len(), 1);
}

#[tokio::test]
async fn every_account_and_address_has_a_token_of_its_own() {
    let stage = Stage::new();
    let accounts: [&[(&str, &str)]; 7] = [
        &[],
        &[("JOBLENS_SUGON_USER", "eve")],
        &[("JOBLENS_SUGON_ACCESS_KEY", "other")],
        &[("JOBLENS_SUGON_SECRET_KEY", "changed")],
        &[("JOBLENS_SUGON_CLUSTER_ID", "11112")],
        &[("JOBLENS_SUGON_AUTH_ENDPOINT", "https://other.example.com")],
        // A token received from a server that one CA has certified is not used with another CA.
        &[("JOBLENS_SUGON_CA_FILE", "other.pem")],
    ];
    for turn in 0..2 {
        for (number, account) in accounts.iter().enumerate() {
            let token = issue(&stage.run(account)).await;
            assert_eq!(token, format!("token-{}", number + 1), "turn {turn}");
        }
    }
    assert_eq!(stage.files().len(), accounts.len());
}

#[tokio::test]
async fn accounts_with_shifted_value_boundaries_have_different_tokens() {
    let stage = Stage::new();
    let one = [
        ("JOBLENS_SUGON_USER", "a\",\"b"),
        ("JOBLENS_SUGON_ACCESS_KEY", "c"),
    ];
    let other = [
        ("JOBLENS_SUGON_USER", "a"),
        ("JOBLENS_SUGON_ACCESS_KEY", "b\",\"c"),
    ];
    assert_ne!(
        issue(&stage.run(&one)).await,
        issue(&stage.run(&other)).await
    );
}

#[tokio::test]
async fn a_token_file_name_is_a_hash_without_account_data() {
    let stage = Stage::new();
    issue(&stage.run(&[])).await;
    let name = stage.files()[0].file_name().unwrap().to_owned();
    let name = name.to_str().unwrap();
    assert_eq!(name.len(), 64);
    assert!(name.bytes().all(|byte| byte.is_ascii_hexdigit()));
}

#[tokio::test]
async fn a_token_refreshed_by_another_process_is_used_after_a_rejection() {
    let stage = Stage::new();
    let (mine, others) = (stage.run(&[]), stage.run(&[]));
    assert_eq!(issue(&mine).await, "token-1");
    assert_eq!(issue(&others).await, "token-1");
    let rejected = Plain("token-1".to_owned());
    others.on_rejected(&rejected);
    assert_eq!(issue(&others).await, "token-2");
    mine.on_rejected(&rejected);
    assert_eq!(issue(&mine).await, "token-2");
    assert_eq!(issue(&stage.run(&[])).await, "token-2");
}

#[tokio::test]
async fn a_rejected_token_is_not_found_by_later_runs() {
    let stage = Stage::new();
    let mine = stage.run(&[]);
    issue(&mine).await;
    mine.on_rejected(&Plain("token-1".to_owned()));
    assert!(stage.files().is_empty());
    assert_eq!(issue(&stage.run(&[])).await, "token-2");
}

#[tokio::test]
async fn a_rejected_token_restored_by_another_process_is_not_used_again() {
    let stage = Stage::new();
    let mine = stage.run(&[]);
    issue(&mine).await;
    let before = fs::read(&stage.files()[0]).unwrap();
    let path = stage.files()[0].clone();
    mine.on_rejected(&Plain("token-1".to_owned()));
    fs::write(&path, before).unwrap();
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(issue(&stage.run(&[])).await, "token-1");
    assert_eq!(issue(&mine).await, "token-2");
}

#[tokio::test]
async fn a_rejected_token_that_the_service_issues_again_is_not_cached() {
    let stage = Stage::new();
    let mine = stage.run(&[]);
    issue(&mine).await;
    mine.on_rejected(&Plain("token-1".to_owned()));
    stage.service.requested.store(0, Ordering::Relaxed);
    assert_eq!(issue(&mine).await, "token-1");
    assert!(stage.files().is_empty());
}

#[tokio::test]
async fn a_token_without_a_known_expiry_is_not_cached() {
    let mut stage = Stage::new();
    stage.service.endless = true;
    assert_eq!(issue(&stage.run(&[])).await, "token-1");
    assert_eq!(issue(&stage.run(&[])).await, "token-2");
    assert!(stage.files().is_empty());
}

#[tokio::test]
async fn tokens_are_issued_without_a_cache_when_it_cannot_be_written() {
    let stage = Stage::new();
    fs::write(stage.home.path().join(".cache"), "no folder").unwrap();
    assert_eq!(issue(&stage.run(&[])).await, "token-1");
    assert_eq!(issue(&stage.run(&[])).await, "token-2");
}

#[tokio::test]
async fn a_cached_file_without_the_parts_of_a_credential_is_not_used() {
    let stage = Stage::new();
    issue(&stage.run(&[])).await;
    let path = &stage.files()[0];
    let text = fs::read_to_string(path).unwrap();
    fs::write(path, text.replace("\"token\"", "\"tok\"")).unwrap();
    assert_eq!(issue(&stage.run(&[])).await, "token-2");
}

#[tokio::test]
async fn no_token_is_cached_when_the_secret_file_has_changed_since() {
    let stage = Stage::new();
    let home = stage.home.path();
    let toml = "[sugon.default]\nuser = 'bob'\naccess_key = 'k'\nsecret_key_file = 's.txt'\ntoken_cache = true\n";
    fs::write(home.join("config.toml"), toml).unwrap();
    test_support::write_secret(&home.join("s.txt"), "one");
    let environment = [("HOME".to_owned(), home.to_str().unwrap().to_owned())];
    let settings = Settings::load(
        Some(home.join("config.toml")),
        Environment::new(environment),
        &[&SCHEMA],
        &[],
    );
    let chain = test_support::chain(settings.unwrap());
    let profile = chain.profile(&SCHEMA, "default").unwrap();
    let first = stage.run_as(&profile);
    assert_eq!(issue(&first).await, "token-1");
    assert_eq!(stage.files().len(), 1);
    // The first key is rejected, and the file then contains another secret.
    first.on_rejected(&Plain("token-1".to_owned()));
    fs::write(home.join("s.txt"), "two").unwrap();
    assert_eq!(issue(&first).await, "token-2");
    assert!(stage.files().is_empty());
}

#[tokio::test]
async fn a_running_command_does_not_block_other_calls() {
    let stage = Stage::new();
    let home = stage.home.path();
    // Its second run prints whether other calls could continue meanwhile.
    let script = "echo x >> runs; echo user=bob; echo secret_key=s; \
        [ $(wc -l < runs) = 1 ] && echo access_key=first && exit; \
        for i in $(seq 300); do [ -e go ] && echo access_key=let-go && exit; sleep 0.01; done; \
        echo access_key=held-up";
    let words = ["sh", "-c", &format!("cd '{}'; {script}", home.display())];
    let toml = format!("[sugon.default]\ntoken_cache = true\ncredential_command = {words:?}\n");
    fs::write(home.join("config.toml"), toml).unwrap();
    let environment = [("HOME".to_owned(), home.to_str().unwrap().to_owned())];
    let settings = Settings::load(
        Some(home.join("config.toml")),
        Environment::new(environment),
        &[&SCHEMA],
        &[],
    );
    let chain = test_support::chain(settings.unwrap());
    let profile = chain.profile(&SCHEMA, "default").unwrap();
    let kept = stage.run_as(&profile);
    let again = tokio::task::spawn_blocking(move || {
        profile.reload(RerunReason::Expiring).unwrap().unwrap()
    });
    let runs = || fs::read_to_string(home.join("runs")).unwrap();
    while runs().lines().count() < 2 {
        tokio::task::yield_now().await;
    }
    let let_go = async { fs::write(home.join("go"), "").unwrap() };
    tokio::join!(issue(&kept), let_go);
    assert_eq!(again.await.unwrap().get("access_key"), Some("let-go"));
}

#[test]
fn no_token_is_cached_unless_the_profile_enables_it() {
    let stage = Stage::new();
    for word in ["", "false"] {
        let profile = stage.profile(&[("JOBLENS_SUGON_TOKEN_CACHE", word)]);
        assert_eq!(profile.token_cache_dir, None, "{word}");
    }
}

#[test]
fn tokens_are_stored_in_the_cache_folder_of_the_user() {
    let stage = Stage::new();
    let folder = |variables: &[(&str, &str)]| stage.profile(variables).token_cache_dir;
    let own = stage.home.path().join(".cache/joblens/tokens");
    assert_eq!(folder(&[]), Some(own.clone()));
    let named = [("XDG_CACHE_HOME", "/var/cache/bob")];
    assert_eq!(folder(&named), Some("/var/cache/bob/joblens/tokens".into()));
    // A relative path is ignored.
    assert_eq!(folder(&[("XDG_CACHE_HOME", "cache")]), Some(own));
    let homeless = stage.profile(&[("HOME", "")]);
    assert_eq!(homeless.token_cache_dir, None);
    assert_eq!(homeless.notices[0].code.as_str(), "token_cache");
}
