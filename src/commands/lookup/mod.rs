//! From typed words to jobs: words → references ([`targets`]), references → clients ([`plan`], [`clients`],
//! [`client_factory`]), clients → jobs ([`run`], [`get_many`]).

mod account;
mod client_factory;
mod clients;
mod columns;
mod credential_expiry;
mod get_many;
mod inputs;
mod list_rows;
mod plan;
mod run;
#[cfg(test)]
mod scripted;
mod targets;

pub(super) use account::{
    AccountId, Pacing, account_of, account_of_scope, list_permission, transport,
    with_account_context, with_reference,
};
pub(super) use clients::{CommandMode, CommandRuns};
pub(super) use columns::check as check_columns;
pub(super) use credential_expiry::CredentialExpiry;
pub(super) use get_many::NOT_READ;
pub(super) use inputs::Inputs;
pub(super) use list_rows::{EndProof, EndProofs, MAX_DETAILS, is_active};
pub(super) use plan::{LookupPlan, NamedTarget};
pub(super) use run::{
    DETAILS_TIMEOUT, LOOKUP_TIMEOUT, Lookup, LookupOptions, LookupResult, envelope,
};
#[cfg(test)]
pub(super) use scripted::{Reply, ScriptedClient, now};
pub(super) use targets::{
    AllowedTargets, ParsedTargets, parse_list, parse_monitored, parse_monitored_text,
};
