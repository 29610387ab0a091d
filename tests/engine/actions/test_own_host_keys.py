"""A machine that was sent its host key makes one of its own: a stock sshd, killed clients included."""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from mcis_iac.actions.keyring import Keyring
from mcis_iac.actions.keys import Login, ensure
from mcis_iac.actions.rotation import rotate
from mcis_iac.actions.ssh import Client, Unreachable, WrongHostKey
from mcis_iac.model import Vm
from tests.fakes.ssh import a_vm

pytestmark = pytest.mark.engine


@dataclass
class Machine:
    """An sshd of this host in a folder of its own."""

    vm: Vm
    login: Login
    keyring: Keyring
    key: Path

    def rotates(self, *, dies_at: int | None = None) -> None:
        """One attempt; the client may die at its n-th note, before or after it is on disk."""
        noted = 0

        def note(vm: Vm, keys: object, own: bool) -> None:
            nonlocal noted
            noted += 1
            if dies_at == 2 * noted - 1:
                raise KeyboardInterrupt
            self.keyring.note(vm, list(keys), own=own)  # type: ignore[call-overload]
            if dies_at == 2 * noted:
                raise KeyboardInterrupt

        async def attempt() -> None:
            client = Client(self.login)
            try:
                await rotate(client, self.keyring.over([self.vm])[0], note)
            finally:
                await client.close()

        asyncio.run(attempt())

    def opens(self, vm: Vm) -> bool:
        """Whether a login that trusts exactly the VM's keys succeeds."""

        async def attempt() -> bool:
            client = Client(self.login)
            try:
                async with client.connect(vm) as on:
                    return (await on.output("true"))[0].exit_status == 0
            finally:
                await client.close()

        for _ in range(100):  # it may just begin
            try:
                return asyncio.run(attempt())
            except WrongHostKey:
                return False
            except Unreachable:
                time.sleep(0.05)
        return False


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    if os.geteuid() != 0:
        pytest.skip("a server that may read every account's keys takes root")
    root, program = tmp_path / "root", shutil.which("sshd") or "/usr/sbin/sshd"
    for folder in ("etc/ssh", "run", "var/lib/cloud/instances/i-1"):
        (root / folder).mkdir(parents=True)
    key = root / "etc/ssh/ssh_host_ed25519_key"
    sent = ensure(key)
    (root / "var/lib/cloud/instances/i-1/user-data.txt").write_text("ssh_keys: ...")
    (tmp_path / "authorized").write_text(ensure(tmp_path / "id"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    Path("/run/sshd").mkdir(exist_ok=True)
    settings = {
        "ListenAddress": f"127.0.0.1:{port}",
        "HostKey": str(key),
        "PidFile": str(root / "run/sshd.pid"),
        "AuthorizedKeysFile": str(tmp_path / "authorized"),
        "SetEnv": f"MCIS_ROOT={root}",
        "StrictModes": "no",
        "UsePAM": "no",
        "PermitRootLogin": "yes",
    }
    (tmp_path / "config").write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
    server = subprocess.Popen([program, "-D", "-f", str(tmp_path / "config")], stderr=subprocess.DEVNULL)
    user = pwd.getpwuid(os.geteuid()).pw_name
    vm = a_vm(public_ip=None, private_ip="127.0.0.1", ssh_port=port, user=user, host_key=sent)
    try:
        yield Machine(vm, Login(default=tmp_path / "id"), Keyring(tmp_path / "ring"), key)
    finally:
        server.terminate()
        server.wait()


@pytest.mark.parametrize("dies_at", [None, 1, 2, 3, 4])
def test_a_key_changes_hands_and_a_client_that_dies_is_never_locked_out(
    machine: Machine, dies_at: int | None
) -> None:
    assert machine.opens(machine.vm)
    if dies_at is not None:
        with pytest.raises(KeyboardInterrupt):
            machine.rotates(dies_at=dies_at)
        assert machine.opens(machine.keyring.over([machine.vm])[0])
    machine.rotates()
    trust = machine.keyring.of(machine.vm)
    assert trust is not None
    assert trust.own
    assert len(trust.keys) == 1
    assert machine.opens(replace(machine.vm, host_key=trust.keys[0]))
    assert not machine.opens(machine.vm), "the key that was sent still opens it"
    assert [path.name for path in machine.key.parent.iterdir() if "mcis" in path.name] == []
    assert not list(machine.key.parents[2].glob("var/lib/cloud/instances/*/user-data.txt"))
