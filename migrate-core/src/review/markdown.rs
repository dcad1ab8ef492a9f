//! Text from files as GitHub's Markdown, and a page that never grows beyond what a comment may hold.
//!
//! Invariants: no text from a file is read as Markdown, HTML, a mention or a link; a page has at most [`LIMIT`]
//! characters, and says what it left out.

/// The most characters of a comment, counted as UTF-16 as the strictest reader does. GitHub takes 65,536.
pub(super) const LIMIT: usize = 65_000;

/// Kept free for the lines that say what was left out.
const RESERVE: usize = 1_500;

/// The most of one entry; a longer one is cut at a line.
const ENTRY: usize = 6_000;

/// The most of one text: what is longer is data, not words.
const TEXT: usize = 2_000;

/// Keeps GitHub from seeing a mention, a reference or a link.
const BREAK: char = '\u{200b}';

/// Text for the middle of a line. What it holds in backticks stays code.
pub(super) fn prose(text: &str) -> String {
    let pieces: Vec<&str> = text.split('`').collect();
    if pieces.len().is_multiple_of(2) {
        return escape(text);
    }
    let each = pieces.iter().enumerate().map(|(at, piece)| if at % 2 == 1 { code(piece) } else { escape(piece) });
    each.collect()
}

/// Text that stands for itself.
pub(super) fn escape(text: &str) -> String {
    let text = visible(text);
    let mut escaped = String::with_capacity(text.len());
    let mut before = ' ';
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let next = rest.peek().copied().unwrap_or(' ');
        match c {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '_' if before.is_alphanumeric() && next.is_alphanumeric() => escaped.push('_'),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '$' | '!' | '#' => escaped.extend(['\\', c]),
            '@' => escaped.extend(['@', BREAK]),
            ':' if next == '/' => escaped.extend([':', BREAK]),
            c => escaped.push(c),
        }
        if c == '#' {
            escaped.push(BREAK);
        }
        before = c;
    }
    // GitHub makes a link of what begins like this.
    escaped.replace("www.", &format!("www{BREAK}."))
}

