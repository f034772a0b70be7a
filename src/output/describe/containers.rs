use std::io;

use super::super::cause::name;
use super::super::cause_text::reason_text;
use super::super::human;
use super::page::{Fields, PageWriter, Style, Value};
use super::{command_line, exit_status, header};
use crate::model::{Container, EnvVar, Mount, Port, Probe, Security, State, Termination};

/// Writes one container with all data; with `is_explained`, the reason why it was stopped is reported elsewhere.
pub(super) fn write(
    page: &mut PageWriter,
    indent: usize,
    container: &Container,
    is_explained: bool,
) -> io::Result<()> {
    page.paragraph(indent, &line(container, is_explained))?;
    page.fields(indent + 2, &fields(page, container))
}

fn line(container: &Container, is_explained: bool) -> Value {
    let title = match &container.name {
        None => "container".to_owned(),
        Some(_) => name(container),
    };
    let ended = exit_status::describe_container(container, is_explained);
    let ended = ended.map_or_else(String::new, |ended| format!(", {ended}"));
    let is_reported = container.state != State::Unknown || container.state_raw.is_some();
    let raw = container.state_raw.as_deref();
    let raw = raw.filter(|_| container.state == State::Unknown);
    let raw = raw.map_or_else(String::new, |raw| format!(" (cloud: {raw})"));
    let state = is_reported.then_some(container.state);
    Value::Titled(title, state, format!("{raw}{ended}"))
}

fn fields(page: &PageWriter, container: &Container) -> Fields {
    let mut fields = Fields::default();
    let words = reason_text(container.reason.as_deref(), container.message.as_deref());
    fields.text("Reason", words);
    let detail = container.detail_status.as_ref();
    fields.text(
        "Detail",
        detail
            .filter(|detail| Some(*detail) != container.reason.as_ref())
            .cloned(),
    );
    fields.no_break("Image", container.image.as_deref());
    fields.text("Pull policy", container.image_pull_policy.clone());
    let words = container.command.iter().chain(&container.args);
    let words: Vec<String> = words.cloned().collect();
    if !words.is_empty() {
        fields.add("Command", vec![Value::Command(words)]);
    }
    fields.no_break("Working dir", container.working_dir.as_deref());
    fields.text("Resources", header::resources(&container.resources));
    header::times(page, &mut fields, [("Started", container.started_at)]);
    header::end(
        page,
        &mut fields,
        container.started_at,
        container.finished_at,
    );
    let ready = container
        .ready
        .map(|ready| if ready { "yes" } else { "no" });
    fields.text("Ready", ready.filter(|_| !container.state.is_end()));
    fields.text(
        "Restarts",
        container
            .restart_count
            .filter(|count| *count > 0)
            .map(|count| count.to_string()),
    );
    let previous = container.previous.as_deref();
    fields.add(
        "Previous",
        previous
            .map(|state| previously(page, state))
            .unwrap_or_default(),
    );
    fields.add("Ports", container.ports.iter().map(port).collect());
    fields.add("Mounts", container.mounts.iter().map(mount).collect());
    fields.text("Liveness", container.probes.liveness.as_deref().map(probe));
    fields.text(
        "Readiness",
        container.probes.readiness.as_deref().map(probe),
    );
    fields.add("Environment", container.env.iter().map(variable).collect());
    fields.text("Security", container.security.as_deref().map(security));
    fields.text("Terminal", terminal(container));
    fields
}

/// Describes the state before the last restart, in several lines if needed.
fn previously(page: &PageWriter, state: &Termination) -> Vec<Value> {
    let words = [
        state.reason.as_deref(),
        state.detail_status.as_deref(),
        state.message.as_deref(),
    ];
    let mut text = String::new();
    if let Some(ended) = exit_status::describe_exit(state.exit_code, state.signal, &words) {
        text += &format!(", {ended}");
    }
    if let Some(reason) = reason_text(state.reason.as_deref(), state.message.as_deref()) {
        let mark = if text.is_empty() { ": " } else { "; " };
        text += &format!("{mark}{reason}");
    }
    if let Some(detail) = &state.detail_status
        && Some(detail) != state.reason.as_ref()
    {
        text += &format!(" ({})", detail.trim());
    }
    let word = state.state.as_str().to_owned();
    let mut lines = vec![Value::Lead(Style::State(state.state), word, text)];
    if let Some(start) = state.started_at {
        lines.push(Value::Text(format!("started {}", page.clock(start))));
    }
    if let Some(end) = state.finished_at {
        let ran = state.started_at.map(|start| end.seconds_since(start));
        let ran = ran.map_or_else(String::new, |ran| {
            format!(", after {}", human::duration(ran))
        });
        lines.push(Value::Text(format!("ended {}{ran}", page.clock(end))));
    }
    lines
}

