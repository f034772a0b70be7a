//! Selects the text format that a client accepts.

use crate::output::ExpositionFormat;

const OPEN_METRICS: &str = "application/openmetrics-text";

/// Returns the format that the header `Accept` prefers, by default the text format.
pub(super) fn negotiate(accept: &str) -> ExpositionFormat {
    let (mut open, mut text) = (0.0, 0.0);
    for range in accept.split(',') {
        let mut parts = range.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default().to_ascii_lowercase();
        let (mut quality, mut version) = (1.0, "");
        for parameter in parts {
            match parameter.split_once('=') {
                Some(("q", value)) => quality = value.parse().unwrap_or(0.0),
                Some(("version", value)) => version = value.trim_matches('"'),
                _ => {}
            }
        }
        let preferred: &mut f32 = match (name.as_str(), version) {
            (OPEN_METRICS, "" | "1.0.0") => &mut open,
            ("text/plain" | "text/*" | "*/*", "" | "0.0.4") => &mut text,
            _ => continue,
        };
        *preferred = preferred.max(quality);
    }
    match open > 0.0 && open >= text {
        true => ExpositionFormat::OpenMetrics,
        false => ExpositionFormat::Text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ExpositionFormat::{OpenMetrics, Text};

    #[test]
    fn the_format_is_negotiated_from_the_accept_header() {
        for (accept, format) in [
            ("", Text),
            ("*/*", Text),
            ("text/plain", Text),
            ("text/html, */*;q=0.1", Text),
            ("application/json", Text),
            ("application/openmetrics-text", OpenMetrics),
            ("Application/OpenMetrics-Text; Version=1.0.0", OpenMetrics),
            (
                "application/openmetrics-text;version=\"1.0.0\"",
                OpenMetrics,
            ),
            ("application/openmetrics-text;version=2.0.0", Text),
            ("application/openmetrics-text;q=0", Text),
            ("application/openmetrics-text;q=x,text/plain", Text),
            ("application/openmetrics-text;q=0.2,text/plain;q=0.3", Text),
            // Prometheus 2.42
            (
                "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
                OpenMetrics,
            ),
            // Prometheus 3
            (
                "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
                OpenMetrics,
            ),
            (
                "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,text/plain;version=0.0.4;q=0.4",
                Text,
            ),
        ] {
            assert_eq!(negotiate(accept), format, "{accept}");
        }
    }
}
