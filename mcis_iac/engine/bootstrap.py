"""Finding the engine: the Pulumi CLI that drives every stack.

Looked for in this order: `MCIS_ENGINE` (used or refused, nothing else is tried), a `pulumi` on
PATH, one installed by us. `ensure` installs it when none will do. No network is needed once it is
there.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from mcis_iac.engine.home import replace_text
from mcis_iac.errors import EngineError, McisError

APP = "mcis-iac"
PINNED = "3.259.0"
OLDEST = (3, 227, 0)
NEXT_MAJOR = 4
PROBE_S = 20.0
_VERSION = re.compile(r"v?(\d+)\.(\d+)\.(\d+)(\S*)")

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An engine that will do. `source` is forced, path, installed; `why` says it to a person."""

    path: Path
    version: str
    source: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A place that was looked at. `problem` is "" when the engine there will do."""

    path: Path
    source: str
    version: str = ""
    problem: str = ""


def data_dir() -> Path:
    """Where we keep what all projects of a user share."""
    named = os.environ.get("MCIS_DATA_DIR")
    return Path(named).expanduser().absolute() if named else Path(platformdirs.user_data_dir(APP))


def engine_dir() -> Path:
    """Where our own engines are, one folder per version."""
    return data_dir() / "engine"


def pulumi_home() -> Path:
    """Where the engine keeps what all stacks share, downloaded plugins among it."""
    return data_dir() / "pulumi-home"


def find() -> Found | None:
    """The first engine that will do, or None; never touches the network."""
    for candidate in _candidates():
        if not candidate.problem:
            return _found(candidate)
    return None


def survey() -> tuple[Candidate, ...]:
    """Every place with its verdict, in the order of preference (for `doctor`)."""
    return tuple(_candidates())


def ensure(say: Say = lambda _: None) -> Found:
    """An engine that will do, installed if need be; EngineError says what was tried and what to do.

    `say` gets one line of progress at a time; installing may take minutes.
    """
    found = find()
    if found is not None:
        return found
    if forced := os.environ.get("MCIS_ENGINE"):
        problem = next(_candidates()).problem
        raise EngineError(
            summary="MCIS_ENGINE names no usable engine",
            detail=f"{forced}: {problem}",
            hint=f"point it at a pulumi binary from v{_dotted(OLDEST)} on, or unset it",
        )
    from mcis_iac.engine import install

    install.install(PINNED, engine_dir(), say)
    found = find()
    if found is None:
        problems = "; ".join(f"{one.path}: {one.problem}" for one in survey()) or "nothing was installed"
        raise EngineError(
            summary="the engine was installed but does not work", detail=problems, hint="mcis doctor"
        )
    return found


def _found(candidate: Candidate) -> Found:
    reasons = {
        "forced": "named by MCIS_ENGINE",
        "path": f"on PATH and from v{_dotted(OLDEST)} on",
        "installed": "installed by mcis",
    }
    return Found(
        path=candidate.path,
        version=candidate.version,
        source=candidate.source,
        why=reasons[candidate.source],
    )


def _candidates() -> Iterator[Candidate]:
    if forced := os.environ.get("MCIS_ENGINE"):
        yield judge(Path(forced).expanduser().absolute(), "forced")
        return
    if on_path := shutil.which("pulumi"):
        yield judge(Path(on_path).absolute(), "path")
    for path in installed():
        yield judge(path, "installed")


def installed(folder: Path | None = None) -> tuple[Path, ...]:
    """The binaries in our own folder, newest version first."""
    found = (folder or engine_dir()).glob("[0-9]*/bin/pulumi")
    return tuple(sorted(found, key=lambda path: _numbers(path.parent.parent.name), reverse=True))


def judge(path: Path, source: str) -> Candidate:
    """Look at one binary; what it said is remembered until the file changes."""
    try:
        stat = path.stat()
    except OSError as missing:
        return Candidate(path=path, source=source, problem=missing.strerror or "cannot be read")
    if not path.is_file() or not os.access(path, os.X_OK):
        return Candidate(path=path, source=source, problem="not an executable file")
    mark = f"{stat.st_mtime_ns}:{stat.st_size}"
    remembered = _memory().get(str(path))
    if remembered and remembered[0] == mark:
        version = remembered[1]
    else:
        version, problem = ask(path)
        if problem:
            return Candidate(path=path, source=source, problem=problem)
        if not _is_script(path):  # what a script runs may change while the script does not
            _remember(path, mark, version)
    return Candidate(path=path, source=source, version=version, problem=verdict(version))


def verdict(version: str) -> str:
    """Why a version will not do; "" if it will."""
    numbers = _numbers(version)
    if numbers < OLDEST:
        return f"version {version} is too old, v{_dotted(OLDEST)} or newer is needed"
    if numbers[0] >= NEXT_MAJOR:
        return f"version {version} is of another major version, v{OLDEST[0]} is needed"
    return ""


def ask(path: Path) -> tuple[str, str]:
    """(version, "") or ("", what is wrong) of a binary, by running it."""
    env = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "TMPDIR"}}
    env |= {"PULUMI_SKIP_UPDATE_CHECK": "true", "PULUMI_HOME": str(pulumi_home())}
    try:
        answer = subprocess.run(
            [str(path), "version"],
            capture_output=True,
            text=True,
            errors="replace",
            env=env,
            timeout=PROBE_S,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        return "", f"did not answer `version` within {PROBE_S:.0f} s"
    except OSError as broken:
        return "", f"cannot be run: {broken.strerror or broken}"
    found = _VERSION.match(answer.stdout.strip())
    if answer.returncode or found is None:
        said = (answer.stderr or answer.stdout).strip().splitlines()
        return "", f"`version` failed: {said[-1] if said else f'exit {answer.returncode}, no output'}"
    return f"{found[1]}.{found[2]}.{found[3]}{found[4]}", ""


def _numbers(version: str) -> tuple[int, int, int]:
    found = _VERSION.match(version)
    return (int(found[1]), int(found[2]), int(found[3])) if found else (0, 0, 0)


def _dotted(numbers: tuple[int, int, int]) -> str:
    return ".".join(map(str, numbers))


def _is_script(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == b"#!"


def _memory() -> dict[str, list[str]]:
    try:
        data = json.loads((engine_dir() / "versions.json").read_text(encoding="utf-8"))
        return data if isinstance(data, dict) else {}
    except (OSError, ValueError):
        return {}


def _remember(path: Path, mark: str, version: str) -> None:
    """Keep a version; where nothing can be written the next start just asks again."""
    try:
        engine_dir().mkdir(mode=0o700, parents=True, exist_ok=True)
        replace_text(engine_dir() / "versions.json", json.dumps(_memory() | {str(path): [mark, version]}))
    except (OSError, McisError):
        return