/// Text as code in the middle of a line.
pub(super) fn code(text: &str) -> String {
    let text = visible(text);
    if text.trim().is_empty() {
        return String::new();
    }
    let fence = "`".repeat(longest_run(&text) + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// Lines as a block of code, indented as the entry of a list that they belong to.
pub(super) fn block(language: &str, lines: &[String]) -> String {
    let (kept, left_out) = fitting(lines);
    let longest = kept.iter().map(|line| longest_run(line)).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    let body: Vec<String> = kept.iter().map(|line| format!("  {}\n", visible(line.trim_end()))).collect();
    let body = body.concat();
    let note = if left_out > 0 { format!("  {left_out} more lines are not shown\n") } else { String::new() };
    format!("  {fence}{language}\n{body}  {fence}\n{note}")
}

fn fitting(lines: &[String]) -> (&[String], usize) {
    let mut length = 0;
    let fits = lines.iter().take_while(|line| {
        length += width(line) + 3;
        length <= ENTRY
    });
    let kept = fits.count();
    (lines.get(..kept).unwrap_or_default(), lines.len() - kept)
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

/// On one line, with control characters and those that turn the direction of writing spelled out.
fn visible(text: &str) -> String {
    let spell = |c: char| match c {
        '\n' | '\r' | '\t' => " ".to_owned(),
        c if c.is_control() || is_invisible(c) => c.escape_unicode().to_string(),
        c => c.to_string(),
    };
    let shown: String = text.chars().take(TEXT).map(spell).collect();
    if text.chars().nth(TEXT).is_some() { format!("{shown}…") } else { shown }
}

const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

pub(super) fn width(text: &str) -> usize {
    text.encode_utf16().count()
}

/// An entry that is too long, cut.
fn cut(entry: String) -> String {
    if width(&entry) <= ENTRY {
        return entry;
    }
    let mut kept = String::new();
    for line in entry.lines() {
        if width(&kept) + width(line) + 1 > ENTRY - 60 {
            break;
        }
        kept.push_str(line);
        kept.push('\n');
    }
    if kept.is_empty() {
        // One endless line: what is code or not in the rest of it is of no matter, as none of it is shown.
        return "* an entry that is too long is not shown\n".to_owned();
    }
    kept.push_str("  * the rest of it is not shown\n");
    kept
}

/// A page of sections, the most important first.
pub(super) struct Page {
    text: String,
    /// Whether anything was left out or cut.
    is_cut: bool,
}

impl Page {
    pub(super) fn new(head: &str) -> Self {
        Self { text: head.to_owned(), is_cut: false }
    }

    /// A section with as many of its entries as there is room for; none without entries.
    pub(super) fn section(&mut self, title: &str, entries: Vec<String>) {
        let Some(first) = entries.first() else { return };
        let head = format!("\n### {title}\n\n");
        if self.has_room_for(width(&head) + width(first).min(ENTRY)) {
            self.text.push_str(&head);
        }
        let all = entries.len();
        let mut shown = 0;
        for entry in entries {
            self.is_cut |= width(&entry) > ENTRY;
            let entry = cut(entry);
            if !self.has_room_for(width(&entry)) {
                break;
            }
            self.text.push_str(&entry);
            shown += 1;
        }
        if shown < all {
            self.is_cut = true;
            self.text.push_str(&format!("* {} of “{title}” not shown\n", all - shown));
        }
    }

    fn has_room_for(&self, more: usize) -> bool {
        width(&self.text) + more + RESERVE <= LIMIT
    }

    /// The page; `elsewhere` says where all of it is to be seen.
    pub(super) fn finish(mut self, elsewhere: &str) -> String {
        if self.is_cut {
            self.text.push_str(&format!("\n**Not all of it fits into a comment.** {elsewhere}\n"));
        }
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_a_file_is_neither_markdown_nor_html_nor_a_mention() {
        let hostile =
            "<img src=x onerror=alert(1)> **b** [l](http://x) @team #12 | a\n# h `c` $x$ ![i](u) www.evil.com";
        let shown = escape(hostile);
        for part in ["<img", " **b**", "[l]", "@team", " #12", "://", "\n", "| a", "www.evil"] {
            let bare = shown.replace(&format!("\\{}", part.trim()), "");
            assert!(!bare.contains(part), "{part:?}: {shown}");
        }
        assert_eq!(escape("documents_size_check"), "documents_size_check");
    }

    #[test]
    fn code_holds_any_backticks_and_stays_on_one_line() {
        assert_eq!(code("a"), "`a`");
        assert_eq!(code("a``b"), "```a``b```");
        assert_eq!(code("`a\nb"), "`` `a b ``");
        assert_eq!(prose("a `b_<c>` d_ <e>"), "a `b_<c>` d\\_ &lt;e&gt;");
        assert_eq!(prose("a ` b"), "a \\` b", "a lone backtick is one");
        assert!(block("diff", &["+ ````x".into()]).starts_with("  `````diff\n"));
    }

    #[test]
    fn characters_that_hide_text_are_spelled_out() {
        assert_eq!(code("a\u{202e}b\u{1b}"), "`a\\u{202e}b\\u{1b}`");
    }

    #[test]
    fn a_page_is_full_before_it_is_too_long_and_says_what_is_missing() {
        for (entries, length) in [(20_000, 10), (200, 500), (70, 950), (3, 90_000), (20, 6_100)] {
            let mut page = Page::new("head\n");
            let entry = format!("* {}\n", "x 𝄞".repeat(length / 4));
            page.section("First", vec![entry.clone(); entries]);
            page.section("Second", vec![entry; entries]);
            let text = page.finish("See elsewhere.");
            assert!(width(&text) <= LIMIT, "{entries} × {length}: {}", width(&text));
            assert_eq!(text.contains("See elsewhere."), text.contains("not shown"), "{entries} × {length}");
            assert!(text.contains("See elsewhere."), "{entries} × {length}");
            assert!(length > 6_000 || width(&text) > LIMIT - 10_000, "{entries} × {length}: room is left");
        }
    }

    #[test]
    fn what_fits_is_shown_whole() {
        let mut page = Page::new("head\n");
        page.section("First", vec!["* a\n".into(), "* b\n".into()]);
        page.section("None", vec![]);
        assert_eq!(page.finish("See elsewhere."), "head\n\n### First\n\n* a\n* b\n");
    }
}
