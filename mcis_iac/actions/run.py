"""A command on many VMs: one result per VM, whatever happens to it.

Results are plain values; this module imports neither asyncio nor SSH until `execute` is called.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from mcis_iac.actions.keys import Login
from mcis_iac.actions.ranges import fold_names
from mcis_iac.errors import Cancelled, OperationError, UsageError
from mcis_iac.model import NOTHING, HostResult, Vm

OnOutput: TypeAlias = Callable[[str, str, str], None]  # vm, stream ("stdout" | "stderr"), one line

CANCELLED = "cancelled"
STILL_RUNNING = ", but the command may still be running there"
NOT_REACHED = "not run: it failed on a VM before"
PARALLEL = 64

# Per VM and stream, and for all of them together.
KEEP_BYTES = 1024 * 1024
KEEP_TOTAL_BYTES = 128 * 1024 * 1024

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """VMs on which a command ended the same; `names` is their short form, `result` one of them."""

    names: str
    results: tuple[HostResult, ...]

    @property
    def result(self) -> HostResult:
        """What is the same for all of them (but the VM and the time)."""
        return self.results[0]


def execute(
    vms: Sequence[Vm],
    command: Sequence[str],
    *,
    login: Login,
    on_output: OnOutput | None = None,
    timeout_s: float | None = None,
    serial: int | None = None,
    sudo: bool = False,
    script: str | None = None,
    setenv: Mapping[str, str] = NOTHING,
    stdin: bytes | int = b"",
    parallel: int = PARALLEL,
    known: Sequence[Vm] = (),
) -> tuple[HostResult, ...]:
    """Run a command on the VMs and return their results in the order of `vms`.

    One argument is shell text, several are words that are quoted (`shell_text`). `script` is the
    text of a script, fed to `sh -s`; `command` then has its arguments. `timeout_s` counts per VM from
    its turn. `serial` VMs at a time end before the next ones begin, and a failure ends it all;
    `parallel` bounds logins at once, not commands. `stdin` goes to every VM: bytes, or a file descriptor
    that is read as far as the commands do. `known` are all VMs there are, for those behind a jump host.
    `on_output` is called from the caller's thread for every line.

    Ctrl-C and `timeout_s` stop the command on the VM; where that was not confirmed, the error says so.
    Ctrl-C returns, with "cancelled" for whoever had not ended; a second one raises KeyboardInterrupt.
    Raises UsageError for an empty command or a bad name, CredentialsError when a key cannot be used.
    """
    from mcis_iac.actions.fanout import Job, run_on_all

    job = Job(
        text=shell_text(command, sudo=sudo, script=script is not None, setenv=setenv),
        stdin=stdin if script is None else script.encode(),
        timeout_s=timeout_s,
        keep=max(64 * 1024, min(KEEP_BYTES, KEEP_TOTAL_BYTES // max(1, len(vms)))),
    )
    return run_on_all(
        vms,
        job,
        login=login,
        on_output=on_output,
        serial=serial,
        parallel=parallel,
        known=known,
        halt=serial is not None,
    )


def shell_text(
    command: Sequence[str], *, sudo: bool = False, script: bool = False, setenv: Mapping[str, str] = NOTHING
) -> str:
    """The text the VM's login shell gets; see `execute`."""
    for name in setenv:
        if not _NAME.fullmatch(name):
            raise UsageError(summary="not a name of a variable", detail=f"`{name}` in --setenv")
    if script:
        text = shlex.join(["sh", "-s", *(["--", *command] if command else [])])
    elif not command:
        raise UsageError(summary="no command to run", hint="mcis exec -- uname -r")
    else:
        text = command[0] if len(command) == 1 else shlex.join(command)
    exports = "".join(f"export {name}={shlex.quote(value)}; " for name, value in setenv.items())
    # sudo clears the environment, so the variables are set on its far side.
    return shlex.join(["sudo", "-n", "--", "sh", "-c", exports + text]) if sudo else exports + text


def fold(results: Sequence[HostResult]) -> tuple[Fold, ...]:
    """Equal endings together, in the order they first appear; times do not count."""
    groups: dict[tuple[object, ...], list[HostResult]] = {}
    for result in results:
        ending = (result.exit_status, result.lost, result.error, result.stdout, result.stderr)
        groups.setdefault(ending, []).append(result)
    return tuple(
        Fold(names=fold_names(result.vm for result in same), results=tuple(same)) for same in groups.values()
    )


def exit_code(results: Sequence[HostResult]) -> int:
    """0 when every VM succeeded, 8 when the user stopped it, else 4."""
    if any(result.error.startswith(CANCELLED) for result in results):
        return Cancelled.exit_code
    return 0 if all(result.ok for result in results) else OperationError.exit_code
