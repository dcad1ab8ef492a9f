//! A sorted map whose copies share what they have in common.
//!
//! The schema is looked at before and after every command, so it is copied all the time, and little of it changes
//! between two copies. Entries stand in chunks, and a change copies its chunk and nothing else. Invariant: a chunk is
//! never empty, and the keys of all chunks in order ascend.

use std::borrow::Borrow;
use std::collections::BTreeSet;
use std::sync::Arc;

/// How many entries a chunk holds at most.
const CHUNK: usize = 48;

/// A sorted map that is cheap to copy.
#[derive(Debug)]
pub struct Map<K, V> {
    chunks: Arc<Vec<Chunk<K, V>>>,
    len: usize,
}

type Chunk<K, V> = Arc<Vec<Entry<K, V>>>;

#[derive(Debug)]
struct Entry<K, V> {
    key: Arc<K>,
    value: Arc<V>,
}

impl<K, V> Clone for Entry<K, V> {
    fn clone(&self) -> Self {
        Self { key: Arc::clone(&self.key), value: Arc::clone(&self.value) }
    }
}

impl<K, V> Clone for Map<K, V> {
    fn clone(&self) -> Self {
        Self { chunks: Arc::clone(&self.chunks), len: self.len }
    }
}

impl<K, V> Default for Map<K, V> {
    fn default() -> Self {
        Self { chunks: Arc::new(Vec::new()), len: 0 }
    }
}

impl<K, V> Map<K, V> {
    /// How many entries there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// All entries, by key.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.chunks.iter().flat_map(|chunk| chunk.iter()).map(|entry| (entry.key.as_ref(), entry.value.as_ref()))
    }

    /// All keys, ascending.
    pub fn keys(&self) -> impl Iterator<Item = &K> {
        self.iter().map(|(key, _)| key)
    }

    /// All values, by key.
    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.iter().map(|(_, value)| value)
    }
}

/// Where a key is, or would be.
struct Slot {
    chunk: usize,
    entry: Result<usize, usize>,
}

impl<K: Ord, V> Map<K, V> {
    fn slot<Q: Ord + ?Sized>(&self, key: &Q) -> Slot
    where
        K: Borrow<Q>,
    {
        let below = |chunk: &Chunk<K, V>| chunk.last().is_some_and(|last| last.key.as_ref().borrow() < key);
        // Behind the last key there is no chunk yet: the last one takes it.
        let chunk = self.chunks.partition_point(below).min(self.chunks.len().saturating_sub(1));
        let entries = self.chunks.get(chunk).map_or(&[][..], |chunk| chunk.as_slice());
        Slot { chunk, entry: entries.binary_search_by(|entry| entry.key.as_ref().borrow().cmp(key)) }
    }

    fn at(&self, slot: &Slot) -> Option<&Entry<K, V>> {
        self.chunks.get(slot.chunk)?.get(slot.entry.ok()?)
    }

    /// The keys whose values may differ from those of another copy; chunks that both share are not looked at.
    pub(crate) fn differing<'a>(&'a self, other: &'a Self) -> Vec<&'a K> {
        let own = |map: &'a Self, theirs: &'a Self| {
            let shared: BTreeSet<*const Vec<Entry<K, V>>> = theirs.chunks.iter().map(Arc::as_ptr).collect();
            let chunks = map.chunks.iter().filter(move |chunk| !shared.contains(&Arc::as_ptr(chunk)));
            let entries = chunks.flat_map(|chunk| chunk.iter());
            let is_same = |entry: &Entry<K, V>| {
                theirs.at(&theirs.slot(entry.key.as_ref())).is_some_and(|other| Arc::ptr_eq(&other.value, &entry.value))
            };
            entries.filter(move |entry| !is_same(entry)).map(|entry| entry.key.as_ref())
        };
        let mut keys: Vec<&K> = own(self, other).chain(own(other, self)).collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    /// The entry of a key.
    pub fn get_key_value<Q: Ord + ?Sized>(&self, key: &Q) -> Option<(&K, &V)>
    where
        K: Borrow<Q>,
    {
        self.at(&self.slot(key)).map(|entry| (entry.key.as_ref(), entry.value.as_ref()))
    }

    /// The value of a key.
    pub fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.get_key_value(key).map(|(_, value)| value)
    }

