use crate::model::State;

/// Formats seconds for people, with two units at most: `45s`, `12m`, `1h05m`, `3d04h`.
pub fn duration(seconds: i64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match seconds {
        ..0 => "0s".to_owned(),
        0..60 => format!("{seconds}s"),
        60..600 if seconds % 60 != 0 => format!("{minutes}m{:02}s", seconds % 60),
        60..3600 => format!("{minutes}m"),
        3600..86_400 => format!("{hours}h{:02}m", minutes % 60),
        86_400..864_000 => format!("{days}d{:02}h", hours % 24),
        _ => format!("{days}d"),
    }
}

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
        let place = ORDER.iter().position(|one| *one == state);
        counts[place.expect("every state has its place")] += 1;
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
    fn durations_show_two_units_at_most() {
        let shown: Vec<_> = [-5, 0, 59, 60, 61, 600, 3599, 3600, 86_399, 90_000, 900_000]
            .map(duration)
            .into();
        assert_eq!(
            shown,
            [
                "0s", "0s", "59s", "1m", "1m01s", "10m", "59m", "1h00m", "23h59m", "1d01h", "10d"
            ]
        );
    }

    #[test]
    fn bytes_show_binary_units() {
        assert_eq!(bytes(512), "512B");
        assert_eq!(bytes(1536 << 20), "1.5GiB");
        assert_eq!(bytes(32 << 30), "32GiB");
    }
}
