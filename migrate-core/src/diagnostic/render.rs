//! The rustc-like text of a message, drawn by `annotate-snippets` (the renderer of rustc and cargo).

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use super::{Excerpt, Page, Severity, printable};

pub(super) fn render(severity: Severity, page: &Page<'_>, color: bool) -> String {
    let level = match severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let path = printable(page.path.unwrap_or_default());
    let title = level.primary_title(printable_lines(page.message)).id(page.id);
    let mut group = Group::with_title(title);
    group = match page.excerpt {
        Some(excerpt) => group.element(snippet(excerpt, &path, page.label)),
        None if path.is_empty() => group,
        None => group.element(Origin::path(path.as_ref())),
    };
    for (label, text) in &page.notes {
        let level = if *label == "help" { Level::HELP } else { Level::NOTE.with_name(*label) };
        group = group.element(level.message(printable_lines(text)));
    }
    if !page.help.is_empty() {
        group = group.element(Level::HELP.message(printable_lines(page.help)));
    }
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    renderer.term_width(200).render(&[group])
}

/// What a server or a file says may hold anything; only its line breaks are kept.
fn printable_lines(text: &str) -> String {
    text.lines().map(printable).collect::<Vec<_>>().join("\n")
}

fn snippet<'a>(excerpt: &'a Excerpt, path: &'a str, label: &'a str) -> Snippet<'a, Annotation<'a>> {
    let fault = excerpt.fault.start as usize..excerpt.fault.end as usize;
    let caret = AnnotationKind::Primary.span(fault);
    Snippet::source(excerpt.line_text.as_str())
        .line_start(excerpt.position.line as usize)
        .path(path)
        .annotation(if label.is_empty() { caret } else { caret.label(printable(label)) })
}
