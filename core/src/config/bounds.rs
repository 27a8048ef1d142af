//! Ranges, which reach through options, lists and map values to the number inside.

use super::Duration;
use super::heapless::{LinearMap, Vec};

/// A value that a `range` can be put on.
#[diagnostic::on_unimplemented(message = "a `range` needs a number or a duration, not `{Self}`")]
pub trait Bounded {
    /// What the ends of the range are.
    type Number: Copy;

    /// Whether every number inside is `min` or more.
    fn at_least(&self, min: Self::Number) -> bool;

    /// Whether every number inside is `max` or less.
    fn at_most(&self, max: Self::Number) -> bool;
}

macro_rules! bounded {
    ($($number:ty),*) => {$(
        impl Bounded for $number {
            type Number = $number;

            fn at_least(&self, min: $number) -> bool {
                *self >= min
            }

            fn at_most(&self, max: $number) -> bool {
                *self <= max
            }
        }
    )*};
}

bounded!(u8, u16, u32, u64, i8, i16, i32, i64, f32, f64, Duration);

impl<T: Bounded> Bounded for Option<T> {
    type Number = T::Number;

    fn at_least(&self, min: T::Number) -> bool {
        self.iter().all(|value| value.at_least(min))
    }

    fn at_most(&self, max: T::Number) -> bool {
        self.iter().all(|value| value.at_most(max))
    }
}

impl<T: Bounded, const N: usize> Bounded for Vec<T, N> {
    type Number = T::Number;

    fn at_least(&self, min: T::Number) -> bool {
        self.iter().all(|value| value.at_least(min))
    }

    fn at_most(&self, max: T::Number) -> bool {
        self.iter().all(|value| value.at_most(max))
    }
}

impl<K: Eq, V: Bounded, const N: usize> Bounded for LinearMap<K, V, N> {
    type Number = V::Number;

    fn at_least(&self, min: V::Number) -> bool {
        self.values().all(|value| value.at_least(min))
    }

    fn at_most(&self, max: V::Number) -> bool {
        self.values().all(|value| value.at_most(max))
    }
}
