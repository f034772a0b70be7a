//! Checks that every command of the README runs.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::support::{in_parallel, joblens};

const BINARY: &str = env!("CARGO_BIN_EXE_joblens");

/// The emulator on a free port. It ends with the test.
struct Emulator(Child, String);

impl Emulator {
    fn start(scenario: Option<&Path>) -> Self {
        let mut command = Command::new(BINARY);
        command.args(["emulate", "--port", "0"]).env_clear();
        if let Some(path) = scenario {
            command.arg("--scenario").arg(path);
        }
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stderr.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let origin = line.trim().rsplit(' ').next().unwrap().to_owned();
        assert!(origin.starts_with("http://127.0.0.1:"), "{line}");
        Self(child, origin)
    }

    /// Runs a line in a shell in which `joblens` is on the path.
    fn run(&self, line: &str) -> (Option<i32>, String) {
        let home = tempfile::tempdir().unwrap();
        let folder: PathBuf = Path::new(BINARY).parent().unwrap().into();
        let output = Command::new("sh")
            .args(["-c", line])
            .current_dir(home.path())
            .env_clear()
            .env("HOME", home.path())
            .env("CI", "true")
            .env("PATH", format!("{}:/usr/bin:/bin", folder.display()))
            .envs(joblens::emulator::environment(&self.1))
            .output()
            .unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(text).unwrap())
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn readme() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    fs::read_to_string(path).unwrap()
}

#[test]
fn the_chinese_readme_has_the_same_examples() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let chinese = fs::read_to_string(folder.join("README.zh-CN.md")).unwrap();
    let english = readme();
    let blocks = |text: &str| -> Vec<String> {
        let blocks = text.split("```").skip(1).step_by(2);
        blocks.map(without_comments).collect()
    };
    assert_eq!(blocks(&chinese), blocks(&english));
    let headings = |text: &str| text.lines().filter(|line| line.starts_with('#')).count();
    assert_eq!(headings(&chinese), headings(&english));
    assert!(english.contains("(README.zh-CN.md)") && chinese.contains("(README.md)"));
}

/// Returns the anchor that GitHub creates for a heading: its letters, digits, `_` and `-` in lower case, with `-` for
/// each space.
fn anchor(heading: &str) -> String {
    let heading = heading.trim_start_matches('#').trim().to_lowercase();
    let characters = heading.chars().filter_map(|one| match one {
        ' ' => Some('-'),
        '-' | '_' => Some(one),
        one => one.is_alphanumeric().then_some(one),
    });
    characters.collect()
}

#[test]
fn links_within_a_readme_refer_to_a_heading() {
    assert_eq!(anchor("### 超时、错误与 `wait`（CI）"), "超时错误与-waitci");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    for file in ["README.md", "README.zh-CN.md"] {
        let text = fs::read_to_string(folder.join(file)).unwrap();
        let prose: String = text.split("```").step_by(2).collect();
        let headings = prose.lines().filter(|line| line.starts_with('#'));
        let anchors: Vec<String> = headings.map(anchor).collect();
        let links = prose.split("](#").skip(1);
        let links: Vec<&str> = links.filter_map(|rest| rest.split(')').next()).collect();
        assert!(links.len() > 20, "{file}: {links:?}");
        for link in links {
            let count = anchors.iter().filter(|known| *known == link).count();
            assert_eq!(count, 1, "{file}: #{link}");
        }
    }
}

#[test]
fn the_table_of_kinds_in_the_readme_matches_the_supported_operations() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let kinds = joblens(&["kinds", "-o", "json"]).run().json();
    for file in ["README.md", "README.zh-CN.md"] {
        let text = fs::read_to_string(folder.join(file)).unwrap();
        for kind in kinds["kinds"].as_array().unwrap() {
            let text_of = |key: &str| kind[key].as_str().unwrap();
            let name = format!("| `{}/{}` | ", text_of("cloud"), text_of("kind"));
            let mut rows = text.lines().filter_map(|line| line.strip_prefix(&name));
            let row = rows.find(|row| row.contains(['✓', '–']));
            let row = row.unwrap_or_else(|| panic!("{file}: {name}"));
            let cells: Vec<&str> = row.trim_end_matches(" |").split(" | ").collect();
            let mark = |is_there: bool| if is_there { "✓" } else { "–" };
            let expected = [
                mark(true),
                mark(!kind["list_operation"].is_null()),
                mark(!kind["logs_operation"].is_null()),
                mark(kind["batch"] == true),
            ];
            let shown = [cells[0], cells[1], cells[2], cells[4]];
            assert_eq!(shown, expected, "{file}: {name}");
        }
    }
}

/// Returns the permissions in a text, such as `ehpc:GetJob`.
fn permissions(text: &str) -> BTreeSet<&str> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == ':';
    let words = text.split(|c| !is_part(c));
    let has_names = |word: &&str| matches!(word.split_once(':'), Some((service, name)) if !service.is_empty() && !name.is_empty());
    words.filter(has_names).collect()
}

