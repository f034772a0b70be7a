//! What commands and the files of tools gave, read once in a run.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::command::CommandCache;
use super::tool_files::{CredentialSource, SourceResult, ToolFiles};
use crate::error::Problem;

/// Cloud, tool, the tool's profile where one is named, and whether variables may choose one.
type Key = (&'static str, &'static str, Option<String>, bool);

type Loaded = Result<SourceResult, Problem>;

/// What each source gave when it was read first.
#[derive(Debug, Clone)]
pub struct SourceCache {
    pub(super) commands: CommandCache,
    files: Option<Arc<Mutex<HashMap<Key, Loaded>>>>,
}

impl Default for SourceCache {
    fn default() -> Self {
        Self {
            commands: CommandCache::default(),
            files: Some(Arc::default()),
        }
    }
}

impl SourceCache {
    /// The same for files that may have been written anew: they are read each time.
    pub(super) fn without_files(&self) -> Self {
        Self {
            commands: self.commands.clone(),
            files: None,
        }
    }

    /// What a source of a cloud gives.
    ///
    /// # Errors
    /// As the source itself.
    pub(super) fn load(
        &self,
        cloud: &'static str,
        source: &CredentialSource,
        files: &ToolFiles,
        profile: Option<&str>,
    ) -> Loaded {
        let Some(cache) = &self.files else {
            return (source.load)(files, profile);
        };
        let key = (
            cloud,
            source.name,
            profile.map(str::to_owned),
            files.allows_selection(),
        );
        let mut loaded = cache.lock().unwrap_or_else(PoisonError::into_inner);
        let loaded = loaded
            .entry(key)
            .or_insert_with(|| (source.load)(files, profile));
        loaded.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::model::Time;
    use crate::settings::Environment;

    static READS: AtomicUsize = AtomicUsize::new(0);

    const COUNTING: CredentialSource = CredentialSource {
        name: "counting",
        load: |_, _| {
            READS.fetch_add(1, Ordering::Relaxed);
            Ok(SourceResult::NotPresent)
        },
    };

    #[test]
    fn a_source_is_read_once_for_each_of_its_profiles_and_anew_without_a_cache() {
        let now = Time::from_unix(1_700_000_000).unwrap();
        let files = ToolFiles::new(Environment::default(), now);
        let cache = SourceCache::default();
        let load = |cache: &SourceCache, profile| {
            cache.load("aliyun", &COUNTING, &files, profile).unwrap();
            READS.load(Ordering::Relaxed)
        };
        assert_eq!([load(&cache, None), load(&cache.clone(), None)], [1, 1]);
        assert_eq!([load(&cache, Some("a")), load(&cache, Some("a"))], [2, 2]);
        let disabled = cache.without_files();
        assert_eq!([load(&disabled, None), load(&disabled, None)], [3, 4]);
    }
}
