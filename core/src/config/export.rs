//! Puts the description into the ELF file.

/// Places the description of a configuration into the ELF section `.steadfast.schema`, once for each firmware.
///
/// The section must be kept and must not be loaded. A bare-metal linker script needs, beside its other sections:
///
/// ```text
/// SECTIONS
/// {
///   .steadfast.schema 0 (INFO) :
///   {
///     KEEP(*(.steadfast.schema));
///   }
/// }
/// INSERT AFTER .bss;
/// ```
///
/// With a linker's default script, as on Linux, the section is loaded like other constants, which does no harm there. On systems whose
/// programs are not ELF files the macro does nothing.
#[macro_export]
macro_rules! export_schema {
    ($root:ty) => {
        #[cfg(not(any(windows, target_vendor = "apple")))]
        const _: () = {
            const SCHEMA: &$crate::schema::Schema = <$root as $crate::config::Configuration>::SCHEMA;
            const BYTES: usize =
                $crate::schema::FRAME_BYTES + $crate::schema::encoded_bytes(SCHEMA, $crate::schema::Prose::Kept);
            #[unsafe(link_section = ".steadfast.schema")]
            #[used]
            static FRAMED: [u8; BYTES] = $crate::schema::framed::<BYTES>(SCHEMA);
        };
    };
}
