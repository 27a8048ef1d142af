//! Truth values and numbers.

use super::{Malformed, Reader, Value};
use crate::schema::{FloatKind, IntKind, Type};

impl Value for bool {
    const TYPE: &'static Type = &Type::Bool;

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        reader.flag()
    }
}

impl Value for u8 {
    const TYPE: &'static Type = &Type::Int(IntKind::U8);

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        reader.byte()
    }
}

impl Value for i8 {
    const TYPE: &'static Type = &Type::Int(IntKind::I8);

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        reader.byte().map(u8::cast_signed)
    }
}

macro_rules! integer {
    ($number:ty, $kind:ident, $read:ident, $limit:expr) => {
        impl Value for $number {
            const TYPE: &'static Type = &Type::Int(IntKind::$kind);

            fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
                Self::try_from(reader.$read($limit)?).map_err(|_| Malformed::Number)
            }
        }
    };
}

integer!(u16, U16, unsigned, u64::from(u16::MAX));
integer!(u32, U32, unsigned, u64::from(u32::MAX));
integer!(u64, U64, unsigned, u64::MAX);
integer!(i16, I16, signed, i16::BITS);
integer!(i32, I32, signed, i32::BITS);
integer!(i64, I64, signed, i64::BITS);

macro_rules! float {
    ($number:ty, $kind:ident) => {
        impl Value for $number {
            const TYPE: &'static Type = &Type::Float(FloatKind::$kind);

            fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
                let value = Self::from_le_bytes(reader.array()?);
                if value.is_finite() { Ok(value) } else { Err(Malformed::OutOfRange) }
            }
        }
    };
}

float!(f32, F32);
float!(f64, F64);
