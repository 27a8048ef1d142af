//! Diagnostics for people: excerpts of the source with the fault marked, the devices hit, and the next step.

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Renderer, Snippet};

use super::{Color, Diagnostic, Diagnostics, Place, Severity, Sources};
use crate::words::counted;

/// How many faults are shown in full. A thousand of them help nobody, and most have one cause.
const SHOWN: usize = 100;

/// The longest line that is quoted, in bytes; a longer one is a file without line ends.
const LINE_BYTES: usize = 4096;

/// All faults, at most [`SHOWN`] in full, then how many there are.
pub(super) fn text(diagnostics: &Diagnostics, color: Color) -> String {
    let renderer = match color {
        Color::Always => Renderer::styled(),
        Color::Never => Renderer::plain(),
    };
    let mut out = String::new();
    for one in diagnostics.list.iter().take(SHOWN) {
        out.push_str(&renderer.render(&[group(one, &diagnostics.sources)]));
        out.push_str("\n\n");
    }
    if let Some(more) = diagnostics.list.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        out.push_str(&format!("and {more} more; fix the first ones, or see all with --format json\n\n"));
    }
    if !diagnostics.list.is_empty() {
        let (errors, warnings) = (diagnostics.errors(), diagnostics.warnings());
        out.push_str(&format!("{}, {}\n", counted(errors, "error"), counted(warnings, "warning")));
    }
    out
}

fn group<'a>(one: &'a Diagnostic, sources: &'a Sources) -> Group<'a> {
    let level = match one.severity() {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let finding = &one.finding;
    let mut group = level
        .primary_title(&finding.message)
        .id(one.code().name())
        .elements(finding.place.and_then(|place| snippet(sources, place, (AnnotationKind::Primary, &finding.label))));
    for (place, label) in &finding.notes {
        group = group.elements(snippet(sources, *place, (AnnotationKind::Context, label)));
    }
    if one.devices > 0 {
        group = group.element(Level::NOTE.message(devices(one)));
    }
    if finding.help.is_empty() { group } else { group.element(Level::HELP.message(&finding.help)) }
}

/// The quoted lines; `None` where nothing can be quoted, as of an empty file.
fn snippet<'a>(
    sources: &'a Sources,
    place: Place,
    (kind, label): (AnnotationKind, &'a str),
) -> Option<Snippet<'a, Annotation<'a>>> {
    let excerpt = sources.excerpt(place);
    let snippet = Snippet::source(excerpt.lines).line_start(excerpt.first_line).path(excerpt.path);
    if excerpt.lines.len() > LINE_BYTES {
        return Some(
            Snippet::source("…").line_start(excerpt.first_line).path(excerpt.path).annotation(kind.span(0.."…".len())),
        );
    }
    let annotation = kind.span(excerpt.span);
    Some(snippet.annotation(if label.is_empty() { annotation } else { annotation.label(label) }))
}

fn devices(one: &Diagnostic) -> String {
    let names = one.examples.join(", ");
    let more = if one.devices > one.examples.len() { ", …" } else { "" };
    format!("{}: {names}{more}", counted(one.devices, "device"))
}
