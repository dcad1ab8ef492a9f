//! How the binary is linked, read from itself.

use std::path::Path;

use crate::program::release;

/// What image and node have to carry.
const MOST: usize = 8 * 1000 * 1000;

/// What of a 64-bit ELF file matters here.
struct Linked {
    /// Whether another program has to load it.
    has_interpreter: bool,
    /// How many shared libraries it needs.
    libraries: usize,
    /// The names of its sections.
    sections: Vec<String>,
}

#[expect(clippy::disallowed_methods, reason = "the program itself is the data")]
fn bytes(program: &Path) -> Vec<u8> {
    std::fs::read(program).expect("the program")
}

fn number(bytes: &[u8], at: usize, length: usize) -> usize {
    let bytes = bytes[at..at + length].iter().rev();
    bytes.fold(0, |number, byte| (number << 8) | usize::from(*byte))
}

fn linked(file: &[u8]) -> Linked {
    assert_eq!(&file[..6], b"\x7fELF\x02\x01", "a 64-bit little-endian ELF file");
    let table = |start: usize, size: usize, count: usize| -> Vec<usize> {
        let (start, size, count) = (number(file, start, 8), number(file, size, 2), number(file, count, 2));
        (0..count).map(|row| start + row * size).collect()
    };
    let segments = table(0x20, 0x36, 0x38);
    let of_kind = |kind: usize| segments.iter().filter(move |row| number(file, **row, 4) == kind);
    // PT_DYNAMIC: pairs of tag and value, DT_NEEDED is 1.
    let dynamic = of_kind(2).flat_map(|row| {
        let (start, length) = (number(file, row + 8, 8), number(file, row + 0x20, 8));
        (start..start + length).step_by(16).map(|pair| number(file, pair, 8))
    });
    let headers = table(0x28, 0x3a, 0x3c);
    let names = number(file, headers[number(file, 0x3e, 2)] + 0x18, 8);
    let name = |row: &usize| {
        let start = names + number(file, *row, 4);
        let length = file[start..].iter().position(|byte| *byte == 0).expect("its end");
        String::from_utf8_lossy(&file[start..start + length]).into_owned()
    };
    Linked {
        has_interpreter: of_kind(3).next().is_some(),
        libraries: dynamic.filter(|tag| *tag == 1).count(),
        sections: headers.iter().map(name).collect(),
    }
}

#[test]
fn it_is_linked_statically_stripped_and_small() {
    let own = linked(&bytes(&std::env::current_exe().expect("this test")));
    assert!(own.has_interpreter && own.libraries > 0, "this test is linked dynamically, and that is seen");
    assert!(own.sections.iter().any(|name| name == ".symtab"), "{:?}", own.sections);
    let Some(program) = release("how the release binary is linked") else { return };
    let file = bytes(&program);
    let linked = linked(&file);
    assert!(!linked.has_interpreter && linked.libraries == 0, "linked dynamically");
    let symbols = linked.sections.iter().find(|name| *name == ".symtab" || name.starts_with(".debug"));
    assert_eq!(symbols, None, "not stripped");
    println!("the release binary has {} bytes", file.len());
    assert!(file.len() <= MOST, "{} bytes", file.len());
}
