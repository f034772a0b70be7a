//! Writes the text formats of Prometheus: 0.0.4 and OpenMetrics 1.0.

use std::fmt::Write as _;

use super::escape;
use super::text::truncate_chars;

/// Maximum number of characters in the value of a descriptive label.
const MAX_LABEL_CHARS: usize = 256;

/// Labels that distinguish series. They are never truncated, because two series with equal labels are an error.
const IDENTIFYING: [&str; 2] = ["ref", "scope"];

/// A text format for metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExpositionFormat {
    /// Prometheus text format 0.0.4.
    Text,
    /// OpenMetrics 1.0.
    OpenMetrics,
}

impl ExpositionFormat {
    /// Returns the value of the header `Content-Type`.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// The type of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricType {
    /// Can rise and fall.
    Gauge,
    /// Only rises; its samples end in `_total`.
    Counter,
    /// Always 1, with descriptive labels; its samples end in `_info`.
    Info,
}

/// The metrics with one name.
#[derive(Debug, Clone, Copy)]
pub struct MetricFamily {
    /// The name without the suffix of its type.
    pub name: &'static str,
    /// The type of its values.
    pub kind: MetricType,
    /// A description in one line.
    pub help: &'static str,
}

impl MetricFamily {
    /// Returns the name of its samples.
    pub fn sample_name(&self) -> String {
        let suffix = match self.kind {
            MetricType::Gauge => "",
            MetricType::Counter => "_total",
            MetricType::Info => "_info",
        };
        format!("{}{suffix}", self.name)
    }
}

/// Writes families of metrics.
#[derive(Debug)]
pub struct ExpositionWriter {
    format: ExpositionFormat,
    text: String,
    /// The name of the samples in the current family.
    sample_name: String,
}

impl ExpositionWriter {
    /// Creates a writer without output.
    pub fn new(format: ExpositionFormat) -> Self {
        Self {
            format,
            text: String::new(),
            sample_name: String::new(),
        }
    }

    /// Begins a family.
    pub fn family(&mut self, family: &MetricFamily) {
        self.sample_name = family.sample_name();
        let is_open = self.format == ExpositionFormat::OpenMetrics;
        let kind = match family.kind {
            MetricType::Counter => "counter",
            MetricType::Info if is_open => "info",
            MetricType::Gauge | MetricType::Info => "gauge",
        };
        let name = match is_open {
            true => family.name,
            false => &self.sample_name,
        };
        let _ = writeln!(self.text, "# HELP {name} {}", family.help);
        let _ = writeln!(self.text, "# TYPE {name} {kind}");
        if is_open && name.ends_with("_seconds") {
            let _ = writeln!(self.text, "# UNIT {name} seconds");
        }
    }

    /// Adds a sample to the family; omits labels without a value.
    pub fn sample<'l>(&mut self, labels: impl Iterator<Item = (&'l str, &'l str)>, value: f64) {
        self.text.push_str(&self.sample_name);
        let mut before = '{';
        for (name, label) in labels.filter(|(_, label)| !label.is_empty()) {
            let _ = write!(self.text, "{before}{name}=\"");
            match IDENTIFYING.contains(&name) {
                true => push_label(&mut self.text, label),
                false => push_label(&mut self.text, &truncate_chars(label, MAX_LABEL_CHARS)),
            }
            self.text.push('"');
            before = ',';
        }
        if before == ',' {
            self.text.push('}');
        }
        // The format has no exponents, and whole numbers have no fraction.
        let _ = writeln!(self.text, " {value}");
    }

    /// Ends the text.
    pub fn end(&mut self) {
        if self.format == ExpositionFormat::OpenMetrics {
            self.text.push_str("# EOF\n");
        }
    }

    /// Returns how many bytes were not taken yet.
    pub fn pending_bytes(&self) -> usize {
        self.text.len()
    }

    /// Returns the text written so far and removes it.
    pub fn take(&mut self) -> String {
        std::mem::take(&mut self.text)
    }
}

/// Adds the value of a label: escapes control characters as in tables, and the special characters of the format.
fn push_label(text: &mut String, label: &str) {
    for c in escape(label).chars() {
        match c {
            '\\' => text.push_str("\\\\"),
            '"' => text.push_str("\\\""),
            c => text.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COUNTER: MetricFamily = MetricFamily {
        name: "requests",
        kind: MetricType::Counter,
        help: "Requests.",
    };
    const INFO: MetricFamily = MetricFamily {
        name: "job",
        kind: MetricType::Info,
        help: "Job.",
    };
    const SECONDS: MetricFamily = MetricFamily {
        name: "created_seconds",
        kind: MetricType::Gauge,
        help: "Created.",
    };

    #[test]
    fn labels_that_identify_a_series_are_never_cut() {
        let mut writer = ExpositionWriter::new(ExpositionFormat::Text);
        writer.family(&INFO);
        let long = "x".repeat(300);
        for name in ["ref", "scope", "user"] {
            writer.sample([(name, &*long)].into_iter(), 1.0);
            let is_complete = writer.take().contains(&long);
            assert_eq!(is_complete, name != "user", "{name}");
        }
    }

    fn written(format: ExpositionFormat) -> String {
        let mut writer = ExpositionWriter::new(format);
        writer.family(&COUNTER);
        writer.sample([("cloud", "aliyun"), ("none", "")].into_iter(), 3.0);
        writer.family(&INFO);
        writer.sample([("name", "训练 \"a\\b\"\n::x")].into_iter(), 1.0);
        writer.family(&SECONDS);
        writer.sample(std::iter::empty(), 1_700_000_000.0);
        writer.end();
        writer.take()
    }

    #[test]
    fn text_format_has_suffixes_in_the_names_of_families() {
        assert_eq!(
            written(ExpositionFormat::Text),
            "# HELP requests_total Requests.\n# TYPE requests_total counter\n\
             requests_total{cloud=\"aliyun\"} 3\n\
             # HELP job_info Job.\n# TYPE job_info gauge\n\
             job_info{name=\"训练 \\\"a\\\\b\\\"\\\\n::x\"} 1\n\
             # HELP created_seconds Created.\n# TYPE created_seconds gauge\n\
             created_seconds 1700000000\n"
        );
    }

    #[test]
    fn openmetrics_has_units_and_an_end() {
        let text = written(ExpositionFormat::OpenMetrics);
        for part in [
            "# TYPE requests counter\nrequests_total{",
            "# TYPE job info\njob_info{",
            "# TYPE created_seconds gauge\n# UNIT created_seconds seconds\n",
            "\n# EOF\n",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }

    #[test]
    fn a_long_label_is_cut() {
        let mut writer = ExpositionWriter::new(ExpositionFormat::Text);
        writer.sample([("a", &*"长".repeat(1000))].into_iter(), 0.5);
        let text = writer.take();
        assert_eq!(text.matches('长').count(), MAX_LABEL_CHARS - 1);
        assert!(text.ends_with("…\"} 0.5\n"), "{text}");
    }
}
