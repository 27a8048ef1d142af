//! The catalogue of everything that can be wrong with a fleet repository. Names are stable: scripts match on them.

/// What kind of fault a diagnostic reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    // The repository itself.
    /// The folder is in no git repository.
    NotARepository,
    /// No `steadfast.toml` where the fleet should be.
    NoFleet,
    /// A revision that names no commit.
    UnknownCommit,
    /// History ends before the first commit.
    ShallowClone,
    /// Grafts or replacement refs stand in for the true history.
    RewrittenHistory,
    /// Files differ from the commit that would be built.
    DirtyTree,
    /// The repository's own data cannot be read.
    BrokenRepository,
    /// A file that cannot be read, or is no plain file.
    UnreadableFile,
    /// A commit that must be signed is not.
    UnsignedCommit,
    /// A commit's signature is not that of an allowed signer over this commit.
    BadCommitSignature,
    /// Who may sign commits cannot be read.
    BadAllowedSigners,
    /// The floor is not among the first-parent ancestors.
    BadFloor,
    /// An import of a folder or commit that there is not.
    BadImport,
    /// One layer from two places.
    ImportConflict,
    // Files and their syntax.
    /// A file is not text in UTF-8.
    NotText,
    /// The file's own grammar is broken.
    Syntax,
    /// One key stands twice in a table.
    DuplicateKey,
    // `steadfast.toml` and the inventory.
    /// A key that `steadfast.toml`, an inventory or a layer's head does not have.
    UnknownKey,
    /// A key that must be there is not.
    MissingKey,
    /// Another version of this program builds this fleet.
    WrongTool,
    /// A name with characters that names of its kind cannot have, or an empty one.
    BadName,
    /// An identifier or public key that is not the right number of hexadecimal digits.
    BadId,
    /// A schema file that cannot be read.
    BadSchema,
    /// A folder of schemas without any.
    NoSchema,
    /// A model with several schemas, of which `steadfast.toml` names none as live.
    AmbiguousSchema,
    /// A device of a model that `steadfast.toml` does not have.
    UnknownModel,
    /// A device without a model.
    MissingModel,
    /// Two devices with one name, one id or one key.
    DuplicateDevice,
    /// A fleet without devices.
    NoDevices,
    // Labels and layers.
    /// A level needs a label that the device does not have.
    MissingLabel,
    /// A level's file does not exist.
    MissingLayer,
    /// Two sources give one label different values.
    LabelConflict,
    /// Labels that imply each other in a circle.
    LabelCycle,
    /// A level written in a way that is not understood.
    BadLevel,
    /// A file that no device uses.
    UnusedFile,
    /// An expression in `match` that cannot be read, or is neither true nor false.
    BadMatch,
    /// An expression that names a label which no device has.
    UnknownLabel,
    /// A patch that does not say which devices it is for.
    MissingMatch,
    /// A `match` in a file that is no patch.
    StrayMatch,
    /// Two patches that do different things to one field of a device.
    PatchConflict,
    /// A patch that is for no device.
    IdlePatch,
    /// A field path that cannot be read.
    BadPath,
    /// A later layer changes a final value.
    FinalValue,
    /// `unset` names what no earlier layer of any device has set.
    UnsetOfNothing,
    /// `append` or a list with a key, used on something else.
    BadAppend,
    // Values against the schema.
    /// A section that no model knows.
    UnknownSection,
    /// A field that the section does not have.
    UnknownField,
    /// A field without a value and without a default.
    MissingValue,
    /// A value of another type.
    WrongType,
    /// A number outside its field's range, or its type's.
    OutOfRange,
    /// A number that its field cannot hold exactly.
    LossyNumber,
    /// Text longer than its field.
    TooLong,
    /// A list or map with more, or fewer, entries than its field allows.
    WrongCount,
    /// Two entries of a keyed list have one key.
    DuplicateEntry,
    /// A variant that the enum does not have.
    UnknownVariant,
    /// Text that is no address, prefix, duration or whatever the field holds.
    BadValue,
    /// A value that one of the model's live schemas cannot express.
    SchemaSkew,
    /// The same, where `on_unsupported` says that these devices keep what they have.
    SchemaHeld,
    /// A section with secrets, which cannot be sealed yet.
    SecretSection,
    // Rules.
    /// A rule that cannot be read, or that nobody would ever ask.
    BadRule,
    // The manifest.
    /// A check that no section of the schema has.
    UnknownCheck,
    /// Agent settings that contradict each other.
    BadAgent,
    /// A round trip that must not be waived.
    RoundTripWaived,
    /// More than fits a slot, a manifest or an envelope.
    TooLarge,
    /// A release with more leaves than the format allows.
    TooManyLeaves,
}

/// Whether a finding stops a build.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Nothing is built.
    Error,
    /// Worth a look.
    Warning,
}

impl Code {
    /// The code's stable name, in kebab case.
    #[must_use]
    pub fn name(self) -> String {
        let mut name = String::new();
        for letter in format!("{self:?}").chars() {
            if letter.is_ascii_uppercase() && !name.is_empty() {
                name.push('-');
            }
            name.push(letter.to_ascii_lowercase());
        }
        name
    }

    /// Whether it stops a build.
    #[must_use]
    pub fn severity(self) -> Severity {
        match self {
            Self::UnusedFile | Self::IdlePatch | Self::NoDevices | Self::SchemaHeld => Severity::Warning,
            _ => Severity::Error,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kebab_case() {
        assert_eq!(Code::NotARepository.name(), "not-a-repository");
        assert_eq!(Code::FinalValue.name(), "final-value");
    }
}
