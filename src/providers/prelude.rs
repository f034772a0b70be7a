//! Common imports of the files of most kinds.

pub(super) use std::sync::Arc;

pub(super) use async_trait::async_trait;
pub(super) use serde::Deserialize;
pub(super) use serde_json::{Value, json};

pub(super) use super::api::{DecodeError, Decoded};
pub(super) use super::details_schema::{detail_structs, schema_of};
pub(super) use super::event_order::EventOrder;
pub(super) use super::lenient::{
    self, Checked, DefaultObject, Flag, Int, List, Map, Num, OptionalObject, Required, Text,
    Timestamp,
};
pub(super) use super::wall_clock::WallClock;
pub(super) use super::{
    BatchRequest, BatchResult, Cursor, Filter, GetRequest, GetResult, KindOps, ListRequest,
    LogChunk, LogRequest, LogSource, Page, RequestOptions, job_at, raw, states,
};
pub(super) use crate::error::{Category, Problem};
pub(super) use crate::kind::{
    Kind, ListOrder, ListSpec, LogSpec, LogStorage, LogSupport, Name, Operation, Segment,
    StateTable, StateWords, Template, UnlistedField, operation,
};
pub(super) use crate::model::{Job, Notice, NoticeCode, Reason, Resources, State, Task, Time};
pub(super) use crate::reference::Reference;
