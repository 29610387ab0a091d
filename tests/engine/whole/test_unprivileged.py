"""Somebody who is not root: the plain backend, chosen by trying, through the whole life of an MCIS."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.engine.conftest import BIN, Room

pytestmark = pytest.mark.engine
ROOT = Path(__file__).parents[3]
NOBODY = 65534
AS_NOBODY: dict[str, Any] = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
PROGRAMS = ("mcis", "mcis-local", "pulumi-resource-mcislocal")
SMALL = """\
version: 1
name: small
connections:
  local: {cloud: local, backend: plain}
groups:
  web:
    count: 1
    placement: {cloud: local, region: local-seoul}
    setup: {run: ['echo made >"$MCIS_ROOT/etc/made"']}
"""


@dataclass
class UserRoom(Room):
    """A room whose programs belong to, and run as, an ordinary account."""

    programs: Path = BIN
    account: Mapping[str, Any] = field(default_factory=dict)

    def start(self, *words: str, program: str = "mcis", **more: Any) -> subprocess.Popen[str]:
        return super().start(*words, program=str(self.programs / program), **{**self.account, **more})


def may(command: list[str | Path]) -> bool:
    """Whether nobody can run that."""
    try:
        return subprocess.run(command, capture_output=True, cwd="/", check=False, **AS_NOBODY).returncode == 0
    except OSError:
        return False


def interpreter(folder: Path) -> Path:
    """A Python that everybody may run: ours, the system's of the same version, or a copy of ours."""
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for candidate in (Path(sys.base_prefix, "bin", name), Path("/usr/bin", name)):
        if may([candidate, "-c", "import venv, sqlite3, ssl"]):
            return candidate
    unused = shutil.ignore_patterns("test", "tests", "__pycache__", "site-packages", "idlelib")
    shutil.copytree(sys.base_prefix, folder / "python", symlinks=True, ignore=unused)
    return folder / "python" / "bin" / name


def readable(source: Path, copy: Path) -> Path:
    """The folder itself where everybody may read it, else a copy."""
    if may(["/usr/bin/test", "-r", source, "-a", "-x", source]):
        return source
    shutil.copytree(source, copy, ignore=shutil.ignore_patterns("__pycache__", ".mcis"))
    return copy


def install(folder: Path) -> Path:
    """Our package for everybody: an environment that takes the libraries of the one we run in."""
    subprocess.run([interpreter(folder), "-m", "venv", "--without-pip", folder / "venv"], check=True)
    libraries = readable(Path(sysconfig.get_path("purelib")), folder / "libraries")
    package = ROOT
    if not may(["/usr/bin/test", "-r", ROOT / "mcis_iac", "-a", "-x", ROOT / "mcis_iac"]):
        package = folder / "checkout"
        for name in ("mcis_iac", "schemas", "templates"):
            shutil.copytree(ROOT / name, package / name, ignore=shutil.ignore_patterns("__pycache__"))
    own = next((folder / "venv" / "lib").glob("python*/site-packages"))
    (own / "ours.pth").write_text(f"{package}\n{libraries}\n")
    programs = folder / "venv" / "bin"
    for name in PROGRAMS:
        body = (BIN / name).read_text().partition("\n")[2]
        (programs / name).write_text(f"#!{programs / 'python'}\n{body}")
        (programs / name).chmod(0o755)
    return programs


