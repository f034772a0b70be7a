//! Caches the results of commands and of tools' files, so that each is read once per run.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use super::command::{CommandCache, PromptSink};
use super::source::CredentialSource;
use super::tool_files::{SourceResult, ToolFiles};
use crate::error::Problem;
use crate::sync::lock;

/// Cloud, tool, the selected profile of the tool, the selected file of the tool, and whether variables may select a
/// profile.
type Key = (
    &'static str,
    &'static str,
    Option<String>,
    Option<PathBuf>,
    bool,
);

type Loaded = Result<SourceResult, Problem>;

/// The result of the first read of each source.
#[derive(Debug, Clone)]
pub struct SourceCache {
    pub(super) commands: CommandCache,
    files: Option<Arc<Mutex<HashMap<Key, Loaded>>>>,
}

impl Default for SourceCache {
    fn default() -> Self {
        Self::new(PromptSink::default())
    }
}

impl SourceCache {
    /// Creates an empty cache; `prompts` shows the prompts of commands.
    pub fn new(prompts: PromptSink) -> Self {
        Self {
            commands: CommandCache::new(prompts),
            files: Some(Arc::default()),
        }
    }

    /// Ends commands at `deadline` at the latest.
    pub(super) fn with_command_deadline(self, deadline: Option<Instant>) -> Self {
        Self {
            commands: self.commands.with_deadline(deadline),
            ..self
        }
    }

    /// Disables the cache of files, for files that may have been rewritten.
    pub(super) fn without_files(&self) -> Self {
        Self {
            commands: self.commands.clone(),
            files: None,
        }
    }

    /// Returns the result of a cloud's source.
    ///
    /// # Errors
    /// As the source itself.
    pub(super) fn load(
        &self,
        cloud: &'static str,
        source: &'static CredentialSource,
        files: &ToolFiles,
        profile: Option<&str>,
    ) -> Loaded {
        let Some(cache) = &self.files else {
            return read(source, files, profile);
        };
        let key = (
            cloud,
            source.name(),
            profile.map(str::to_owned),
            files.named_path().map(Path::to_path_buf),
            files.allows_selection(),
        );
        let mut loaded = lock(cache);
        let loaded = loaded
            .entry(key)
            .or_insert_with(|| read(source, files, profile));
        loaded.clone()
    }
}

/// Reads a source, and checks the variables that it needs.
fn read(source: &'static CredentialSource, files: &ToolFiles, profile: Option<&str>) -> Loaded {
    let loaded = source.load(files, profile);
    files.check_variables()?;
    loaded
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::credentials::file::{CredentialFile, FileField, Format};
    use crate::model::Time;
    use crate::settings::Environment;

    static SOURCE: CredentialSource = CredentialSource::File(CredentialFile {
        paths: &["f"],
        format: Format::IniSections,
        fields: &[FileField::key("k", "token")],
        ..CredentialFile::PLAIN
    });

    #[test]
    fn a_source_is_read_once_for_each_profile_and_every_time_without_a_cache() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().to_str().unwrap().to_owned();
        let now = Time::from_unix(1_700_000_000).unwrap();
        let files = ToolFiles::new(Environment::new([("HOME".to_owned(), path)]), now);
        let write = |value: u8| {
            let text = format!("[default]\nk = {value}\n[a]\nk = {value}\n");
            fs::write(home.path().join("f"), text).unwrap();
        };
        let load = |cache: &SourceCache, profile| match cache
            .load("aliyun", &SOURCE, &files, profile)
            .unwrap()
        {
            SourceResult::Found(found) => found.values[0].1.expose().to_owned(),
            other => panic!("{other:?}"),
        };
        let cache = SourceCache::default();
        write(1);
        assert_eq!(load(&cache, None), "1");
        write(2);
        assert_eq!([load(&cache, None), load(&cache.clone(), None)], ["1", "1"]);
        assert_eq!(load(&cache, Some("a")), "2");
        write(3);
        assert_eq!(load(&cache, Some("a")), "2");
        let disabled = cache.without_files();
        assert_eq!(load(&disabled, None), "3");
        write(4);
        assert_eq!(load(&disabled, None), "4");
    }
}
