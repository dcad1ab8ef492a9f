//! Any text and any number that a server may give for a place in it: every span cuts no character, and every message is
//! drawn.
#![no_main]

use libfuzzer_sys::fuzz_target;
use migrate_core::report::{Exit, Failure, Place};
use migrate_core::text::{Span, position, word_at};

fuzz_target!(|input: (u32, u32, &str)| {
    let (one, other, text) = input;
    for number in [one, other, one % 64, other % 64] {
        if let Some(span) = word_at(text, number) {
            assert!(text.get(span.start as usize..span.end as usize).is_some(), "{span:?}");
        }
        let place = position(text, number);
        assert!(place.line >= 1 && place.column >= 1, "{place:?}");
    }
    for span in [Span::new(one, other), Span::new(one % 64, other % 64), Span::new(other % 64, one % 64)] {
        let mut failure = Failure::new(Exit::MigrationFailed, text, text);
        failure.place = Some(Place::new("a.sql", text, span));
        assert!(!failure.render(false).is_empty() && !failure.render(true).is_empty());
    }
});
