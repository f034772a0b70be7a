use std::io;

use super::super::cause::name;
use super::page::{Fields, PageWriter, Value};
use crate::model::{Container, Volume};

/// Writes one volume with its source and its mounts.
pub(super) fn write(
    page: &mut PageWriter,
    indent: usize,
    volume: &Volume,
    containers: &[Container],
) -> io::Result<()> {
    let title = match volume.name.as_deref() {
        Some(name) => format!("volume {}", name.trim()),
        None => "volume".to_owned(),
    };
    let kind = volume.kind.as_deref();
    let kind = kind.map_or_else(String::new, |kind| format!(": {}", kind.trim()));
    page.paragraph(indent, &Value::Titled(title, None, kind))?;
    page.fields(indent + 2, &fields(volume, containers))
}

fn fields(volume: &Volume, containers: &[Container]) -> Fields {
    let mut fields = Fields::default();
    if let Some(nfs) = &volume.nfs {
        let (server, path) = (nfs.server.as_deref(), nfs.path.as_deref());
        let text = format!("{}:{}", word(server), word(path));
        let read_only = if nfs.read_only == Some(true) {
            " (read-only)"
        } else {
            ""
        };
        fields.text("NFS", Some(format!("{text}{read_only}")));
    }
    if let Some(empty) = &volume.empty_dir {
        let medium = empty.medium.as_deref().unwrap_or("on disk");
        let limit = empty.size_limit.as_deref();
        let limit = limit.map_or_else(String::new, |limit| format!(", at most {}", limit.trim()));
        fields.text("Empty folder", Some(format!("{}{limit}", medium.trim())));
    }
    if let Some(disk) = &volume.disk {
        fields.text(
            "Disk",
            Some(with_file_system(
                disk.id.as_deref(),
                disk.fs_type.as_deref(),
            )),
        );
    }
    if let Some(flex) = &volume.flex {
        let text = with_file_system(flex.driver.as_deref(), flex.fs_type.as_deref());
        let options = flex.options.as_deref();
        let options = options.map_or_else(String::new, |options| format!(", options {options}"));
        fields.text("Driver", Some(format!("{text}{options}")));
    }
    let files = volume.config_files.iter().map(|file| {
        let path = word(file.path.as_deref());
        Value::Text(match file.content.as_deref() {
            Some(content) => format!("{path}: {content}"),
            None => path.to_owned(),
        })
    });
    fields.add("Files", files.collect());
    fields.add("Mounted by", mounted_by(volume, containers));
    fields
}

fn word(text: Option<&str>) -> &str {
    text.map_or("?", str::trim)
}

fn with_file_system(what: Option<&str>, file_system: Option<&str>) -> String {
    match file_system {
        Some(kind) => format!("{} ({})", word(what), kind.trim()),
        None => word(what).to_owned(),
    }
}

fn mounted_by(volume: &Volume, containers: &[Container]) -> Vec<Value> {
    let mounts = containers.iter().flat_map(|container| {
        let mounts = container.mounts.iter();
        mounts.map(move |mount| (container, mount))
    });
    mounts
        .filter(|(_, mount)| mount.name.is_some() && mount.name == volume.name)
        .map(|(container, mount)| {
            let path = word(mount.path.as_deref());
            Value::Text(format!("{} at {path}", name(container)))
        })
        .collect()
}
