use schemars::JsonSchema;
use serde::Serialize;

/// What a gate decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// What was asked for has been reached.
    Holds,
    /// A job ended otherwise than was asked for.
    Fails,
    /// Neither is certain.
    Undecided,
}

impl Verdict {
    /// The word as it stands in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Fails => "fails",
            Self::Undecided => "undecided",
        }
    }
}

/// A condition on jobs and what became of it.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize)]
pub struct Gate {
    /// The verdict.
    pub verdict: Verdict,
    /// Jobs that reached what was asked for.
    pub yes: u64,
    /// Jobs that ended otherwise, or had a new warning.
    pub no: u64,
    /// Jobs on their way, missing or unreadable.
    pub open: u64,
    /// The time given was over, so that what is still open is late and was not left aside.
    #[serde(skip)]
    pub timed_out: bool,
    /// What decided, or why nothing is decided.
    pub reason: Option<String>,
    /// Time the gate took, in whole seconds.
    pub elapsed_seconds: u64,
    /// Calls that were sent, every attempt counted.
    pub calls: u64,
}
