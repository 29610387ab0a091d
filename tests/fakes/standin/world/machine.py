"""A machine that boots from its user data: namespaces of its own, a first boot, an SSH server.

It takes name, user, login key, host key and first-boot program as cloud-init does, runs the program as
it is, and answers at its public address on port 22. Its files are those of this system, read-only, but
for /var, /etc, /home and /dev; what asks the network or a disk is answered by one small program.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import asyncssh
import yaml
from fakes.ssh import attend
from fakes.standin.world.orders import Order

PORT = 22
OWN = ("var", "etc", "home", "srv", "dev")
NODES = ("null", "zero", "urandom")
SHARED = ("passwd", "group", "nsswitch.conf", "ld.so.cache", "ld.so.conf", "alternatives", "profile")
# Packages are there at once, every new disk is blank, and nothing is really mounted.
ANSWERS = """\
#!/bin/sh
printf '%s\\n' "${0##*/} $*" >>/var/log/asked
case "${0##*/} $*" in
apt-get*install*nginx*) mkdir -p /var/www/html ;;
blkid*TYPE*) echo ext4 ;;
blkid*UUID*) echo 0000-0001 ;;
blkid*) exit 2 ;;
esac
"""
PROGRAMS = ("apt-get", "blkid", "mkfs.ext4", "mount", "restorecon", "systemctl")
START = """
set -e
hostname "$2"
for node in null zero urandom; do mount --bind "/dev/$node" "$1/dev/$node"; done
mount --rbind "$1" /mnt
for own in var etc home srv; do mount --bind "/mnt/$own" "/$own"; done
mount --rbind /mnt/dev /dev
mount --bind /mnt/sbin /usr/local/sbin
/bin/mount -o remount,bind,ro /
echo up
exec cat
"""
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Machine:
    """One machine, from its first boot to its end."""

    def __init__(self, folder: Path, order: Order) -> None:
        self.folder, self.order = folder / order.name, order
        self.address: str | None = None
        self._told: Mapping[str, Any] = _cloud_config(order.user_data)
        self._init: asyncio.subprocess.Process | None = None
        self._boot: asyncio.Task[None] | None = None
        self._listener: asyncssh.SSHAcceptor | None = None
        self._connections: list[asyncssh.SSHServerConnection] = []

    async def start(self) -> None:
        """Power on; the first boot goes on in the background."""
        self._furnish()
        words = ("unshare", "--mount", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc")
        pipe = asyncio.subprocess.PIPE
        name = str(self._told.get("hostname", self.order.name))
        self._init = await asyncio.create_subprocess_exec(
            *words, "sh", "-c", START, "sh", self.folder, name, stdin=pipe, stdout=pipe
        )
        assert self._init.stdout is not None
        if await self._init.stdout.readline() != b"up\n":
            message = f"{self.order.name} does not start"
            raise RuntimeError(message)
        self._boot = asyncio.create_task(self._first_boot())

    async def become(self, order: Order) -> None:
        """What the cloud changed: another address, disks that came."""
        for disk in order.disks:
            path = self.folder / "dev/disk" / disk
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        if order.address != self.address:
            await self._hang_up()
            self.address = order.address
            if order.address is not None:
                self._listener = await self._listen(order.address)
        self.order = order

    async def stop(self) -> None:
        """Power off, and nothing is left."""
        await self._hang_up()
        if self._boot is not None:
            self._boot.cancel()
            await asyncio.gather(self._boot, return_exceptions=True)
        if self._init is not None:
            assert self._init.stdin is not None
            with suppress(ProcessLookupError):
                self._init.kill()
            self._init.stdin.close()
            await self._init.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    # ------------------------------------------------------------ first boot

    def _furnish(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        for name in (*OWN, "sbin", "var/lib", "var/log", "dev/disk/by-id"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        for node in NODES:
            (self.folder / "dev" / node).touch()
        for name in SHARED:
            found = Path("/etc") / name
            if found.is_file():
                shutil.copy(found, self.folder / "etc" / name)
        for name in PROGRAMS:
            (self.folder / "sbin" / name).write_text(ANSWERS)
            (self.folder / "sbin" / name).chmod(0o755)
        for file in self._told["write_files"]:
            path = self.folder / str(file["path"]).lstrip("/")
            path.parent.mkdir(parents=True, exist_ok=True)
            # A namespace has no disks: a file in the right place must do.
            path.write_text(str(file["content"]).replace("[ -b ", "[ -e "))
            path.chmod(int(file["permissions"], 8))

    async def _first_boot(self) -> None:
        for command in self._told["runcmd"]:
            child = await self._run(*command, stdin=asyncio.subprocess.DEVNULL)
            await child.wait()

    async def _run(self, *command: str, **streams: Any) -> asyncio.subprocess.Process:
        assert self._init is not None
        here = f"/proc/{self._init.pid}/ns"
        inside = (f"--mount={here}/mnt", f"--uts={here}/uts", f"--pid={here}/pid_for_children")
        return await asyncio.create_subprocess_exec(
            "nsenter", *inside, "--", *command, env={"PATH": PATH, "HOME": "/root"},
            start_new_session=True, **streams,
        )  # fmt: skip

    # ------------------------------------------------------------ SSH

    async def _listen(self, address: str) -> asyncssh.SSHAcceptor:
        (user,) = self._told["users"]
        keys = asyncssh.import_authorized_keys("\n".join(user["ssh_authorized_keys"]))
        host_key = asyncssh.import_private_key(self._told["ssh_keys"]["ed25519_private"])
        return await asyncssh.listen(
            address,
            PORT,
            server_factory=lambda: _Door(user["name"], keys, self._connections),
            process_factory=self._serve,
            server_host_keys=[host_key],
            encoding=None,
        )

    async def _serve(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        pipe = asyncio.subprocess.PIPE
        child = await self._run(
            "/bin/sh", "-c", process.command or "true", stdin=pipe, stdout=pipe, stderr=pipe
        )
        await attend(process, child)

    async def _hang_up(self) -> None:
        for connection in self._connections:
            connection.abort()
        self._connections.clear()
        if self._listener is not None:
            self._listener.close()
            await self._listener.wait_closed()
            self._listener = None


class _Door(asyncssh.SSHServer):
    """Lets in the one user with the one key."""

    def __init__(
        self, user: str, keys: asyncssh.SSHAuthorizedKeys, connections: list[asyncssh.SSHServerConnection]
    ) -> None:
        self._user, self._keys, self._connections = user, keys, connections

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._conn = conn
        self._connections.append(conn)

    def begin_auth(self, username: str) -> bool:
        if username == self._user:
            self._conn.set_authorized_keys(self._keys)
        return True


def _cloud_config(text: str) -> Mapping[str, Any]:
    if not text.startswith("#cloud-config\n"):
        message = f"an image with cloud-init does not read this: {text[:40]!r}"
        raise ValueError(message)
    found: Mapping[str, Any] = yaml.safe_load(text)
    return found
