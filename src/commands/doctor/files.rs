//! Checks the files of an account, and who can read them.

use std::fs;

use rustix::fs::{Access, access};

use crate::error::Category;
use crate::output::document::{Check, CheckName};
use crate::secret::{quotable_path, shell_word};
use crate::settings::{InsecureFile, ReferencedFile, check_file};

/// Returns a check for each file with a problem, or one for all files if there is
/// none. Returns none without files.
pub(super) fn checks(files: &[ReferencedFile]) -> Vec<Check> {
    let mut checks: Vec<Check> = files.iter().filter_map(failed_check).collect();
    if checks.is_empty() && !files.is_empty() {
        let names: Vec<String> = files.iter().map(key_and_path).collect();
        let message = format!("{} is readable", names.join(", "));
        checks.push(Check::ok(CheckName::Files, message));
    }
    checks
}

fn key_and_path(file: &ReferencedFile) -> String {
    let key = file.key.as_ref();
    let key = key.map_or_else(String::new, |key| format!("{key} "));
    format!("{key}{}", quotable_path(&file.path))
}

fn failed_check(file: &ReferencedFile) -> Option<Check> {
    let (key_and_path, path) = (key_and_path(file), quotable_path(&file.path));
    let fail = |message: String, hint: String| {
        Some(Check::fail(CheckName::Files, Category::Usage, message).hint(Some(hint)))
    };
    let data = match fs::metadata(&file.path) {
        Ok(data) => data,
        Err(error) => {
            let hint = format!(
                "create the file, or fix its path: ls -l {}",
                shell_word(&path)
            );
            return fail(
                format!("cannot read {key_and_path} ({})", error.kind()),
                hint,
            );
        }
    };
    if let Err(error) = access(&file.path, Access::READ_OK) {
        let error = std::io::Error::from(error);
        let hint = format!("make it readable: chmod u+r {}", shell_word(&path));
        return fail(
            format!("cannot read {key_and_path} ({})", error.kind()),
            hint,
        );
    }
    let refused = |is_secret| check_file(&file.path, &data, is_secret).err();
    let text = |insecure: &InsecureFile| format!("{key_and_path} {}", insecure.reason);
    if let Some(insecure) = refused(file.is_secret && file.is_strict) {
        return fail(text(&insecure), insecure.hint);
    }
    let warn =
        |insecure: InsecureFile| Check::warn(CheckName::Files, text(&insecure), insecure.hint);
    refused(file.is_secret).map(warn)
}
