"""A machine makes a host key of its own, over a connection that was checked against the one it was sent."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace

from mcis_iac.actions.hosterrors import HostError, Unreachable
from mcis_iac.actions.known_hosts import is_key
from mcis_iac.actions.ssh import Client, Connection
from mcis_iac.model import Vm

Note = Callable[[Vm, Sequence[str], bool], None]  # trust these keys; whether that is the machine's own

# How long a server may take to come up with its new key.
PAUSES_S = (0.0, 0.2, 0.5, 1.0, 2.0)

# Where the tree of a machine is a folder, this variable names it.
ROOT = "${MCIS_ROOT}"
KEY = f'"{ROOT}/etc/ssh/ssh_host_ed25519_key"'
NEXT = f'"{ROOT}/etc/ssh/.mcis_host_key"'

# Prints the key to come. Killed at any point, it can be run again: a key is only taken when it is whole,
# and one that has been put in place already, but is not in use yet, is not replaced by a third.
PREPARE = f"""\
umask 077
now=$(ssh-keygen -y -f {KEY}) || exit 1
set -- $now
[ "$1 $2" = "$shown" ] || {{ echo "$1 $2"; exit 0; }}
if ! ssh-keygen -y -f {NEXT} >/dev/null 2>&1; then
  rm -f {NEXT} {NEXT}.new {NEXT}.new.pub
  ssh-keygen -q -t ed25519 -N '' -C '' -f {NEXT}.new || exit 1
  rm -f {NEXT}.new.pub
  sync {NEXT}.new
  mv -f {NEXT}.new {NEXT} || exit 1
fi
ssh-keygen -y -f {NEXT}
"""

# The private half alone decides. What cloud-init keeps of the instructions has the old one in it.
COMMIT = f"""\
umask 022
if [ -s {NEXT} ]; then
  ssh-keygen -y -f {NEXT} >{KEY}.pub.mcis || exit 1
  mv -f {NEXT} {KEY} && mv -f {KEY}.pub.mcis {KEY}.pub || exit 1
  if command -v restorecon >/dev/null; then restorecon {KEY} {KEY}.pub; fi
  sync "{ROOT}/etc/ssh"
fi
rm -f "{ROOT}"/var/lib/cloud/instances/*/user-data.txt* "{ROOT}"/var/lib/cloud/instances/*/cloud-config.txt
if [ -s "{ROOT}/run/sshd.pid" ]; then kill -HUP "$(cat "{ROOT}/run/sshd.pid")"
elif [ -d /run/systemd/system ]; then
  for unit in ssh.service sshd.service; do systemctl try-reload-or-restart "$unit"; done
else kill -HUP 1
fi
exit 0
"""


class NotRotated(HostError):
    """The machine keeps the key it was sent for now; it stays trusted."""


async def rotate(client: Client, vm: Vm, note: Note) -> Vm:
    """The VM with a host key of its own, once it has shown that one.

    `vm.host_key` has every key that is accepted, the newest last. Each step is noted before it is taken,
    so this may be repeated after a crash at any point. Raises HostError; then what was noted counts.
    """
    known = (vm.host_key or "").splitlines()
    async with client.connect(vm) as on:
        shown = on.host_key
        if len(known) > 1 and shown == known[-1]:
            return _done(vm, shown, note)
        key = await _prepared(on, shown)
        both = replace(vm, host_key=f"{shown}\n{key}")
        note(both, (shown, key), False)  # noqa: FBT003 - a callback of values
        ended, said = await on.output(_as_root(COMMIT))
        if ended.exit_status not in {0, None}:
            raise NotRotated(text=f"the new host key cannot be put in place: {said.strip()}".rstrip(": "))
    for pause in PAUSES_S:
        await asyncio.sleep(pause)
        with suppress(Unreachable):  # while it begins anew
            async with client.connect(both) as on:
                if on.host_key == key:
                    return _done(vm, key, note)
    raise NotRotated(text="the ssh server goes on showing its old host key")


async def _prepared(on: Connection, shown: str) -> str:
    ended, said = await on.output(_as_root(f"shown={shlex.quote(shown)}\n{PREPARE}"))
    words = said.split()
    if ended.exit_status != 0 or len(words) < 2 or not is_key(words[0], words[1]):  # noqa: PLR2004
        raise NotRotated(text="no new host key can be made there (it takes root and ssh-keygen)")
    return f"{words[0]} {words[1]}"


def _done(vm: Vm, key: str, note: Note) -> Vm:
    note(vm, (key,), True)  # noqa: FBT003 - a callback of values
    return replace(vm, host_key=key)


def _as_root(text: str) -> str:
    run = shlex.join(["sh", "-c", text])
    return f'if [ "$(id -u)" = 0 ]; then exec {run}; else exec sudo -n -- {run}; fi'
