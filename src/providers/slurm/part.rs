//! Determines whether a record of a scheduler is that of one part of a job, such as a subtask of an array job.

use crate::lenient::{Checked, Text};

/// The job that a record is only a part of: an array job or a heterogeneous job.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::providers) enum Part {
    /// No other job: the record is that of a whole job.
    #[default]
    None,
    /// The job with this id.
    Of(String),
    /// A job whose id is missing or cannot be read.
    OfUnknown,
}

impl Part {
    /// Reads the fields of a subtask of an array job.
    pub fn of_array(array_job_id: &Checked<Text>, array_task_id: &Checked<Text>) -> Self {
        // A job that is not a subtask has the id 0 in some formats.
        let is_subtask = array_task_id.value.trimmed().is_some();
        Self::read(array_job_id, array_task_id, is_subtask)
    }

    /// Reads the fields of a component of a heterogeneous job.
    pub fn of_components(het_job_id: &Checked<Text>, het_job_offset: &Checked<Text>) -> Self {
        // A job that is not a component has the id 0 in some formats, and any offset.
        Self::read(het_job_id, het_job_offset, false)
    }

    /// Reads the id of the whole job and the index of the part. `allows_zero` is true if the id 0 is that of a job.
    fn read(whole: &Checked<Text>, index: &Checked<Text>, allows_zero: bool) -> Self {
        if whole.is_unreadable || index.is_unreadable {
            return Self::OfUnknown;
        }
        match whole.value.trimmed() {
            Some("0") if !allows_zero => Self::None,
            Some(id) => Self::Of(id.to_owned()),
            None if index.value.trimmed().is_some() => Self::OfUnknown,
            None => Self::None,
        }
    }

    /// Combines what two records of one job show.
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::None, part) | (part, Self::None) => part,
            (one, other) if one == other => one,
            _ => Self::OfUnknown,
        }
    }

    /// Returns `true` if the id is that of the whole job, of which the record shows only a part.
    pub fn is_of(&self, id: &str) -> bool {
        match self {
            Self::None => false,
            Self::Of(whole) => number_of(whole) == number_of(id),
            Self::OfUnknown => !names_part(id),
        }
    }
}

/// Returns the number of `12`, `12.server`, `12[]` or `12[].server`; for a part, with its index.
fn number_of(id: &str) -> &str {
    let number = id.split_once('.').map_or(id, |(number, _)| number);
    number.strip_suffix("[]").unwrap_or(number)
}

/// Returns `true` for the id of one part of a job: `12_3` and `12+1` of Slurm, `12[3].server` of PBS.
fn names_part(id: &str) -> bool {
    number_of(id).contains(['_', '+', '['])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(text: &str) -> Checked<Text> {
        Checked {
            value: Text(Some(text.to_owned()).filter(|text| !text.is_empty())),
            is_unreadable: text == "?",
        }
    }

    #[test]
    fn a_record_of_a_subtask_is_a_part_of_the_array_job_with_its_id() {
        for (whole, index, id, expected) in [
            ("12", "3", "12", true),
            ("12", "", "12", true),
            ("12", "3", "12.manager", true),
            ("12[]", "3", "12[].manager", true),
            ("", "3", "12", true),
            ("?", "", "12", true),
            ("", "?", "12", true),
            ("0", "3", "0", true),
            // These ids are those of the subtasks themselves.
            ("12", "3", "12_3", false),
            ("12", "3", "12[3].manager", false),
            ("12", "1", "13", false),
            ("", "3", "12_3", false),
            ("?", "3", "12[3]", false),
            // These jobs are not subtasks.
            ("", "", "12", false),
            ("0", "", "12", false),
            ("0", "", "0", false),
        ] {
            let part = Part::of_array(&field(whole), &field(index));
            assert_eq!(part.is_of(id), expected, "{whole:?} {index:?} {id}");
        }
    }

    #[test]
    fn a_record_of_a_component_is_a_part_of_the_heterogeneous_job_with_its_id() {
        for (whole, offset, id, expected) in [
            ("12", "0", "12", true),
            ("", "1", "12", true),
            ("12", "1", "13", false),
            ("12", "1", "12+1", false),
            ("0", "4294967294", "12", false),
            ("", "", "12", false),
        ] {
            let part = Part::of_components(&field(whole), &field(offset));
            assert_eq!(part.is_of(id), expected, "{whole:?} {offset:?} {id}");
        }
    }

    #[test]
    fn records_that_differ_leave_the_whole_job_unknown() {
        let of = |id: &str| Part::Of(id.to_owned());
        assert_eq!(of("12").and(Part::None), of("12"));
        assert_eq!(Part::None.and(of("12")).and(of("12")), of("12"));
        assert_eq!(of("12").and(of("13")), Part::OfUnknown);
    }
}
