-- +goose Up
CREATE INDEX IF NOT EXISTS child_a_idx ON child (b);
CREATE TABLE nt (a int);
CREATE INDEX i ON nt (a);
CREATE TABLE nt AS SELECT * FROM child;
CREATE INDEX i ON nt (a);
CREATE INDEX CONCURRENTLY i ON child (b);
CREATE INDEX i ON part (v);
CREATE INDEX i ON ONLY part (v);
CREATE INDEX CONCURRENTLY i ON part (v);
CREATE INDEX i ON part_1 (id);
CREATE INDEX i ON mv (a);
DROP INDEX child_ai_idx;
DROP INDEX IF EXISTS nope_idx;
DROP INDEX CONCURRENTLY child_ai_idx;
