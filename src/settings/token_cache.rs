//! Where issued tokens are kept between runs.

use super::permissions::check_folders;
use super::{Profile, Settings};
use crate::model::{Notice, NoticeCode};

impl Settings {
    /// Sets the folder of a profile's tokens; a notice says why there is none.
    pub(super) fn set_token_folder(&self, profile: &mut Profile) {
        let mut skip = |why: String| {
            profile
                .notices
                .push(Notice::new(NoticeCode::TokenCache, why))
        };
        let Some(folder) = self.environment.cache_folder() else {
            skip("token_cache is true, but neither XDG_CACHE_HOME nor HOME is set".to_owned());
            return;
        };
        let folder = folder.join("tokens");
        // The last folder is made private when something is written to it.
        match folder.parent().map_or(Ok(()), check_folders) {
            Ok(()) => profile.token_cache_dir = Some(folder),
            Err(insecure) => skip(format!(
                "token_cache is not used: {} {}; {}",
                folder.display(),
                insecure.reason,
                insecure.hint
            )),
        }
    }
}
