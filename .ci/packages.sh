# Installing what a test needs and the machine lacks. Sourced by a script that has the functions `say` and `die` and a
# folder `$work`.

# install_packages WHAT PACKAGE…: Debian's packages; WHAT is for people.
install_packages() {
    local what="$1" sudo=()
    shift
    command -v apt-get >/dev/null || die "$what is missing; install it"
    if [[ "$(id -u)" != 0 ]]; then
        sudo=(sudo -n)
        command -v sudo >/dev/null || die "$what is missing; install $*"
    fi
    say "Installing $what…"
    { "${sudo[@]}" apt-get update -q &&
        "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "$@"; } \
        >"$work/apt.log" 2>&1 </dev/null || { tail -n 20 "$work/apt.log" >&2; die "installing $what failed"; }
}