@pytest.fixture
def user(room: Room) -> Iterator[UserRoom]:
    """The room of an ordinary account: nobody's where we are root, else our own."""
    if os.geteuid() != 0:
        yield UserRoom(room.folder, room.env)
        return
    programs = install(room.folder)
    shutil.rmtree(room.folder / "data")  # root's
    engine = room.folder / "engine"
    shutil.copy(room.env["MCIS_ENGINE"], engine)
    engine.chmod(0o755)
    (room.folder / "home").mkdir()
    for path in (room.folder, room.stack, room.folder / "home"):
        os.chown(path, NOBODY, NOBODY)
    passed = {name: room.env[name] for name in ("PATH", "MCIS_DATA_DIR", "MCIS_LOCAL_DIR", "NO_COLOR")}
    env = passed | {
        "HOME": str(room.folder / "home"),
        "MCIS_ENGINE": str(engine),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    found = UserRoom(room.folder, env, programs=programs, account=AS_NOBODY)
    yield found
    for process in found.started:
        if process.poll() is None:
            process.kill()
        process.communicate()
    found("reset", "--all", "-y", program="mcis-local", cwd=room.folder)


@pytest.fixture
def demo_of_user(user: UserRoom) -> UserRoom:
    """The demo stack, in an ordinary account's hands."""
    for path in (ROOT / "stacks" / "local-demo").iterdir():
        if path.is_file():
            shutil.copy(path, user.stack)
            if user.account:
                os.chown(user.stack / path.name, NOBODY, NOBODY)
    return user


def servers(room: Room) -> list[int]:
    """Processes that serve the room's cloud."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes().decode(errors="replace")
        except OSError:
            continue
        if "local_cloud.plain" in command and str(room.folder / "cloud") in command:
            found.append(int(path.parent.name))
    return found


def visit(room: Room) -> str:
    """What the demo's web service answers."""
    done = subprocess.run(
        [sys.executable, room.stack / "visit.py"],
        input=room("outputs", "--json").out,
        text=True,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_demo_works_for_an_ordinary_user_and_says_what_its_vms_are(demo_of_user: UserRoom) -> None:
    user = demo_of_user
    told = user("doctor").out
    assert "backend plain" in told and "no isolation" in told

    up = user("up", "-y")
    assert "5 of 5 VMs ready" in up.out
    assert "backend plain" in up.out + up.err
    status = user("status")
    assert "backend plain" in status.out + status.err and "Running (R:5)" in status.out

    assert visit(user).count("hello from web-") == 2
    made = user("exec", "-g", "web", "--", 'test -s "$MCIS_ROOT/etc/installed" && id -u').out.splitlines()
    uid = str(NOBODY if user.account else os.geteuid())
    assert sorted(made) == [f"web-1: {uid}", f"web-2: {uid}"]
    assert user("ssh", "api-1", "--", "echo", "hello").out == "hello\n"

    before = user.vms()
    user("scale", "web=3", "-y")
    assert visit(user).count("hello from web-") == 3
    after = user.vms()
    assert {name: after[name]["id"] for name in before} == {name: before[name]["id"] for name in before}
    assert user("up", "-y", "--expect-no-changes").code == 0

    assert "6 VMs deleted" in user("down", "-y").out
    assert "i-" not in user.local("ls")
    assert servers(user) == []


def test_vms_of_an_ordinary_user_stop_start_and_survive_a_killed_server(demo_of_user: UserRoom) -> None:
    user = demo_of_user
    user("up", "-y", "-e", "ci")

    def state(name: str) -> str:
        return str(user("status", "-e", "ci", "--vm", name, "--json").json["vms"][0]["status"])

    user("exec", "-e", "ci", "--vm", "db-1", "--", "echo kept >note")
    user.local("stop", "db-1")
    assert [state("db-1"), state("web-1")] == ["Suspended", "Running"]
    user.local("start", "db-1")
    assert user("exec", "-e", "ci", "--vm", "db-1", "--", "cat note").out == "db-1: kept\n"

    for pid in servers(user):
        os.kill(pid, signal.SIGKILL)
    time.sleep(0.2)
    assert [state("db-1"), state("web-1")] == ["Suspended", "Suspended"]
    lost = user("exec", "-e", "ci", "--", "true", code=4)
    assert "web-1" in lost.out + lost.err
    user.local("start", "web-1", "api-1", "db-1")
    assert [state("db-1"), state("web-1")] == ["Running", "Running"]
    assert user("exec", "-e", "ci", "--vm", "db-1", "--", "cat note").out == "db-1: kept\n"
    user("down", "-y", "-e", "ci")
    assert servers(user) == []


def test_after_a_killed_server_up_and_down_work(demo_of_user: UserRoom) -> None:
    user = demo_of_user
    user("up", "-y", "-e", "ci")
    for pid in servers(user):
        os.kill(pid, signal.SIGKILL)
    again = user("up", "-y", "-e", "ci", "--set", "groups.web.count=2")
    assert "web-2" in user("status", "-e", "ci").out, again.out + again.err
    user("down", "-y", "-e", "ci")
    assert servers(user) == []


def test_the_plain_backend_can_be_asked_for(room: Room) -> None:
    room.write(SMALL)
    up = room("up", "-y")
    assert "backend plain: asked for" in up.out + up.err
    assert "plain" in room.local("ls")
    assert room("exec", "--", 'cat "$MCIS_ROOT/etc/made"').out == "web-1: made\n"
    room("down", "-y")
    assert servers(room) == []
