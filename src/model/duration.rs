/// Formats seconds for people, two units at most: `45s`, `12m`, `1h05m`, `3d04h`.
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
}
