//! The migrations that are compared.

/// A migration, in no tool's own form.
pub(crate) struct File {
    pub(crate) version: usize,
    pub(crate) up: String,
}

pub(crate) fn hundred() -> Vec<File> {
    of_three(100)
}

pub(crate) fn thousand_of_three() -> Vec<File> {
    of_three(1000)
}

fn of_three(count: usize) -> Vec<File> {
    let up = |version| {
        format!(
            "CREATE TABLE t{version} (id int PRIMARY KEY, name text);\nCREATE INDEX ON t{version} (name);\nINSERT INTO \
             t{version} VALUES ({version}, 'x');\n"
        )
    };
    (1..=count).map(|version| File { version, up: up(version) }).collect()
}

pub(crate) fn thousand() -> Vec<File> {
    tables(1000)
}

pub(crate) fn ten_thousand() -> Vec<File> {
    tables(10_000)
}

fn tables(count: usize) -> Vec<File> {
    let up = |version| format!("CREATE TABLE t{version} (id int PRIMARY KEY, name text NOT NULL);\n");
    (1..=count).map(|version| File { version, up: up(version) }).collect()
}

pub(crate) fn inserts() -> Vec<File> {
    let row = |file, n| format!("INSERT INTO lines VALUES ({file}, {n}, 'some words about line {n}');\n");
    (1..=10).map(|version| File { version, up: (1..=5000).map(|n| row(version, n)).collect() }).collect()
}

/// Twenty mebibytes in rows of a kilobyte.
pub(crate) fn large() -> Vec<File> {
    let words = "twenty megabytes of words ".repeat(37);
    let row = |n| format!("INSERT INTO lines VALUES (1, {n}, '{words}');\n");
    let count = (20 << 20) / row(10_000).len();
    vec![File { version: 1, up: (1..=count).map(row).collect() }]
}
