CREATE TABLE plans (id bigint);
