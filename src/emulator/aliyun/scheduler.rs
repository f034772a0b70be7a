//! Lists jobs of clusters' schedulers, for both versions of E-HPC.

use super::{cluster, list};
use crate::emulator::prelude::*;

/// Parameters and row format of a version's list.
pub(super) struct JobList<'a> {
    pub kind: &'static str,
    pub cluster: &'a str,
    /// Name of the parameter with the status.
    pub parameter: &'static str,
    pub status: Option<&'a str>,
    /// Requested order of submission.
    pub order: Option<&'a str>,
    /// State words of ended jobs.
    pub ended: &'static [&'static str],
    pub row: fn(&JobView<'_>) -> Value,
}

impl JobList<'_> {
    /// Returns a page of the matching jobs in the requested cluster, by default the last submitted first.
    pub fn page(
        &self,
        call: &EmulatedCall<'_>,
        matches: impl Fn(&JobView<'_>) -> bool,
    ) -> HandlerResult {
        let is_ended = match self.status {
            None | Some("all") => None,
            Some("finished") => Some(true),
            Some("notfinish") => Some(false),
            Some(_) => return Err(EmulatedError::Invalid(self.parameter)),
        };
        let mut all = call.rows(self.kind);
        all.retain(|view| {
            view.job.segments[0] == self.cluster
                && is_ended.is_none_or(|is_ended| is_ended == view.is(self.ended))
                && matches(view)
        });
        sort_by_creation(&mut all, self.order == Some("asc"));
        let wrap = |rows| json!({"Success": true, "Jobs": rows});
        list(
            call,
            &Pager::pages(10, 50),
            all,
            |view| (self.row)(&view),
            wrap,
        )
    }
}

/// Returns the job that a request names.
pub(super) fn find<'a>(
    call: &'a EmulatedCall<'_>,
    kind: &str,
) -> Result<JobView<'a>, EmulatedError> {
    call.find(kind, &[cluster(call)?, call.required("JobId")?])
}
