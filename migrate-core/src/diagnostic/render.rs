//! The rustc-like text of a diagnostic, drawn by `annotate-snippets` (the renderer that rustc and cargo use).

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::{Diagnostic, Excerpt, Severity};

pub(super) fn render(diagnostic: &Diagnostic, color: bool) -> String {
    let entry = diagnostic.code.entry();
    let level = match entry.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let id = format!("{} {}", entry.id, entry.name);
    let title = level.primary_title(diagnostic.message.as_str()).id(id.as_str());
    let group = match &diagnostic.excerpt {
        Some(excerpt) => Group::with_title(title).element(snippet(excerpt, &diagnostic.path)),
        None => Group::with_title(title).element(annotate_snippets::Origin::path(diagnostic.path.as_str())),
    };
    let group = group.element(Level::HELP.message(diagnostic.help.as_str()));
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    renderer.term_width(200).render(&[group])
}

fn snippet<'a>(excerpt: &'a Excerpt, path: &'a str) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
    let fault = excerpt.fault.start as usize..excerpt.fault.end as usize;
    Snippet::source(excerpt.line_text.as_str())
        .line_start(excerpt.position.line as usize)
        .path(path)
        .annotation(AnnotationKind::Primary.span(fault))
}
