use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::error::Problem;

/// A turn of the weather.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::commands) enum Turn {
    /// A cloud stopped answering: cloud, and what the first failure said.
    Outage(&'static str, String),
    /// Everything that failed is readable again: cloud, and how long it took.
    Recovered(&'static str, Duration),
}

/// Which clouds cannot be read at the moment.
#[derive(Debug, Default)]
pub(super) struct Weather {
    fouls: BTreeMap<&'static str, Foul>,
}

#[derive(Debug)]
struct Foul {
    since: Duration,
    numbers: BTreeSet<usize>,
}

impl Weather {
    /// A look at thing `number` failed. The first failure of a cloud is a turn.
    pub(super) fn foul(
        &mut self,
        cloud: &'static str,
        number: usize,
        problem: &Problem,
        now: Duration,
    ) -> Option<Turn> {
        if let Some(foul) = self.fouls.get_mut(cloud) {
            foul.numbers.insert(number);
            return None;
        }
        let numbers = BTreeSet::from([number]);
        self.fouls.insert(
            cloud,
            Foul {
                since: now,
                numbers,
            },
        );
        Some(Turn::Outage(cloud, problem.message.clone()))
    }

    /// A look at thing `number` succeeded. The last of those that failed is a turn.
    pub(super) fn fair(
        &mut self,
        cloud: &'static str,
        number: usize,
        now: Duration,
    ) -> Option<Turn> {
        let foul = self.fouls.get_mut(cloud)?;
        foul.numbers.remove(&number);
        if !foul.numbers.is_empty() {
            return None;
        }
        let since = foul.since;
        self.fouls.remove(cloud);
        Some(Turn::Recovered(cloud, now.saturating_sub(since)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Category;

    #[test]
    fn tells_once_that_a_cloud_is_gone_and_once_that_it_is_back() {
        let problem = Problem::new(Category::Network, "no answer");
        let at = Duration::from_secs;
        let mut weather = Weather::default();
        let gone = weather.foul("aliyun", 0, &problem, at(10));
        assert_eq!(gone, Some(Turn::Outage("aliyun", "no answer".into())));
        assert_eq!(weather.foul("aliyun", 1, &problem, at(12)), None);
        assert_eq!(weather.fair("aliyun", 2, at(13)), None);
        assert_eq!(weather.fair("sugon", 0, at(13)), None);
        assert_eq!(weather.fair("aliyun", 0, at(14)), None);
        assert_eq!(
            weather.fair("aliyun", 1, at(20)),
            Some(Turn::Recovered("aliyun", at(10)))
        );
        assert_eq!(weather.fair("aliyun", 1, at(21)), None);
    }
}
