use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};

/// Values by names that the cloud's users choose. Entries beyond [`Map::MAX_ENTRIES`] are left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Map<V>(pub BTreeMap<String, V>);

impl<V> Map<V> {
    /// So many are kept at most.
    pub const MAX_ENTRIES: usize = 100;
}

impl<V> Default for Map<V> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

struct MapVisitor<V>(PhantomData<V>);

impl<'de, V: Deserialize<'de>> Visitor<'de> for MapVisitor<V> {
    type Value = Map<V>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("names with their values")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Map<V>, A::Error> {
        let mut read = Map::default();
        while let Some((name, value)) = map.next_entry()? {
            if read.0.len() < Map::<V>::MAX_ENTRIES {
                read.0.insert(name, value);
            }
        }
        Ok(read)
    }
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Map<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MapVisitor(PhantomData))
    }
}
