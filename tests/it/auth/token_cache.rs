//! Tokens that are stored between runs.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::config::settings::Config;
use crate::support::emulated::Emulated;
use crate::support::jobs::{IMAGE_JOB, INSTANCE, WORLD};
use crate::support::{Joblens, Server, json};

const SUGON_TOKENS: &str = "GetUserTokens";
const SUGON_CENTRE: &str = "GetCenterInfo";
const HUAWEI_TOKENS: &str = "KeystoneCreateUserTokenByPassword";

/// Returns accounts of Sugon and Huawei whose tokens and other settings are fetched.
fn accounts(emulated: &Emulated, token_cache: &str) -> Config {
    let origin = &emulated.origin;
    Config::new(&format!(
        "[sugon.default]\nauth_endpoint = '{origin}'\nplatform_endpoint = '{origin}'\n\
         user = 'bob'\naccess_key = 'testid'\nsecret_key = 'testsecret'\n{token_cache}\n\
         [huawei.default]\nregion = 'cn-north-4'\nendpoint = '{origin}'\niam_endpoint = '{origin}'\n\
         user = 'testid'\npassword = 'testsecret'\ndomain = '公司'\n{token_cache}\n"
    ))
}

/// A cache folder with files of tokens.
struct Cache(tempfile::TempDir);

impl Cache {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn folder(&self) -> PathBuf {
        self.0.path().join("joblens/tokens")
    }

    fn of(&self, run: Joblens) -> Joblens {
        run.env("XDG_CACHE_HOME", self.0.path().to_str().unwrap())
            .with_secret("testsecret")
    }

    /// Checks that each file is complete and readable only by its owner; returns the tokens.
    fn tokens(&self) -> BTreeMap<PathBuf, String> {
        let found = fs::read_dir(self.folder()).into_iter().flatten();
        let token = |path: PathBuf| {
            assert!(
                path.extension().is_none(),
                "left behind: {}",
                path.display()
            );
            let mode = fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{}", path.display());
            let entry: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            let token = entry["parts"]["token"].as_str()?.to_owned();
            Some((path, token))
        };
        found.filter_map(|one| token(one.unwrap().path())).collect()
    }
}

/// Returns the number of requests of an operation.
fn requested(emulated: &Emulated, operation: &str) -> usize {
    let accesses = emulated.accesses().into_iter();
    let operations = accesses.filter_map(|access| access.operation);
    operations.filter(|one| one == operation).count()
}

