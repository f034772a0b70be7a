//! Visits every text of a model that came from a cloud, so that secrets can be masked in all of them.

use std::collections::BTreeMap;
use std::mem;
use std::sync::Arc;

use serde_json::Value;

use super::{
    Address, ConfigFile, Container, Details, Disk, EmptyDir, EnvVar, Event, Flex, HttpGet, Job,
    Mount, Nfs, Port, Probe, Probes, Reason, Resources, ScopeSummary, Security, Task, TcpSocket,
    Termination, Volume,
};
use crate::collect::CollectExt as _;

/// A part of a model that contains text from a cloud.
#[derive(Debug)]
pub enum TextField<'a> {
    /// Free text: a message, an argument, the value of a variable.
    Free(&'a mut String),
    /// Text that is usually a single word: a name, a reason, a path.
    Name(&'a mut String),
    /// A key of a map.
    Key(&'a mut String),
    /// A value that programs use: an id, or one of a few known words.
    Value(&'a mut String),
    /// A cloud's word for a state or a level.
    Word(&'a mut String),
    /// The details of a kind, which contain free text and values.
    Details(&'a mut Arc<dyn Details>),
    /// The raw API response.
    Document(&'a mut Value),
}

/// Receives the fields in order.
type Visit<'a> = &'a mut dyn FnMut(TextField<'_>);

/// A type that contains texts from a cloud.
pub trait Texts {
    /// Visits each text. Omits the user's input, references and known state words.
    fn visit_texts(&mut self, visit: Visit<'_>);
}

impl Job {
    /// Visits the job without its tasks and events, then each task and each event, since a job can have thousands
    /// of them.
    pub fn visit_parts(&mut self, visit: &mut dyn FnMut(&mut dyn Texts)) {
        let (mut tasks, mut events) = (mem::take(&mut self.tasks), mem::take(&mut self.events));
        visit(self);
        tasks.iter_mut().for_each(|task| visit(task));
        events.iter_mut().for_each(|event| visit(event));
        (self.tasks, self.events) = (tasks, events);
    }
}

/// Visits one field: as a [`TextField`], as a `part` or list of `parts` that implement [`Texts`], or as `labels`.
macro_rules! visit_field {
    ($visit:ident, omit, $field:ident) => {
        let _ = $field;
    };
    ($visit:ident, part, $field:ident) => {
        $field.visit_texts($visit);
    };
    ($visit:ident, parts, $field:ident) => {
        $field.iter_mut().for_each(|part| part.visit_texts($visit));
    };
    ($visit:ident, labels, $field:ident) => {
        visit_labels($field, $visit);
    };
    ($visit:ident, Document, $field:ident) => {
        each($visit, TextField::Document, $field.as_deref_mut());
    };
    ($visit:ident, $text:ident, $field:ident) => {
        each($visit, TextField::$text, $field);
    };
}

/// Implements [`Texts`] for structs, with their fields in the order of the visits; see [`visit_field`]. All fields are
/// listed, so that a new field requires a decision. A field in `omit` is a part of the reference, a word of joblens, or
/// not text.
macro_rules! texts {
    ($($type:ident { $($how:ident: [$($field:ident),* $(,)?],)* })*) => {
        $(impl Texts for $type {
            fn visit_texts(&mut self, visit: Visit<'_>) {
                let Self { $($($field,)*)* } = self;
                $($(visit_field!(visit, $how, $field);)*)*
            }
        })*
    };
}

texts! {
    Job {
        parts: [reason],
        Free: [message],
        Name: [name, user, queue],
        Value: [region, request_id],
        part: [resources],
        Word: [state_raw],
        labels: [labels],
        parts: [tasks, events],
        Details: [details],
        Document: [raw],
        omit: [
            reference, events_unreadable, events_problem, lookup_failed, tasks_problem, has_subtask_events, input,
            cloud, profile, kind, cluster, namespace, id, state, ended, verdict, uid, exit_code, priority, created_at,
            started_at, finished_at, updated_at, has_started, duration_seconds, array, warning_count, observed_at,
            from_list, unread_cause,
        ],
    }
    ScopeSummary {
        Name: [name],
        Value: [status, region],
        Details: [details],
        omit: [scope, created_at],
    }
    Resources {
        Value: [accelerator_type],
        omit: [cpu, memory_bytes, ephemeral_storage_bytes, accelerators],
    }
    Task {
        Free: [message],
        Name: [name, reason, node],
        Value: [id, zone, instance_type, restart_policy],
        part: [resources],
        Word: [state_raw],
        parts: [addresses],
        labels: [labels],
        parts: [containers, volumes],
        Details: [details],
        omit: [kind, state, ended, exit_code, created_at, started_at, finished_at, index],
    }
    Volume {
        Name: [name],
        Value: [kind],
        parts: [nfs, empty_dir, config_files, disk, flex],
    }
    Nfs {
        Name: [server, path],
        omit: [read_only],
    }
    EmptyDir {
        Value: [medium, size_limit],
    }
    ConfigFile {
        Name: [path],
        Free: [content],
    }
    Disk {
        Value: [id, fs_type],
    }
    Flex {
        Name: [driver],
        Free: [options],
        Value: [fs_type],
    }
    Container {
        Name: [name, image, working_dir, reason, detail_status],
        Free: [message],
        Value: [image_pull_policy],
        part: [resources],
        Word: [state_raw],
        Free: [command, args],
        parts: [env, ports, mounts],
        part: [probes],
        parts: [security, previous],
        omit: [
            init, is_sidecar, stdin, stdin_once, tty, state, ready, restart_count, exit_code, signal, started_at,
            finished_at,
        ],
    }
    EnvVar {
        Name: [name, value_from],
        Free: [value],
    }
    Port {
        Value: [protocol],
        Free: [access_url],
        omit: [port],
    }
    Mount {
        Name: [name, path, source_path, sub_path],
        Value: [kind, propagation],
        omit: [read_only],
    }
    Probes {
        parts: [liveness, readiness],
    }
    Probe {
        Free: [exec],
        parts: [http, tcp],
        omit: [
            initial_delay_seconds, period_seconds, timeout_seconds, success_threshold, failure_threshold,
        ],
    }
    HttpGet {
        Name: [path],
        Value: [scheme],
        omit: [port],
    }
    TcpSocket {
        Name: [host],
        omit: [port],
    }
    Security {
        Value: [capabilities],
        omit: [read_only_root, run_as_user],
    }
    Termination {
        Name: [reason, detail_status],
        Free: [message],
        Word: [state_raw],
        omit: [state, exit_code, signal, started_at, finished_at],
    }
}

impl Texts for Reason {
    fn visit_texts(&mut self, visit: Visit<'_>) {
        if let Self::Word(word) = self {
            visit(TextField::Name(word));
        }
    }
}

impl Texts for Address {
    fn visit_texts(&mut self, visit: Visit<'_>) {
        let Self { kind: _, address } = self;
        visit(TextField::Value(address));
    }
}

// The visits of the object's fields are separate, so this is not in the macro.
impl Texts for Event {
    fn visit_texts(&mut self, visit: Visit<'_>) {
        let Self {
            level: _,
            level_raw,
            first_at: _,
            last_at: _,
            recorded_at: _,
            unreadable_times: _,
            count: _,
            object,
            task,
            reason,
            message,
        } = self;
        each(visit, TextField::Word, level_raw);
        each(visit, TextField::Name, &mut object.name);
        each(visit, TextField::Name, reason);
        each(visit, TextField::Free, message);
        each(visit, TextField::Value, &mut object.kind);
        each(visit, TextField::Value, task);
    }
}

/// Visits all values of an optional field or a list.
fn each<'a, T: 'a>(
    visit: Visit<'_>,
    text: fn(&'a mut T) -> TextField<'a>,
    values: impl IntoIterator<Item = &'a mut T>,
) {
    values.into_iter().for_each(|value| visit(text(value)));
}

fn visit_labels(labels: &mut BTreeMap<String, Option<String>>, visit: Visit<'_>) {
    for text in labels.values_mut().flatten() {
        visit(TextField::Name(text));
    }
    let mut keys: Vec<String> = labels.keys().cloned().collect();
    keys.iter_mut().for_each(|key| visit(TextField::Key(key)));
    if keys.iter().ne(labels.keys()) {
        *labels = keys
            .into_iter()
            .zip(mem::take(labels).into_values())
            .collect_map();
    }
}
