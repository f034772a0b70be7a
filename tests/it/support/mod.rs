//! Shared helpers of the binary's tests: runs in an empty environment, and servers on loopback.

pub mod contract;
pub mod emulated;
pub mod exposition;
pub mod jobs;
mod limits;
mod parallel;
pub mod pty;
pub mod tls;
mod waiting;
pub mod yaml;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

pub use parallel::in_parallel;
use pty::Terminal;
pub use waiting::{wait_for, wait_until};

/// Secrets of the tests. The output of a run must not contain them.
pub const SECRETS: [&str; 5] = [
    "sugon-test-token-7f3a",
    "aliyun-test-secret-91c2",
    "huawei-test-secret-5d0e",
    "tencent-test-secret-b86f",
    "test-session-token-2e4d",
];

/// A finished run of the binary.
pub struct Run {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
    pub elapsed: Duration,
}

impl Run {
    /// Parses standard output as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}\n{}\n{}", self.stdout, self.stderr))
    }

    /// Returns the only element of `errors`.
    pub fn error(&self) -> Value {
        let json = self.json();
        let errors = json["errors"].as_array().unwrap();
        assert_eq!(errors.len(), 1, "{json:#}");
        errors[0].clone()
    }

    /// Returns the only element of `jobs`.
    pub fn job(&self) -> Value {
        let json = self.json();
        let jobs = json["jobs"].as_array().unwrap();
        assert_eq!(jobs.len(), 1, "{json:#}\n{}", self.stderr);
        jobs[0].clone()
    }
}

/// The binary with arguments, variables, input and limits.
pub struct Joblens {
    arguments: Vec<String>,
    variables: BTreeMap<String, OsString>,
    input: String,
    /// Shell commands that run before the shell executes the binary.
    prelude: Vec<String>,
    user: Option<u32>,
    folder: Option<PathBuf>,
    secrets: Vec<String>,
}

/// Returns the binary with an empty environment and an empty HOME.
pub fn joblens(arguments: &[&str]) -> Joblens {
    Joblens {
        arguments: arguments.iter().map(ToString::to_string).collect(),
        variables: BTreeMap::new(),
        input: String::new(),
        prelude: Vec::new(),
        user: None,
        folder: None,
        secrets: SECRETS.map(str::to_owned).to_vec(),
    }
}

impl Joblens {
    pub fn env(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.variables.insert(name.to_owned(), value.into());
        self
    }

    pub fn envs<N: AsRef<str>, V: AsRef<str>>(
        mut self,
        pairs: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        for (name, value) in pairs {
            self.variables
                .insert(name.as_ref().to_owned(), value.as_ref().into());
        }
        self
    }

    pub fn input(mut self, text: &str) -> Self {
        self.input = text.to_owned();
        self
    }

    /// Adds a text that the output of the run must not contain.
    pub fn with_secret(mut self, secret: &str) -> Self {
        self.secrets.push(secret.to_owned());
        self
    }

    /// Runs in this folder.
    pub fn current_dir(mut self, folder: &Path) -> Self {
        self.folder = Some(folder.to_owned());
        self
    }

    /// Runs as a user who owns no files, which only root can start.
    pub fn with_user_nobody(mut self) -> Self {
        self.user = Some(65_534);
        self
    }

    /// Runs to the end. Fails if the output contains a test secret or violates the contract of the machine formats,
    /// or if the binary panics.
    pub fn run(self) -> Run {
        self.start(Stdio::piped(), Stdio::piped()).end()
    }

    /// Starts with these outputs. The result contains only the outputs that are pipes.
    pub fn start(self, stdout: impl Into<Stdio>, stderr: impl Into<Stdio>) -> Running {
        let input = self.input.clone();
        let mut running = self.spawn(Stdio::piped(), stdout, stderr);
        // A run that does not read its input closes it, which is not an error.
        let _ = running
            .child
            .stdin
            .take()
            .unwrap()
            .write_all(input.as_bytes());
        running
    }

    /// Runs to the end with this input, which can be endless.
    pub fn run_with(self, input: impl Into<Stdio>) -> Run {
        self.spawn(input, Stdio::piped(), Stdio::piped()).end()
    }

    /// Starts with a terminal as input and outputs.
    pub fn start_on(self, terminal: &Terminal) -> Running {
        let device = || terminal.user.try_clone().unwrap();
        self.spawn(device(), device(), device())
    }

