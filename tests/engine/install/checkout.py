"""A fresh clone and a fresh home: what a newcomer has, and the README's commands."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.engine.conftest import ROOT, clean_environment

QUESTION = b"[y/N]"


@dataclass
class Checkout:
    """A clone of the committed state below `folder`, with a home, data and a local cloud of its own."""

    folder: Path
    env: Mapping[str, str]
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def clone(self) -> Path:
        """The working tree."""
        return self.folder / "a clone"

    @property
    def home(self) -> Path:
        """The newcomer's home."""
        return self.folder / "home"

    @property
    def engines(self) -> Path:
        """Where our own engines would be."""
        return self.folder / "data" / "engine"

    def start(self, script: str, **more: str) -> subprocess.Popen[str]:
        """Run lines of shell in the clone, as a process group of its own; both outputs in one."""
        process = subprocess.Popen(
            ["bash", "-e", "-c", script],
            cwd=self.clone,
            env={**self.env, **more},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.started.append(process)
        return process

    def run(self, script: str, code: int = 0, timeout_s: float = 300, **more: str) -> str:
        """Run lines of shell to the end and return what they said."""
        process = self.start(script, **more)
        said, _ = process.communicate(timeout=timeout_s)
        assert process.returncode == code, f"{script}: exit {process.returncode}\n{said}"
        return said

    def type_in(self, script: str, timeout_s: float = 150) -> str:
        """Run lines of shell at a terminal, saying yes to every question; fails unless they end with 0."""
        ours, theirs = os.openpty()
        process = subprocess.Popen(
            ["bash", "-e", "-c", script],
            cwd=self.clone,
            env={**self.env, "COLUMNS": "140", "TERM": "xterm"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        watch = threading.Timer(timeout_s, process.kill)
        watch.start()
        said = b""
        with suppress(OSError):  # a terminal that nobody holds any more cannot be read
            while block := os.read(ours, 1 << 16):
                said += block
                if said.rstrip().endswith(QUESTION):
                    os.write(ours, b"y\n")
        process.wait()
        watch.cancel()
        os.close(ours)
        text = said.decode(errors="replace").replace("\r\n", "\n")
        assert process.returncode == 0, f"{script}: exit {process.returncode}\n{text}"
        return text

    def changed(self) -> list[str]:
        """What Git says is not as it was committed."""
        return self.run("git status --porcelain").splitlines()

    def processes(self) -> list[str]:
        """Command lines of everything that still runs out of this folder."""
        found = []
        for path in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                command = (path / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                if str(self.folder) in command or str(self.folder) in str((path / "cwd").readlink()):
                    found.append(command)
        return found

    def close(self) -> None:
        """End what runs, clear the cloud; the folder goes."""
        for process in self.started:
            if process.poll() is None:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
        reset = [sys.executable, "-m", "mcis_iac.local_cloud.tool", "reset", "--all", "-y"]
        subprocess.run(reset, env=dict(self.env), cwd=ROOT, check=True, capture_output=True)
        mounts = [
            line for line in Path("/proc/self/mounts").read_text().splitlines() if str(self.folder) in line
        ]
        assert not mounts, mounts
        shutil.rmtree(self.folder)


@contextmanager
def checkout(path: str) -> Iterator[Checkout]:
    """A clone of HEAD whose shell has this PATH; nothing of the user's settings but pip's."""
    folder = Path(tempfile.mkdtemp(prefix="mcis-clone-", dir="/var/tmp"))
    folder.chmod(0o711)
    (folder / "home").mkdir()
    cache = subprocess.run(
        [sys.executable, "-m", "pip", "cache", "dir"], capture_output=True, text=True, check=False
    )
    env = clean_environment() | {
        "HOME": str(folder / "home"),
        "PATH": path.format(folder=folder),
        "MCIS_DATA_DIR": str(folder / "data"),
        "MCIS_LOCAL_DIR": str(folder / "cloud"),
        "PIP_CACHE_DIR": cache.stdout.strip() or str(folder / "pip"),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "NO_COLOR": "1",
    }
    for name in ("VIRTUAL_ENV", "MAKEFLAGS", "MFLAGS", "MAKELEVEL", "PYTHONPATH", "PYTHONHOME"):
        env.pop(name, None)
    subprocess.run(["git", "clone", "--quiet", ROOT, folder / "a clone"], check=True, capture_output=True)
    found = Checkout(folder, env)
    try:
        yield found
    finally:
        found.close()


def without(program: str, path: str) -> str:
    """A PATH without the folders that hold the program."""
    return os.pathsep.join(
        each for each in path.split(os.pathsep) if not os.access(Path(each, program), os.X_OK)
    )


def readme(title: str) -> list[str]:
    """The fenced bash blocks of one section of the README."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    section = text.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    return re.findall(r"^```bash\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
