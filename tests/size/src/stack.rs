//! How deep the stack of the core gets at most, read off the machine code: what every function takes of it, and the chain of calls that takes most.
//!
//! Nothing is run, so no path is missed because a test did not take it, and the figure is an upper bound: of the paths that there are, one
//! may be impossible. Only Thumb code is read. A function whose address is loaded counts as called.

use std::collections::{BTreeMap, BTreeSet};

use object::{Object, ObjectSection, ObjectSymbol, SectionKind, SymbolKind};

/// The function that the depth is counted from: it polls a step of the driver.
const ROOT: &str = "steadfast_size_probe::probe::poll";

/// Functions by address.
type Code = BTreeMap<u64, Function>;

/// What a function does to the stack.
#[derive(Debug, Default)]
struct Function {
    /// The first address after it.
    end: u64,
    /// Bytes that it takes.
    frame: u64,
    /// Where it may go on.
    calls: BTreeSet<u64>,
}

/// Bytes of stack from the root down; none where there is no root, or the code is not Thumb.
pub(crate) fn deepest(file: &object::File<'_>) -> Option<u64> {
    if file.architecture() != object::Architecture::Arm {
        return None;
    }
    let section = file.sections().find(|section| section.kind() == SectionKind::Text)?;
    let bytes = section.uncompressed_data().ok()?;
    let functions = file.symbols().filter(|symbol| symbol.kind() == SymbolKind::Text && symbol.size() > 0);
    let mut code: Code = functions
        .map(|symbol| {
            (symbol.address() & !1, Function { end: (symbol.address() & !1) + symbol.size(), ..Function::default() })
        })
        .collect();
    let marks = file.symbols().filter_map(|symbol| {
        let name = symbol.name().ok()?;
        Some((symbol.address(), name.starts_with("$t").then_some(true).or(name.starts_with("$d").then_some(false))?))
    });
    let marks: BTreeMap<u64, bool> = marks.collect();
    let starts: BTreeSet<u64> = code.keys().copied().collect();
    for (start, function) in &mut code {
        function.read(*start, &starts, |address| {
            let is_code = marks.range(..=address).next_back().is_none_or(|(_, is_code)| *is_code);
            let at = usize::try_from(address - section.address()).ok()?;
            Some((is_code, u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?)))
        });
    }
    let root = file.symbols().find(|symbol| {
        format!("{:#}", rustc_demangle::demangle(symbol.name().unwrap_or_default())).starts_with(ROOT)
    })?;
    Some(depth(&code, root.address() & !1, &mut BTreeMap::new()))
}

/// The deepest chain from a function on. Recursion would count once; there is none.
fn depth(code: &Code, start: u64, known: &mut BTreeMap<u64, u64>) -> u64 {
    if let Some(depth) = known.get(&start) {
        return *depth;
    }
    let Some(function) = code.get(&start) else { return 0 };
    known.insert(start, 0);
    let below = function.calls.iter().map(|call| depth(code, *call, known)).max().unwrap_or(0);
    known.insert(start, function.frame + below);
    function.frame + below
}

impl Function {
    /// Reads the function's instructions. `half` tells whether an address holds code, and its 16 bits.
    fn read(&mut self, start: u64, starts: &BTreeSet<u64>, half: impl Fn(u64) -> Option<(bool, u16)>) {
        let (mut at, mut low) = (start, [0_u64; 16]);
        while at < self.end {
            let (Some((is_code, first)), second) = (half(at), half(at + 2).map_or(0, |(_, second)| second)) else {
                return;
            };
            let is_long = is_code && first >> 11 >= 0b11101;
            let target = if !is_code {
                u64::from(first) | u64::from(second) << 16
            } else if is_long {
                self.frame += long_push(first, second);
                long_target(at, first, second, &mut low)
            } else {
                self.frame += short_push(first);
                // An unconditional branch.
                if first >> 11 == 0b11100 {
                    at.wrapping_add(4).wrapping_add_signed(signed(first & 0x7ff, 11) * 2)
                } else {
                    0
                }
            };
            let target = target & !1;
            if target != start && starts.contains(&target) {
                self.calls.insert(target);
            }
            at += if is_long { 4 } else { 2 };
        }
    }
}

