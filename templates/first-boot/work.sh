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

# labelled PATH: SELinux, where there is any, wants to know what a new file is for.
labelled() {
    if command -v restorecon >/dev/null; then restorecon "$1"; fi
}

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

# named DEVICE: its path, once it is there. Without a slash it is a volume's id: the serial number of
# the disk is made of its first 20 characters, on some clouds without the dashes.
named() {
    case $1 in
    /*)
        [ -b "$1" ] && readlink -f "$1"
        return
        ;;
    esac
    wanted=$(printf %.20s "$1" | tr -d -)
    for link in /dev/disk/by-id/*; do
        case ${link##*/} in
        *-part[0-9]*) continue ;;
        esac
        case $(printf %s "${link##*/}" | tr -d -) in
        *"$wanted"*)
            readlink -f "$link"
            return
            ;;
        esac
    done
    return 1
}

# disk DEVICE MOUNT FSTAB: only a disk with nothing at all on it is formatted. FSTAB is MOUNT as
# /etc/fstab spells it.
disk() {
    waited=0
    until device=$(named "$1"); do
        [ "$waited" -lt 300 ] || {
            echo "disk $1 did not appear"
            return 1
        }
        sleep 1
        waited=$((waited + 1))
    done
    found=0
    blkid -p "$device" || found=$?
    if [ "$found" -eq 2 ]; then mkfs.ext4 -q "$device" || return; fi
    kind=$(blkid -p -o value -s TYPE "$device")
    uuid=$(blkid -p -o value -s UUID "$device")
    [ -n "$kind" ] && [ -n "$uuid" ] || {
        echo "disk $1 is neither blank nor a file system"
        return 1
    }
    mkdir -p "$2" || return
    printf 'UUID=%s %s %s defaults,nofail 0 2\n' "$uuid" "$3" "$kind" >>/etc/fstab
    if [ -d /run/systemd/system ]; then systemctl daemon-reload; fi
    mount "$device" "$2" || return
    labelled "$2"
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

# placed MODE PATH: standard input becomes the file.
placed() {
    mkdir -p "${2%/*}/" || return
    (umask 077 && cat >"$2") || return
    chmod "$1" "$2" || return
    labelled "$2"
}
