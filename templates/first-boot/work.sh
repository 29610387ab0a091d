# The first boot of a machine, in POSIX sh: what it is to do follows as one line per step.
umask 022
cd /
export HOME=/root DEBIAN_FRONTEND=noninteractive
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
state=/var/lib/mcis
marker=$state/first-boot.json
step=null
mkdir -p "$state" /var/log
exec >>/var/log/cloud-init-output.log 2>&1 </dev/null

# mark RESULT STEP STATUS: written aside and renamed, so that a reader never sees half of it.
mark() {
    printf '{"result": "%s", "step": %s, "exit_status": %s}\n' "$1" "$2" "$3" >"$marker.new"
    mv -f "$marker.new" "$marker"
}

# fail STATUS: the steps after one that went wrong are not run.
fail() {
    mark failed "$step" "$1"
    exit "$1"
}
