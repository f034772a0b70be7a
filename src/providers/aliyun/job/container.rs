use crate::model::{
    self, EnvVar, HttpGet, Mount, Port, Probe, Probes, Security, TcpSocket, Termination,
};
use crate::providers::lenient::Words;
use crate::providers::prelude::*;
use crate::providers::states::{self, ExitOutcome};

/// State words of a container. The state for `Terminated` depends on its exit code.
pub(in super::super) const STATES: StateWords = &[
    ("Waiting", State::Pending),
    ("Running", State::Running),
    ("Terminated", State::Unknown),
];

/// An element of `Containers` or `InitContainers`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct Container {
    name: Text,
    image: Text,
    image_pull_policy: Text,
    commands: Words,
    /// The name of the field for init containers.
    command: Words,
    args: Words,
    working_dir: Text,
    cpu: Num,
    memory: Num,
    gpu: Int,
    restart_count: Int,
    ready: Flag,
    stdin: Flag,
    stdin_once: Flag,
    tty: Flag,
    current_state: OptionalObject<ContainerState>,
    previous_state: OptionalObject<ContainerState>,
    environment_vars: List<EnvironmentVar>,
    liveness_probe: OptionalObject<ContainerProbe>,
    readiness_probe: OptionalObject<ContainerProbe>,
    ports: List<ContainerPort>,
    security_context: OptionalObject<SecurityContext>,
    volume_mounts: List<VolumeMount>,
}

