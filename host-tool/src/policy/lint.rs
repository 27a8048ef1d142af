//! What is wrong with rules before anybody asks them. The evaluator looks only at what it comes by: a misspelt function or input in a
//! branch that is never taken, and it would pass; functions that call themselves would end the program.

use std::collections::{BTreeMap, BTreeSet};

use regorus::unstable::BUILTINS;
use serde_json::Value as Json;

use super::{Rules, input};
use crate::diagnostics::{Code, FileId, Finding, Findings, Place, closest};

/// Functions that are not to be had, and why.
const REFUSED: [(&str, &str); 4] = [
    ("rand.intn", "a verdict does not depend on chance"),
    ("numbers.range", "it can take any amount of memory"),
    ("numbers.range_step", "it can take any amount of memory"),
    ("net.cidr_expand", "it can take any amount of memory; compare with net.cidr_contains"),
];

/// What a rule's name begins with when it is a case.
const CASE: &str = "test_";

/// A case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Case {
    pub(super) name: String,
    pub(super) place: Place,
}

/// What a file has.
#[derive(Debug, Default)]
pub(super) struct FileHas {
    /// The first part of each rule's name.
    pub(super) names: BTreeSet<String>,
    /// Its cases, each once.
    pub(super) cases: Vec<Case>,
}

/// A call, from within a rule.
struct Call {
    name: String,
    place: Place,
    /// The function that the call stands in.
    within: Option<String>,
}

/// Looks at all files; `trees` are what the evaluator made of them, in their order, and `packages` their packages.
pub(super) fn rules(
    (rules, trees): (&Rules, &Json),
    packages: &[(&str, String)],
    findings: &mut Findings,
) -> Vec<FileHas> {
    let mut functions = BTreeSet::new();
    let mut calls = Vec::new();
    let mut all = Vec::new();
    for ((file, (_, package)), tree) in rules.files.iter().zip(packages).zip(trees.as_array().into_iter().flatten()) {
        let mut reader = Reader {
            file: *file,
            text: &rules.sources.file(*file).text,
            package,
            aliases: BTreeMap::new(),
            functions: &mut functions,
            calls: &mut calls,
            within: None,
            findings: &mut *findings,
        };
        all.push(reader.file(&tree["ast"]));
    }
    unknown(&calls, &functions, findings);
    circles(&calls, &functions, findings);
    all
}

/// Reads the tree of one file.
struct Reader<'r> {
    file: FileId,
    text: &'r str,
    package: &'r str,
    /// What imports are called, and what they are.
    aliases: BTreeMap<String, String>,
    functions: &'r mut BTreeSet<String>,
    calls: &'r mut Vec<Call>,
    within: Option<String>,
    findings: &'r mut Findings,
}

impl Reader<'_> {
    fn file(&mut self, tree: &Json) -> FileHas {
        for import in tree["imports"].as_array().into_iter().flatten() {
            let Some(path) = path(&import["refr"]) else { continue };
            let named = self.stretch(&import["as"]).map(|range| self.text[range].to_owned());
            let alias = named.or_else(|| path.last().cloned()).unwrap_or_default();
            self.aliases.insert(alias, path.join("."));
        }
        let mut has = FileHas::default();
        for rule in tree["rules"].as_array().into_iter().flatten() {
            let (spec, fallback) = (&rule["Spec"], &rule["Default"]);
            let heads = spec["head"].as_object().into_iter().flatten();
            let head = heads.map(|(kind, head)| (kind == "Func", head)).next();
            let (function, head) = head.unwrap_or((false, fallback));
            let named = name(&head["refr"]);
            self.within = None;
            if let (true, Some(full)) = (function, path(&head["refr"])) {
                let full = format!("{}.{}", self.package, full.join("."));
                self.functions.insert(full.clone());
                self.within = Some(full);
            }
            if let Some(named) = named {
                let place = self.place(&head["span"]);
                if named.starts_with(CASE) && !has.names.contains(&named) {
                    has.cases.push(Case { name: named.clone(), place });
                }
                has.names.insert(named);
            }
            self.walk(if spec.is_null() { fallback } else { spec });
        }
        has
    }

    /// Looks at everything below a node.
    fn walk(&mut self, node: &Json) {
        match node {
            Json::Array(items) => items.iter().for_each(|item| self.walk(item)),
            Json::Object(fields) => {
                if let Some(call) = fields.get("Call") {
                    self.call(call);
                    return self.walk(&call["params"]);
                }
                if let (Some(path), true) = (path(node), fields.contains_key("RefDot")) {
                    return self.input(&path, &fields["RefDot"]["span"]);
                }
                fields.values().for_each(|field| self.walk(field));
            }
            _ => {}
        }
    }

    fn call(&mut self, call: &Json) {
        let Some(path) = path(&call["fcn"]) else { return };
        let own = format!("{}.{}", self.package, path.join("."));
        let imported = path.split_first().and_then(|(first, rest)| {
            let alias = self.aliases.get(first)?;
            Some([alias.as_str()].into_iter().chain(rest.iter().map(String::as_str)).collect::<Vec<_>>().join("."))
        });
        // Whose it is shows once all files are read: its own package's, an import's, or one of the language.
        let name = imported.unwrap_or_else(|| if path.len() == 1 { own } else { path.join(".") });
        let place = self.place(&call["span"]);
        self.calls.push(Call { name, place, within: self.within.clone() });
    }

    /// A name in the input that is never there.
    fn input(&mut self, path: &[String], span: &Json) {
        let Some((first, rest)) = path.split_first().filter(|(first, _)| *first == "input") else { return };
        let (Some(outer), inner) = (rest.first(), rest.get(1)) else { return };
        let names = || input::NAMES.iter();
        let Some((_, below)) = names().find(|(name, _)| name == outer) else {
            return self.stranger((first, outer), &names().map(|(name, _)| *name).collect::<Vec<_>>(), span);
        };
        if let Some(inner) = inner.filter(|inner| !below.is_empty() && !below.contains(&inner.as_str())) {
            self.stranger((&format!("{first}.{outer}"), inner), below, span);
        }
    }

    fn stranger(&mut self, (above, part): (&str, &str), known: &[&str], span: &Json) {
        let finding = Finding::new(Code::BadRule, format!("`{above}` has no `{part}`")).at(self.place(span));
        self.findings.add(match closest(part, known.iter().copied()) {
            Some(near) => finding.help(format!("did you mean `{near}`?")),
            None => finding.help("docs/guide-policy.md lists what rules see"),
        });
    }

    fn stretch(&self, span: &Json) -> Option<std::ops::Range<usize>> {
        let at = |name: &str| usize::try_from(span.get(name)?.as_u64()?).ok();
        let range = at("start")?..at("end")?;
        self.text.get(range.clone()).map(|_| range)
    }

    fn place(&self, span: &Json) -> Place {
        Place::new(self.file, self.stretch(span).unwrap_or(0..1))
    }
}

