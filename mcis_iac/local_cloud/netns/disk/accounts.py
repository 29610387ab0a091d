"""The guest's account files, as text: the image's system users, root and the one ordered user.

Pure functions. Accounts of people on the host are left out; their ids are not reused, so that no
file of theirs looks like the guest user's own.
"""

from __future__ import annotations

from collections.abc import Iterable

FIRST_UID = 1000
LAST_UID = 60000
ADMIN_GROUPS = ("sudo", "wheel")
_AGE = "19000:0:99999:7:::"


def rows(text: str) -> list[list[str]]:
    """The entries of a passwd or group file as fields; comments and broken lines are dropped."""
    found = [line.split(":") for line in text.splitlines() if line and not line.startswith("#")]
    return [row for row in found if len(row) > 3 and row[2].isdigit()]  # noqa: PLR2004


def free_id(passwd: str, group: str) -> int:
    """The lowest id from 1000 that neither a user nor a group has."""
    used = {int(row[2]) for row in (*rows(passwd), *rows(group))}
    return next(number for number in range(FIRST_UID, LAST_UID) if number not in used)


def _is_person(number: int) -> bool:
    return FIRST_UID <= number < LAST_UID


def passwd_text(passwd: str, user: str, uid: int, shell: str) -> str:
    """System users of the image plus `user`; an image's user of that name is replaced."""
    kept = [row for row in rows(passwd) if not _is_person(int(row[2])) and (row[0] != user or user == "root")]
    lines = [":".join(row) for row in kept]
    if user != "root":
        lines.append(f"{user}:x:{uid}:{uid}:{user}:/home/{user}:{shell}")
    return "\n".join(lines) + "\n"


def group_text(group: str, user: str, uid: int, members: Iterable[str]) -> str:
    """System groups of the image; `user` gets its own group and joins the administrators' one.

    `members` are the account names that exist: others vanish from the lists.
    """
    known = set(members)
    lines = []
    for row in rows(group):
        if _is_person(int(row[2])) or (row[0] == user and user != "root"):
            continue
        names = [name for name in row[3].split(",") if name in known and name != user]
        if row[0] in ADMIN_GROUPS and user != "root":
            names.append(user)
        lines.append(":".join([*row[:3], ",".join(names)]))
    if user != "root":
        lines.append(f"{user}:x:{uid}:")
    return "\n".join(lines) + "\n"


def shadow_text(passwd: str) -> str:
    """No password for anybody. `*`, not `!`: without PAM sshd refuses keys of `!` accounts."""
    return "".join(f"{row[0]}:*:{_AGE}\n" for row in rows(passwd))


def group_id(group: str, name: str) -> int:
    """The group's number, 0 when there is none."""
    return next((int(row[2]) for row in rows(group) if row[0] == name), 0)


SUDOERS = """Defaults env_reset
Defaults secure_path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
root ALL=(ALL:ALL) ALL
@includedir /etc/sudoers.d
"""


def sudoers_line(user: str) -> str:
    return f"{user} ALL=(ALL:ALL) NOPASSWD:ALL\n"


def sshd_config(*, port: int, user: str, address: str, penalties: bool = False) -> str:
    """Keys only, one user; generous limits, because many channels share one connection.

    `penalties`: this sshd locks addresses out for failures, and all of us come from one address.
    """
    root = "prohibit-password" if user == "root" else "no"
    patience = "PerSourcePenalties no\n" if penalties else ""
    return f"""Port {port}
HostKey /etc/ssh/ssh_host_ed25519_key
AuthorizedKeysFile .ssh/authorized_keys
PermitRootLogin {root}
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
LogLevel INFO
UseDNS no
PrintMotd no
PrintLastLog no
MaxStartups 200:30:500
MaxSessions 100
AcceptEnv LANG LC_*
SetEnv MCIS_ADDRESS={address}
Subsystem sftp internal-sftp
{patience}Include /etc/ssh/sshd_config.d/*.conf
"""


SYSTEMCTL = """#!/bin/sh
echo "systemctl: there is no systemd in this VM; start services from an executable /etc/rc.local," \\
  "which runs at every start" >&2
exit 1
"""