impl Container {
    pub(super) fn into_model(self, init: bool) -> model::Container {
        let current = self
            .current_state
            .0
            .map(|state| state.into_model())
            .unwrap_or_default();
        model::Container {
            name: self.name.0,
            init,
            is_sidecar: false,
            image: self.image.0,
            image_pull_policy: self.image_pull_policy.0,
            command: match self.commands.0.is_empty() {
                true => self.command.0,
                false => self.commands.0,
            },
            args: self.args.0,
            working_dir: self.working_dir.0,
            env: self
                .environment_vars
                .0
                .into_iter()
                .map(EnvVar::from)
                .collect(),
            ports: self.ports.0.into_iter().map(Port::from).collect(),
            mounts: self.volume_mounts.0.into_iter().map(Mount::from).collect(),
            probes: Probes {
                liveness: self.liveness_probe.0.map(|probe| Box::new((*probe).into())),
                readiness: self
                    .readiness_probe
                    .0
                    .map(|probe| Box::new((*probe).into())),
            },
            security: self
                .security_context
                .0
                .map(|context| Box::new((*context).into())),
            resources: Resources {
                cpu: self.cpu.0,
                memory_bytes: self.memory.times(1 << 30),
                accelerators: self.gpu.unsigned(),
                ..Resources::default()
            },
            stdin: self.stdin.0,
            stdin_once: self.stdin_once.0,
            tty: self.tty.0,
            state: current.state,
            state_raw: current.state_raw,
            ready: self.ready.0,
            restart_count: self.restart_count.unsigned(),
            exit_code: current.exit_code,
            signal: current.signal,
            reason: current.reason,
            message: current.message,
            detail_status: current.detail_status,
            started_at: current.started_at,
            finished_at: current.finished_at,
            previous: self
                .previous_state
                .0
                .map(|state| Box::new(state.into_model())),
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct ContainerState {
    state: Text,
    detail_status: Text,
    reason: Text,
    message: Text,
    exit_code: Int,
    signal: Int,
    start_time: Timestamp,
    finish_time: Timestamp,
}

impl ContainerState {
    fn into_model(self) -> Termination {
        // Unrecognized states are reported once for the whole response, not for each container.
        let state = states::normalize(STATES, &[], self.state.trimmed());
        let is_terminated = state
            .raw
            .as_deref()
            .is_some_and(|raw| raw.eq_ignore_ascii_case("Terminated"));
        // Without a state, an exit code of 0 can be a default value, but another one is a failure.
        let has_failed = state.raw.is_none() && self.exit_code.not_zero().is_some();
        let has_ended = is_terminated || has_failed;
        let exit_code = self.exit_code.0.filter(|_| has_ended);
        Termination {
            state: match has_ended {
                true => ExitOutcome::from_exit_code(exit_code).state(),
                false => state.state,
            },
            state_raw: state.raw,
            exit_code,
            signal: self.signal.not_zero(),
            reason: self.reason.0,
            message: self.message.0,
            detail_status: self.detail_status.0,
            started_at: self.start_time.utc(),
            finished_at: self.finish_time.utc().filter(|_| has_ended),
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct EnvironmentVar {
    key: Text,
    value: Text,
    value_from: OptionalObject<ValueFrom>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct ValueFrom {
    field_ref: OptionalObject<FieldRef>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct FieldRef {
    field_path: Text,
}

impl From<EnvironmentVar> for EnvVar {
    fn from(variable: EnvironmentVar) -> Self {
        let field = variable.value_from.0.and_then(|from| from.field_ref.0);
        Self {
            name: variable.key.0,
            value: variable.value.0,
            value_from: field.and_then(|field| field.field_path.0),
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct ContainerProbe {
    execs: Words,
    http_get: OptionalObject<ProbeHttpGet>,
    tcp_socket: OptionalObject<ProbeTcpSocket>,
    initial_delay_seconds: Int,
    period_seconds: Int,
    timeout_seconds: Int,
    success_threshold: Int,
    failure_threshold: Int,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct ProbeHttpGet {
    path: Text,
    port: Int,
    scheme: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct ProbeTcpSocket {
    host: Text,
    port: Int,
}

impl From<ContainerProbe> for Probe {
    fn from(probe: ContainerProbe) -> Self {
        Self {
            exec: probe.execs.0,
            http: probe.http_get.0.map(|get| HttpGet {
                path: get.path.0,
                port: get.port.0,
                scheme: get.scheme.0,
            }),
            tcp: probe.tcp_socket.0.map(|socket| TcpSocket {
                host: socket.host.0,
                port: socket.port.0,
            }),
            initial_delay_seconds: probe.initial_delay_seconds.0,
            period_seconds: probe.period_seconds.0,
            timeout_seconds: probe.timeout_seconds.0,
            success_threshold: probe.success_threshold.0,
            failure_threshold: probe.failure_threshold.0,
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct ContainerPort {
    port: Int,
    protocol: Text,
}

impl From<ContainerPort> for Port {
    fn from(port: ContainerPort) -> Self {
        Self {
            port: port.port.0,
            protocol: port.protocol.0,
            access_url: None,
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct SecurityContext {
    capability: OptionalObject<Capability>,
    read_only_root_filesystem: Flag,
    run_as_user: Int,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Capability {
    adds: Words,
}

impl From<SecurityContext> for Security {
    fn from(context: SecurityContext) -> Self {
        let capability = context.capability.0;
        Self {
            capabilities: capability.map_or_else(Vec::new, |capability| capability.adds.0),
            read_only_root: context.read_only_root_filesystem.0,
            run_as_user: context.run_as_user.0,
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct VolumeMount {
    name: Text,
    mount_path: Text,
    sub_path: Text,
    read_only: Flag,
    mount_propagation: Text,
}

impl From<VolumeMount> for Mount {
    fn from(mount: VolumeMount) -> Self {
        Self {
            name: mount.name.0,
            path: mount.mount_path.0,
            sub_path: mount.sub_path.0,
            read_only: mount.read_only.0,
            propagation: mount.mount_propagation.0,
            source_path: None,
            kind: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::lenient;

    fn container(json: &str) -> model::Container {
        let container: Container = lenient::decode(json.as_bytes()).unwrap();
        container.into_model(false)
    }

    #[test]
    fn the_state_of_a_terminated_container_follows_from_its_exit_code() {
        let state = |state: &str, code: &str| {
            let json = format!(r#"{{"CurrentState":{{"State":"{state}","ExitCode":{code}}}}}"#);
            let container = container(&json);
            (container.state, container.exit_code)
        };
        assert_eq!(state("Terminated\\n", "0"), (State::Succeeded, Some(0)));
        assert_eq!(state("terminated", "137"), (State::Failed, Some(137)));
        assert_eq!(state("Terminated", "null"), (State::Unknown, None));
        assert_eq!(state("Running", "0"), (State::Running, None));
        assert_eq!(state("Waiting", "1"), (State::Pending, None));
        assert_eq!(state("Zombie", "0"), (State::Unknown, None));
        assert_eq!(state("", "0"), (State::Unknown, None));
        assert_eq!(state("", "137"), (State::Failed, Some(137)));
    }

    #[test]
    fn the_command_of_an_init_container_is_in_the_field_command() {
        let json = br#"{"Command":["sh","--",""],"Cpu":1,"Memory":2,"Gpu":0}"#;
        let container: Container = lenient::decode(json).unwrap();
        let container = container.into_model(true);
        assert!(container.init);
        assert_eq!(container.command, ["sh", "--", ""]);
        assert_eq!(container.resources.memory_bytes, Some(2 << 30));
        assert_eq!(container.resources.accelerators, Some(0));
    }
}
