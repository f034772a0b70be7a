use std::fmt;
use std::sync::Arc;

use super::{CloudKeys, Origin, Profile, Settings, file};
use crate::error::Problem;

/// A way to read a profile again whose credential stands in files of its own (`KEY_file`) or
/// of a tool.
#[derive(Clone)]
pub(super) struct Again {
    settings: Arc<Settings>,
    keys: CloudKeys,
}

impl fmt::Debug for Again {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Again").finish_non_exhaustive()
    }
}

impl Settings {
    /// How to read this profile again; `None` when nothing of its credential stands in a file that is
    /// written anew by others.
    pub(super) fn again(&self, cloud: &CloudKeys, profile: &Profile) -> Option<Again> {
        let is_path = |key: &str| {
            let mut entries = self.file.entries(cloud.cloud, &profile.name);
            entries.any(|(_, entry)| matches!(entry, file::Entry::Path(of, _) if of == key))
        };
        let may_change = |key: &str| match profile.origin(key) {
            Some(Origin::File(_)) => is_path(key),
            Some(Origin::Tool { .. }) => true,
            Some(Origin::Variable(_) | Origin::Command(_) | Origin::Machine) | None => false,
        };
        let mut keys = cloud.credential_keys();
        keys.any(|spec| may_change(spec.key)).then(|| Again {
            settings: Arc::new(self.clone()),
            keys: *cloud,
        })
    }
}

impl Profile {
    /// True when a part of the credential stands in a file of its own or of a tool, which may be
    /// written anew.
    pub fn is_read_again(&self) -> bool {
        self.again.is_some()
    }

    /// The profile with what its files hold now; `None` when its credential stands in no such file.
    ///
    /// # Errors
    /// As [`Settings::profile`].
    pub fn read_again(&self) -> Option<Result<Self, Problem>> {
        let again = self.again.as_ref()?;
        Some(again.settings.profile(&again.keys, &self.name))
    }
}
