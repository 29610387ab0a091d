"""The engine as an official release: one tarball, checked against the published checksums.

The small checksum file is asked for first, with a short limit: a machine without internet loses no time.
"""

from __future__ import annotations

import hashlib
import platform
import shutil
import tarfile
import threading
import urllib.request
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError

from mcis_iac.engine.bootstrap import Say
from mcis_iac.errors import EngineError

SITES = (
    "https://get.pulumi.com/releases/sdk",
    "https://github.com/pulumi/pulumi/releases/download/v{version}",
)
CONNECT_S, STALL_S, PATIENCE_S = 5.0, 60.0, 12.0
BLOCK = 1 << 20
_SYSTEMS = {"Linux": "linux", "Darwin": "darwin"}
_MACHINES = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}


def download(version: str, binary: Path, scratch: Path, say: Say, sites: tuple[str, ...] = SITES) -> None:
    """Fetch the release for this machine and put its `pulumi` at `binary`.

    EngineError if that cannot be done.
    """
    name = tarball(version)
    reasons = []
    for site in sites:
        base = site.format(version=version)
        try:
            sums = _within(PATIENCE_S, f"{base}/pulumi-{version}-checksums.txt")
            wanted = checksum(sums, name)
            say(f"downloading {base}/{name}")
            _fetch(f"{base}/{name}", scratch / name, wanted, say)
            unpack(scratch / name, binary)
        except (OSError, HTTPException, tarfile.TarError) as failed:
            reasons.append(f"{base}: {_words(failed)}")
        except EngineError as failed:
            reasons.append(f"{base}: {failed}")
        else:
            return
    raise EngineError(summary="the official release cannot be downloaded", detail="; ".join(reasons))


def _words(failed: Exception) -> str:
    if isinstance(failed, HTTPError):
        failed.close()  # it is the reply too
        return f"{failed.code}: {failed.reason}"
    return str(failed.reason if isinstance(failed, URLError) else failed)


def tarball(version: str) -> str:
    """The release's file name for this system."""
    system, machine = _SYSTEMS.get(platform.system()), _MACHINES.get(platform.machine().lower())
    if system is None or machine is None:
        raise EngineError(
            summary="there is no official release for this machine",
            detail=f"{platform.system()} on {platform.machine()}",
        )
    return f"pulumi-v{version}-{system}-{machine}.tar.gz"


def checksum(sums: str, name: str) -> str:
    """The SHA-256 of a file in a checksum list; EngineError if it is not there."""
    for line in sums.splitlines():
        parts = line.split()
        if len(parts) == 2 and parts[1].lstrip("*") == name:  # noqa: PLR2004 digest and name
            return parts[0].lower()
    raise EngineError(summary="the published checksums do not name the release", detail=name)


def _within(seconds: float, url: str) -> str:
    """Fetch a small text; the limit holds for name look-ups too, which have none of their own."""
    answer: dict[str, Any] = {}

    def ask() -> None:
        try:
            with urllib.request.urlopen(url, timeout=CONNECT_S) as reply:
                answer["text"] = reply.read(BLOCK).decode("utf-8", "replace")
        except Exception as failed:  # it is raised in the asking thread
            answer["error"] = failed

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(seconds)
    if "error" in answer:
        raise answer["error"]
    if "text" not in answer:
        raise TimeoutError(f"no answer within {seconds:.0f} s")  # noqa: EM102
    return str(answer["text"])


def _fetch(url: str, path: Path, wanted: str, say: Say) -> None:
    digest, size, told = hashlib.sha256(), 0, 0
    with urllib.request.urlopen(url, timeout=STALL_S) as reply, path.open("wb") as file:
        total = int(reply.headers.get("Content-Length") or 0)
        while block := reply.read(BLOCK):
            file.write(block)
            digest.update(block)
            size += len(block)
            if total and size * 10 // total > told:
                told = size * 10 // total
                say(f"downloading: {size >> 20} of {total >> 20} MiB")
    if digest.hexdigest() != wanted:
        raise EngineError(summary="the download does not match its checksum", detail=url)


def unpack(archive: Path, binary: Path) -> None:
    """Take `pulumi/pulumi` out of a release; nothing else is needed."""
    with tarfile.open(archive) as tar:
        member = tar.getmember("pulumi/pulumi")
        source = tar.extractfile(member)
        if source is None:
            raise EngineError(summary="the release holds no pulumi binary", detail=archive.name)
        with source, binary.open("wb") as file:
            shutil.copyfileobj(source, file)
    binary.chmod(0o755)
