//! Imports that most emulated kinds need.

pub(super) use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
pub(super) use serde_json::{Value, json};

pub(super) use super::api::{EmulatedCall, EmulatedError, EmulatedKind, HandlerResult, Route};
pub(super) use super::message::ServerResponse;
pub(super) use super::pager::Pager;
pub(super) use super::state::{JobView, china_time, merge, sort_by_creation};
pub(super) use crate::crypto::sha256_hex;
