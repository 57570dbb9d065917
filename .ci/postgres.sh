# A PostgreSQL server of one's own, for ./test and ./bench. Sourced by a script that has the functions `say` and `die`,
# a folder `$work` to put the server into, and that calls `stop_postgres` when it ends.

. .ci/packages.sh

postgres_bin=""
postgres_runs=""
# Where the server that runs is reached, as the user postgres: the URL of its database postgres.
postgres_url=""

# The server refuses to run as root; another user then owns its files.
postgres_user=""
if [[ "$(id -u)" == 0 ]]; then
    for name in postgres nobody; do
        if id "$name" >/dev/null 2>&1; then
            postgres_user="$name"
            break
        fi
    done
    [[ -n "$postgres_user" ]] || die "running as root needs a user 'postgres' or 'nobody' for the database server"
fi

as_postgres() (
    # Not the caller's folder: the other user may not be allowed to enter it.
    cd /
    if [[ -z "$postgres_user" ]]; then
        exec "$@"
    elif command -v setpriv >/dev/null; then
        exec setpriv --reuid="$postgres_user" --regid="$(id -g "$postgres_user")" --clear-groups "$@"
    else
        exec runuser -u "$postgres_user" -- "$@"
    fi
)

find_postgres() {
    local folder link
    if link="$(command -v pg_ctl)" && folder="$(dirname "$(readlink -f "$link")")" && [[ -x "$folder/initdb" ]]; then
        postgres_bin="$folder"
        return 0
    fi
    while read -r folder; do
        if [[ -x "$folder/initdb" && -x "$folder/pg_ctl" ]]; then
            postgres_bin="$folder"
            return 0
        fi
    done < <(ls -d /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /opt/homebrew/opt/postgresql@*/bin 2>/dev/null | sort -rV)
    return 1
}

# Finds PostgreSQL's programs, or installs them.
need_postgres() {
    find_postgres || { install_packages PostgreSQL postgresql; find_postgres; } || die "no PostgreSQL server found after installing it"
}

# Starts a server that syncs every commit. Arguments: further lines of its settings.
start_postgres() {
    local password port attempt
    password="$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')"
    printf '%s\n' "$password" >"$work/password"
    chmod 711 "$work"
    mkdir "$work/data" "$work/socket"
    if [[ -n "$postgres_user" ]]; then
        chown "$postgres_user" "$work/data" "$work/socket" "$work/password"
    fi
    chmod 700 "$work/data" "$work/socket"
    chmod 600 "$work/password"
    as_postgres "$postgres_bin/initdb" -D "$work/data" -U postgres --pwfile="$work/password" --auth=scram-sha-256 \
        --encoding=UTF8 --locale=C.UTF-8 >"$work/initdb.log" 2>&1 || { cat "$work/initdb.log" >&2; die "initdb failed"; }
    cat >>"$work/data/postgresql.conf" <<CONF
listen_addresses = '127.0.0.1'
unix_socket_directories = '$work/socket'
fsync = on
synchronous_commit = on
CONF
    printf '%s\n' "$@" >>"$work/data/postgresql.conf"
    for attempt in 1 2 3 4 5; do
        port=$((20000 + (RANDOM * 32768 + RANDOM) % 40000))
        if as_postgres "$postgres_bin/pg_ctl" start -w -t 60 -D "$work/data" -l "$work/data/server.log" \
            -o "-p $port" >"$work/start.log" 2>&1 </dev/null; then
            postgres_runs=yes
            postgres_url="postgres://postgres:$password@127.0.0.1:$port/postgres"
            return 0
        fi
    done
    cat "$work/start.log" "$work/data/server.log" >&2
    die "PostgreSQL did not start"
}

stop_postgres() {
    if [[ -n "$postgres_runs" ]]; then
        as_postgres "$postgres_bin/pg_ctl" stop -D "$work/data" -m immediate >/dev/null 2>&1 || true
    fi
}
