//! What a schema means for firmware that is still in the field: each difference, and whether a change of the fleet can go wrong by it.
//!
//! ```text
//! safe      the older firmware gets what it needs, whatever layers say
//! care      some values cannot reach the older firmware: they are skew errors, or hold its devices
//! unsafe    the older firmware would misread a value, go without one that it needs, or a name means two things
//! ```

use super::versions::{Named, lineage};
use super::{Field, Schema, Section, Type, Variant};

/// How a difference is to be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Nothing can go wrong.
    Safe,
    /// Some values cannot reach the older firmware.
    Care,
    /// Must not be released like this.
    Unsafe,
}

impl Verdict {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Safe => "safe",
            Self::Care => "care",
            Self::Unsafe => "unsafe",
        }
    }
}

/// A difference between two schemas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// How it is to be taken.
    pub verdict: Verdict,
    /// The section or field, in the newer schema's names where it has one.
    pub path: String,
    /// What differs.
    pub what: String,
    /// What to do; empty where there is nothing to do.
    pub help: String,
}

/// Every difference of `new` from `old`; `between` are the live schemas in between, newest first, through which renames lead.
pub fn compare(new: &Schema, between: &[&Schema], old: &Schema) -> Vec<Remark> {
    let mut comparison = Comparison { remarks: Vec::new() };
    let sections: Vec<&[Section]> = between.iter().map(|schema| schema.sections.as_slice()).collect();
    let taken = comparison.names("", (&new.sections, &new.removed), &sections, (&old.sections, &old.removed));
    for (section, forebears, before) in taken {
        let Some(before) = before else {
            comparison.safe(&section.name, "is new: older firmware goes on without it");
            continue;
        };
        comparison.section(section, before);
        let between = forebears.iter().map(|section| section.fields.as_slice()).collect();
        let (new, old) =
            ((section.fields.as_slice(), &section.removed[..]), (before.fields.as_slice(), &before.removed[..]));
        comparison.fields(&section.name, new, between, old);
    }
    comparison.remarks.sort_by_key(|remark| std::cmp::Reverse(remark.verdict));
    comparison.remarks
}

/// Something of the newer schema, what it was in those between, and in the older one.
type Taken<'s, T> = (&'s T, Vec<&'s T>, Option<&'s T>);

/// What a section or struct has, and the names of what it had.
type Place<'s, T> = (&'s [T], &'s [String]);

/// What is gone needs to know whether the older firmware can do without.
trait Needed: Named {
    /// Whether there has to be a value for it.
    fn needed(&self) -> bool;
}

impl Needed for Field {
    fn needed(&self) -> bool {
        self.default.is_none()
            && match &self.ty {
                Type::Option(_) => false,
                Type::Struct { fields, .. } => fields.iter().any(Self::needed),
                _ => true,
            }
    }
}

impl Needed for Section {
    fn needed(&self) -> bool {
        self.fields.iter().any(Field::needed)
    }
}

struct Comparison {
    remarks: Vec<Remark>,
}

impl Comparison {
    fn add(&mut self, verdict: Verdict, path: &str, (what, help): (String, &str)) {
        self.remarks.push(Remark { verdict, path: path.to_owned(), what, help: help.to_owned() });
    }

    fn safe(&mut self, path: &str, what: impl Into<String>) {
        self.add(Verdict::Safe, path, (what.into(), ""));
    }

