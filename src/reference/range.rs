use super::parser::{ReferenceParser, Token};
use crate::crypto;
use crate::error::Problem;
use crate::kind::Template;

/// Maximum number of references in one range.
const MAX_RANGE_LEN: u64 = 10_000;

/// Splits `10_1-9:2` into job, start, end and step; `None` for any other text.
pub(super) fn range_parts(text: &str) -> Option<[&str; 4]> {
    let (job, indices) = text.rsplit_once('_')?;
    let (bounds, step) = indices.split_once(':').unwrap_or((indices, "1"));
    let (start, end) = bounds.split_once('-')?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    (!job.is_empty() && [start, end, step].into_iter().all(digits))
        .then_some([job, start, end, step])
}

impl ReferenceParser<'_> {
    /// Expands a range into ids. It is parsed before percent-decoding, so that an encoded `-` does not make a
    /// range.
    pub(super) fn range(
        &self,
        input: &str,
        template: &'static Template,
        part: &Token<'_>,
    ) -> Result<Option<Vec<String>>, Problem> {
        let Some([job, start, end, step]) = range_parts(part.text) else {
            return Ok(None);
        };
        let usage_error =
            |message: String| self.usage_error(input, message, part.range(), Some(template));
        let number = |text: &str| {
            text.parse::<u64>()
                .map_err(|_| usage_error("the range has an index that is too large".to_owned()))
        };
        let (start, end, step) = (number(start)?, number(end)?, number(step)?);
        if step == 0 {
            return Err(usage_error(
                "the step of the range must be at least 1".to_owned(),
            ));
        }
        if start > end {
            let last = &part.text[job.len()..];
            let sorted = last.replacen(&format!("{start}-{end}"), &format!("{end}-{start}"), 1);
            let problem = usage_error("the range starts after its end".to_owned());
            return Err(problem.with_hint(format!("did you mean '{job}{sorted}'?")));
        }
        if (end - start) / step >= MAX_RANGE_LEN {
            let problem = usage_error(format!("a range has at most {MAX_RANGE_LEN} subtasks"));
            return Err(problem.with_hint("split the range"));
        }
        let job = crypto::percent_decode(job).ok_or_else(|| {
            usage_error("'%' must be followed by two hex digits (%25 is a percent sign)".to_owned())
        })?;
        let mut ids = Vec::new();
        let mut index = Some(start);
        while let Some(at) = index.filter(|at| *at <= end) {
            ids.push(format!("{job}_{at}"));
            index = at.checked_add(step);
        }
        Ok(Some(ids))
    }
}
