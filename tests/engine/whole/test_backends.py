"""State somewhere else: another folder, and a PostgreSQL server that is started for the test."""

from __future__ import annotations

import base64
import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.engine.conftest import Room

pytestmark = pytest.mark.engine
NOBODY = 65534
PASSWORD = "s3cret-of-the-database"
PASSPHRASE = "the passphrase of all checkouts"
SHOP = """\
version: 1
name: shop
groups:
  web:
    count: 1
    placement: {cloud: local, region: local-seoul}
  db:
    count: 1
    placement: {cloud: local, region: local-tokyo}
    public_ip: false
"""


def second_checkout(room: Room) -> Path:
    """What a colleague has: the committed files, nothing of `.mcis`."""
    folder = room.folder / "second"
    folder.mkdir()
    for name in ("mcis.yaml", "mcis.lock"):
        shutil.copy(room.stack / name, folder / name)
    return folder


def one_error(text: str) -> str:
    """The text, when it is one error without a traceback and without a secret."""
    assert text.count("error") >= 1 and "Traceback" not in text, text
    assert len([line for line in text.splitlines() if line.startswith("error")]) == 1, text
    assert PASSWORD not in text and "wrong-one" not in text, text
    return text


def files_with(text: str, *folders: Path) -> list[Path]:
    """Files below the folders that hold the text."""
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return [path for path in files if text.encode() in path.read_bytes()]


# ---------------------------------------------------------------- another folder


def test_state_can_lie_in_any_folder(room: Room) -> None:
    room.write(SHOP)
    shared = {"MCIS_BACKEND": f"file://{room.folder}/far/away", "MCIS_PASSPHRASE": PASSPHRASE}
    room("up", "-y", env=shared)
    assert [path.stem for path in (room.folder / "far").rglob("stacks/**/*.json")] == ["shop"]
    assert not list((room.stack / ".mcis" / "state").rglob("*.json"))
    assert "nothing to change" in room("preview", env=shared, cwd=second_checkout(room)).out
    room("down", "-y", env=shared)


def test_a_relative_folder_is_meant_from_the_manifest_wherever_mcis_runs(room: Room) -> None:
    room.write(SHOP + "backend: file://../states\n")
    room("up", "-y", str(room.stack), cwd=room.folder)
    assert [path.stem for path in (room.folder / "states").rglob("stacks/**/*.json")] == ["shop"]
    assert "nothing to change" in room("preview").out
    room("down", "-y")


# ---------------------------------------------------------------- PostgreSQL


@dataclass
class Server:
    """A PostgreSQL server on a free port of loopback, run by an account that is not root."""

    programs: Path
    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    def address(self, password: str = PASSWORD) -> str:
        """Its URL for the backend."""
        return f"postgresql://mcis:{password}@127.0.0.1:{self.port}/postgres?sslmode=disable"

    def make(self) -> None:
        """A new, empty database cluster that asks for a password."""
        (self.folder / "password").write_text(PASSWORD)
        words = ("--auth=scram-sha-256", "--no-sync", "--no-locale", "-E", "UTF8", "-U", "mcis")
        words = (*words, "--pwfile", str(self.folder / "password"), "-D", str(self.folder / "data"))
        if os.geteuid() == 0:
            os.chown(self.folder, NOBODY, NOBODY)
            os.chown(self.folder / "password", NOBODY, NOBODY)
        subprocess.run(
            [self.programs / "initdb", *words], check=True, capture_output=True, cwd=self.folder, **ordinary()
        )

    def start(self) -> None:
        """Start it and wait until it answers."""
        options = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": "",
            "shared_buffers": "16MB",
            "max_connections": 20,
            "fsync": "off",
        }
        words = [f"--{name}={value}" for name, value in options.items()]
        with (self.folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                [self.programs / "postgres", "-D", self.folder / "data", *words],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                **ordinary(),
            )
        for _ in range(200):
            assert self.process.poll() is None, (self.folder / "log").read_text()
            if "ready to accept connections" in (self.folder / "log").read_text():
                return
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(0.1)
        pytest.fail((self.folder / "log").read_text())

    def stop(self) -> None:
        """End it at once, clients or not."""
        if self.process is not None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.send_signal(signal.SIGQUIT)
                self.process.wait()
            self.process = None

    def everything(self) -> str:
        """All rows of all tables, with the files inside them as text."""
        dump = subprocess.run(
            [self.programs / "pg_dump", "--inserts", "--data-only", self.address()],
            check=True,
            capture_output=True,
            text=True,
            env={"PATH": os.environ["PATH"]},
        ).stdout
        files = re.findall(r'{"data":"([^"]*)"}', dump)
        return dump + "".join(base64.b64decode(each).decode() for each in files)


