#!/usr/bin/env bash
# stunnel 5.68 (Debian 12, stunnel4 3:5.68-2+deb12u1) with PostgreSQL 15's psql and server.
#
# With `protocol = pgsql` a stunnel in client mode speaks PostgreSQL's own way into TLS with the server, so that programs
# without TLS can connect in the clear. One would think that it answers a client's question for TLS itself (no), as
# PgBouncer does, or that psql's default, sslmode=prefer, falls back to the clear when there is no TLS to be had. stunnel hands
# the question through its tunnel, the server, which is asked for TLS within TLS, answers with an error, and psql gives up.
#
# Seen, through the tunnel:
#   sslmode=disable, allow             connected, and the server says that the session is encrypted
#   sslmode=prefer (the default)       server sent an error response during SSL exchange
#   sslmode=require                    the same
#
# As root on Debian 12 with PostgreSQL 15's server; stunnel and its library are unpacked into a temporary folder.
set -euo pipefail
BIN=/usr/lib/postgresql/15/bin
room=$(mktemp -d)
chmod 755 "$room"
as_server() { runuser -u postgres -- "$@"; }
tunnel=
finish() {
    [ -z "$tunnel" ] || kill "$tunnel" 2>/dev/null || true
    [ ! -d "$room/data" ] || as_server "$BIN/pg_ctl" -D "$room/data" -m immediate -w stop >/dev/null 2>&1 || true
    rm -rf "$room"
}
trap finish EXIT

(cd "$room" && apt-get download -qq 'stunnel4=3:5.68-2+deb12u1' libwrap0 >/dev/null 2>&1 &&
    for package in ./*.deb; do dpkg -x "$package" unpacked; done)
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
port=$(free_port) tunnelled=$(free_port)
mkdir "$room/data"
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout "$room/key" -out "$room/certificate" 2>/dev/null
chown postgres "$room/data" "$room/key" "$room/certificate"
chmod 600 "$room/key"
as_server "$BIN/initdb" -D "$room/data" -U postgres -A trust >/dev/null
as_server "$BIN/pg_ctl" -D "$room/data" -l "$room/data/log" -w start -o "-p $port -c listen_addresses=127.0.0.1 \
    -c unix_socket_directories= -c ssl=on -c ssl_cert_file=$room/certificate -c ssl_key_file=$room/key" >/dev/null
cat >"$room/tunnel" <<CONF
foreground = yes
pid =
[postgresql]
client = yes
accept = 127.0.0.1:$tunnelled
connect = 127.0.0.1:$port
protocol = pgsql
CONF
LD_LIBRARY_PATH="$room/unpacked/usr/lib/$(uname -m)-linux-gnu" "$room/unpacked/usr/bin/stunnel4" "$room/tunnel" 2>"$room/log" &
tunnel=$!
for _ in $(seq 100); do
    (exec 3<>"/dev/tcp/127.0.0.1/$tunnelled") 2>/dev/null && break
    sleep 0.1
done

ask() {
    psql "postgres://postgres@127.0.0.1:$tunnelled/postgres?sslmode=$1" -Atc \
        'SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()' 2>&1 | sed 's/.*failed: //' || true
}
psql --version
failed='server sent an error response during SSL exchange'
for mode in disable allow prefer require; do
    seen=$(ask "$mode")
    printf '%-8s %s\n' "$mode" "$seen"
    case "$mode" in
        disable | allow) [ "$seen" = t ] ;;
        *) [ "$seen" = "$failed" ] ;;
    esac
done
