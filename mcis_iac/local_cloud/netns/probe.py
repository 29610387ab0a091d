"""Can this host run machines? Found out by doing it: settings of a kernel do not show what a container
or a security module forbids.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mcis_iac.local_cloud.netns import commands
from mcis_iac.local_cloud.netns.launch import Spawner
from mcis_iac.local_cloud.types import LocalCloudError

TIMEOUT_S = 10.0
PACKAGES = {"sshd": "openssh-server", "ip": "iproute2", "nft": "nftables"}
# These separate fields in the options of an overlay and cannot be quoted on every kernel.
_FORBIDDEN = (",", ":", "\\", "\n")


def probe(directory: Path, ids: tuple[int, int]) -> str:
    """ "" when a machine below `directory` could start, else what is missing or was refused."""
    unfit = _unfit(directory)
    if unfit:
        return unfit
    try:
        return _try(directory, ids)
    except (OSError, LocalCloudError) as exc:
        return str(exc)


def _unfit(directory: Path) -> str:
    """What shows without trying."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "needs root on Linux"
    missing = [name for name in PACKAGES if commands.program(name) is None]
    if missing:
        packages = " ".join(PACKAGES[name] for name in missing)
        return f"{', '.join(missing)} not installed (apt-get install {packages})"
    if any(sign in str(directory) for sign in _FORBIDDEN):
        return f"the path {directory} has one of the characters , : \\"
    apart = [name for name in ("/usr", "/etc") if os.path.ismount(name)]
    return f"{apart[0]} is a file system of its own: it would be empty in a machine" if apart else ""


def _try(directory: Path, ids: tuple[int, int]) -> str:
    """Start a machine up to its first instruction; it ends when we do not say `go`."""
    directory.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="probe-", dir=directory))
    try:
        folder.chmod(0o711)
        for name in ("upper", "work", "root"):
            (folder / name).mkdir(mode=0o755)
        with Spawner({"action": "probe", "ids": ids, "machines": [order(folder)]}) as spawner:
            for line in spawner.lines(TIMEOUT_S):
                if line.get("error"):
                    return str(line["error"])
                if line.get("ready"):
                    return ""
        return "a trial machine did not start"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def order(folder: Path) -> Mapping[str, Any]:
    """The smallest machine: root file system and namespaces, nothing in it."""
    return {
        "id": "probe",
        "directory": str(folder),
        "lower": "/",
        "hostname": "probe",
        "private": "",
        "public": None,
        "cgroups": [],
        "volumes": [],
        "tun": "",
        "first": False,
        "exec": [],
    }
