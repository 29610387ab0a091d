"""Installing the engine: downloaded as an official release, else built from its Go modules.

Everything happens in a draft folder; one rename makes it an installation, so an interrupted install
leaves nothing that could be taken for one. A kernel lock keeps two installers apart.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from mcis_iac.engine import bootstrap, build, download
from mcis_iac.engine.home import explained
from mcis_iac.errors import EngineError

Maker = Callable[[str, Path, Path, bootstrap.Say], None]  # version, target binary, scratch folder, say
Makers = tuple[tuple[str, Maker], ...]

MAKERS: Makers = (
    ("download", download.download),
    ("build", build.build),
)


def install(version: str, folder: Path, say: bootstrap.Say, makers: Makers = MAKERS) -> Path:
    """Put an engine of that version into `<folder>/<version>/bin/pulumi`, trying one way after the other.

    EngineError names what went wrong with each. Another process installing at the same time is waited for.
    """
    with explained(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    target = folder / version
    with _alone(folder, say):
        if not _problem(target / "bin" / "pulumi", version):
            return target / "bin" / "pulumi"
        with _draft(folder) as draft:
            binary = draft / "new" / "bin" / "pulumi"
            _make(version, binary, draft / "scratch", say, makers)
            with explained(target):
                if target.exists():
                    target.rename(draft / "old")
                (draft / "new").rename(target)
    say(f"engine v{version} installed in {target}")
    return target / "bin" / "pulumi"


def _make(version: str, binary: Path, scratch: Path, say: bootstrap.Say, makers: Makers) -> None:
    reasons = []
    for name, maker in makers:
        shutil.rmtree(binary.parent.parent, ignore_errors=True)
        binary.parent.mkdir(parents=True)
        scratch.mkdir(exist_ok=True)
        try:
            maker(version, binary, scratch, say)
            if problem := _problem(binary, version):
                raise EngineError(summary="what was made does not work", detail=problem)
        except EngineError as failed:
            reasons.append(f"{name}: {failed}")
            say(f"{name}: {failed}")
        except OSError as failed:
            reasons.append(f"{name}: {failed.strerror or failed}")
        else:
            return
        finally:
            build.remove_tree(scratch)
    raise EngineError(
        summary="the engine could not be installed",
        detail="\n  ".join(reasons),
        hint=f"install Go {build.GO_NEEDED} or newer, or pulumi v{version} "
        "(https://www.pulumi.com/docs/install), then run `mcis doctor --install`",
    )


def _problem(binary: Path, version: str) -> str:
    if not binary.exists():
        return "there is no binary"
    said, problem = bootstrap.ask(binary)
    if problem:
        return problem
    return "" if said == version else f"it says version {said}, not {version}"


@contextlib.contextmanager
def _alone(folder: Path, say: bootstrap.Say) -> Iterator[None]:
    """Hold the installers' lock; drafts that are found then belong to nobody any more."""
    with explained(folder):
        handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another mcis is installing the engine, waiting for it")
            fcntl.flock(handle, fcntl.LOCK_EX)
        for left in folder.glob(".draft-*"):
            build.remove_tree(left)
        yield
    finally:
        os.close(handle)


@contextlib.contextmanager
def _draft(folder: Path) -> Iterator[Path]:
    with explained(folder):
        draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=folder))
    try:
        yield draft
    finally:
        build.remove_tree(draft)