    fn spawn(
        self,
        stdin: impl Into<Stdio>,
        stdout: impl Into<Stdio>,
        stderr: impl Into<Stdio>,
    ) -> Running {
        let home = tempfile::tempdir().unwrap();
        let binary = env!("CARGO_BIN_EXE_joblens");
        let mut command = match self.prelude.is_empty() {
            true => Command::new(binary),
            false => {
                let prelude = self.prelude.join("; ");
                let mut shell = Command::new("sh");
                shell.args(["-c", &format!("{prelude}; exec \"$0\" \"$@\""), binary]);
                shell
            }
        };
        if let Some(user) = self.user {
            command.uid(user).gid(user);
        }
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        let started = Instant::now();
        let child = command
            .args(&self.arguments)
            .env_clear()
            .env("HOME", home.path())
            .envs(&self.variables)
            .stdin(stdin)
            .stdout(stdout)
            .stderr(stderr)
            .spawn()
            .unwrap();
        Running {
            child,
            started,
            arguments: self.arguments,
            secrets: self.secrets,
            _home: home,
        }
    }
}

/// A run in progress.
pub struct Running {
    child: Child,
    started: Instant,
    arguments: Vec<String>,
    secrets: Vec<String>,
    /// Kept until the end of the run.
    _home: tempfile::TempDir,
}

impl Running {
    /// Sends a signal: `INT` or `TERM`.
    pub fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.id());
        assert!(
            Command::new("sh")
                .args(["-c", &kill])
                .status()
                .unwrap()
                .success()
        );
    }

    /// Waits for the end, with the checks of [`Joblens::run`].
    pub fn end(self) -> Run {
        let output = self.child.wait_with_output().unwrap();
        let run = Run {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
            elapsed: self.started.elapsed(),
        };
        for secret in &self.secrets {
            assert!(!run.stdout.contains(secret), "{secret} in {}", run.stdout);
            assert!(!run.stderr.contains(secret), "{secret} in {}", run.stderr);
        }
        assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
        assert_ne!(run.code, -1, "ended by a signal: {}", run.stderr);
        contract::check(&self.arguments, &run.stdout, run.code);
        run
    }
}

/// A request that a test server received.
#[derive(Debug, Clone)]
pub struct ReceivedRequest {
    /// Request line and headers.
    pub head: String,
}

impl ReceivedRequest {
    /// Returns the value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// Returns path and query.
    pub fn target(&self) -> &str {
        self.head.split(' ').nth(1).unwrap_or_default()
    }
}

/// A server on loopback that answers each request with a script.
pub struct Server {
    pub port: u16,
    got: Arc<Mutex<Vec<ReceivedRequest>>>,
    most_at_once: Arc<AtomicUsize>,
}

impl Server {
    /// Calls `script` with the number of the request (from 0), the request and the connection. The connection is
    /// closed when `script` returns.
    pub fn start(
        script: impl Fn(usize, &ReceivedRequest, &mut TcpStream) + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let got: Arc<Mutex<Vec<ReceivedRequest>>> = Arc::default();
        let most_at_once = Arc::new(AtomicUsize::new(0));
        let at_once = Arc::new(AtomicUsize::new(0));
        let script = Arc::new(script);
        let (seen, most) = (Arc::clone(&got), Arc::clone(&most_at_once));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                let (script, seen) = (Arc::clone(&script), Arc::clone(&seen));
                let (at_once, most) = (Arc::clone(&at_once), Arc::clone(&most));
                thread::spawn(move || {
                    let Some(request) = read_head(&mut stream) else {
                        return;
                    };
                    let number = {
                        let mut seen = seen.lock().unwrap();
                        seen.push(request.clone());
                        seen.len() - 1
                    };
                    let now = at_once.fetch_add(1, Ordering::SeqCst) + 1;
                    most.fetch_max(now, Ordering::SeqCst);
                    script(number, &request, &mut stream);
                    at_once.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Self {
            port,
            got,
            most_at_once,
        }
    }

    /// Answers every request with the same bytes.
    pub fn answering(response: Vec<u8>) -> Self {
        Self::start(move |_, _, stream| {
            let _ = stream.write_all(&response);
        })
    }

    pub fn origin(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Returns the requests so far.
    pub fn received(&self) -> Vec<ReceivedRequest> {
        self.got.lock().unwrap().clone()
    }

    /// Returns the maximum number of requests that were answered at the same time.
    pub fn most_at_once(&self) -> usize {
        self.most_at_once.load(Ordering::SeqCst)
    }
}

fn read_head(stream: &mut TcpStream) -> Option<ReceivedRequest> {
    let mut head = Vec::new();
    let mut byte = [0_u8; 1];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).ok()? == 0 || head.len() > 1 << 20 {
            return None;
        }
        head.push(byte[0]);
    }
    Some(ReceivedRequest {
        head: String::from_utf8_lossy(&head).into_owned(),
    })
}

/// Returns a complete HTTP response.
pub fn http(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let mut response = format!(
        "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n{headers}\r\n",
        body.len()
    )
    .into_bytes();
    response.extend_from_slice(body);
    response
}

/// Returns a complete JSON response with status 200.
pub fn json(body: impl AsRef<[u8]>) -> Vec<u8> {
    http(
        "200 OK",
        "content-type: application/json\r\n",
        body.as_ref(),
    )
}
