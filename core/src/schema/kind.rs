//! Widths of numbers, shared with the host.

/// Width and sign of an integer. The discriminant is the number on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntKind {
    U8 = 0,
    U16 = 1,
    U32 = 2,
    U64 = 3,
    I8 = 4,
    I16 = 5,
    I32 = 6,
    I64 = 7,
}

impl IntKind {
    /// Every kind, in the order of their numbers.
    pub const ALL: [Self; 8] = [Self::U8, Self::U16, Self::U32, Self::U64, Self::I8, Self::I16, Self::I32, Self::I64];

    /// The smallest value of this kind.
    #[must_use]
    pub const fn min(self) -> i128 {
        match self {
            Self::U8 | Self::U16 | Self::U32 | Self::U64 => 0,
            Self::I8 => i8::MIN as i128,
            Self::I16 => i16::MIN as i128,
            Self::I32 => i32::MIN as i128,
            Self::I64 => i64::MIN as i128,
        }
    }

    /// The largest value of this kind.
    #[must_use]
    pub const fn max(self) -> i128 {
        match self {
            Self::U8 => u8::MAX as i128,
            Self::U16 => u16::MAX as i128,
            Self::U32 => u32::MAX as i128,
            Self::U64 => u64::MAX as i128,
            Self::I8 => i8::MAX as i128,
            Self::I16 => i16::MAX as i128,
            Self::I32 => i32::MAX as i128,
            Self::I64 => i64::MAX as i128,
        }
    }

    /// Whether values below zero exist.
    #[must_use]
    pub const fn is_signed(self) -> bool {
        matches!(self, Self::I8 | Self::I16 | Self::I32 | Self::I64)
    }

    /// The name in Rust and in the text form.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::U8 => "u8",
            Self::U16 => "u16",
            Self::U32 => "u32",
            Self::U64 => "u64",
            Self::I8 => "i8",
            Self::I16 => "i16",
            Self::I32 => "i32",
            Self::I64 => "i64",
        }
    }
}

/// Width of a floating-point number. The discriminant is the number on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FloatKind {
    F32 = 0,
    F64 = 1,
}

impl FloatKind {
    /// Every kind, in the order of their numbers.
    pub const ALL: [Self; 2] = [Self::F32, Self::F64];

    /// The largest finite value of this kind; its negative is the smallest.
    #[must_use]
    pub const fn max(self) -> f64 {
        match self {
            Self::F32 => f32::MAX as f64,
            Self::F64 => f64::MAX,
        }
    }

    /// The name in Rust and in the text form.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F64 => "f64",
        }
    }
}
