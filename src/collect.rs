//! Collecting into ordered maps and sets with shared code: the standard library sorts the elements first, which takes
//! 5 kB for each iterator.

use std::collections::{BTreeMap, BTreeSet};

/// Collects like `collect`; of equal keys, the last value counts.
pub(crate) trait CollectExt: Iterator + Sized {
    /// Collects keys and values into a map.
    fn collect_map<K: Ord, V>(self) -> BTreeMap<K, V>
    where
        Self: Iterator<Item = (K, V)>,
    {
        let mut map = BTreeMap::new();
        map.extend(self);
        map
    }

    /// Collects elements into a set.
    fn collect_set(self) -> BTreeSet<Self::Item>
    where
        Self::Item: Ord,
    {
        let mut set = BTreeSet::new();
        set.extend(self);
        set
    }
}

impl<I: Iterator> CollectExt for I {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_ordered_and_the_last_value_of_a_key_counts() {
        let pairs = [("b", 1), ("a", 2), ("b", 3)];
        let map = pairs.into_iter().collect_map();
        assert_eq!(map.into_iter().collect::<Vec<_>>(), [("a", 2), ("b", 3)]);
        let set = [3, 1, 3].into_iter().collect_set();
        assert_eq!(set.into_iter().collect::<Vec<_>>(), [1, 3]);
    }
}