/// The parts of a name with dots; none of anything else.
fn path(node: &Json) -> Option<Vec<String>> {
    if let Some(name) = node["Var"]["value"].as_str() {
        return Some(vec![name.to_owned()]);
    }
    let dotted = node.get("RefDot")?;
    let mut parts = path(&dotted["refr"])?;
    parts.push(dotted["field"][1].as_str()?.to_owned());
    Some(parts)
}

/// The first part of a rule's name.
fn name(node: &Json) -> Option<String> {
    let below = ["RefDot", "RefBrack"].into_iter().find_map(|kind| node.get(kind));
    match below {
        Some(below) => name(&below["refr"]),
        None => node["Var"]["value"].as_str().map(str::to_owned),
    }
}

fn unknown(calls: &[Call], functions: &BTreeSet<String>, findings: &mut Findings) {
    for call in calls {
        // A function of the language, called by its bare name.
        let bare = call.name.rsplit('.').next().unwrap_or_default();
        let language = |name: &str| BUILTINS.contains_key(name) || name == "print";
        if functions.contains(&call.name) {
            continue;
        }
        let named = if call.name.starts_with("data.") { bare } else { &call.name };
        let refused = REFUSED.iter().find(|(name, _)| *name == named);
        if refused.is_none() && language(named) {
            continue;
        }
        let message = format!("there is no function `{named}`");
        let finding = match refused {
            Some((name, why)) => Finding::new(Code::BadRule, format!("`{name}` is not to be had: {why}")),
            None => Finding::new(Code::BadRule, message),
        };
        let near = closest(named, BUILTINS.keys().copied());
        let help = near.filter(|_| refused.is_none()).map(|near| format!("did you mean `{near}`?"));
        findings.add(finding.at(call.place).help(help.unwrap_or_else(|| HELP.to_owned())));
    }
}

const HELP: &str = "rules have no clock, no network and no chance; docs/guide-policy.md says what they have";

/// Functions that call themselves, which Rego does not allow and this evaluator does not see.
fn circles(calls: &[Call], functions: &BTreeSet<String>, findings: &mut Findings) {
    let mut edges: BTreeMap<&str, Vec<&Call>> = BTreeMap::new();
    for call in calls.iter().filter(|call| functions.contains(&call.name)) {
        if let Some(within) = &call.within {
            edges.entry(within).or_default().push(call);
        }
    }
    for from in edges.keys() {
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        let mut pending = vec![*from];
        while let Some(at) = pending.pop() {
            for call in edges.get(at).into_iter().flatten() {
                if call.name == *from {
                    let name = from.rsplit('.').next().unwrap_or_default();
                    let finding = Finding::new(Code::BadRule, format!("the function `{name}` calls itself"));
                    findings.add(finding.at(call.place).help("Rego has no recursion; walk() reaches everything below"));
                } else if seen.insert(&call.name) {
                    pending.push(&call.name);
                }
            }
        }
    }
}
