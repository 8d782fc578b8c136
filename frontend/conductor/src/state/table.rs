//! A sorted map of which a copy is cheap. What is decided is tried on a copy of the state, and views compare the state
//! with how they last saw it: with ten thousand tasks neither may cost ten thousand steps.

use std::fmt;
use std::sync::Arc;

/// Entries of a chunk. Changing one of them copies the chunk where a copy of the table shares it; each chunk is a step of
/// copying the table.
const CHUNK: usize = 32;

/// Keys in their order with their values, in chunks that copies share until one of them is changed.
#[derive(Clone)]
pub struct Table<K, V> {
    chunks: Vec<Chunk<K, V>>,
    len: usize,
}

#[derive(Clone)]
struct Chunk<K, V> {
    /// No key in it is less, and no key before it is as great.
    least: K,
    /// Never empty.
    entries: Arc<Vec<(K, V)>>,
}

impl<K: Ord + Clone, V: Clone> Table<K, V> {
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The entries, by their keys.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&K, &V)> {
        self.chunks.iter().flat_map(|chunk| chunk.entries.iter().map(|(key, value)| (key, value)))
    }

    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &K> {
        self.iter().map(|(key, _)| key)
    }

    pub fn values(&self) -> impl DoubleEndedIterator<Item = &V> {
        self.iter().map(|(_, value)| value)
    }

    pub fn contains_key(&self, key: &K) -> bool {
        self.get(key).is_some()
    }

    #[inline]
    pub fn get(&self, key: &K) -> Option<&V> {
        let entries = &self.chunks.get(self.chunk_of(key))?.entries;
        let place = place_of(entries, key).ok()?;
        entries.get(place).map(|(_, value)| value)
    }

    pub fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let chunk = self.chunk_of(key);
        let chunk = self.chunks.get_mut(chunk)?;
        // Looked for first: what is not there copies nothing.
        let place = place_of(&chunk.entries, key).ok()?;
        Arc::make_mut(&mut chunk.entries).get_mut(place).map(|(_, value)| value)
    }

    /// Puts the value in its key's place; gives what stood there.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        let index = self.chunk_of(&key);
        let Some(chunk) = self.chunks.get_mut(index) else {
            self.chunks.push(Chunk::of(vec![(key.clone(), value)], key));
            self.len += 1;
            return None;
        };
        match place_of(&chunk.entries, &key) {
            Ok(place) => {
                let entry = Arc::make_mut(&mut chunk.entries).get_mut(place);
                entry.map(|(_, known)| std::mem::replace(known, value))
            }
            Err(place) => {
                let full = chunk.entries.len() >= CHUNK;
                // Keys that rise fill each chunk.
                if full && place == chunk.entries.len() {
                    self.chunks.insert(index + 1, Chunk::of(vec![(key.clone(), value)], key));
                } else {
                    let entries = Arc::make_mut(&mut chunk.entries);
                    if key < chunk.least {
                        chunk.least = key.clone();
                    }
                    entries.insert(place, (key, value));
                    if full {
                        let upper = entries.split_off(entries.len() / 2);
                        if let Some((least, _)) = upper.first().cloned() {
                            self.chunks.insert(index + 1, Chunk::of(upper, least));
                        }
                    }
                }
                self.len += 1;
                None
            }
        }
    }

    /// Takes the key out; gives its value.
    pub fn remove(&mut self, key: &K) -> Option<V> {
        let index = self.chunk_of(key);
        let chunk = self.chunks.get_mut(index)?;
        let place = place_of(&chunk.entries, key).ok()?;
        let entries = Arc::make_mut(&mut chunk.entries);
        let (_, value) = entries.remove(place);
        if entries.is_empty() {
            self.chunks.remove(index);
        }
        self.len -= 1;
        Some(value)
    }

    /// Becomes what `newer` is, where that has the same keys: gives each value that may be another one, as it was and as it is.
    /// Nothing where keys came or went, and stays as it is.
    pub fn follow<'a>(&mut self, newer: &'a Self) -> Option<Vec<(V, &'a V)>> {
        let same = |(own, other): (&Chunk<K, V>, &Chunk<K, V>)| {
            let keys = |chunk: &Chunk<K, V>| chunk.entries.len();
            Arc::ptr_eq(&own.entries, &other.entries)
                || keys(own) == keys(other)
                    && own.entries.iter().zip(&*other.entries).all(|((own, _), (other, _))| own == other)
        };
        let whole = self.len == newer.len && self.chunks.len() == newer.chunks.len();
        if !whole || !self.chunks.iter().zip(&newer.chunks).all(same) {
            return None;
        }
        let mut changed = Vec::new();
        for (own, other) in self.chunks.iter_mut().zip(&newer.chunks) {
            if !Arc::ptr_eq(&own.entries, &other.entries) {
                let former = std::mem::replace(own, other.clone()).entries;
                let values = former.iter().zip(&*other.entries);
                changed.extend(values.map(|((_, former), (_, value))| (former.clone(), value)));
            }
        }
        Some(changed)
    }

    /// The one chunk that the key belongs in; none only where there is no chunk.
    #[inline]
    fn chunk_of(&self, key: &K) -> usize {
        self.chunks.partition_point(|chunk| chunk.least <= *key).saturating_sub(1)
    }
}

