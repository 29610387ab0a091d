"""Where local clouds live on this machine, and which boot of the machine this is."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

from mcis_iac.local_cloud.types import LocalCloudError

PASS_THROUGH = 0o711
SITE = re.compile(r"[a-z0-9]([a-z0-9_.-]{0,62}[a-z0-9])?")


def base_directory() -> Path:
    """The folder of all sites: MCIS_LOCAL_DIR, else root's or the user's state folder."""
    if chosen := os.environ.get("MCIS_LOCAL_DIR"):
        return Path(chosen).absolute()
    if os.geteuid() == 0:
        return Path("/var/lib/mcis-iac/local")
    state = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local/state")
    return Path(state).absolute() / "mcis-iac/local"


def site_directory(site: str) -> Path:
    """The folder of one site; it need not exist."""
    if not SITE.fullmatch(site):
        message = f"{site!r} cannot name a site: lower-case letters, digits, '-', '_', '.' only"
        raise LocalCloudError(code="invalid", message=message)
    return base_directory() / site


def sites() -> tuple[str, ...]:
    """Names of the sites that have a folder here, sorted."""
    base = base_directory()
    if not base.is_dir():
        return ()
    return tuple(sorted(path.name for path in base.iterdir() if path.is_dir() and SITE.fullmatch(path.name)))


def make_private(directory: Path) -> None:
    """Create the folder with mode 0711: guests may pass through it, nobody may list it."""
    try:
        for folder in (*reversed(directory.parents), directory):
            if not folder.exists():
                folder.mkdir(exist_ok=True)
                folder.chmod(PASS_THROUGH)
        if directory.stat().st_mode & 0o777 != PASS_THROUGH:
            directory.chmod(PASS_THROUGH)
    except OSError as error:
        message = f"cannot use {directory} for the local cloud: {error.strerror or error}"
        raise LocalCloudError(code="host", message=message) from error


@cache
def boot_id() -> str:
    """Changes with every boot of the host; processes recorded under another one are gone."""
    path = Path("/proc/sys/kernel/random/boot_id")
    if path.exists():
        return path.read_text().strip()
    if sys.platform == "darwin":
        command = ["/usr/sbin/sysctl", "-n", "kern.bootsessionuuid"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    return "unknown"


def process_start(pid: int) -> int | None:
    """Start time of a process in clock ticks (field 22 of its stat); None when it is gone.

    Zombies count as gone. Where there is no /proc only the existence can be asked: 0.
    """
    stat = Path(f"/proc/{pid}/stat")
    if not Path("/proc/self/stat").exists():
        return 0 if _answers(pid) else None
    try:
        fields = stat.read_text().rpartition(")")[2].split()
    except (OSError, ValueError):
        return None
    return None if fields[0] in {"Z", "X"} else int(fields[19])


def _answers(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
