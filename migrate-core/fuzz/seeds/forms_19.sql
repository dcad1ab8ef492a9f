-- +goose Up
TRUNCATE fkchild;
LOCK TABLE child;
LOCK TABLE child IN SHARE MODE;
LOCK TABLE vw;
CLUSTER child USING child_a_idx;
VACUUM child;
VACUUM FULL child;
VACUUM (ANALYZE) child;
ANALYZE child;
COMMENT ON TABLE child IS 'x';
COMMENT ON COLUMN child.a IS 'x';
COMMENT ON CONSTRAINT child_chk_v ON child IS 'x';
