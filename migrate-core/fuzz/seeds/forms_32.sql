-- +goose Up
LISTEN x;
SELECT pg_advisory_lock(1);
SELECT pg_sleep(0.01);
ALTER ROLE r1 SET statement_timeout='1s';
DO $$BEGIN COMMIT; END$$;
CALL pc();
SELECT pg_create_logical_replication_slot('s1','test_decoding');
SAVEPOINT a;
SELECT lo_create(0);
ALTER VIEW vw RENAME TO vw9;
DROP VIEW vw;
CREATE VIEW vw AS SELECT id FROM child;
CREATE OR REPLACE VIEW vw AS SELECT id, a::bigint AS a FROM child;