    /// Judges names of one place, and finds what each of the newer ones was.
    fn names<'s, T: Needed>(
        &mut self,
        outer: &str,
        (new, new_removed): Place<'s, T>,
        between: &[&'s [T]],
        (old, old_removed): Place<'s, T>,
    ) -> Vec<Taken<'s, T>> {
        let mut taken: Vec<Taken<'s, T>> = Vec::new();
        for one in new {
            let (names, forebears) = lineage(one, between);
            let before = names.iter().find_map(|name| old.iter().find(|other| other.name() == *name));
            let path = inside(outer, one.name());
            match before {
                None if old_removed.iter().any(|name| name == one.name()) => {
                    let what =
                        format!("`{}` was something else once: it reuses the name of what was removed", one.name());
                    self.add(Verdict::Unsafe, &path, (what, "choose another name, and keep the old one in `removed`"));
                }
                Some(before) if before.name() != one.name() => self.safe(&path, format!("was `{}`", before.name())),
                _ => {}
            }
            taken.push((one, forebears, before));
        }
        let gone = old
            .iter()
            .filter(|one| !taken.iter().any(|(_, _, before)| before.is_some_and(|before| std::ptr::eq(before, *one))));
        for one in gone {
            let came = taken.iter().filter(|(_, _, before)| before.is_none()).map(|(one, _, _)| one.name());
            self.gone(outer, one, (new_removed.iter().any(|name| name == one.name()), came.collect()));
        }
        for name in old_removed.iter().filter(|name| !new_removed.contains(name)) {
            if !new.iter().any(|one| one.name() == *name) {
                let what = "was removed once, and the name is free again".to_owned();
                self.add(
                    Verdict::Unsafe,
                    &inside(outer, name),
                    (what, "keep it in `removed` for as long as an older schema may come back"),
                );
            }
        }
        taken
    }

    fn gone(&mut self, outer: &str, one: &impl Needed, (tombstone, came): (bool, Vec<&str>)) {
        let path = inside(outer, one.name());
        match (tombstone, one.needed()) {
            (false, _) => {
                let help = match came.as_slice() {
                    [] => format!("put it into `removed`: removed(\"{}\")", one.name()),
                    came => format!(
                        "if it is now called {}, say so there: was = \"{}\"; otherwise put it into `removed`",
                        came.join(" or "),
                        one.name()
                    ),
                };
                self.add(Verdict::Unsafe, &path, ("is gone, and nothing says what became of it".to_owned(), &help));
            }
            (true, true) => {
                let what = "is removed, but older firmware needs a value, which no layer can give any more".to_owned();
                let help = "keep the field until no device runs that firmware, or hold its devices: on_unsupported = \"hold\" under the model";
                self.add(Verdict::Unsafe, &path, (what, help));
            }
            (true, false) => self.safe(&path, "is removed; older firmware takes its default"),
        }
    }

    fn section(&mut self, new: &Section, old: &Section) {
        if new.secret != old.secret {
            let what = if new.secret { "is secret now" } else { "is no longer secret" };
            self.add(Verdict::Care, &new.name, (what.to_owned(), "its values are treated by each version's own word"));
        }
        if (new.restart, new.risk) != (old.restart, old.risk) {
            self.safe(&new.name, "restarts something else, or has another risk");
        }
        let lost = new.checks.iter().filter(|check| !old.checks.contains(check));
        for check in lost {
            let what = format!("has a new check `{check}`");
            self.add(Verdict::Care, &new.name, (what, "where `health.checks` names it, older firmware cannot do it"));
        }
    }

    fn fields<'s>(&mut self, outer: &str, new: Place<'s, Field>, between: Vec<&'s [Field]>, old: Place<'s, Field>) {
        for (field, forebears, before) in self.names(outer, new, &between, old) {
            let path = inside(outer, &field.name);
            match before {
                None => self.new_field(&path, field),
                Some(before) if !field.means_what(before) => {
                    let what = if field.unit == before.unit {
                        "is another kind of value now"
                    } else {
                        "counts another unit now"
                    };
                    let help = "that is a new field: give it a name of its own without `was`, and put the old one into `removed`";
                    self.add(Verdict::Unsafe, &path, (what.to_owned(), help));
                }
                Some(before) => self.field(&path, (field, before), &forebears),
            }
        }
    }

    fn new_field(&mut self, path: &str, field: &Field) {
        if let Some(absent) = &field.absent_means {
            self.safe(path, format!("is new: older firmware does as with {absent}, any other value cannot reach it"));
        } else if field.needed() {
            let help = "give it a default, so that it need not be set, or `absent_means`, if older firmware behaves as with some value";
            self.add(
                Verdict::Unsafe,
                path,
                ("is new and must be set, which older firmware cannot take".to_owned(), help),
            );
        } else {
            let help = "say `absent_means` if older firmware behaves as with some value";
            self.add(Verdict::Care, path, ("is new: no value of it can reach older firmware".to_owned(), help));
        }
    }

    fn field<'s>(&mut self, path: &str, (new, old): (&'s Field, &'s Field), between: &[&'s Field]) {
        if let (Some(was), Some(is)) = (&old.default, &new.default)
            && was != is
        {
            let help = "set it in a layer, where all devices shall have the same";
            self.add(Verdict::Care, path, (format!("has another default: {is}, in older firmware {was}"), help));
        }
        if matches!(new.ty, Type::Option(_)) && old.needed() {
            let help = "set it in a layer as long as older firmware is live, or give it a default";
            self.add(Verdict::Care, path, ("can be absent, and older firmware needs a value".to_owned(), help));
        }
        let between = between.iter().map(|field| &field.ty).collect();
        self.types(path, (&new.ty, &old.ty), between);
    }

    fn types<'s>(&mut self, path: &str, (new, old): (&'s Type, &'s Type), between: Vec<&'s Type>) {
        let inner = |ty: fn(&'s Type) -> Option<&'s Type>| between.iter().filter_map(|one| ty(one.inside())).collect();
        match (new.inside(), old.inside()) {
            (Type::Struct { fields, removed, .. }, Type::Struct { fields: before, removed: gone, .. }) => {
                let between = between.iter().filter_map(|one| one.inside().fields()).collect();
                self.fields(path, (fields, removed), between, (before, gone));
            }
            (Type::List { max, item, .. }, Type::List { max: most, item: before, .. }) => {
                self.bounds(path, "items", (0, i128::from(*max)), (0, i128::from(*most)));
                self.types(&format!("{path}[]"), (item, before), inner(Type::item));
            }
            (Type::Map { max, value, .. }, Type::Map { max: most, value: before, .. }) => {
                self.bounds(path, "entries", (0, i128::from(*max)), (0, i128::from(*most)));
                self.types(&format!("{path}.*"), (value, before), inner(Type::entry));
            }
            (Type::Enum { variants, .. }, Type::Enum { variants: before, .. }) => {
                self.variants(path, (variants, before), &between);
            }
            (new, old) => match (new.ends(), old.ends()) {
                (Some(new), Some(old)) => self.bounds(path, "", new, old),
                _ if new != old => {
                    let help = "write only what both take, or hold the devices that cannot";
                    self.add(Verdict::Care, path, ("takes other values than in older firmware".to_owned(), help));
                }
                _ => {}
            },
        }
    }

    fn variants<'s>(&mut self, path: &str, (new, old): (&'s [Variant], &'s [Variant]), between: &[&'s Type]) {
        for variant in new {
            let path = format!("{path}.{}", variant.name);
            match old.iter().find(|other| other.name == variant.name) {
                None => {
                    let what = "is a new alternative, which older firmware does not know".to_owned();
                    self.add(Verdict::Care, &path, (what, "choose it only for newer firmware, or hold the others"));
                }
                Some(before) => match (&variant.payload, &before.payload) {
                    (Some(ty), Some(was)) if ty.is_kind_of(was) => {
                        let between = between.iter().filter_map(|one| one.inside().payload(&variant.name)).collect();
                        self.types(&path, (ty, was), between);
                    }
                    (None, None) => {}
                    _ => {
                        let what = "carries something else now".to_owned();
                        self.add(
                            Verdict::Unsafe,
                            &path,
                            (what, "that is a new alternative: give it a name of its own"),
                        );
                    }
                },
            }
        }
    }

    fn bounds(&mut self, path: &str, of: &str, new: (i128, i128), old: (i128, i128)) {
        let of = if of.is_empty() { String::new() } else { format!(" {of}") };
        if new.0 < old.0 || new.1 > old.1 {
            let what = format!("takes {} to {}{of}, older firmware {} to {}", new.0, new.1, old.0, old.1);
            self.add(Verdict::Care, path, (what, "stay within both, or hold the devices that cannot"));
        } else if new != old {
            self.safe(path, format!("takes {} to {}{of}, older firmware more", new.0, new.1));
        }
    }
}

