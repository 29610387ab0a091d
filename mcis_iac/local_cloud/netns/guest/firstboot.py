# ruff: noqa: PTH101, PTH103, PTH105, PTH123 - pathlib is not among the light imports
"""First boot inside the machine: files, commands, packages, and the marker that says how it went.

Runs in pid 1 before sshd (bootcmd, files) and in a child of it beside sshd (packages, runcmd, then
/etc/rc.local, which runs at every start). Only light imports (see namespaces.py).
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

MARKER = "/var/lib/mcis/first-boot.json"
LOG = "/var/log/cloud-init-output.log"
RC_LOCAL = "/etc/rc.local"
RC_LOCAL_LOG = "/var/log/rc.local.log"
# tried in this order; `{}` stands for nothing, the packages follow
_MANAGERS: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("/usr/bin/apt-get", ("apt-get", "-qy", "install"), ("apt-get", "-q", "update")),
    ("/usr/bin/dnf", ("dnf", "-qy", "install"), ()),
    ("/sbin/apk", ("apk", "add", "-q"), ()),
    ("/usr/bin/zypper", ("zypper", "-nq", "install"), ()),
)

Environment = Mapping[str, str]


class StepFailed(Exception):
    """One step of the first boot went wrong; the later ones are not run."""

    def __init__(self, step: str, exit_status: int) -> None:
        super().__init__(step)
        self.step = step
        self.exit_status = exit_status


def load(path: str) -> str:
    """The plan as text, read on the host's side; "" when there is none."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return ""
    with os.fdopen(handle, encoding="utf-8") as file:
        return file.read()


def run(text: str, environment: Environment, *, first: bool) -> None:
    """In pid 1, before it becomes sshd. Returns soon: what may take long goes on in a child."""
    if not first:
        if not _exists(MARKER):
            _mark("failed", "interrupted: the machine was stopped during its first boot", None)
        _start_rc_local(environment)
        return
    plan: Mapping[str, Any] = json.loads(text or "{}")
    environment = {**environment, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        _shell(plan.get("bootcmd", ()), "bootcmd", environment)
        for path, content, mode, owner in plan.get("files", ()):
            _write(path, content, mode, owner)
    except StepFailed as failure:
        _mark("failed", failure.step, failure.exit_status)
        return
    packages, commands = plan.get("packages", ()), plan.get("runcmd", ())
    if packages or commands:
        _in_background(lambda: _finish(packages, commands, environment))
    else:
        _mark("done", None, 0)
        _start_rc_local(environment)


def _start_rc_local(environment: Environment) -> None:
    if _has_rc_local():
        _in_background(lambda: _rc_local(environment))


def _in_background(action: Any) -> None:
    if os.fork() == 0:
        try:
            os.setsid()
            action()
        except BaseException as exc:
            _mark("failed", f"internal: {exc!r}", None)
        os._exit(0)


def _finish(packages: Sequence[str], commands: Sequence[str], environment: Environment) -> None:
    try:
        _install(packages, environment)
        _shell(commands, "runcmd", environment)
        _mark("done", None, 0)
    except StepFailed as failure:
        _mark("failed", failure.step, failure.exit_status)
    _rc_local(environment)


def _install(packages: Sequence[str], environment: Environment) -> None:
    if not packages:
        return
    for program, install, refresh in _MANAGERS:
        if not _exists(program):
            continue
        status = _call([*install, *packages], environment, LOG)
        if status and refresh:
            _call(list(refresh), environment, LOG)
            status = _call([*install, *packages], environment, LOG)
        if status:
            raise StepFailed(
                step=f"packages: {install[0]} could not install {' '.join(packages)}", exit_status=status
            )
        return
    raise StepFailed(step="packages: the image has no package manager", exit_status=127)


def _shell(commands: Sequence[str], stage: str, environment: Environment) -> None:
    for number, command in enumerate(commands, 1):
        status = _call(["sh", "-c", command], environment, LOG)
        if status:
            raise StepFailed(step=f"{stage} {number}: {command}", exit_status=status)


def _rc_local(environment: Environment) -> None:
    if _has_rc_local():
        _output_to(RC_LOCAL_LOG)
        os.execve(RC_LOCAL, [RC_LOCAL], dict(environment))


def _has_rc_local() -> bool:
    return os.access(RC_LOCAL, os.X_OK)


def _call(command: list[str], environment: Environment, log: str) -> int:
    """Run and wait; 128 + signal for a killed one, as a shell says it."""
    child = os.fork()
    if child == 0:
        try:
            _output_to(log)
            os.chdir("/")
            os.execvpe(command[0], command, dict(environment))
        except OSError as exc:
            os.write(2, f"{command[0]}: {exc.strerror}\n".encode())
        os._exit(127)
    status = os.waitpid(child, 0)[1]
    return 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def _output_to(log: str) -> None:
    os.makedirs(log.rpartition("/")[0], exist_ok=True)
    handle = os.open(log, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o644)
    os.dup2(handle, 1)
    os.dup2(handle, 2)


def _write(path: str, content: str, mode: int, owner: str) -> None:
    try:
        os.makedirs(path.rpartition("/")[0] or "/", exist_ok=True)
        handle = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, mode)
        with os.fdopen(handle, "wb") as file:
            file.write(content.encode())
        user, group = _owner(owner)
        os.chown(path, user, group)
        os.chmod(path, mode)  # after chown, which clears set-id bits
    except (OSError, LookupError) as exc:
        raise StepFailed(step=f"write_files {path}: {exc}", exit_status=1) from exc


def _owner(text: str) -> tuple[int, int]:
    user, _, group = text.partition(":")
    return _number("/etc/passwd", user or "root"), _number("/etc/group", group or user or "root")


def _number(table: str, name: str) -> int:
    """Read by ourselves: the C library's look-up would load the image's modules into this process."""
    if name.isdigit():
        return int(name)
    with open(table, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            fields = line.rstrip("\n").split(":")
            if fields[0] == name:
                return int(fields[2])
    problem = f"no {name!r} in {table}"
    raise LookupError(problem)


def _mark(result: str, step: str | None, exit_status: int | None) -> None:
    """Written aside and renamed: a reader over SSH never sees half of it."""
    os.makedirs(MARKER.rpartition("/")[0], exist_ok=True)
    text = json.dumps({"result": result, "step": step, "exit_status": exit_status})
    handle = os.open(f"{MARKER}.new", os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o644)
    os.write(handle, text.encode() + b"\n")
    os.close(handle)
    os.replace(f"{MARKER}.new", MARKER)


def _exists(path: str) -> bool:
    return os.access(path, os.F_OK)
