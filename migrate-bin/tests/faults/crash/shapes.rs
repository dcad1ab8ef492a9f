//! A random set of migrations from a seed, and what each of its steps has to leave behind.
//!
//! Invariants: a set is valid on a database that `SETUP` prepared; what it makes depends on nothing but the seed; and of
//! none of its statements it is impossible to tell whether it took effect.

use std::collections::BTreeSet;

use super::dice::Dice;
use super::wrapped;

/// What is there before the first migration. `busy` is a table that an application writes to meanwhile: files build and
/// drop indexes of it without a lock that would wait for a writer.
pub(crate) const SETUP: &str = "
    CREATE TABLE counter (step text PRIMARY KEY, n int NOT NULL);
    CREATE TABLE busy (id int, word text);
    INSERT INTO busy SELECT i, 'w' || i FROM generate_series(1, 300) i;
    CREATE INDEX busy_a ON busy (id); CREATE INDEX busy_b ON busy (word); CREATE INDEX busy_c ON busy (id, word);
    CREATE TYPE mood AS ENUM ('calm');
    CREATE TABLE parted (id int) PARTITION BY RANGE (id);
    CREATE TABLE part_1 PARTITION OF parted FOR VALUES FROM (0) TO (10);
    CREATE TABLE part_2 PARTITION OF parted FOR VALUES FROM (10) TO (20);
    INSERT INTO parted SELECT generate_series(0, 19);
    CREATE SCHEMA app;
";

/// A set, as files.
#[derive(Debug, Default)]
pub(crate) struct MigrationSet {
    /// Names and texts, in the order of their versions.
    pub(crate) files: Vec<(String, String)>,
    /// The steps that count themselves in the table `counter`.
    pub(crate) steps: Vec<String>,
    /// What occurs in it.
    pub(crate) shapes: BTreeSet<&'static str>,
}

impl MigrationSet {
    /// Without a direct connection there is no file without a transaction.
    pub(crate) fn of(dice: &mut Dice, is_direct: bool) -> Self {
        let mut writer = Writer::default();
        let files = 3 + dice.below(5);
        for version in 1..=files {
            let (name, text) = if dice.below(5) < 2 && is_direct {
                ("apart", writer.without_transaction(version, dice))
            } else {
                ("whole", wrapped::file(&mut writer, version, dice))
            };
            writer.set.files.push((format!("{version:05}_{name}.sql"), text));
        }
        writer.set
    }

    /// What a database needs before the first file: the tables of `SETUP` and a zero for each step.
    pub(crate) fn setup(&self) -> String {
        let steps: Vec<String> = self.steps.iter().map(|step| format!("('{step}', 0)")).collect();
        format!("{SETUP} INSERT INTO counter VALUES {};", steps.join(", "))
    }
}

/// Writes files, and remembers what the earlier ones made.
pub(crate) struct Writer {
    pub(crate) set: MigrationSet,
    /// Tables with a column `id`, their names unique.
    pub(crate) tables: Vec<String>,
    /// Indexes of `busy`.
    indexes: Vec<String>,
    partitions: Vec<&'static str>,
    names: u32,
}

impl Default for Writer {
    fn default() -> Self {
        Self {
            set: MigrationSet::default(),
            tables: Vec::new(),
            indexes: ["busy_a", "busy_b", "busy_c"].map(str::to_owned).to_vec(),
            partitions: vec!["part_1", "part_2"],
            names: 0,
        }
    }
}

impl Writer {
    /// A name that nothing has yet.
    pub(crate) fn name(&mut self, kind: &str) -> String {
        self.names += 1;
        format!("{kind}_{}", self.names)
    }

    pub(crate) fn shape(&mut self, name: &'static str) {
        self.set.shapes.insert(name);
    }

    /// A statement that counts itself: done twice it leaves a 2, never done a 0.
    pub(crate) fn count(&mut self, version: usize) -> String {
        let step = format!("{version}.{}", self.set.steps.len() + 1);
        let statement = format!("UPDATE public.counter SET n = n + 1 WHERE step = '{step}';\n");
        self.set.steps.push(step);
        statement
    }

