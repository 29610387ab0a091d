"""The provider's log: `provider.log` in the site's folder, two files of at most half a megabyte.

The engine hides what a provider prints, so this is where to look when something went wrong. It says
what was done to which id and how it ended, never with which values.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Final

LOG: Final = logging.getLogger("mcislocal")
FULL_BYTES: Final = 512 * 1024


def open_log(folder: Path) -> None:
    """Send the log to that folder. Several providers may write to one file, a line at a time."""
    if LOG.handlers or not folder.is_dir():
        return
    path = folder / "provider.log"
    try:
        if path.exists() and path.stat().st_size > FULL_BYTES:
            path.replace(path.with_suffix(".log.1"))
        handler = logging.FileHandler(path, encoding="utf-8")
    except OSError:
        return  # a full or read-only disk shows itself where it matters, in the operation
    path.chmod(0o600)
    layout = f"%(asctime)s {os.getpid()} %(levelname)s %(message)s"
    handler.setFormatter(logging.Formatter(layout))
    LOG.addHandler(handler)
    LOG.setLevel(logging.INFO)
    LOG.propagate = False
