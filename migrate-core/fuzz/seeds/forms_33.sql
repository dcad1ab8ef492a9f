-- +goose Up
ALTER SEQUENCE sq AS bigint;
SELECT nextval('sq');
CREATE INDEX i ON child (lower(b));
CREATE INDEX i ON child (b) WHERE a > 5;
CREATE INDEX i ON child USING gin (j);
DROP INDEX child_pkey;
DROP INDEX CONCURRENTLY pidx;
DROP TABLE vw;
ALTER TYPE mood DROP VALUE 'ok';
CREATE DOMAIN dd AS int CHECK (VALUE>0);
ALTER DOMAIN dom_txt_chk ADD CONSTRAINT z CHECK (VALUE <> 'q');
SET session_replication_role = replica;