    /// A file whose statements stand alone. Every one is followed, now and then, by a step that counts itself.
    fn without_transaction(&mut self, version: usize, dice: &mut Dice) -> String {
        let mut text = "-- +goose NO TRANSACTION\n-- +goose Up\n".to_owned();
        let parts = 1 + dice.below(5);
        for _ in 0..parts {
            if dice.one_in(2) {
                text.push_str(&self.count(version));
            }
            text.push_str(&self.apart(version, dice));
        }
        text.push_str(&self.count(version));
        text
    }

    fn apart(&mut self, version: usize, dice: &mut Dice) -> String {
        match dice.below(14) {
            0 | 1 => self.create_index(dice),
            2 => self.unnamed_index(),
            3 | 4 => self.drop_index(dice),
            5 => self.reindex(dice),
            6 => self.vacuum(dice),
            7 => self.block(version),
            8 => self.session_setting(version),
            9 => self.detach(dice),
            10 => self.enum_value(),
            11 => wrapped::function(self, version),
            12 => wrapped::pause(self, dice),
            _ => self.plain_table(),
        }
    }

    fn create_index(&mut self, dice: &mut Dice) -> String {
        self.shape("CREATE INDEX CONCURRENTLY");
        let index = self.name("busy_i");
        let unique = if dice.one_in(3) { "UNIQUE " } else { "" };
        let careful = if dice.one_in(3) { "IF NOT EXISTS " } else { "" };
        let statement = format!("CREATE {unique}INDEX CONCURRENTLY {careful}{index} ON public.busy (id, word);\n");
        self.indexes.push(index);
        statement
    }

    fn unnamed_index(&mut self) -> String {
        self.shape("CREATE INDEX CONCURRENTLY without a name");
        // A column of its own, so that no two of them would get one name.
        let constant = self.names + 1;
        self.names += 1;
        format!("CREATE INDEX CONCURRENTLY ON public.busy ((id + {constant}));\n")
    }

    fn drop_index(&mut self, dice: &mut Dice) -> String {
        let Some(index) = dice.take(&mut self.indexes) else { return "SELECT 1;\n".to_owned() };
        self.shape("DROP INDEX CONCURRENTLY");
        let careful = if dice.one_in(3) { "IF EXISTS " } else { "" };
        format!("DROP INDEX CONCURRENTLY {careful}public.{index};\n")
    }

    fn reindex(&mut self, dice: &mut Dice) -> String {
        self.shape("REINDEX CONCURRENTLY");
        if self.indexes.is_empty() || dice.one_in(4) {
            return "REINDEX TABLE CONCURRENTLY public.busy;\n".to_owned();
        }
        let index = dice.pick(&self.indexes);
        format!("REINDEX INDEX CONCURRENTLY public.{index};\n")
    }

    fn vacuum(&mut self, dice: &mut Dice) -> String {
        self.shape("VACUUM");
        let options = dice.pick(&["", "(ANALYZE) ", "FREEZE "]);
        format!("VACUUM {options}public.busy;\n")
    }

    fn block(&mut self, version: usize) -> String {
        self.shape("a transaction of the file's own");
        let (first, second) = (self.count(version), self.count(version));
        format!("BEGIN;\n{first}{second}COMMIT;\n")
    }

    /// What is set has to be set again when a later run goes on behind it: the table lands in the wrong schema otherwise.
    fn session_setting(&mut self, version: usize) -> String {
        self.shape("a setting that outlives its statement");
        let (table, count) = (self.name("set"), self.count(version));
        format!("SET search_path = app, public;\n{count}CREATE TABLE {table} (id int);\nRESET search_path;\n")
    }

    fn detach(&mut self, dice: &mut Dice) -> String {
        let Some(partition) = dice.take(&mut self.partitions) else { return "SELECT 1;\n".to_owned() };
        self.shape("DETACH PARTITION CONCURRENTLY");
        format!("ALTER TABLE public.parted DETACH PARTITION public.{partition} CONCURRENTLY;\n")
    }

    pub(crate) fn enum_value(&mut self) -> String {
        self.shape("ALTER TYPE … ADD VALUE");
        let value = self.name("mood");
        format!("ALTER TYPE public.mood ADD VALUE '{value}';\n")
    }

    fn plain_table(&mut self) -> String {
        self.shape("plain statements without a transaction");
        let table = self.name("t");
        let text = format!(
            "CREATE TABLE public.{table} (id int PRIMARY KEY);\n\
             INSERT INTO public.{table} SELECT generate_series(1, 50);\nANALYZE public.{table};\n"
        );
        self.tables.push(table);
        text
    }
}