def ordinary() -> dict[str, Any]:
    """How a process becomes one of an ordinary account: the server refuses root."""
    return {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}


def programs() -> Path | None:
    """Where the newest PostgreSQL server's programs are."""
    found = [*Path("/usr/lib/postgresql").glob("*/bin/postgres")]
    newest = sorted(found, key=lambda path: int(path.parts[-3].partition(".")[0]))
    folders = [path.parent for path in newest[::-1]]
    if on_path := shutil.which("postgres"):
        folders.append(Path(on_path).parent)
    return next((each for each in folders if all((each / n).exists() for n in ("initdb", "pg_dump"))), None)


def free_port() -> int:
    """A port nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """One server for the tests of this module; each uses a stack of its own."""
    found = programs()
    if found is None:
        pytest.skip("no PostgreSQL server here")
    server = Server(
        programs=found, folder=Path(tempfile.mkdtemp(prefix="mcis-pg-", dir="/var/tmp")), port=free_port()
    )
    try:
        server.make()
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(server.folder)


def test_a_stack_lives_in_postgresql_and_every_checkout_sees_it(room: Room, server: Server) -> None:
    room.write(SHOP)
    there = {"MCIS_BACKEND": server.address(), "MCIS_PASSPHRASE": PASSPHRASE}
    assert "2 of 2 VMs ready" in room("up", "-y", env=there).out
    assert room("up", "-y", "--expect-no-changes", env=there).code == 0
    room("scale", "web=2", "-y", env=there)
    assert not list((room.stack / ".mcis" / "state").rglob("*.json"))

    second = second_checkout(room)
    assert "nothing to change" in room("preview", env=there, cwd=second).out
    room("scale", "web=1", "-y", "--no-write", env=there, cwd=second)
    inventory = room("outputs", "--json", env=there, cwd=second).json["inventory"]
    assert sorted(inventory) == ["db-1", "web-1"]

    room("down", "-y", env=there)
    assert "i-" not in room.local("ls")


def test_neither_keys_nor_passwords_are_readable_in_the_database_or_on_disk(
    room: Room, server: Server
) -> None:
    room.write(SHOP.replace("name: shop", "name: vault"))
    there = {"MCIS_BACKEND": server.address(), "MCIS_PASSPHRASE": PASSPHRASE}
    room("up", "-y", env=there)
    told = server.everything()
    login = next((room.stack / ".mcis").rglob("id_ed25519")).read_text().splitlines()[1]
    assert "web-1" in told
    for secret in ("PRIVATE KEY", login, PASSPHRASE, PASSWORD):
        assert secret not in told
    assert not files_with(PASSWORD, room.stack, room.folder / "data")
    room("down", "-y", "--remove", env=there)


def test_a_wrong_password_is_one_clear_error_that_does_not_repeat_it(room: Room, server: Server) -> None:
    room.write(SHOP)
    refused = room("up", "-y", code=None, env={"MCIS_BACKEND": server.address("wrong-one")})
    assert refused.code not in {0, 255}
    said = one_error(refused.err)
    assert "refused" in said and "127.0.0.1" in said
    assert not files_with("wrong-one", room.stack, room.folder / "data")


def test_a_server_that_is_gone_is_one_clear_error_and_its_return_is_enough(
    room: Room, server: Server
) -> None:
    room.write(SHOP.replace("name: shop", "name: patient"))
    there = {"MCIS_BACKEND": server.address(), "MCIS_PASSPHRASE": PASSPHRASE}
    room("up", "-y", env=there)
    server.stop()
    try:
        for verb in ("preview", "up", "down"):
            words = (verb,) if verb == "preview" else (verb, "-y")
            refused = room(*words, code=None, env=there)
            assert refused.code not in {0, 255}
            assert "backend" in one_error(refused.err)
    finally:
        server.start()
    assert "nothing to change" in room("preview", env=there).out
    room("down", "-y", env=there)