    /// Whether there is such a key.
    pub fn contains_key<Q: Ord + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.slot(key).entry.is_ok()
    }

    /// Takes an entry out.
    pub(super) fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        V: Clone,
    {
        let Slot { chunk, entry: Ok(at) } = self.slot(key) else { return None };
        let chunks = Arc::make_mut(&mut self.chunks);
        let entries = Arc::make_mut(chunks.get_mut(chunk)?);
        let removed = entries.remove(at);
        if entries.is_empty() {
            chunks.remove(chunk);
        }
        self.len -= 1;
        Some(Arc::unwrap_or_clone(removed.value))
    }

    /// The value of a key, to be changed.
    pub(super) fn get_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
        V: Clone,
    {
        let Slot { chunk, entry: Ok(at) } = self.slot(key) else { return None };
        let entries = Arc::make_mut(Arc::make_mut(&mut self.chunks).get_mut(chunk)?);
        Some(Arc::make_mut(&mut entries.get_mut(at)?.value))
    }

    /// Puts a value in the place of a key.
    pub(super) fn insert(&mut self, key: K, value: V) {
        let Slot { chunk, entry } = self.slot(&key);
        let chunks = Arc::make_mut(&mut self.chunks);
        let Some(entries) = chunks.get_mut(chunk).map(Arc::make_mut) else {
            chunks.push(Arc::new(vec![Entry { key: Arc::new(key), value: Arc::new(value) }]));
            self.len = 1;
            return;
        };
        match entry {
            Ok(at) => {
                if let Some(entry) = entries.get_mut(at) {
                    entry.value = Arc::new(value);
                }
            }
            Err(at) => {
                entries.insert(at, Entry { key: Arc::new(key), value: Arc::new(value) });
                self.len += 1;
                if entries.len() > CHUNK {
                    let behind = entries.split_off(CHUNK / 2);
                    chunks.insert(chunk + 1, Arc::new(behind));
                }
            }
        }
    }

    /// The value of a key, to be changed; an empty one where there was none.
    pub(super) fn or_default(&mut self, key: &K) -> Option<&mut V>
    where
        K: Clone,
        V: Clone + Default,
    {
        if !self.contains_key(key) {
            self.insert(key.clone(), V::default());
        }
        self.get_mut(key)
    }
}

impl<'a, K, V> IntoIterator for &'a Map<K, V> {
    type Item = (&'a K, &'a V);
    type IntoIter = Box<dyn Iterator<Item = Self::Item> + 'a>;

    fn into_iter(self) -> Self::IntoIter {
        Box::new(self.iter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// Keys in no order, the same at every run.
    fn keys(count: u32) -> impl Iterator<Item = u32> {
        (0..count).map(|number| number.wrapping_mul(2_654_435_761) % 997)
    }

    fn entries(map: &Map<u32, String>) -> Vec<(u32, String)> {
        map.iter().map(|(key, value)| (*key, value.clone())).collect()
    }

    #[test]
    fn it_holds_what_a_map_of_the_standard_library_holds() {
        let (mut map, mut known) = (Map::default(), BTreeMap::new());
        for (round, key) in keys(3000).enumerate() {
            if round % 3 == 2 {
                assert_eq!(map.remove(&key), known.remove(&key));
            } else {
                map.insert(key, round.to_string());
                known.insert(key, round.to_string());
            }
            assert_eq!((map.len(), map.get(&key)), (known.len(), known.get(&key)));
        }
        assert_eq!(entries(&map), known.iter().map(|(key, value)| (*key, value.clone())).collect::<Vec<_>>());
        for key in 0..997 {
            assert_eq!(map.remove(&key), known.remove(&key));
        }
        assert!(map.is_empty() && map.iter().next().is_none());
    }

    #[test]
    fn a_change_of_a_copy_leaves_the_other_one_as_it_was() {
        let mut map = Map::default();
        keys(500).for_each(|key| map.insert(key, String::new()));
        let before = entries(&map);
        let copy = map.clone();
        for key in keys(250) {
            map.get_mut(&key).into_iter().for_each(|value| value.push('x'));
            map.remove(&(key + 1));
            map.or_default(&(key + 2000)).into_iter().for_each(|value| value.push('y'));
        }
        assert_eq!(entries(&copy), before);
        assert_ne!(entries(&map), before);
    }
}