impl<K, V> Chunk<K, V> {
    fn of(entries: Vec<(K, V)>, least: K) -> Self {
        Self { least, entries: Arc::new(entries) }
    }
}

/// Where the key stands, or would.
#[inline]
fn place_of<K: Ord, V>(entries: &[(K, V)], key: &K) -> Result<usize, usize> {
    entries.binary_search_by(|(known, _)| known.cmp(key))
}

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Self { chunks: Vec::new(), len: 0 }
    }
}

/// As maps: chunks are how they came to be.
impl<K: Ord + Clone, V: Clone + PartialEq> PartialEq for Table<K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.len == other.len && self.iter().eq(other.iter())
    }
}

impl<K: Ord + Clone + fmt::Debug, V: Clone + fmt::Debug> fmt::Debug for Table<K, V> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_map().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_table_is_a_map_and_its_copies_are_their_own(steps in prop::collection::vec((0_u8..5, 0_u16..400), 0..1_500)) {
            let (mut table, mut map) = (Table::default(), BTreeMap::new());
            let mut copies = Vec::new();
            for (n, (step, key)) in steps.into_iter().enumerate() {
                match step {
                    0 => prop_assert_eq!(table.remove(&key), map.remove(&key)),
                    1 => {
                        let changed = (table.get_mut(&key), map.get_mut(&key));
                        if let (Some(own), Some(other)) = changed {
                            (*own, *other) = (n, n);
                        } else {
                            prop_assert_eq!(table.get(&key), None);
                            prop_assert_eq!(map.get(&key), None);
                        }
                    }
                    2 if copies.len() < 8 => copies.push((table.clone(), map.clone())),
                    _ => prop_assert_eq!(table.insert(key, n), map.insert(key, n)),
                }
                prop_assert_eq!(table.get(&key), map.get(&key));
            }
            copies.push((table, map));
            let newest = copies.last().cloned();
            for (table, map) in &mut copies {
                prop_assert_eq!((table.len(), table.is_empty()), (map.len(), map.is_empty()));
                prop_assert!(table.iter().eq(map.iter()) && table.keys().rev().eq(map.keys().rev()));
                let (newer, other) = newest.as_ref().expect("one at least");
                prop_assert_eq!(*table == *newer, *map == *other);
                let followed = table.follow(newer).map(|changed| changed.len());
                match followed {
                    Some(changed) => {
                        prop_assert!(map.keys().eq(other.keys()) && *table == *newer);
                        let differ = map.iter().zip(other.iter()).filter(|((_, was), (_, is))| was != is);
                        prop_assert!(changed >= differ.count());
                    }
                    None => prop_assert!(table.iter().eq(map.iter()), "it stays as it was"),
                }
            }
        }
    }

    #[test]
    fn what_changed_is_looked_for_beside_it_alone() {
        let mut table = Table::default();
        for key in 0..10_000 {
            table.insert(key, 0);
        }
        let mut seen = table.clone();
        *table.get_mut(&5_000).expect("there") = 1;
        let changed = seen.follow(&table).expect("the same keys");
        assert!(changed.len() <= CHUNK && changed.contains(&(0, &1)));
        assert_eq!(seen.follow(&table), Some(Vec::new()));
        table.insert(10_000, 0);
        assert_eq!(seen.follow(&table), None);
    }
}