#[test]
fn the_permissions_in_the_readme_are_those_of_the_kinds() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let kinds = joblens(&["kinds", "-o", "json"]).run().json();
    for file in ["README.md", "README.zh-CN.md"] {
        let text = fs::read_to_string(folder.join(file)).unwrap();
        for kind in kinds["kinds"].as_array().unwrap() {
            let text_of = |key: &str| kind[key].as_str().unwrap_or_default();
            let fields =
                |names: &[&str]| -> Vec<&str> { names.iter().map(|key| text_of(key)).collect() };
            let own = fields(&["permission", "list_permission", "logs_permission"]).join(" ");
            let own = permissions(&own);
            let name = format!("| `{}/{}` | ", text_of("cloud"), text_of("kind"));
            let rows = text.lines().filter_map(|line| line.strip_prefix(&name));
            let mut rows = rows.map(permissions).filter(|row| !row.is_empty());
            let Some(row) = rows.next() else {
                assert!(own.is_empty(), "{file}: {name}: {own:?}");
                continue;
            };
            let missing: Vec<_> = own.difference(&row).collect();
            assert!(missing.is_empty(), "{file}: {name}: {missing:?}");
            let all = permissions(text_of("scopes_permission"));
            let all: BTreeSet<&str> = all.union(&own).copied().collect();
            let unknown: Vec<_> = row.difference(&all).collect();
            assert!(unknown.is_empty(), "{file}: {name}: {unknown:?}");
        }
    }
}

/// Returns a TOML block without the comments at line ends, which are translated. Other blocks, and settings that
/// are commented out, are unchanged.
fn without_comments(block: &str) -> String {
    let without_comment = |line: &str| match line.rsplit_once(" # ") {
        Some((setting, _)) => setting.trim_end().to_owned(),
        None => line.to_owned(),
    };
    match block.starts_with("toml\n") {
        true => block
            .lines()
            .map(without_comment)
            .collect::<Vec<_>>()
            .join("\n"),
        false => block.to_owned(),
    }
}

/// Returns the blocks of the README in this language.
fn blocks(language: &str) -> Vec<String> {
    readme()
        .split("```")
        .skip(1)
        .step_by(2)
        .filter_map(|block| {
            block
                .strip_prefix(&format!("{language}\n"))
                .map(str::to_owned)
        })
        .collect()
}

#[test]
fn every_command_of_the_readme_runs() {
    let emulator = Emulator::start(None);
    let lines: Vec<String> = blocks("console")
        .iter()
        .flat_map(|block| block.lines())
        .filter_map(|line| line.strip_prefix("$ ").map(str::to_owned))
        .collect();
    assert!(lines.len() >= 10, "{lines:?}");
    in_parallel(lines, |line| {
        let (code, text) = emulator.run(&line);
        assert_eq!(code, Some(0), "{line}\n{text}");
    });
}

#[test]
fn the_demo_shows_the_jobs_and_states_of_the_readme() {
    let emulator = Emulator::start(None);
    let (_, shown) = emulator.run("joblens demo");
    let block = blocks("console")
        .into_iter()
        .find(|block| block.contains("REF "))
        .unwrap();
    let rows = block
        .lines()
        .filter(|line| line.starts_with(|c: char| c.is_lowercase()));
    let mut count = 0;
    for row in rows {
        let mut words = row.split_whitespace();
        let (reference, state) = (words.next().unwrap(), words.next().unwrap());
        let same = shown.lines().find(|line| line.starts_with(reference));
        assert!(
            same.is_some_and(|line| line.contains(state)),
            "{row}\n{shown}"
        );
        count += 1;
    }
    assert_eq!(count, 6);
}

#[test]
fn settings_and_scenarios_of_the_readme_are_valid() {
    let emulator = Emulator::start(None);
    let folder = tempfile::tempdir().unwrap();
    for secret in ["sugon.key", "huawei.password"] {
        let path = folder.path().join(secret);
        fs::write(&path, "x").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }
    for (number, block) in blocks("toml").into_iter().enumerate() {
        if block.contains("[[job]]") {
            let path = folder.path().join(format!("{number}.toml"));
            fs::write(&path, block).unwrap();
            let other = Emulator::start(Some(&path));
            let (code, text) = other.run("joblens get aliyun/job/ehpc-hz-FYUr32/nightly");
            assert_eq!(code, Some(0), "{text}");
            continue;
        }
        let path = folder.path().join(format!("{number}.toml"));
        fs::write(&path, block).unwrap();
        let line = format!(
            "joblens --config {} sugon/instance/7d3e1f60b2c94a58a1e0c4f29d8b6e35",
            path.display()
        );
        let (code, text) = emulator.run(&line);
        assert_eq!(code, Some(0), "{text}");
    }
}
