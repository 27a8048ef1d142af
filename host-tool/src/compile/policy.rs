//! The sections `agent` and `health` as the manifest carries them.

use std::rc::Rc;
use std::sync::Arc;

use steadfast_core::clamp::LOST_CONTACT_INTERVALS;
use steadfast_core::manifest::{Policy, Reach, Settings};

use crate::diagnostics::{Code, Finding, Place, closest};
use crate::fleet::{AGENT, HEALTH, Model, reserved_sections};
use crate::schema::{Risk, Schema, Section};
use crate::value::{Node, Table, Typed, Value, check_fields};

/// What a manifest says besides its objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Terms {
    pub(crate) settings: Settings,
    pub(crate) policy: Policy,
    /// Ascending.
    pub(crate) checks: Vec<String>,
}

/// Terms, or what is wrong with them.
pub(crate) type Outcome = Result<Rc<Terms>, Rc<Vec<Finding>>>;

/// Remembers the last terms of each schema of one model: most devices share the tables that say them.
pub(super) struct KnownTerms {
    reserved: [Section; 2],
    /// By schema: the tables, kept so that their addresses stay theirs, and what came of them.
    known: Vec<Option<Known>>,
}

/// The tables of `agent` and `health`, and what came of them.
type Known = ([Option<Arc<Table>>; 2], Outcome);

impl KnownTerms {
    pub(super) fn new() -> Self {
        Self { reserved: reserved_sections(), known: Vec::new() }
    }

    /// Forgets everything, before another model.
    pub(super) fn clear(&mut self) {
        self.known.clear();
    }

    /// The terms of a schema of the model, by its index.
    pub(super) fn of(&mut self, (table, model): (&Table, &Model), schema: usize) -> Outcome {
        let nodes = [AGENT, HEALTH].map(|name| table.node(name));
        let tables = nodes.map(|node| node.and_then(Node::table).cloned());
        // What is no table has no address to be known by; it is an error anyway.
        let memorable = nodes.iter().zip(&tables).all(|(node, table)| node.is_none() == table.is_none());
        self.known.resize(model.schemas.len(), None);
        if let Some((known, outcome)) = &self.known[schema]
            && memorable
            && known.iter().zip(&tables).all(|(known, table)| same(known.as_ref(), table.as_ref()))
        {
            return outcome.clone();
        }
        let outcome = terms((table, model.place), &self.reserved, &model.schemas[schema]);
        let outcome = outcome.map(Rc::new).map_err(Rc::new);
        self.known[schema] = memorable.then(|| (tables, outcome.clone()));
        outcome
    }
}

fn same(one: Option<&Arc<Table>>, other: Option<&Arc<Table>>) -> bool {
    one.map(Arc::as_ptr) == other.map(Arc::as_ptr)
}

/// The checked fields of a section.
type Fields<'s> = Vec<(&'s str, Typed<'s>)>;

/// Reads both sections for one schema. `home` is where to point when no layer says anything.
///
/// # Errors
/// Every fault in either section.
fn terms(
    (table, home): (&Table, Place),
    [agent, health]: &[Section; 2],
    schema: &Schema,
) -> Result<Terms, Vec<Finding>> {
    let empty = Node { value: Value::Table(Default::default()), place: home };
    let agent_node = table.node(AGENT).unwrap_or(&empty);
    let health_node = table.node(HEALTH).unwrap_or(&empty);
    let agent = check_fields(AGENT, &agent.fields, agent_node);
    let health = check_fields(HEALTH, &health.fields, health_node);
    let (agent, health) = match (agent, health) {
        (Ok(agent), Ok(health)) => (agent, health),
        (agent, health) => {
            return Err(agent.err().into_iter().chain(health.err()).flatten().collect());
        }
    };
    let settings = settings(&agent);
    let mut faults: Vec<Finding> = contact_fault(&settings, agent_node).into_iter().collect();
    let policy = policy(&health);
    faults.extend(waived_fault(&policy, health_node, schema));
    let checks = match named_checks(&health) {
        Some(names) => {
            faults.extend(names.iter().filter_map(|name| unknown_check(name, health_node, schema)));
            names
        }
        None => schema.checks().into_iter().map(str::to_owned).collect(),
    };
    if faults.is_empty() { Ok(Terms { settings, policy, checks }) } else { Err(faults) }
}

