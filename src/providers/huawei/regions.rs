/// Regions in which the host of Workspace APP begins with `appstream`, from the vendor's SDK 3.1.219.
const APPSTREAM: [&str; 5] = [
    "cn-north-9",
    "cn-southwest-2",
    "cn-north-4",
    "cn-east-3",
    "cn-south-1",
];

/// Regions in which it begins with `workspace`, from the same table.
const WORKSPACE: [&str; 12] = [
    "la-south-2",
    "sa-brazil-1",
    "la-north-2",
    "ap-southeast-3",
    "ap-southeast-1",
    "cn-east-5",
    "me-east-1",
    "af-south-1",
    "tr-west-1",
    "cn-north-11",
    "af-north-1",
    "ap-southeast-2",
];

/// All regions, from the table of ECS in the same SDK.
const ALL: [&str; 33] = [
    "cn-north-1",
    "cn-north-4",
    "cn-south-1",
    "cn-east-2",
    "cn-east-3",
    "cn-southwest-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "af-south-1",
    "sa-brazil-1",
    "la-north-2",
    "cn-south-4",
    "na-mexico-1",
    "la-south-2",
    "cn-south-2",
    "cn-north-9",
    "cn-north-2",
    "ap-southeast-4",
    "tr-west-1",
    "me-east-1",
    "ae-ad-1",
    "cn-east-4",
    "eu-west-101",
    "cn-east-5",
    "eu-west-0",
    "my-kualalumpur-1",
    "af-north-1",
    "ru-moscow-1",
    "ap-southeast-5",
    "cn-north-11",
    "cn-north-12",
    "cn-southwest-3",
];

/// Returns `true` for a region of the vendor.
pub fn is_known(region: &str) -> bool {
    ALL.contains(&region)
}

/// Returns the first label of the Workspace APP host in a region; `None` if the vendor's table has no entry.
pub fn workspace_host(region: &str) -> Option<&'static str> {
    match region {
        _ if APPSTREAM.contains(&region) => Some("appstream"),
        _ if WORKSPACE.contains(&region) => Some("workspace"),
        _ => None,
    }
}
