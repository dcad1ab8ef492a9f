#!/usr/bin/env bash
# goose v3.30.1 with pg_dump of PostgreSQL 15 (Debian 12).
#
# One would think that the output of `pg_dump --schema-only`, under `-- +goose Up` and without the commands of psql, is a
# migration: it is plain SQL that psql runs. Every statement of it succeeds, and the migration fails behind the last one,
# with goose's own table not found. A dump begins with `SELECT pg_catalog.set_config('search_path', '', false)`, and goose
# writes its row in the same session, under a name without a schema.
#
# Seen:
#   as it is:                  relation "goose_db_version" does not exist (SQLSTATE 42P01)
#   without the search_path:   successfully migrated database to version: 1
#
# As root on Debian 12 with PostgreSQL 15's programs and Go; goose is built in a temporary folder.
set -euo pipefail
BIN=/usr/lib/postgresql/15/bin
room=$(mktemp -d)
chmod 755 "$room"
as_server() { runuser -u postgres -- "$@"; }
finish() {
    [ ! -d "$room/data" ] || as_server "$BIN/pg_ctl" -D "$room/data" -m immediate -w stop >/dev/null 2>&1 || true
    chmod -R u+w "$room"
    rm -rf "$room"
}
trap finish EXIT

tags='no_clickhouse no_duckdb no_libsql no_mssql no_mysql no_sqlite3 no_vertica no_ydb no_starrocks no_spanner no_turso no_aurora'
GOBIN="$room" GOPATH="$room/go" GOCACHE="$room/cache" GOFLAGS=-modcacherw \
    go install -tags="$tags" github.com/pressly/goose/v3/cmd/goose@v3.30.1 2>/dev/null

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
mkdir "$room/data"
chown postgres "$room/data"
as_server "$BIN/initdb" -D "$room/data" -U postgres -A trust >/dev/null
as_server "$BIN/pg_ctl" -D "$room/data" -o "-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories=" \
    -l "$room/data/log" -w start >/dev/null
url() { echo "postgres://postgres@127.0.0.1:$port/$1?sslmode=disable"; }
for name in first second third; do "$BIN/psql" -X -q "$(url postgres)" -c "CREATE DATABASE $name"; done
"$BIN/psql" -X -q "$(url first)" -c 'CREATE TABLE users (id bigint PRIMARY KEY, name text NOT NULL)'

mkdir "$room/whole" "$room/without"
dump=$("$BIN/pg_dump" --schema-only "$(url first)" | grep -v '^\\')
printf -- '-- +goose Up\n%s\n' "$dump" >"$room/whole/00001_baseline.sql"
grep -v "set_config('search_path'" "$room/whole/00001_baseline.sql" >"$room/without/00001_baseline.sql"
told() { { "$room/goose" -dir "$room/$1" postgres "$(url "$2")" up 2>&1 || true; } | tail -n 1; }
whole=$(told whole second)
without=$(told without third)
echo "as it is:                  $whole"
echo "without the search_path:   $without"
[[ "$whole" == *'relation "goose_db_version" does not exist'* && "$without" == *"version: 1"* ]]
