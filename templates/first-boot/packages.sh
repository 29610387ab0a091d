# again TIMES COMMAND...: a fresh machine's network and package locks take a while.
again() {
    left=$1
    shift
    until "$@"; do
        status=$?
        left=$((left - 1))
        [ "$left" -gt 0 ] || return "$status"
        sleep 5
    done
}

# packages NAME...
packages() {
    if command -v apt-get >/dev/null; then
        again 30 apt-get -q update || return
        again 3 apt-get -qy -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confold install -- "$@"
    elif command -v dnf >/dev/null; then
        again 3 dnf -qy install -- "$@"
    elif command -v zypper >/dev/null; then
        again 3 zypper -nq install -- "$@"
    elif command -v apk >/dev/null; then
        again 3 apk add -q -- "$@"
    else
        echo "the image has no package manager"
        return 127
    fi
}
