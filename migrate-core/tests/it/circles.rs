//! No circles by file: of the files below one module, none uses one that uses it.
//!
//! A file uses another one when it names something that is defined there, also by way of a re-export. What a file takes
//! from the module that it is a part of does not count: a module's own file holds what its parts share.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::shared;

/// A module, as the names that lead to it.
type Module = Vec<String>;

#[test]
fn no_file_uses_one_that_uses_it() {
    for name in ["migrate-core", "migrate-macros", "migrate-bin", "migrate-scratch"] {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name).join("src");
        let sources = Sources::read(&root);
        let uses = sources.uses();
        assert!(uses.values().map(BTreeSet::len).sum::<usize>() > sources.files.len() / 2, "{name}: {uses:?}");
        for module in sources.files.keys() {
            if let Some(way) = way_back(module, &uses) {
                let way: Vec<String> = way.iter().map(|module| module.join("/")).collect();
                panic!("{name}: a circle of files: {}", way.join(" → "));
            }
        }
    }
}

#[test]
fn a_circle_by_way_of_a_re_export_is_seen() {
    let source = |text: &str| Source::of(text);
    let module = |name: &str| name.split('/').map(str::to_owned).collect::<Module>();
    let files = [
        ("a", source("mod b;\nmod c;\npub use b::Made;\npub fn shared() {}")),
        ("a/b", source("use super::{c::{self, taken}, shared};\npub struct Made;")),
        ("a/c", source("use super::Made;\npub fn taken() -> Made { Made }")),
    ];
    let sources = Sources { files: files.into_iter().map(|(name, source)| (module(name), source)).collect() };
    let way = way_back(&module("a/b"), &sources.uses());
    assert_eq!(way, Some(vec![module("a/b"), module("a/c"), module("a/b")]));
}

/// The way from a module through others back to itself, where there is one.
fn way_back(start: &Module, uses: &BTreeMap<Module, BTreeSet<Module>>) -> Option<Vec<Module>> {
    let mut ways = vec![vec![start.clone()]];
    let mut seen = BTreeSet::new();
    while let Some(way) = ways.pop() {
        for next in uses.get(way.last()?).into_iter().flatten() {
            let further: Vec<Module> = way.iter().chain([next]).cloned().collect();
            if next == start {
                return Some(further);
            }
            if seen.insert(next.clone()) {
                ways.push(further);
            }
        }
    }
    None
}

/// What a file defines, what it brings into its scope, and every path in it.
struct Source {
    defines: BTreeSet<String>,
    scope: BTreeMap<String, Vec<String>>,
    paths: Vec<Vec<String>>,
}

impl Source {
    fn of(text: &str) -> Self {
        let code = code(text);
        let keywords = ["fn", "struct", "enum", "trait", "type", "const", "static", "macro_rules!"];
        let words: Vec<&str> = code.split(|c: char| !(c.is_alphanumeric() || "_!".contains(c))).collect();
        let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
        let defines = words.windows(2).filter(|pair| keywords.contains(&pair[0])).map(|pair| pair[1].to_owned());
        let mut source = Self { defines: defines.collect(), scope: BTreeMap::new(), paths: Vec::new() };
        let mut rest = String::new();
        for item in code.split_inclusive(';') {
            match item.trim_end_matches(';').rsplit_once("use ").filter(|(before, _)| is_visibility(before)) {
                Some((before, tree)) => {
                    branches(tree, &[], &mut source.scope, &mut source.paths);
                    rest.push_str(before);
                }
                None => rest.push_str(item),
            }
        }
        let outside = |c: char| !(c.is_alphanumeric() || "_:".contains(c));
        let paths = rest.split(outside).map(|path| path.trim_matches(':')).filter(|path| path.contains("::"));
        source.paths.extend(paths.map(|path| path.split("::").map(str::to_owned).collect()));
        source
    }
}

/// Whether what stands before `use` on its line is nothing, or how visible it is.
fn is_visibility(before: &str) -> bool {
    let line = before.lines().next_back().unwrap_or_default();
    let line = if before.ends_with('\n') { "" } else { line.trim() };
    line.is_empty() || line.starts_with("pub")
}