/// What a 16-bit instruction takes of the stack: `push`, `sub sp`.
fn short_push(first: u16) -> u64 {
    match first {
        _ if first & 0xfe00 == 0xb400 => 4 * u64::from((first & 0x1ff).count_ones()),
        _ if first & 0xff80 == 0xb080 => 4 * u64::from(first & 0x7f),
        _ => 0,
    }
}

/// What a 32-bit instruction takes of the stack: `push.w`, `str [sp, #-4]!`, `sub.w sp`, `subw sp`.
fn long_push(first: u16, second: u16) -> u64 {
    let constant = u32::from(first >> 10 & 1) << 11 | u32::from(second >> 12 & 7) << 8 | u32::from(second & 0xff);
    match (first, second & 0x8f00) {
        (0xe92d, _) => 4 * u64::from(second.count_ones()),
        (0xf84d, _) if second & 0xfff == 0xd04 => 4,
        (0xf2ad | 0xf6ad, 0xd00) => constant.into(),
        (0xf1ad | 0xf5ad, 0xd00) if constant >> 10 == 0 => (constant & 0xff).into(),
        (0xf1ad | 0xf5ad, 0xd00) => (0x80 | constant & 0x7f).rotate_right(constant >> 7).into(),
        _ => 0,
    }
}

/// Where a 32-bit instruction may go: `bl`, `b.w`, or an address put together by `movw` and `movt`.
fn long_target(at: u64, first: u16, second: u16, low: &mut [u64; 16]) -> u64 {
    let half = u64::from(first & 15) << 12 | u64::from(first >> 10 & 1) << 11 | u64::from(second >> 12 & 7) << 8;
    let (half, register) = (half | u64::from(second & 0xff), usize::from(second >> 8 & 15));
    match first & 0xfbf0 {
        0xf240 if second >> 15 == 0 => low[register] = half,
        0xf2c0 if second >> 15 == 0 => return half << 16 | low[register],
        _ if first >> 11 == 0b11110 && second & 0x9000 == 0x9000 => {
            let sign = first >> 10 & 1;
            let (high, next) = (!(second >> 13 ^ sign) & 1, !(second >> 11 ^ sign) & 1);
            let offset = u32::from(sign) << 23 | u32::from(high) << 22 | u32::from(next) << 21;
            let offset = offset | u32::from(first & 0x3ff) << 11 | u32::from(second & 0x7ff);
            return at.wrapping_add(4).wrapping_add_signed(signed_wide(offset, 24) * 2);
        }
        _ => {}
    }
    0
}

fn signed(value: u16, bits: u32) -> i64 {
    signed_wide(value.into(), bits)
}

fn signed_wide(value: u32, bits: u32) -> i64 {
    let value = i64::from(value);
    if value >> (bits - 1) == 0 { value } else { value - (1 << bits) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_function_takes_of_the_stack_is_read_off_its_first_instructions() {
        // push {r4, r5, r6, r7, lr}; sub sp, #12
        assert_eq!((short_push(0xb5f0), short_push(0xb083)), (20, 12));
        // push.w {r8, r9, r10, r11}; sub.w sp, sp, #5184; subw sp, sp, #1740
        assert_eq!(long_push(0xe92d, 0x0f00), 16);
        assert_eq!((long_push(0xf5ad, 0x5da2), long_push(0xf2ad, 0x6dcc)), (5184, 1740));
    }

    #[test]
    fn a_call_is_followed_forwards_and_backwards() {
        // bl +0; bl -4; movw r0, #0x1235; movt r0, #0x1
        assert_eq!(long_target(0x100, 0xf000, 0xf800, &mut [0; 16]), 0x104);
        assert_eq!(long_target(0x100, 0xf7ff, 0xfffe, &mut [0; 16]), 0x100);
        let mut low = [0; 16];
        assert_eq!(long_target(0, 0xf241, 0x2035, &mut low), 0);
        assert_eq!(long_target(0, 0xf2c0, 0x0001, &mut low), 0x1_1235);
    }
}
