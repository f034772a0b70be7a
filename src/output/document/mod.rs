//! The documents that commands print: one struct each, serialized as described by `joblens schema`.

mod account;
mod catalog;
mod diagnosis;
mod envelope;
mod gate;
mod timeline;
mod timeline_event;

pub use account::{AccountStatus, AuthState, AuthStatus};
pub use catalog::{ConfigPath, KindInfo, KindList, MappingSource, StateMap, StateMapping};
pub use diagnosis::{AccountCheck, Check, CheckName, CheckStatus, DoctorReport, HostInfo};
pub use envelope::{Coverage, Envelope, Exit, ReportContent};
pub use gate::Gate;
pub use timeline::{EventFilter, Timeline, TimelineContent};
pub use timeline_event::{EventSubject, TimelineEvent};