/// The paths of a `use`, and the name of each in the scope.
fn branches(tree: &str, before: &[String], scope: &mut BTreeMap<String, Vec<String>>, paths: &mut Vec<Vec<String>>) {
    for branch in between_commas(tree) {
        let (path, inner) = match branch.split_once('{') {
            Some((path, inner)) => (path, inner.rsplit_once('}').map(|(inner, _)| inner)),
            None => (branch, None),
        };
        let (path, renamed) = path.split_once(" as ").map_or((path, None), |(path, name)| (path, Some(name.trim())));
        let names = path.split("::").map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
        let mut whole: Vec<String> = before.iter().cloned().chain(names).collect();
        if let Some(inner) = inner {
            branches(inner, &whole, scope, paths);
            continue;
        }
        if whole.last().is_some_and(|last| last == "self") {
            whole.pop();
        }
        if let Some(name) = renamed.map(str::to_owned).or_else(|| whole.last().cloned()) {
            scope.insert(name, whole.clone());
        }
        paths.push(whole);
    }
}

fn between_commas(tree: &str) -> Vec<&str> {
    let (mut depth, mut start, mut parts) = (0, 0, Vec::new());
    for (at, c) in tree.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&tree[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&tree[start..]);
    parts.into_iter().filter(|part| !part.trim().is_empty()).collect()
}

/// The text without comments, without what its strings say, and without its tests.
fn code(text: &str) -> String {
    let tests = text.find("\n#[cfg(test)]\nmod ").or_else(|| text.find("\n#[cfg(all(test")).unwrap_or(text.len());
    let mut code = String::new();
    for line in text[..tests].lines().filter(|line| !line.trim_start().starts_with("//")) {
        let mut outside = true;
        let mut previous = ' ';
        for c in line.chars() {
            match c {
                '"' if previous != '\'' && previous != '\\' => outside = !outside,
                c if outside => code.push(c),
                _ => {}
            }
            previous = if previous == '\\' { ' ' } else { c };
        }
        code.push('\n');
    }
    code
}

struct Sources {
    files: BTreeMap<Module, Source>,
}

impl Sources {
    fn read(root: &Path) -> Self {
        let mut files = BTreeMap::new();
        for file in shared::files_below(root, "rs") {
            let shown = file.strip_prefix(root).unwrap_or(&file).with_extension("");
            let module: Module = shown.iter().map(|part| part.to_string_lossy().into_owned()).collect();
            // The crate's own file stands above all of them.
            if !["lib", "main", "bin"].contains(&module[0].as_str()) {
                files.insert(module, Source::of(&shared::text(&file)));
            }
        }
        Self { files }
    }

    /// What each file uses; the modules that it is a part of left out.
    fn uses(&self) -> BTreeMap<Module, BTreeSet<Module>> {
        let uses = self.files.iter().map(|(module, source)| {
            let used = source.paths.iter().filter_map(|path| self.resolve(module, path, 0));
            (module.clone(), used.filter(|used| !module.starts_with(used)).collect())
        });
        uses.collect()
    }

    /// The file in which what a path names is defined.
    fn resolve(&self, from: &[String], path: &[String], depth: u32) -> Option<Module> {
        let mut at = from.to_vec();
        let mut rest = path;
        match rest.first()?.as_str() {
            "crate" => (at, rest) = (Vec::new(), &rest[1..]),
            "self" => rest = &rest[1..],
            "super" => {
                while rest.first().is_some_and(|name| name == "super") {
                    at.pop()?;
                    rest = &rest[1..];
                }
            }
            first if self.files.contains_key(&child(&at, first)) => {}
            first => {
                let target = self.files.get(&at)?.scope.get(first)?;
                let is_the_same = target.as_slice() == path || path.len() == 1 || depth > 8;
                at = if is_the_same { return None } else { self.resolve(&at, target, depth + 1)? };
                rest = &rest[1..];
            }
        }
        while let Some(name) = rest.first().filter(|name| self.files.contains_key(&child(&at, name))) {
            at.push(name.clone());
            rest = &rest[1..];
        }
        let source = self.files.get(&at)?;
        let passed_on = rest.first().filter(|name| !source.defines.contains(*name));
        let target = passed_on.and_then(|name| source.scope.get(name)).filter(|_| depth < 8);
        target.and_then(|target| self.resolve(&at, target, depth + 1)).or(Some(at))
    }
}

fn child(module: &[String], name: &str) -> Module {
    module.iter().cloned().chain([name.to_owned()]).collect()
}