impl Type {
    /// The type inside options.
    fn inside(&self) -> &Self {
        match self {
            Self::Option(inner) => inner.inside(),
            ty => ty,
        }
    }

    fn fields(&self) -> Option<&[Field]> {
        match self {
            Self::Struct { fields, .. } => Some(fields),
            _ => None,
        }
    }

    fn item(&self) -> Option<&Self> {
        match self {
            Self::List { item, .. } => Some(item),
            _ => None,
        }
    }

    fn entry(&self) -> Option<&Self> {
        match self {
            Self::Map { value, .. } => Some(value),
            _ => None,
        }
    }

    fn payload(&self, variant: &str) -> Option<&Self> {
        match self {
            Self::Enum { variants, .. } => variants.iter().find(|one| one.name == variant)?.payload.as_ref(),
            _ => None,
        }
    }

    /// The least and the most, of what is counted in whole numbers; bytes of a text, milliseconds of a duration.
    fn ends(&self) -> Option<(i128, i128)> {
        match self {
            Self::Int { min, max, .. } => Some((*min, *max)),
            Self::Text { max_bytes } => Some((0, i128::from(*max_bytes))),
            Self::Duration { min_ms, max_ms } => Some((i128::from(*min_ms), i128::from(*max_ms))),
            _ => None,
        }
    }
}

fn inside(outer: &str, name: &str) -> String {
    if outer.is_empty() { name.to_owned() } else { format!("{outer}.{name}") }
}
