//! One job of each kind, for the tests of several areas.

/// One resource of each kind in a settled state.
pub const WORLD: &str = r#"
[[job]]
ref = "aliyun/job/ehpc-hz-FYUr32/train-7"
name = "训练 resnet"
user = "lin"
queue = "gpu"
age = "3h"
parts = 2
states = [
  { after = "0s", state = "Pending" },
  { after = "1m", state = "Initing" },
  { after = "2m", state = "Running" },
  { after = "2h", state = "Failed", exit_code = 137, reason = "OOMKilled", message = "more than 16 GiB" },
]
warnings = [{ after = "90m", reason = "BackOff", message = "again", count = 4 }]

[[job]]
ref = "aliyun/invocation/ehpc-hz-FYUr32/c-1"
age = "10m"
parts = 2
states = [
  { after = "0s", state = "Running" },
  { after = "3m", state = "Finished", exit_code = 0 },
]

[[job]]
ref = "sugon/instance/7d3e1f60b2c94a58a1e0c4f29d8b6e35"
name = "语音识别"
user = "magic2"
queue = "TeslaM40"
age = "2h"
states = [
  { after = "0s", state = "Waiting" },
  { after = "30s", state = "Deploying" },
  { after = "2m", state = "Running" },
  { after = "1h", state = "Terminated" },
]

[[job]]
ref = "huawei/image-job/702371902345678848"
name = "wks-image"
age = "35m"
parts = 3
states = [
  { after = "0s", state = "WAITING" },
  { after = "10s", state = "RUNNING" },
  { after = "6m", state = "FAILED", reason = "WKS.0203", message = "no free address" },
]

[[job]]
ref = "tencent/service/cls-1/default/web"
age = "26h"
warnings = [
  { after = "2m", reason = "BackOff", message = "pull", count = 6530 },
  { after = "25h", reason = "Unhealthy", message = "probe failed", count = 12 },
]
"#;

pub const JOB: &str = "aliyun/job/ehpc-hz-FYUr32/train-7";
pub const INVOCATION: &str = "aliyun/invocation/ehpc-hz-FYUr32/c-1";
pub const INSTANCE: &str = "sugon/instance/7d3e1f60b2c94a58a1e0c4f29d8b6e35";
pub const IMAGE_JOB: &str = "huawei/image-job/702371902345678848";
pub const SERVICE: &str = "tencent/service/cls-1/default/web";
/// One reference of each kind.
pub const KINDS: [&str; 5] = [JOB, INVOCATION, INSTANCE, IMAGE_JOB, SERVICE];
/// One reference of each cloud, with the cloud's name.
pub const CLOUDS: [(&str, &str); 4] = [
    ("aliyun", JOB),
    ("sugon", INSTANCE),
    ("huawei", IMAGE_JOB),
    ("tencent", SERVICE),
];

/// Returns a scenario with a document as the response for a reference.
pub fn served(reference: &str, document: &str) -> String {
    assert!(!document.contains("'''"));
    format!("[[job]]\nref = \"{reference}\"\ndocument = '''\n{document}'''\n")
}
