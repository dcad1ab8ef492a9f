-- +goose Up
ALTER TABLE child SET (fillfactor=70);
ALTER TABLE child SET (autovacuum_enabled=false);
ALTER TABLE child SET (parallel_workers=2);
ALTER TABLE child SET (toast.autovacuum_enabled=false);
ALTER TABLE child SET (user_catalog_table=true);
ALTER TABLE child RESET (fillfactor);
ALTER TABLE child SET WITHOUT OIDS;
ALTER TABLE inhc INHERIT inhp;
ALTER TABLE inhc2 NO INHERIT inhp;
ALTER TABLE typed NOT OF;
ALTER TABLE child REPLICA IDENTITY FULL;
ALTER TABLE rep REPLICA IDENTITY USING INDEX rep_uidx;
