//! What the examples of the rules start from.

/// A file that makes two tables, an index and a materialized view.
pub(super) const TABLES: (&str, &str) = (
    "00001_tables.sql",
    "\
-- +goose Up
CREATE TABLE clients (id bigint PRIMARY KEY, name varchar(40) NOT NULL, email text, zip integer);
CREATE TABLE invoices (id bigint PRIMARY KEY, client bigint, total numeric(10,2), due_on date, status text);
CREATE INDEX invoices_due_on ON invoices (due_on);
CREATE MATERIALIZED VIEW totals AS SELECT client, sum(total) AS total FROM invoices GROUP BY client;

-- +goose Down
DROP MATERIALIZED VIEW totals;
DROP TABLE invoices;
DROP TABLE clients;
",
);

/// A partitioned table with one partition.
pub(super) const PARTITIONS: (&str, &str) = (
    "00001_partitions.sql",
    "\
-- +goose Up
CREATE TABLE events (at date NOT NULL, what text) PARTITION BY RANGE (at);
CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE old_events (at date NOT NULL, what text);

-- +goose Down
DROP TABLE old_events;
DROP TABLE events;
",
);

/// Two tables with a foreign key between them, a view, and a view over that.
pub(super) const ORDERS: (&str, &str) = (
    "00001_orders.sql",
    "\
-- +goose Up
CREATE TABLE people (id bigint PRIMARY KEY, name text NOT NULL);
CREATE TABLE orders (id bigint PRIMARY KEY, person bigint REFERENCES people);
CREATE VIEW open_orders AS SELECT id, person FROM orders;
CREATE VIEW open_people AS SELECT person FROM open_orders;

-- +goose Down
DROP VIEW open_people;
DROP VIEW open_orders;
DROP TABLE orders;
DROP TABLE people;
",
);