fn settings(fields: &Fields<'_>) -> Settings {
    Settings {
        poll_seconds: number(fields, "poll_seconds"),
        freshness_seconds: number(fields, "freshness_seconds"),
        lost_contact_seconds: number(fields, "lost_contact_seconds"),
        attempt: number(fields, "attempt"),
    }
}

fn policy(fields: &Fields<'_>) -> Policy {
    let waived = matches!(field(fields, "reach"), Some(Typed::Variant(_, "none", _)));
    Policy {
        reach: if waived { Reach::None } else { Reach::Server },
        trial_seconds: number(fields, "trial_seconds"),
        boots: match field(fields, "boots") {
            Some(Typed::U8(boots)) => *boots,
            _ => 0,
        },
    }
}

fn field<'a, 's>(fields: &'a Fields<'s>, name: &str) -> Option<&'a Typed<'s>> {
    let (_, value) = fields.iter().find(|(other, _)| *other == name)?;
    match value {
        Typed::Option(inner) => inner.as_deref(),
        value => Some(value),
    }
}

/// A number that the shapes of these sections bound to 32 bits; 0 for an absent one, which means the default.
fn number(fields: &Fields<'_>, name: &str) -> u32 {
    match field(fields, name) {
        Some(Typed::Unsigned(number)) => u32::try_from(*number).unwrap_or(u32::MAX),
        _ => 0,
    }
}

/// The checks that the policy names, ascending, each once; `None` when it leaves them to the schema.
fn named_checks(fields: &Fields<'_>) -> Option<Vec<String>> {
    let Typed::List(items) = field(fields, "checks")? else { return None };
    let names = items.iter().filter_map(|item| match item {
        Typed::Text(name) => Some(name.to_string()),
        _ => None,
    });
    let mut names: Vec<String> = names.collect();
    names.sort_unstable();
    names.dedup();
    Some(names)
}

fn at<'a>(node: &'a Node, name: &str) -> &'a Node {
    node.table().and_then(|table| table.node(name)).unwrap_or(node)
}

fn unknown_check(name: &str, node: &Node, schema: &Schema) -> Option<Finding> {
    let known = schema.checks();
    if known.contains(&name) {
        return None;
    }
    let checks = at(node, "checks");
    let item = checks.items().iter().find(|item| item.text().is_some_and(|text| **text == *name));
    let finding = Finding::new(Code::UnknownCheck, format!("the schema has no check `{name}`"));
    let finding = finding.at(item.unwrap_or(checks).place);
    Some(match closest(name, known.iter().copied()) {
        Some(near) => finding.help(format!("did you mean `{near}`?")),
        None if known.is_empty() => finding.help("its sections have no checks; leave `checks` out"),
        None => finding.help(format!("its checks are {}", known.join(", "))),
    })
}

fn contact_fault(settings: &Settings, node: &Node) -> Option<Finding> {
    let least = settings.poll_seconds.max(settings.freshness_seconds).saturating_mul(LOST_CONTACT_INTERVALS);
    if settings.lost_contact_seconds == 0 || settings.lost_contact_seconds >= least {
        return None;
    }
    let message = format!(
        "`agent.lost_contact_seconds` is less than {LOST_CONTACT_INTERVALS} poll or freshness intervals: {least} seconds"
    );
    let finding = Finding::new(Code::BadAgent, message).at(at(node, "lost_contact_seconds").place);
    Some(finding.help("raise it, or leave it out for the default"))
}

fn waived_fault(policy: &Policy, node: &Node, schema: &Schema) -> Option<Finding> {
    let section = schema.sections.iter().find(|section| section.risk == Risk::Connectivity)?;
    if policy.reach == Reach::Server {
        return None;
    }
    let message = format!("`health.reach` cannot be \"none\": a wrong `{}` could cut devices off", section.name);
    let finding = Finding::new(Code::RoundTripWaived, message).at(at(node, "reach").place);
    Some(finding.help("leave `reach` at \"server\", so that a trial proves the way back"))
}
