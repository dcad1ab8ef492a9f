//! The proof of each migration as a test suite of `JUnit`, which every CI server shows.

use migrate_core::verify::{Down, Round};

use super::form::verdict;

/// The document: a test case a migration. Without times, so that the same set gives the same text.
pub(super) fn xml(rounds: &[Round]) -> String {
    let failures = rounds.iter().filter(|round| !round.is_proven()).count();
    let skipped = rounds.iter().filter(|round| matches!(round.down, Down::Irreversible { .. })).count();
    let counts = format!("tests=\"{}\" failures=\"{failures}\" errors=\"0\"", rounds.len());
    let cases: String = rounds.iter().map(case).collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"migrate verify\" {counts}>\n  \
         <testsuite name=\"migrate verify\" {counts} skipped=\"{skipped}\">\n{cases}  </testsuite>\n</testsuites>\n"
    )
}

fn case(round: &Round) -> String {
    let name = format!("    <testcase classname=\"migrations\" name=\"{}\"", escaped(&round.file));
    let verdict = escaped(&verdict(round));
    if matches!(round.down, Down::Irreversible { .. }) && round.is_proven() {
        return format!("{name}>\n      <skipped message=\"{verdict}\"/>\n    </testcase>\n");
    }
    if round.is_proven() {
        return format!("{name}/>\n");
    }
    let lines: Vec<&str> = round.error.iter().chain(&round.difference).map(String::as_str).collect();
    let lines = escaped(&lines.join("\n"));
    format!("{name}>\n      <failure message=\"{verdict}\">{lines}</failure>\n    </testcase>\n")
}

/// A text as XML can hold it: control characters have no form there at all.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\n' | '\t' => safe.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => safe.push('\u{fffd}'),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn what_xml_cannot_hold_is_replaced() {
        assert_eq!(escaped("a<b> & \"c\"\u{1}\n"), "a&lt;b&gt; &amp; &quot;c&quot;\u{fffd}\n");
    }
}
