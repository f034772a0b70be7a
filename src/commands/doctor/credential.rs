//! Describes the credential of an account.

use crate::output::document::AccountStatus;

/// Returns for example `key LTAI…3Qk from environment (ALIBABA_CLOUD_ACCESS_KEY_ID)`.
pub(super) fn credential(account: &AccountStatus) -> String {
    let key_text = key(account);
    match (account.source.as_deref(), &account.location) {
        // The path of the config file is at the top of the report.
        (Some("config file"), _) => format!("{key_text} from the config file"),
        (Some(source), Some(location)) => format!("{key_text} from {source} ({location})"),
        (Some(source), None) => format!("{key_text} from {source}"),
        _ => key_text,
    }
}

/// Returns `key LTAI…3Qk`, `user NAME`, `token`, `role`, `certificate`, or `certificate of NAME`.
pub(super) fn key(account: &AccountStatus) -> String {
    match account.key.as_deref() {
        Some(word @ ("certificate" | "role" | "token")) => word.to_owned(),
        Some(id) if account.is_user => format!("user {id}"),
        Some(id) if account.certificate_renewal.is_some() => format!("certificate of {id}"),
        Some(id) => format!("key {id}"),
        None => "no key".to_owned(),
    }
}
