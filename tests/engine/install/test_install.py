"""A machine with nothing but Python, git and Go: `make demo` builds the engine, whatever interrupts it.

Takes minutes, so it is not part of `make test`: `make test-install`.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.engine.install.checkout import Checkout, checkout, without

pytestmark = pytest.mark.install
BUILD_S = 1800
CUT_OFF = ["unshare", "--map-root-user", "--net"]
NO_GO = "mount -t tmpfs none /usr/local/go 2>/dev/null || true; "


@pytest.fixture(scope="module")
def bare() -> Iterator[Checkout]:
    """A fresh clone, made ready but for the engine, on a PATH without one."""
    with checkout(without("pulumi", os.environ["PATH"])) as found:
        found.run("make setup")
        yield found


def read_until(process: subprocess.Popen[str], wanted: Callable[[str], bool]) -> str:
    """What it says up to a line that is wanted; fails at its end."""
    said = ""
    assert process.stdout is not None
    for line in process.stdout:
        said += line
        if wanted(line):
            return said
    pytest.fail(said)


def wait_for_end_of(bare: Checkout) -> None:
    """Compilers of a killed build notice that nobody listens any more."""
    deadline = time.monotonic() + 60
    while (left := bare.processes()) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert not left


def mcis_of(bare: Checkout) -> int:
    """The process that installs."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes().decode(errors="replace")
            here = path.with_name("cwd").readlink() == bare.clone.resolve()
        except OSError:
            continue
        if here and ".venv/bin/mcis" in command and "doctor" in command and "/bin/sh" not in command:
            return int(path.parent.name)
    pytest.fail("nobody installs")


def test_without_go_and_network_there_is_one_clear_error(bare: Checkout) -> None:
    if subprocess.run([*CUT_OFF, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this account may not make namespaces")
    path = without("go", bare.env["PATH"])
    script = f"unshare --map-root-user --net --mount sh -c '{NO_GO}.venv/bin/mcis doctor --install'"
    said = bare.run(f"{script} || exit 33", code=33, PATH=path)
    assert said.count("error: ") == 1 and "Traceback" not in said
    assert "download" in said and "Go is not installed" in said and "install Go" in said
    assert not list(bare.engines.glob("*/bin/pulumi"))


def test_with_go_but_without_network_there_is_one_clear_error(bare: Checkout) -> None:
    if subprocess.run([*CUT_OFF, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this account may not make namespaces")
    said = bare.run(f"{' '.join(CUT_OFF)} .venv/bin/mcis doctor --install || exit 33", code=33)
    assert said.count("error: ") == 1 and "Traceback" not in said
    assert "building the engine failed" in said and "network" in said
    assert not list(bare.engines.glob("*/bin/pulumi")) and not list(bare.engines.glob(".draft-*"))


def test_make_demo_builds_the_engine_after_two_interrupted_tries(bare: Checkout) -> None:
    first = bare.start("make demo")
    read_until(first, lambda line: "compiled" in line)
    os.killpg(first.pid, signal.SIGINT)
    assert first.wait(60) != 0
    wait_for_end_of(bare)
    assert not list(bare.engines.glob(".draft-*"))
    assert "none" in bare.run(".venv/bin/mcis doctor || true")

    second = bare.start("make demo")
    read_until(second, lambda line: "compiled" in line)
    os.kill(mcis_of(bare), signal.SIGKILL)
    assert second.wait(60) != 0
    wait_for_end_of(bare)
    assert not list(bare.engines.glob("*/bin/pulumi"))
    assert "mcis doctor --install" in bare.run(".venv/bin/mcis doctor || true")

    begun = time.monotonic()
    said = bare.run("make demo", timeout_s=BUILD_S)
    print(f"\nmake demo with a build of the engine: {time.monotonic() - begun:.0f} s")
    assert "engine v" in said and "installed in" in said
    assert "demo: Running (R:5)" in said and said.count("hello from web-") == 2
    assert not list(bare.engines.glob(".draft-*"))
    assert bare.changed() == []

    begun = time.monotonic()
    assert "nothing to change" in bare.run("make demo")
    print(f"make demo once more: {time.monotonic() - begun:.0f} s")

    where = next(bare.engines.glob("*/bin/pulumi"))
    assert str(where) in bare.run(".venv/bin/mcis doctor")
    another_project(bare, where)
    bare.run("make clean && make clean")
    assert where.exists() and bare.changed() == []
    assert bare.processes() == []


def another_project(bare: Checkout, engine: Path) -> None:
    """It uses the engine that is there, also without Go, and without asking anybody."""
    before = engine.stat().st_mtime_ns
    mcis = bare.clone / ".venv" / "bin" / "mcis"
    other = bare.folder / "other"
    said = bare.run(
        f"'{mcis}' init {other} && cd {other} && '{mcis}' up -y && '{mcis}' down -y",
        PATH=without("go", bare.env["PATH"]),
        HTTPS_PROXY="http://127.0.0.1:9",
    )
    assert "VMs ready" in said and "building" not in said and "download" not in said
    assert engine.stat().st_mtime_ns == before
    shutil.rmtree(other)