fn port(port: &Port) -> Value {
    let number = port
        .port
        .map_or_else(|| "?".to_owned(), |number| number.to_string());
    let protocol = port.protocol.as_deref().map(str::trim);
    let text = match protocol {
        Some(protocol) => format!("{number}/{protocol}"),
        None => number,
    };
    match port.access_url.as_deref() {
        Some(url) => Value::NoBreak(format!("{text} at {}", url.trim())),
        None => Value::Text(text),
    }
}

/// Returns for example `/data from volume scratch, sub path a/b (read-only)`.
fn mount(mount: &Mount) -> Value {
    let mut text = mount.path.as_deref().unwrap_or_default().trim().to_owned();
    if let Some(source) = &mount.source_path {
        text += &format!(" from {}", source.trim());
    }
    if let Some(volume) = &mount.name {
        text += &format!(" from volume {}", volume.trim());
    }
    if let Some(path) = &mount.sub_path {
        text += &format!(", sub path {}", path.trim());
    }
    let read_only = mount.read_only.unwrap_or_default();
    let read_only = read_only.then(|| "read-only".to_owned());
    let propagation = mount
        .propagation
        .as_ref()
        .filter(|word| word.trim() != "None");
    let propagation = propagation.map(|word| format!("propagation {}", word.trim()));
    let notes: Vec<String> = [mount.kind.clone(), read_only, propagation]
        .into_iter()
        .flatten()
        .collect();
    if !notes.is_empty() {
        text += &format!(" ({})", notes.join(", "));
    }
    Value::Text(text.trim_start().to_owned())
}

/// Returns for example `HTTP GET /healthy port 8080, every 10s, timeout 1s, fails after 3`.
fn probe(probe: &Probe) -> String {
    let mut parts = Vec::new();
    if !probe.exec.is_empty() {
        let command = command_line::lines(&probe.exec, usize::MAX).concat();
        parts.push(format!("exec {command}"));
    }
    if let Some(http) = &probe.http {
        let scheme = http.scheme.as_deref().unwrap_or("HTTP").trim();
        let port = http
            .port
            .map_or_else(String::new, |port| format!(" port {port}"));
        let path = http.path.as_deref().unwrap_or("/").trim();
        parts.push(format!("{scheme} GET {path}{port}"));
    }
    if let Some(tcp) = &probe.tcp {
        let host = tcp.host.as_deref().unwrap_or_default().trim();
        let port = tcp.port.map_or_else(String::new, |port| format!(":{port}"));
        parts.push(format!("TCP {host}{port}"));
    }
    let seconds = |label: &str, seconds: Option<i64>| seconds.map(|n| format!("{label} {n}s"));
    let number = |label: &str, number: Option<i64>| number.map(|n| format!("{label} {n}"));
    parts.extend(
        [
            seconds("delay", probe.initial_delay_seconds),
            seconds("every", probe.period_seconds),
            seconds("timeout", probe.timeout_seconds),
            number("passes after", probe.success_threshold),
            number("fails after", probe.failure_threshold),
        ]
        .into_iter()
        .flatten(),
    );
    parts.join(", ")
}

/// Returns `NAME=value`, or the source of the value.
fn variable(variable: &EnvVar) -> Value {
    let name = variable.name.as_deref().unwrap_or_default().trim();
    let from = variable.value_from.as_deref();
    let from = from.map(|from| format!("from {}", from.trim()));
    Value::Text(match (variable.value.as_deref(), from) {
        (Some(value), Some(from)) => format!("{name}={value} ({from})"),
        (Some(value), None) => format!("{name}={value}"),
        (None, Some(from)) => format!("{name} {from}"),
        (None, None) => name.to_owned(),
    })
}

fn security(security: &Security) -> String {
    let mut parts = Vec::new();
    if let Some(user) = security.run_as_user {
        parts.push(format!("runs as user {user}"));
    }
    if security.read_only_root == Some(true) {
        parts.push("read-only root".to_owned());
    }
    if !security.capabilities.is_empty() {
        parts.push(format!("adds {}", security.capabilities.join(", ")));
    }
    parts.join(", ")
}

fn terminal(container: &Container) -> Option<String> {
    let parts: Vec<&str> = [
        (container.stdin, "stdin"),
        (container.stdin_once, "once"),
        (container.tty, "a terminal"),
    ]
    .into_iter()
    .filter_map(|(has, what)| has.unwrap_or_default().then_some(what))
    .collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}
