//! Text from clouds, files and users is shown without secrets, and without any other effect.

mod files;
mod masking;
mod mutations;
mod text;

use serde_json::{Value, json};

use crate::support::{Joblens, Run, Server, http, joblens, json as response};

/// A secret that is not in the settings, so that only its position shows that it is a secret.
const UNKNOWN_SECRET: &str = "S3cr3tV4lue99";

const KEY_ID: &str = "LTAI5tJoblensCase0000";
const JOB: &str = "aliyun/job/ehpc-hz-FYUr32/5";
const INSTANCE: &str = "sugon/instance/8a85c1f2c6b34b5f8e2d9a7b6c5d4e3f";

/// Returns a run that calls Aliyun and Sugon at a server.
fn command_for(server: &Server, arguments: &[&str]) -> Joblens {
    joblens(arguments)
        .env("ALIBABA_CLOUD_ACCESS_KEY_ID", KEY_ID)
        .env("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "aliyunSecretQ1W2E3R4T5")
        .env("ALIBABA_CLOUD_REGION_ID", "cn-hangzhou")
        .env("JOBLENS_ALIYUN_ENDPOINT", server.origin())
        .env("JOBLENS_SUGON_ENDPOINT", server.origin())
        .env("JOBLENS_SUGON_TOKEN", "sugonTOKENabcdef0123456789xyz")
}

/// Starts a server with a failed job of one container.
fn job_server(container: &Value) -> Server {
    let job =
        json!({"JobId": "5", "State": "Failed", "ContainerGroups": [{"Containers": [container]}]});
    let body = json!({"RequestId": "r", "TotalCount": 1, "JobInfos": [job]});
    Server::answering(response(body.to_string()))
}

/// Starts a server with a running instance and these fields.
fn instance_server(fields: &Value) -> Server {
    let mut data = json!({"id": "8a85c1f2c6b34b5f8e2d9a7b6c5d4e3f", "status": "Running"});
    for (key, value) in fields.as_object().unwrap() {
        data[key] = value.clone();
    }
    let body = json!({"code": "0", "msg": "success", "data": data});
    Server::answering(response(body.to_string()))
}

/// Starts a server that rejects every call with this message.
fn refusing_server(message: &str) -> Server {
    let body =
        json!({"Code": "InvalidSecurityToken.Malformed", "Message": message, "RequestId": "r"});
    let headers = "content-type: application/json\r\n";
    Server::answering(http(
        "400 Bad Request",
        headers,
        body.to_string().as_bytes(),
    ))
}

fn shown(run: &Run) -> String {
    format!("{}{}", run.stdout, run.stderr)
}
