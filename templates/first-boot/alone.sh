# What cloud-init does elsewhere. This program is started at every boot and works at the first one;
# the machine's serial number tells an image taken from a machine from the machine itself.
serial=$(cat /sys/class/dmi/id/product_uuid 2>/dev/null)
if [ -e "$state/first-boot.started" ] && [ "$(cat "$state/first-boot.started")" = "$serial" ]; then
    [ -e "$marker" ] || mark failed '"interrupted: the machine was stopped during its first boot"' null
    exit 0
fi
rm -f "$marker"
printf '%s\n' "$serial" >"$state/first-boot.started"

# host_key PRIVATE PUBLIC: the only one, and in use at once.
host_key() {
    rm -f /etc/ssh/ssh_host_*_key /etc/ssh/ssh_host_*_key.pub
    mkdir -p /etc/ssh
    printf %s "$1" | placed 0600 /etc/ssh/ssh_host_ed25519_key || return
    printf '%s\n' "$2" | placed 0644 /etc/ssh/ssh_host_ed25519_key.pub || return
    if [ -d /run/systemd/system ]; then
        for unit in ssh.service sshd.service; do systemctl try-restart "$unit"; done
    elif [ -s /run/sshd.pid ]; then
        kill -HUP "$(cat /run/sshd.pid)"
    fi
    return 0
}

# login USER KEY
login() {
    if ! id -u "$1" >/dev/null 2>&1; then
        if getent group "$1" >/dev/null; then
            useradd -m -s /bin/bash -g "$1" "$1" || return
        else
            useradd -m -s /bin/bash -U "$1" || return
        fi
    fi
    home=$(getent passwd "$1" | cut -d: -f6)
    [ -n "$home" ] || return 1
    mkdir -p "$home/.ssh" /etc/sudoers.d || return
    printf '%s\n' "$2" >>"$home/.ssh/authorized_keys" || return
    chmod 0700 "$home/.ssh" && chmod 0600 "$home/.ssh/authorized_keys" || return
    chown -R "$1:" "$home/.ssh" || return
    if command -v restorecon >/dev/null; then restorecon -R "$home/.ssh"; fi
    printf '#%s ALL=(ALL) NOPASSWD:ALL\n' "$(id -u "$1")" | placed 0440 /etc/sudoers.d/90-mcis
}

# named_host NAME: a nicety, so nothing fails with it.
named_host() {
    printf '%s\n' "$1" >/etc/hostname
    printf '127.0.1.1 %s\n' "$1" >>/etc/hosts
    hostname "$1"
    return 0
}
