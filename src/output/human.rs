pub use crate::model::duration;

use crate::model::State;

/// Formats bytes for people, in binary units: `512B`, `1.5GiB`, `32GiB`.
pub(super) fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    let rounded = (value * 10.0).round() / 10.0;
    format!("{rounded}{}", UNITS[unit])
}

/// Counts states, those that need attention first: `2 failed, 1 running`.
pub(super) fn state_counts(states: impl IntoIterator<Item = State>) -> String {
    const ORDER: [State; 8] = [
        State::Failed,
        State::Canceled,
        State::Unknown,
        State::Stopping,
        State::Pending,
        State::Starting,
        State::Running,
        State::Succeeded,
    ];
    let mut counts = [0_usize; ORDER.len()];
    for state in states {
        let index = ORDER.iter().position(|one| *one == state);
        counts[index.expect("the order contains every state")] += 1;
    }
    let counted = ORDER.iter().zip(counts).filter(|(_, count)| *count > 0);
    let texts: Vec<String> = counted
        .map(|(state, count)| format!("{count} {state}"))
        .collect();
    texts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_show_binary_units() {
        assert_eq!(bytes(512), "512B");
        assert_eq!(bytes(1536 << 20), "1.5GiB");
        assert_eq!(bytes(32 << 30), "32GiB");
    }
}
