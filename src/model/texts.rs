//! Visits every text of a model that came from a cloud, so that secrets can be masked in all of them.

use std::collections::BTreeMap;
use std::mem;
use std::sync::Arc;

use serde_json::Value;

use super::{
    Container, Details, EnvVar, Event, Job, Mount, Probe, Reason, ScopeSummary, Task, Termination,
    Volume,
};

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

// Each function lists every field, so that a new field requires a decision. A field that is omitted is a part of
// the reference, a word of joblens, or not text.

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

impl Texts for Job {
    fn visit_texts(&mut self, visit: Visit<'_>) {
        let Self {
            reference: _,
            events_unreadable: _,
            events_problem: _,
            tasks_problem: _,
            has_subtask_events: _,
            input: _,
            cloud: _,
            profile: _,
            region,
            kind: _,
            cluster: _,
            namespace: _,
            id: _,
            name,
            state: _,
            state_raw,
            ended: _,
            verdict: _,
            uid: _,
            reason,
            message,
            exit_code: _,
            user,
            queue,
            priority: _,
            labels,
            created_at: _,
            started_at: _,
            finished_at: _,
            updated_at: _,
            has_started: _,
            duration_seconds: _,
            resources,
            array: _,
            tasks,
            events,
            warning_count: _,
            details,
            request_id,
            observed_at: _,
            from_list: _,
            raw,
            unread_cause: _,
        } = self;
        if let Some(Reason::Word(word)) = reason {
            visit(TextField::Name(word));
        }
        free(visit, [message]);
        name_like(visit, [name, user, queue]);
        value(visit, [region, request_id, &mut resources.accelerator_type]);
        word(visit, [state_raw]);
        visit_labels(labels, visit);
        tasks.iter_mut().for_each(|task| task.visit_texts(visit));
        events.iter_mut().for_each(|event| event.visit_texts(visit));
        visit_details(details, visit);
        if let Some(document) = raw {
            visit(TextField::Document(document));
        }
    }
}

impl Texts for ScopeSummary {
    fn visit_texts(&mut self, visit: Visit<'_>) {
        let Self {
            scope: _,
            name,
            status,
            created_at: _,
            region,
            details,
        } = self;
        name_like(visit, [name]);
        value(visit, [status, region]);
        visit_details(details, visit);
    }
}

impl Texts for Task {
    fn visit_texts(&mut self, visit: Visit<'_>) {
        let Self {
            id,
            name,
            kind: _,
            state: _,
            state_raw,
            ended: _,
            reason,
            message,
            exit_code: _,
            created_at: _,
            started_at: _,
            finished_at: _,
            resources,
            addresses,
            node,
            zone,
            instance_type,
            restart_policy,
            labels,
            containers,
            volumes,
            index: _,
            details,
        } = self;
        free(visit, [message]);
        name_like(visit, [name, reason, node]);
        value(visit, [id, zone, instance_type, restart_policy]);
        value(visit, [&mut resources.accelerator_type]);
        word(visit, [state_raw]);
        for address in addresses {
            visit(TextField::Value(&mut address.address));
        }
        visit_labels(labels, visit);
        for container in containers {
            container.visit_texts(visit);
        }
        volumes
            .iter_mut()
            .for_each(|volume| volume.visit_texts(visit));
        visit_details(details, visit);
    }
}

impl Volume {
    fn visit_texts(&mut self, visit: Visit<'_>) {
        let Self {
            name,
            kind,
            nfs,
            empty_dir,
            config_files,
            disk,
            flex,
        } = self;
        name_like(visit, [name]);
        value(visit, [kind]);
        if let Some(nfs) = nfs {
            name_like(visit, [&mut nfs.server, &mut nfs.path]);
        }
        if let Some(folder) = empty_dir {
            value(visit, [&mut folder.medium, &mut folder.size_limit]);
        }
        for file in config_files {
            name_like(visit, [&mut file.path]);
            free(visit, [&mut file.content]);
        }
        if let Some(disk) = disk {
            value(visit, [&mut disk.id, &mut disk.fs_type]);
        }
        if let Some(flex) = flex {
            name_like(visit, [&mut flex.driver]);
            free(visit, [&mut flex.options]);
            value(visit, [&mut flex.fs_type]);
        }
    }
}

