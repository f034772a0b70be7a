//! Runs the readers of credential files and of command output on fuzzed data.

use super::command::decode_output;
use super::ini::Ini;
use super::tool_files::SourceFile;

/// Reads every section of an INI file.
pub(crate) fn ini(text: &str) {
    let file = SourceFile::in_memory(text);
    let ini = Ini::read(&file, "fix it");
    for name in ini.names() {
        let _ = (ini.section(name), ini.inheriting_section(name));
    }
}

/// Decodes the output of a command.
pub(crate) fn command_output(data: &[u8]) {
    for (name, value) in decode_output(data).into_iter().flatten() {
        let value = value.expose();
        assert!(!value.is_empty() && value == value.trim(), "{name}");
    }
}
