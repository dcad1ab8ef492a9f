#!/usr/bin/env bash
# PgBouncer 1.18.0 (Debian 12, pgbouncer 1.18.0-1+deb12u1) with PostgreSQL 15.
#
# One would think that a client of a pooler can tell a database that does not exist from a server that is starting by the
# SQLSTATE, as without the pooler. PgBouncer passes the server's words on, in the server's language, and puts its own code
# in the place of the server's: 08P01, a protocol violation, for everything. Who tries again by code tries for ever.
#
# Seen, for a database that is not there:
#   without the pooler:   3D000 database "nowhere" does not exist
#   behind the pooler:    08P01 database "nowhere" does not exist
#
# As root on Debian 12 with PostgreSQL 15's server; PgBouncer is unpacked into a temporary folder.
set -euo pipefail
VERSION=1.18.0-1+deb12u1
BIN=/usr/lib/postgresql/15/bin
room=$(mktemp -d)
chmod 755 "$room"
as_server() { runuser -u postgres -- "$@"; }
finish() {
    [ ! -f "$room/pooler/pid" ] || kill -INT "$(cat "$room/pooler/pid")" 2>/dev/null || true
    [ ! -d "$room/data" ] || as_server "$BIN/pg_ctl" -D "$room/data" -m immediate -w stop >/dev/null 2>&1 || true
    rm -rf "$room"
}
trap finish EXIT

(cd "$room" && apt-get download -qq "pgbouncer=$VERSION" >/dev/null 2>&1 && dpkg -x pgbouncer_*.deb unpacked)
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
port=$(free_port) pooled=$(free_port)
mkdir "$room/data" "$room/pooler"
chown postgres "$room/data" "$room/pooler"
as_server "$BIN/initdb" -D "$room/data" -U postgres -A trust >/dev/null
as_server "$BIN/pg_ctl" -D "$room/data" -o "-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories=" \
    -l "$room/data/log" -w start >/dev/null
cat >"$room/pooler/ini" <<INI
[databases]
* = host=127.0.0.1 port=$port
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = $pooled
unix_socket_dir =
auth_type = any
pidfile = $room/pooler/pid
logfile = $room/pooler/log
INI
sed -i 's/^\* = .*/& user=postgres/' "$room/pooler/ini"
as_server "$room/unpacked/usr/sbin/pgbouncer" -d "$room/pooler/ini" 2>/dev/null

# The first packet of a client, and the error that comes back.
refused() {
    python3 - "$1" <<'PYTHON'
import socket, struct, sys, time
for _ in range(100):
    try:
        stream = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 10)
        break
    except OSError:
        time.sleep(0.1)
body = struct.pack("!I", 196608) + b"user\0postgres\0database\0nowhere\0\0"
stream.sendall(struct.pack("!I", len(body) + 4) + body)
heard = b""
while chunk := stream.recv(4096):
    heard += chunk
at = heard.index(b"E", heard.find(b"R") + 9 if heard.startswith(b"R") else 0)
fields = {part[:1]: part[1:].decode() for part in heard[at + 5:].split(b"\0") if part}
print(fields[b"C"], fields[b"M"])
PYTHON
}
direct=$(refused "$port")
behind=$(refused "$pooled")
echo "without the pooler:   $direct"
echo "behind the pooler:    $behind"
[[ "$direct" == 3D000* && "$behind" == '08P01 '*'"nowhere" does not exist' ]]
