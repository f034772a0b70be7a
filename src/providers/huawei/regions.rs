/// Regions that serve the product under the name `appstream`, from the vendor's SDK 3.1.219.
const APPSTREAM: [&str; 5] = [
    "cn-north-9",
    "cn-southwest-2",
    "cn-north-4",
    "cn-east-3",
    "cn-south-1",
];

/// Regions that serve it under the name `workspace`, from the same table.
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

/// The host of the product in a region; `None` where the vendor's table has no row.
pub fn host(region: &str) -> Option<String> {
    let service = match region {
        _ if APPSTREAM.contains(&region) => "appstream",
        _ if WORKSPACE.contains(&region) => "workspace",
        _ => return None,
    };
    Some(format!("{service}.{region}.myhuaweicloud.com"))
}
