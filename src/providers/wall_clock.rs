use chrono::{DateTime, TimeDelta, Utc};

use super::lenient::{Text, Timestamp};
use crate::error::Problem;
use crate::model::{Event, Level, Notice, NoticeCode, Time, UnreadableTimes};
use crate::settings::Profile;

/// China Standard Time, which has no summer time.
const CHINA_SECONDS: i32 = 8 * 3600;

/// The UTC offset of times that a cloud sends without a zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct WallClock {
    /// Seconds east of UTC.
    pub offset_seconds: i32,
    /// True if no setting defines the offset.
    pub is_assumed: bool,
}

impl WallClock {
    /// Returns the profile's `utc_offset`, or UTC+8 if it is not set.
    ///
    /// # Errors
    /// `usage` if the setting is not a valid offset.
    pub fn from_profile(profile: &Profile) -> Result<Self, Problem> {
        let (offset_seconds, is_set) = profile.utc_offset_seconds(CHINA_SECONDS)?;
        Ok(Self {
            offset_seconds,
            is_assumed: !is_set,
        })
    }

    /// Returns the time in a field of a response.
    pub fn at(self, time: &Timestamp) -> Option<Time> {
        time.at(self.offset_seconds)
    }

    /// Formats a time as `yyyy-MM-dd HH:mm:ss`.
    pub fn text(self, moment: DateTime<Utc>) -> String {
        let local = moment + TimeDelta::seconds(self.offset_seconds.into());
        local.format("%Y-%m-%d %H:%M:%S").to_string()
    }

    /// Creates an event with this level, first time and last time.
    pub fn event(self, level: &Text, first: Timestamp, last: Timestamp) -> Event {
        Event {
            level: level.trimmed().and_then(Level::parse),
            level_raw: level.trimmed().map(str::to_owned),
            first_at: self.at(&first),
            last_at: self.at(&last),
            unreadable_times: UnreadableTimes {
                first: first.into_unreadable(),
                last: last.into_unreadable(),
            },
            ..Event::default()
        }
    }

    /// Adds a notice that the time zone is assumed, if any of these times has no zone.
    pub fn note_assumed<'a>(
        self,
        cloud: &str,
        times: impl IntoIterator<Item = &'a Timestamp>,
        notices: &mut Vec<Notice>,
    ) {
        if self.is_assumed && times.into_iter().any(Timestamp::is_local) {
            notices.push(Notice::new(
                NoticeCode::AssumedUtcOffset,
                format!("{cloud} returns times without a time zone; assuming UTC+8 (set utc_offset to change it)"),
            ));
        }
    }
}
