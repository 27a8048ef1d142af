//! Options, text, lists and maps. Every one has its bound in its type.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::heapless::{LinearMap, String, Vec};
use super::{Mac, Malformed, Reader, Value};
use crate::schema::Type;

/// What a map may be keyed by. Keys ascend strictly: numbers by value, text and addresses by their bytes.
pub trait MapKey: Value + Ord {}

impl MapKey for u8 {}
impl MapKey for u16 {}
impl MapKey for u32 {}
impl MapKey for u64 {}
impl MapKey for i8 {}
impl MapKey for i16 {}
impl MapKey for i32 {}
impl MapKey for i64 {}
impl MapKey for Ipv4Addr {}
impl MapKey for Ipv6Addr {}
impl MapKey for IpAddr {}
impl MapKey for Mac {}
impl<const N: usize> MapKey for String<N> {}

impl<T: Value> Value for Option<T> {
    const TYPE: &'static Type = &Type::Option(T::TYPE);

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        if reader.flag()? { T::read(reader).map(Some) } else { Ok(None) }
    }
}

impl<const N: usize> Value for String<N> {
    const TYPE: &'static Type = &Type::Text { max_bytes: bound(N) };

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let len = reader.count(N)?;
        let text = core::str::from_utf8(reader.take(len)?).map_err(|_| Malformed::Text)?;
        Self::try_from(text).map_err(|_| Malformed::TooLong)
    }
}

impl<T: Value, const N: usize> Value for Vec<T, N> {
    const TYPE: &'static Type = &Type::List { max: bound(N), item: T::TYPE };

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let mut items = Self::new();
        for _ in 0..reader.count(N)? {
            items.push(T::read(reader)?).map_err(|_| Malformed::TooLong)?;
        }
        Ok(items)
    }
}

impl<K: MapKey, V: Value, const N: usize> Value for LinearMap<K, V, N> {
    const TYPE: &'static Type = &Type::Map { max: bound(N), key: K::TYPE, value: V::TYPE };

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let mut entries = Self::new();
        for _ in 0..reader.count(N)? {
            let key = K::read(reader)?;
            if entries.keys().last().is_some_and(|last| *last >= key) {
                return Err(Malformed::KeyOrder);
            }
            entries.insert(key, V::read(reader)?).map_err(|_| Malformed::TooLong)?;
        }
        Ok(entries)
    }
}

/// A `default` of a text; the description's check proves that it fits.
#[must_use]
pub fn text<const N: usize>(text: &str) -> String<N> {
    String::try_from(text).unwrap_or_default()
}

/// A `default` of a list; the description's check proves that it fits.
#[must_use]
pub fn list<T, const N: usize, const M: usize>(items: [T; M]) -> Vec<T, N> {
    let mut list = Vec::new();
    for item in items {
        if list.push(item).is_err() {
            break;
        }
    }
    list
}

#[allow(clippy::panic)] // In constants only: a compile error.
const fn bound(max: usize) -> u32 {
    assert!(max <= u32::MAX as usize, "a bound has at most 32 bits");
    max as u32
}