impl Container {
    fn visit_texts(&mut self, visit: Visit<'_>) {
        let Self {
            name,
            init: _,
            is_sidecar: _,
            image,
            image_pull_policy,
            command,
            args,
            working_dir,
            env,
            ports,
            mounts,
            probes,
            security,
            resources,
            stdin: _,
            stdin_once: _,
            tty: _,
            state: _,
            state_raw,
            ready: _,
            restart_count: _,
            exit_code: _,
            signal: _,
            reason,
            message,
            detail_status,
            started_at: _,
            finished_at: _,
            previous,
        } = self;
        name_like(visit, [name, image, working_dir, reason, detail_status]);
        free(visit, [message]);
        value(visit, [image_pull_policy, &mut resources.accelerator_type]);
        word(visit, [state_raw]);
        for argument in command.iter_mut().chain(args) {
            visit(TextField::Free(argument));
        }
        for EnvVar {
            name,
            value,
            value_from,
        } in env
        {
            name_like(visit, [name, value_from]);
            free(visit, [value]);
        }
        for port in ports {
            value(visit, [&mut port.protocol]);
            free(visit, [&mut port.access_url]);
        }
        mounts.iter_mut().for_each(|mount| mount.visit_texts(visit));
        let probes = [&mut probes.liveness, &mut probes.readiness];
        for probe in probes.into_iter().flatten() {
            probe.visit_texts(visit);
        }
        for capability in security.iter_mut().flat_map(|s| &mut s.capabilities) {
            visit(TextField::Value(capability));
        }
        if let Some(previous) = previous {
            previous.visit_texts(visit);
        }
    }
}

impl Termination {
    fn visit_texts(&mut self, visit: Visit<'_>) {
        let Self {
            state: _,
            state_raw,
            exit_code: _,
            signal: _,
            reason,
            message,
            detail_status,
            started_at: _,
            finished_at: _,
        } = self;
        name_like(visit, [reason, detail_status]);
        free(visit, [message]);
        word(visit, [state_raw]);
    }
}

impl Mount {
    fn visit_texts(&mut self, visit: Visit<'_>) {
        let Self {
            name,
            path,
            source_path,
            kind,
            sub_path,
            read_only: _,
            propagation,
        } = self;
        name_like(visit, [name, path, source_path, sub_path]);
        value(visit, [kind, propagation]);
    }
}

impl Probe {
    fn visit_texts(&mut self, visit: Visit<'_>) {
        for argument in &mut self.exec {
            visit(TextField::Free(argument));
        }
        if let Some(http) = &mut self.http {
            name_like(visit, [&mut http.path]);
            value(visit, [&mut http.scheme]);
        }
        if let Some(tcp) = &mut self.tcp {
            name_like(visit, [&mut tcp.host]);
        }
    }
}

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
        word(visit, [level_raw]);
        name_like(visit, [&mut object.name, reason]);
        free(visit, [message]);
        value(visit, [&mut object.kind, task]);
    }
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
            .collect();
    }
}

fn visit_details(details: &mut Option<Arc<dyn Details>>, visit: Visit<'_>) {
    if let Some(details) = details {
        visit(TextField::Details(details));
    }
}

fn free<const N: usize>(visit: Visit<'_>, fields: [&mut Option<String>; N]) {
    for text in fields.into_iter().flatten() {
        visit(TextField::Free(text));
    }
}

fn name_like<const N: usize>(visit: Visit<'_>, fields: [&mut Option<String>; N]) {
    for text in fields.into_iter().flatten() {
        visit(TextField::Name(text));
    }
}

fn value<const N: usize>(visit: Visit<'_>, fields: [&mut Option<String>; N]) {
    for text in fields.into_iter().flatten() {
        visit(TextField::Value(text));
    }
}

fn word<const N: usize>(visit: Visit<'_>, fields: [&mut Option<String>; N]) {
    for text in fields.into_iter().flatten() {
        visit(TextField::Word(text));
    }
}
