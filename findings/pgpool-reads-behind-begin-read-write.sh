#!/usr/bin/env bash
# pgpool-II 4.3.5 (Debian 12, pgpool2 4.3.5-1+deb12u1) with PostgreSQL 15, streaming replication, load_balance_mode = on.
#
# One would think that a transaction which was opened with BEGIN READ WRITE is answered by the primary. Its first SELECTs
# are not: until the transaction writes, they go to the standby, which may be behind. A SELECT that also names a system
# catalog goes to the primary, in the same place. So a program that reads its own bookkeeping to decide what to write must
# name a catalog, or write first.
#
# Seen, with replay paused on the standby:
#   behind BEGIN READ WRITE, plain:               1
#   behind BEGIN READ WRITE, naming a catalog:    2
#
# As root on Debian 12 with PostgreSQL 15's server; pgpool-II is unpacked into a temporary folder.
set -euo pipefail
VERSION=4.3.5-1+deb12u1
BIN=/usr/lib/postgresql/15/bin
room=$(mktemp -d)
chmod 755 "$room"
as_server() { runuser -u postgres -- "$@"; }
finish() {
    [ ! -f "$room/pid" ] || kill -INT "$(tr -d '\0' <"$room/pid")" 2>/dev/null || true
    for data in standby primary; do
        [ ! -d "$room/$data" ] || as_server "$BIN/pg_ctl" -D "$room/$data" -m immediate -w stop >/dev/null 2>&1 || true
    done
    rm -rf "$room"
}
trap finish EXIT

(cd "$room" && apt-get download -qq "pgpool2=$VERSION" "libpgpool2=$VERSION" >/dev/null 2>&1 && for deb in ./*.deb; do dpkg -x "$deb" pgpool; done)
pgpool="$room/pgpool/usr/sbin/pgpool"
export LD_LIBRARY_PATH="$room/pgpool/usr/lib/$(dpkg-architecture -qDEB_HOST_MULTIARCH 2>/dev/null || echo x86_64-linux-gnu)"
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
first=$(free_port) second=$(free_port) port=$(free_port) control=$(free_port)

mkdir "$room/primary" "$room/standby"
chown postgres "$room/primary" "$room/standby"
chmod 700 "$room/standby"
as_server "$BIN/initdb" -D "$room/primary" -U postgres -A trust >/dev/null
options="-c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"
as_server "$BIN/pg_ctl" -D "$room/primary" -o "-p $first $options" -l "$room/primary/log" -w start >/dev/null
as_server "$BIN/pg_basebackup" -h 127.0.0.1 -p "$first" -U postgres -D "$room/standby" -R -c fast
as_server "$BIN/pg_ctl" -D "$room/standby" -o "-p $second $options" -l "$room/standby/log" -w start >/dev/null

cat >"$room/pgpool.conf" <<CONF
backend_clustering_mode = 'streaming_replication'
listen_addresses = '127.0.0.1'
port = $port
socket_dir = '$room'
pcp_port = $control
pcp_socket_dir = '$room'
pid_file_name = '$room/pid'
logdir = '$room'
num_init_children = 4
load_balance_mode = on
sr_check_period = 1
sr_check_user = 'postgres'
health_check_period = 0
backend_hostname0 = '127.0.0.1'
backend_port0 = $first
backend_weight0 = 0
backend_flag0 = 'DISALLOW_TO_FAILOVER'
backend_hostname1 = '127.0.0.1'
backend_port1 = $second
backend_weight1 = 1
backend_flag1 = 'DISALLOW_TO_FAILOVER'
CONF
touch "$room/pool_hba.conf" "$room/pcp.conf"
"$pgpool" -n -f "$room/pgpool.conf" -a "$room/pool_hba.conf" -F "$room/pcp.conf" >"$room/pgpool.log" 2>&1 &

ask() { "$BIN/psql" -X -q -A -t -h 127.0.0.1 -p "$1" -U postgres -d postgres "${@:2}"; }
for _ in $(seq 100); do ask "$port" -c 'SELECT 1' >/dev/null 2>&1 && break || sleep 0.1; done
ask "$first" -c 'CREATE TABLE versions (version int); INSERT INTO versions VALUES (1)'
for _ in $(seq 100); do [ "$(ask "$second" -c 'SELECT max(version) FROM versions' 2>/dev/null)" = 1 ] && break || sleep 0.1; done
ask "$second" -c 'SELECT pg_wal_replay_pause()' >/dev/null
for _ in $(seq 100); do [ "$(ask "$second" -c 'SELECT pg_get_wal_replay_pause_state()')" = paused ] && break || sleep 0.1; done
ask "$first" -c 'INSERT INTO versions VALUES (2)'

plain=$(ask "$port" -c 'BEGIN READ WRITE' -c 'SELECT max(version) FROM versions' -c 'COMMIT')
named=$(ask "$port" -c 'BEGIN READ WRITE' -c 'SELECT max(version) FROM versions WHERE EXISTS (SELECT FROM pg_catalog.pg_class)' -c 'COMMIT')
echo "behind BEGIN READ WRITE, plain:               $plain"
echo "behind BEGIN READ WRITE, naming a catalog:    $named"
[ "$plain" = 1 ] && [ "$named" = 2 ]
