"""Running `ip` and `nft`: batches on standard input, failures as LocalCloudError with their own words."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Sequence

from mcis_iac.local_cloud.types import LocalCloudError

_SBIN = "/usr/local/sbin:/usr/sbin:/sbin"
_FAILED_LINE = re.compile(r"Command failed \S*?:(\d+)")


def program(name: str) -> str | None:
    """Path of a program, looked for in the system folders too; None when it is not installed."""
    return shutil.which(name, path=f"{os.environ.get('PATH', '/usr/bin:/bin')}:{_SBIN}")


def run(command: Sequence[str], text: str = "") -> str:
    """Output of a command that must work."""
    answer = _start(command, text)
    if answer.returncode:
        first = next((line for line in answer.stderr.splitlines() if line.strip()), "no reason given")
        raise LocalCloudError(code="host", message=f"`{' '.join(command[:6])}` failed: {first}")
    return answer.stdout


def ip_batch(lines: Sequence[str], namespace: str | None = None) -> dict[int, str]:
    """Run every line even if one fails: {index of a failed line: the reason}."""
    if not lines:
        return {}
    where = ["-n", namespace] if namespace else []
    answer = _start(["ip", *where, "-force", "-batch", "-"], "\n".join(lines) + "\n")
    failed = parse_failures(answer.stderr)
    if answer.returncode and not failed:
        raise LocalCloudError(
            code="host", message=f"`ip -batch` failed: {answer.stderr.strip() or answer.returncode}"
        )
    return failed


def parse_failures(stderr: str) -> dict[int, str]:
    """`ip -batch` prints the reason, then `Command failed -:<line>`."""
    found: dict[int, str] = {}
    reason = ""
    for line in stderr.splitlines():
        match = _FAILED_LINE.search(line)
        if match:
            found[int(match.group(1)) - 1] = reason or "failed"
            reason = ""
        else:
            reason = line.strip()
    return found


def _start(command: Sequence[str], text: str) -> subprocess.CompletedProcess[str]:
    path = program(command[0])
    if path is None:
        raise LocalCloudError(code="host", message=f"`{command[0]}` is not installed")
    return subprocess.run(
        [path, *command[1:]], input=text, capture_output=True, text=True, check=False, errors="replace"
    )
