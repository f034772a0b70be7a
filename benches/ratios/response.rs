//! Builds a large response of DescribeServerlessJobs, like that of a real array of containers.

use serde_json::{Value, json};

/// Returns a response about the job 5 with this many container groups, in the cloud's compact JSON.
pub fn groups(number: usize) -> String {
    let groups: Vec<Value> = (0..number).map(group).collect();
    let job = json!({
        "JobId": "5", "JobName": "训练 sweep", "State": "Running", "Priority": 1, "Queue": "comp",
        "User": "lin", "SubmitTime": 1_647_423_718, "StartTime": 1_647_423_758, "EndTime": 0,
        "LastModifyTime": 1_663_831_441_000_i64, "IsArrayJob": false, "ContainerGroups": groups,
    });
    json!({
        "RequestId": "04F0F334-1335-436C-A1D7-6C044FE73368", "TotalCount": 1, "JobInfos": [job],
    })
    .to_string()
}

fn group(number: usize) -> Value {
    json!({
        "ContainerGroupId": format!("eci-2zeehqkkyzrdl4{number:06x}"),
        "ContainerGroupName": format!("sweep-{number}"), "Status": "Running",
        "InstanceType": "ecs.gn6i-c8g1.2xlarge", "Cpu": 8, "Memory": 31,
        "SpotStrategy": "SpotWithPriceLimit", "SpotPriceLimit": 0.025, "Discount": 3,
        "CreationTime": "2022-04-12T08:05:19Z", "EphemeralStorage": 20,
        "EniInstanceId": "eni-bp125p95hhdhn3ot9z1k", "InternetIp": "",
        "IntranetIp": format!("192.168.{}.{}", number / 250, number % 250),
        "RegionId": "cn-hangzhou", "ZoneId": "cn-hangzhou-i", "RestartPolicy": "OnFailure",
        "SecurityGroupId": "sg-bp67acfmxazb4pxyz123", "VSwitchId": "vsw-25naue4gz9lq0c2k1",
        "VpcId": "vpc-25naue4gz0a1b2c3d", "Tags": [{"Key": "team", "Value": "视觉"}],
        "Events": [
            event("Normal", "Scheduled", "Successfully assigned default/sweep to cn-hangzhou-i"),
            event("Normal", "Pulled", "Container image was pulled in 12.4 s"),
            event("Warning", "Unhealthy", "Readiness probe failed: \"/healthz\" answered 503"),
        ],
        "Volumes": [
            {"Name": "data", "Type": "NFSVolume", "NFSVolumePath": "/share/data",
             "NFSVolumeServer": "0a1b24a4b5-abc12.cn-hangzhou.nas.aliyuncs.com",
             "NFSVolumeReadOnly": false},
            {"Name": "scratch", "Type": "EmptyDirVolume", "EmptyDirVolumeSizeLimit": "8Gi"},
        ],
        "Containers": [container(number)],
    })
}

fn event(level: &str, reason: &str, message: &str) -> Value {
    json!({
        "Count": 1, "FirstTimestamp": "2022-04-12T08:05:31Z",
        "LastTimestamp": "2022-04-12T08:06:02Z", "Message": message,
        "Name": "sweep.16e5a1c2b3d4f5a6", "Reason": reason, "Type": level,
    })
}

fn container(number: usize) -> Value {
    json!({
        "Name": "main", "Image": "registry-vpc.cn-hangzhou.aliyuncs.com/lab/train:2022.04",
        "ImagePullPolicy": "IfNotPresent", "WorkingDir": "/srv/job",
        "Commands": ["/bin/sh", "-c"],
        "Args": [format!("python train.py --seed {number} --token abc123 > /data/log.txt")],
        "Cpu": 8, "Memory": 31, "Gpu": 1, "RestartCount": 0, "Ready": true,
        "CurrentState": {"State": "Running", "StartTime": "2022-04-12T08:06:02Z"},
        "EnvironmentVars": [
            {"Key": "SEED", "Value": number.to_string()},
            {"Key": "DATA", "Value": "/data/imagenet"},
            {"Key": "API_KEY", "Value": "0123456789abcdef"},
            {"Key": "POD_IP", "ValueFrom": {"FieldRef": {"FieldPath": "status.podIP"}}},
        ],
        "LivenessProbe": {"Execs": ["cat", "/tmp/healthy"], "InitialDelaySeconds": 5,
            "PeriodSeconds": 10, "TimeoutSeconds": 1, "SuccessThreshold": 1, "FailureThreshold": 3},
        "ReadinessProbe": {"HttpGet": {"Path": "/healthz", "Port": 8080, "Scheme": "HTTP"},
            "InitialDelaySeconds": 5, "PeriodSeconds": 10, "TimeoutSeconds": 1,
            "SuccessThreshold": 1, "FailureThreshold": 3},
        "Ports": [{"Port": 8080, "Protocol": "TCP"}],
        "VolumeMounts": [
            {"Name": "data", "MountPath": "/data", "ReadOnly": false},
            {"Name": "scratch", "MountPath": "/tmp", "ReadOnly": false},
        ],
    })
}
