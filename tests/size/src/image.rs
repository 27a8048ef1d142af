//! An ELF file, measured.

use std::borrow::Cow;
use std::collections::BTreeMap;

use addr2line::gimli::{DwarfSections, EndianSlice, LittleEndian};
use addr2line::{Context as Lines, LookupResult};
use anyhow::{Context, Result};
use object::{Object, ObjectSection, ObjectSymbol, Section, SectionFlags, SectionKind};

use crate::component::Component;
use crate::stack;

/// Code is looked up in steps of the smallest instruction, on both Thumb and RISC-V with compressed instructions.
const STEP: u64 = 2;
/// Data objects that are listed one by one.
const LARGE_BYTES: u64 = 512;

/// Bytes of one component.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Size {
    /// Code, constants, and the first values of variables.
    pub(crate) flash: u64,
    /// Variables.
    pub(crate) ram: u64,
}

/// What a firmware takes, by component.
#[derive(Debug, Default)]
pub(crate) struct Image {
    sizes: BTreeMap<Component, Size>,
    stack: Option<u64>,
    data: Vec<(String, u64)>,
}

type Slice<'a> = EndianSlice<'a, LittleEndian>;

impl Image {
    /// Measures an ELF file that has its symbols and its line tables.
    pub(crate) fn measure(bytes: &[u8]) -> Result<Self> {
        let file = object::File::parse(bytes)?;
        let sections = DwarfSections::load(|id| -> Result<Cow<'_, [u8]>> {
            let section = file.section_by_name(id.name());
            Ok(section.map_or(Ok(Cow::default()), |section| section.uncompressed_data())?)
        })?;
        let dwarf = sections.borrow(|section| Slice::new(section, LittleEndian));
        let lines = Lines::from_dwarf(dwarf).context("the line tables do not read")?;

        let mut image = Self { stack: stack::deepest(&file), ..Self::default() };
        for section in file.sections().filter(is_loaded) {
            match section.kind() {
                SectionKind::Text => image.count_code(&lines, &section),
                SectionKind::UninitializedData => {
                    image.count_data(&file, &section, |bytes| Size { flash: 0, ram: bytes })
                }
                SectionKind::Data => image.count_data(&file, &section, |bytes| Size { flash: bytes, ram: bytes }),
                _ => image.count_data(&file, &section, |bytes| Size { flash: bytes, ram: 0 }),
            }
        }
        image.data.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
        Ok(image)
    }

    fn count_code(&mut self, lines: &Lines<Slice<'_>>, section: &Section<'_, '_>) {
        let end = section.address() + section.size();
        for address in (section.address()..end).step_by(STEP as usize) {
            let bytes = STEP.min(end - address);
            self.add(component_at(lines, address), Size { flash: bytes, ram: 0 });
        }
    }

    fn count_data(&mut self, file: &object::File<'_>, section: &Section<'_, '_>, size: impl Fn(u64) -> Size) {
        let mut rest = section.size();
        for symbol in
            file.symbols().filter(|symbol| symbol.section_index() == Some(section.index()) && symbol.size() > 0)
        {
            let name = format!("{:#}", rustc_demangle::demangle(symbol.name().unwrap_or_default()));
            rest = rest.saturating_sub(symbol.size());
            let size = size(symbol.size());
            self.add(Component::of_symbol(&name), size);
            if size.ram >= LARGE_BYTES {
                self.data.push((name, size.ram));
            }
        }
        self.add(Component::Constants, size(rest));
    }

    fn add(&mut self, component: Component, size: Size) {
        let sum = self.sizes.entry(component).or_default();
        sum.flash += size.flash;
        sum.ram += size.ram;
    }

    /// What one component takes.
    pub(crate) fn of(&self, component: Component) -> Size {
        self.sizes.get(&component).copied().unwrap_or_default()
    }

    /// Everything.
    pub(crate) fn total(&self) -> Size {
        self.sizes
            .values()
            .fold(Size::default(), |sum, size| Size { flash: sum.flash + size.flash, ram: sum.ram + size.ram })
    }

    /// How deep the stack of the core gets; none where that cannot be read off the program.
    pub(crate) fn stack(&self) -> Option<u64> {
        self.stack
    }

    /// The variables that take most, largest first.
    pub(crate) fn largest_data(&self) -> &[(String, u64)] {
        &self.data
    }
}

/// Loaded onto the device, and not the pretended sections in which linker scripts show the free rest of the memory.
fn is_loaded(section: &Section<'_, '_>) -> bool {
    let SectionFlags::Elf { sh_flags, .. } = section.flags() else { return false };
    let pretended = matches!(section.name(), Ok(".stack" | ".heap"));
    sh_flags.0 & object::elf::SHF_ALLOC.0 != 0 && !pretended
}

fn component_at(lines: &Lines<Slice<'_>>, address: u64) -> Component {
    let LookupResult::Output(Ok(mut frames)) = lines.find_frames(address) else { return Component::Rust };
    while let Ok(Some(frame)) = frames.next() {
        let file = frame.location.and_then(|location| location.file);
        if let Some(component) = file.and_then(Component::of_file) {
            return component;
        }
    }
    Component::Rust
}