#[test]
fn a_token_is_fetched_by_the_first_run_and_used_by_the_next() {
    let emulated = Emulated::start(WORLD);
    let (config, cache) = (accounts(&emulated, "token_cache = true"), Cache::new());
    for run in 0..3 {
        for reference in [INSTANCE, IMAGE_JOB] {
            let run_of_it = cache.of(config.get(&["-v", reference]));
            let tokens = cache.tokens();
            let secret = tokens
                .values()
                .fold(run_of_it, |run, token| run.with_secret(token));
            let done = secret.run();
            assert_eq!(done.code, 0, "{}", done.stderr);
            assert_eq!(done.stderr.contains(": used"), run > 0, "{}", done.stderr);
        }
    }
    for operation in [SUGON_TOKENS, SUGON_CENTRE, HUAWEI_TOKENS] {
        assert_eq!(requested(&emulated, operation), 1, "{operation}");
    }
    assert_eq!(cache.tokens().len(), 2);
    let mode = fs::metadata(cache.folder()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn no_token_is_cached_unless_token_cache_is_true() {
    let emulated = Emulated::start(WORLD);
    for setting in ["", "token_cache = false"] {
        let (config, cache) = (accounts(&emulated, setting), Cache::new());
        let run = cache.of(config.get(&[INSTANCE, IMAGE_JOB])).run();
        assert_eq!(run.code, 0, "{}", run.stderr);
        assert!(cache.tokens().is_empty() && !cache.folder().exists());
    }
    let config = accounts(&emulated, "token_cache = 'yes'");
    let run = config.get(&[INSTANCE]).run();
    assert_eq!(run.code, 2);
    let message = run.error()["message"].as_str().unwrap().to_owned();
    assert!(message.contains("token_cache") && message.contains("must be true or false"));
}

#[test]
fn a_changed_secret_does_not_use_the_cached_token_of_the_old_one() {
    let emulated = Emulated::start(WORLD);
    let (config, cache) = (accounts(&emulated, "token_cache = true"), Cache::new());
    assert_eq!(cache.of(config.get(&[INSTANCE, IMAGE_JOB])).run().code, 0);
    let toml = fs::read_to_string(config.path()).unwrap();
    let wrong = Config::new(&toml.replace("testsecret", "a-wrong-secret"));
    let run = cache
        .of(wrong.get(&[INSTANCE, IMAGE_JOB]))
        .with_secret("a-wrong-secret");
    let json = run.run().json();
    let errors = json["errors"].as_array().unwrap();
    let operations: Vec<_> = errors.iter().map(|one| one["operation"].clone()).collect();
    assert_eq!(operations, [SUGON_TOKENS, HUAWEI_TOKENS]);
    assert_eq!(cache.tokens().len(), 2);
}

#[test]
fn an_unwritable_cache_fails_no_command_and_is_reported_by_auth_status() {
    let emulated = Emulated::start(WORLD);
    let config = accounts(&emulated, "token_cache = true");
    let get = |more: &[&str]| {
        let run = config.get(more).env("XDG_CACHE_HOME", "/dev/null/x");
        run.with_secret("testsecret").run()
    };
    let run = get(&[INSTANCE]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    let run = get(&["-v", INSTANCE]);
    assert!(run.stderr.contains("not written: "), "{}", run.stderr);
    let arguments = ["auth", "status", "--config", &config.path()];
    let status = crate::support::joblens(&arguments).env("XDG_CACHE_HOME", "/dev/null/x");
    let run = status.run();
    let why = "token_cache cannot be written: /dev/null is not a directory";
    let output = run.stdout + &run.stderr;
    assert!(output.contains(why), "{output}");
}

#[test]
fn auth_status_shows_the_cache_folder_and_no_token() {
    let emulated = Emulated::start(WORLD);
    let (config, cache) = (accounts(&emulated, "token_cache = true"), Cache::new());
    assert_eq!(cache.of(config.get(&[INSTANCE])).run().code, 0);
    let (_, token) = cache.tokens().pop_first().unwrap();
    let path = config.path();
    let arguments = ["auth", "status", "--config", &path];
    let status = cache
        .of(crate::support::joblens(&arguments))
        .with_secret(&token);
    let run = status.run();
    assert_eq!(run.code, 0, "{}", run.stderr);
    let line = format!("  token cache  {}\n", cache.folder().display());
    assert_eq!(run.stdout.matches(&line).count(), 2, "{}", run.stdout);
}

/// Starts a computing region that gives each user separate tokens and accepts no others. Also returns the users
/// that requested a token. It rejects the first token of each user while `refuses_first` is true.
fn region(refuses_first: Arc<AtomicBool>) -> (Server, Arc<Mutex<Vec<String>>>) {
    let given: Arc<Mutex<Vec<String>>> = Arc::default();
    let log = Arc::clone(&given);
    let server = Server::start(move |_, got, stream| {
        let body = if let Some(user) = got.header("user") {
            let mut log = log.lock().unwrap();
            let number = log.iter().filter(|one| *one == user).count();
            log.push(user.to_owned());
            // {"expireTime":"4102444800000"}
            let token = format!("{user}.eyJleHBpcmVUaW1lIjoiNDEwMjQ0NDgwMDAwMCJ9.{number}");
            format!(r#"{{"code":"0","data":[{{"clusterId":"1","token":"{token}"}}]}}"#)
        } else {
            // An instance belongs to the user with the same name.
            let id = got.target().split('/').nth(5).unwrap();
            let token = got.header("token").unwrap();
            let is_first = token.ends_with(".0") && refuses_first.load(Ordering::Relaxed);
            match token.starts_with(&format!("{id}.")) && !is_first {
                true => format!(r#"{{"code":"0","data":{{"id":"{id}","status":"Running"}}}}"#),
                false => r#"{"code":"10008","msg":"权限不足"}"#.to_owned(),
            }
        };
        let _ = stream.write_all(&json(body));
    });
    (server, given)
}

/// Returns the settings of one user of that region.
fn user(server: &Server, name: &str) -> Config {
    let origin = server.origin();
    Config::new(&format!(
        "[sugon.default]\nendpoint = '{origin}'\nauth_endpoint = '{origin}'\nuser = '{name}'\n\
         access_key = 'k'\nsecret_key = 'testsecret'\ntoken_cache = true\n"
    ))
}

#[test]
fn users_that_share_a_cache_never_send_each_others_tokens() {
    let (server, given) = region(Arc::default());
    let cache = Cache::new();
    let users = ["ann", "bob", "cyd", "dan"].map(|name| (name, user(&server, name)));
    for _ in 0..2 {
        let start = |n: usize| {
            let (name, config) = &users[n % users.len()];
            let run = cache.of(config.get(&[&format!("sugon/instance/{name}")]));
            run.start(Stdio::piped(), Stdio::piped())
        };
        let runs: Vec<_> = (0..20).map(start).collect();
        for run in runs {
            let run = run.end();
            assert_eq!(run.code, 0, "{}", run.stderr);
        }
    }
    assert!(given.lock().unwrap().len() <= 20);
    assert_eq!(cache.tokens().len(), users.len());
}

#[test]
fn a_refused_cached_token_is_sent_once_and_replaced_for_later_runs() {
    let refuses_first = Arc::new(AtomicBool::new(false));
    let (server, given) = region(Arc::clone(&refuses_first));
    let (config, cache) = (user(&server, "ann"), Cache::new());
    let mut calls = Vec::new();
    for turn in 0..4 {
        refuses_first.store(turn > 0, Ordering::Relaxed);
        let before = server.received().len();
        let run = cache.of(config.get(&["sugon/instance/ann"])).run();
        assert_eq!(run.code, 0, "{}", run.stderr);
        calls.push(server.received().len() - before);
    }
    // Token and lookup; lookup, token and lookup; lookup; lookup.
    assert_eq!(calls, [2, 3, 1, 1]);
    assert_eq!(given.lock().unwrap().len(), 2);
}

/// Reads every file repeatedly until it is stopped. An incomplete file, or one that others can read, fails the
/// test.
fn reader(folder: PathBuf, is_over: Arc<AtomicBool>) -> thread::JoinHandle<usize> {
    let look = |path: &Path| {
        let is_draft = path.extension().is_some();
        let Ok(about) = fs::symlink_metadata(path) else {
            return;
        };
        assert_eq!(about.permissions().mode() & 0o777, 0o600);
        if let (false, Ok(bytes)) = (is_draft, fs::read(path)) {
            serde_json::from_slice::<Value>(&bytes).expect("a torn file");
        }
    };
    thread::spawn(move || {
        let mut looks = 0;
        while !is_over.load(Ordering::Relaxed) {
            for found in fs::read_dir(&folder).into_iter().flatten() {
                look(&found.unwrap().path());
                looks += 1;
            }
            thread::sleep(Duration::from_millis(1));
        }
        looks
    })
}

#[test]
fn concurrent_runs_share_a_cache_without_errors_or_torn_files() {
    const AT_ONCE: usize = 20;
    const ROUNDS: usize = 10;
    let emulated = Emulated::start(WORLD);
    let (config, cache) = (accounts(&emulated, "token_cache = true"), Cache::new());
    let is_over = Arc::new(AtomicBool::new(false));
    let reader = reader(cache.folder(), Arc::clone(&is_over));
    for round in 0..ROUNDS {
        let start = |n: usize| {
            let reference = [INSTANCE, IMAGE_JOB][n % 2];
            let run = cache.of(config.get(&[reference]));
            run.start(Stdio::piped(), Stdio::piped())
        };
        let runs: Vec<_> = (0..AT_ONCE).map(start).collect();
        for run in runs {
            let run = run.end();
            assert_eq!((run.code, run.stderr.as_str()), (0, ""));
        }
        if round % 3 == 2 {
            // Simulates revoked tokens.
            fs::remove_dir_all(cache.folder()).unwrap();
        }
    }
    is_over.store(true, Ordering::Relaxed);
    assert!(reader.join().unwrap() > 0);
    assert_eq!(cache.tokens().len(), 2);
    // While no token is stored, twenty runs may each request one; in the following six rounds no run does.
    let tokens = requested(&emulated, SUGON_TOKENS) + requested(&emulated, HUAWEI_TOKENS);
    assert!((8..=4 * AT_ONCE).contains(&tokens), "{tokens} tokens");
    assert_eq!(requested(&emulated, "ShowImageJob"), ROUNDS * AT_ONCE / 2);
}
