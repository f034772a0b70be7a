//! Fuzz targets for users' files: kubeconfig, INI, settings and scenarios.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use crate::credentials::{CredentialSource, ToolFiles};
use crate::emulator::Scenario;
use crate::kind::Kind;
use crate::model::Time;
use crate::providers::{self, CLOUDS};
use crate::settings::{Environment, Settings, SettingsSchema};

/// A folder that is removed when its thread ends normally.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let thread = std::thread::current().id();
        let name = format!("joblens-fuzz.{}.{thread:?}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).expect("the folder of temporary files can be written");
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

thread_local! {
    static FOLDER: Folder = Folder::new();
}

/// Writes the input to a file in the thread's folder, and calls `read` with it.
fn with_file(data: &[u8], read: impl FnOnce(&Path)) {
    FOLDER.with(|folder| {
        let path = folder.0.join("file");
        fs::write(&path, data).expect("the folder of temporary files can be written");
        read(&path);
    });
}

/// Known settings and kinds.
static CATALOG: LazyLock<([&SettingsSchema; CLOUDS.len()], Vec<String>)> = LazyLock::new(|| {
    let kinds = providers::kinds().map(ToString::to_string).collect();
    (CLOUDS.map(|cloud| cloud.schema), kinds)
});

/// Returns the files of a user whose home is the folder of `path`; `path` is also the kubeconfig.
fn tool_files(path: &Path) -> ToolFiles {
    let home = path.parent().unwrap_or(path);
    let variables = [("HOME", home), ("KUBECONFIG", path)];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.display().to_string()));
    let now = Time::from_unix(1_700_000_000).expect("a time of this century");
    ToolFiles::new(Environment::new(variables), now)
}

/// Reads a kubeconfig and the connections of its contexts, without running programs.
pub(super) fn kubeconfig(data: &[u8]) {
    with_file(data, |path| {
        let files = tool_files(path);
        for source in CLOUDS.iter().flat_map(|cloud| cloud.sources) {
            let CredentialSource::Custom(source) = source else {
                continue;
            };
            for context in [None, Some("a"), Some("b")] {
                let _ = (source.load)(&files, context);
            }
        }
    });
}

/// Reads the sections of an INI file.
pub(super) fn ini(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        crate::credentials::fuzz::ini(text);
    }
}

/// Reads a config file, without running its commands.
pub(super) fn settings(data: &[u8]) {
    let (schemas, kinds) = &*CATALOG;
    with_file(data, |path| {
        let environment = Environment::new([]);
        let Ok(settings) = Settings::load(Some(path.into()), environment, schemas, kinds) else {
            return;
        };
        for schema in schemas {
            for profile in settings.file().profiles(schema.cloud) {
                let _ = settings.plain_profile(schema, profile);
            }
        }
    });
}

/// Reads a scenario of the emulator.
pub(super) fn scenario(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        let kinds: Vec<&'static Kind> = providers::kinds().collect();
        let path = PathBuf::from("scenario.toml");
        let _ = Scenario::parse(text, &path, &kinds);
    }
}
