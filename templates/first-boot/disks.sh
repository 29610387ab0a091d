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
        [ "$waited" -lt 180 ] || {
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
