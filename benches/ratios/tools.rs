//! Runs the measuring tools: hyperfine for time, GNU time for memory.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

/// Path of GNU time, since the `time` of shells does not measure memory.
const GNU_TIME: &str = "/usr/bin/time";

/// Returns the missing tools, each with its Debian package.
pub fn missing() -> Vec<String> {
    ["hyperfine", "curl", "jq", GNU_TIME]
        .into_iter()
        .filter(|tool| {
            let found = Command::new(tool)
                .arg("--version")
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status();
            found.is_err()
        })
        .map(|tool| match tool {
            GNU_TIME => format!("{GNU_TIME} (package time)"),
            _ => format!("{tool} (package {tool})"),
        })
        .collect()
}

/// A command line in a minimal environment.
#[derive(Clone)]
pub struct CommandLine {
    words: Vec<String>,
    variables: BTreeMap<String, String>,
}

/// Creates a command line from its words.
pub fn command<S: AsRef<str>>(words: impl IntoIterator<Item = S>) -> CommandLine {
    let words = words.into_iter().map(|word| word.as_ref().to_owned());
    CommandLine {
        words: words.collect(),
        variables: BTreeMap::new(),
    }
}

impl CommandLine {
    pub fn envs<N: AsRef<str>, V: AsRef<str>>(
        mut self,
        pairs: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        for (name, value) in pairs {
            let (name, value) = (name.as_ref().to_owned(), value.as_ref().to_owned());
            self.variables.insert(name, value);
        }
        self
    }

    /// Returns a command that runs `program` with `arguments` in the environment of this command line.
    fn measured_by(&self, program: &str, folder: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", folder)
            .envs(&self.variables)
            .stdout(Stdio::null());
        command
    }
}

/// Cost of one command.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cost {
    /// Median wall-clock time in seconds.
    pub wall: f64,
    /// Minimum wall-clock time in seconds: other load on the machine only increases it.
    pub fastest: f64,
    /// Mean processor time (user and system) in seconds.
    pub cpu: f64,
}

/// The folder for the files of the measurements.
pub struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    pub fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// Writes a file that commands read, and returns its path.
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    /// Measures commands that are compared with each other. They run alternately, so that other load on the machine
    /// affects all of them.
    pub fn costs<const N: usize>(
        &self,
        rounds: usize,
        runs: usize,
        commands: [&CommandLine; N],
    ) -> [Cost; N] {
        let mut walls: [Vec<f64>; N] = std::array::from_fn(|_| Vec::new());
        let mut cpus = [0.0; N];
        for _ in 0..rounds {
            for (number, line) in commands.into_iter().enumerate() {
                let result = self.hyperfine(runs, line);
                let times = result["times"].as_array().unwrap();
                walls[number].extend(times.iter().filter_map(Value::as_f64));
                let seconds = |key: &str| result[key].as_f64().unwrap();
                cpus[number] += (seconds("user") + seconds("system")) / rounds as f64;
            }
        }
        std::array::from_fn(|number| Cost {
            wall: median(&mut walls[number]),
            fastest: walls[number][0],
            cpu: cpus[number],
        })
    }

    fn hyperfine(&self, runs: usize, line: &CommandLine) -> Value {
        let export = self.folder.path().join("hyperfine.json");
        let quoted: Vec<String> = line.words.iter().map(|word| format!("'{word}'")).collect();
        let output = line
            .measured_by("hyperfine", self.folder.path())
            .args(["--shell=none", "--style=none", "--warmup=1"])
            .arg(format!("--runs={runs}"))
            .arg("--export-json")
            .arg(&export)
            .arg(quoted.join(" "))
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{:?}: {errors}", line.words);
        let report: Value = serde_json::from_slice(&std::fs::read(&export).unwrap()).unwrap();
        report["results"][0].clone()
    }

    /// Returns the standard output of a command.
    pub fn output(&self, line: &CommandLine) -> Vec<u8> {
        let (program, arguments) = line.words.split_first().unwrap();
        let mut command = line.measured_by(program, self.folder.path());
        let command = command.args(arguments).stdout(Stdio::piped());
        let output = command.output().unwrap();
        assert!(output.status.success(), "{:?}", line.words);
        output.stdout
    }

    /// Returns the peak memory of a command in bytes: the median of three runs.
    pub fn memory(&self, line: &CommandLine) -> f64 {
        let mut peaks = [0.0; 3].map(|_: f64| {
            let report = self.folder.path().join("memory");
            let status = line
                .measured_by(GNU_TIME, self.folder.path())
                .args(["--quiet", "--format=%M", "--output"])
                .arg(&report)
                .args(&line.words)
                .status()
                .unwrap();
            assert!(status.success(), "{:?}", line.words);
            let kib: f64 = std::fs::read_to_string(&report)
                .unwrap()
                .trim()
                .parse()
                .unwrap();
            kib * 1024.0
        });
        median(&mut peaks)
    }
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
