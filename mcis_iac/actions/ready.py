"""When is a VM ready? It can be logged in to, and its first boot says that it is done.

A service beside the engine: `up` submits each VM as its creation is reported, and the checks run in
one thread with one event loop, whatever their number.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any

from mcis_iac.actions.keys import Login
from mcis_iac.errors import McisError
from mcis_iac.model import Failure, Vm

if TYPE_CHECKING:
    from mcis_iac.actions.ssh import Client, Connection

DEADLINE_S = 300.0

# A cloud may answer before its first boot has made the user; a wrong key is not worth five minutes.
REFUSALS_S = 30.0
RETRY_S = (0.1, 0.2, 0.5, 1.0, 2.0)

# On the local cloud the tree of a VM may be a folder, named by this variable.
MARKER = "${MCIS_ROOT}/var/lib/mcis/first-boot.json"
LOG = "${MCIS_ROOT}/var/log/cloud-init-output.log"
LOG_LINES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """How the wait for one VM ended; no failure = ready, `elapsed_s` after it was submitted."""

    vm: Vm
    elapsed_s: float
    failure: Failure | None = None


OnResult = Callable[[Readiness], None]
Settle = Callable[["Client", Vm], Awaitable[Vm]]


class Ready:
    """Waits for VMs in the background; use it as a context manager, which ends what still runs.

    `on_result` is called once per VM, from the background thread, and must return quickly.
    """

    def __init__(
        self,
        login: Login,
        on_result: OnResult = lambda _: None,
        *,
        deadline_s: float = DEADLINE_S,
        known: Iterable[Vm] = (),
        settle: Settle | None = None,
    ) -> None:
        """`known` are VMs that were there before: some may be jump hosts; those submitted are known too.

        `settle` is done once to every VM that is ready.
        """
        self._settle = settle
        self._login = login
        self._on_result = on_result
        self._deadline_s = deadline_s
        self._known = {vm.name: vm for vm in known}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._client: Client | None = None
        self._waits: dict[str, Future[Readiness]] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> Ready:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def submit(self, vm: Vm) -> None:
        """Begin to wait for this VM; a VM of the same name submitted before is forgotten."""
        with self._lock:
            loop = self._running()
            before = self._waits.get(vm.name)
            if before is not None:
                before.cancel()
            self._known[vm.name] = vm
            self._waits[vm.name] = asyncio.run_coroutine_threadsafe(self._watch(vm), loop)

    def wait(self, names: Iterable[str] | None = None) -> Mapping[str, Readiness]:
        """Block until these VMs (all of them by default) are ready or have failed."""
        chosen = list(self._waits) if names is None else [name for name in names if name in self._waits]
        return {name: self._waits[name].result() for name in chosen}

    def close(self) -> None:
        """Give up on whatever still waits and end the thread."""
        if self._loop is None or self._thread is None:
            return
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop = self._thread = None

    def _running(self) -> asyncio.AbstractEventLoop:
        """The loop; made at the first VM, so that an `up` without new ones pays nothing."""
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(target=self._serve, args=(self._loop,), name="ready", daemon=True)
            self._thread.start()
        return self._loop

    def _serve(self, loop: asyncio.AbstractEventLoop) -> None:
        asyncio.set_event_loop(loop)
        try:
            loop.run_forever()
        finally:
            tasks = asyncio.all_tasks(loop)
            for task in tasks:
                task.cancel()
            loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
            if self._client is not None:
                loop.run_until_complete(self._client.close())
            loop.run_until_complete(loop.shutdown_default_executor())
            loop.close()

    async def _watch(self, vm: Vm) -> Readiness:
        began = time.monotonic()
        try:
            failure = await self._attempts(vm)
        except McisError as problem:
            failure = Failure(code="credentials", stage="ready", message=str(problem))
        result = Readiness(vm=vm, elapsed_s=time.monotonic() - began, failure=failure)
        self._on_result(result)
        return result

    async def _attempts(self, vm: Vm) -> Failure | None:
        """Log in until it works and read the marker; None = ready."""
        from mcis_iac.actions.ssh import Client, HostError, LoginRefused, WrongHostKey, raise_file_limit

        if self._client is None:
            raise_file_limit()
            self._client = Client(self._login, known=tuple(self._known.values()))
        self._client.know(vm)
        began, attempt, inside, reason = time.monotonic(), 0, False, "no answer"
        refused_since: float | None = None
        while (left := began + self._deadline_s - time.monotonic()) > 0:
            try:
                async with asyncio.timeout(left), self._client.connect(vm) as connection:
                    inside = True
                    marker = await _marker(connection, left)
                    if marker is not None:
                        failure = await _judge(connection, marker)
                        if failure is None and self._settle is not None:
                            self._client.know(await self._settle(self._client, vm))
                        return failure
                    reason = "the connection was lost"
            except WrongHostKey as problem:
                return Failure(code="other", stage="ready", message=str(problem))
            except LoginRefused as problem:
                reason = str(problem)
                refused_since = refused_since or time.monotonic()
                if time.monotonic() - refused_since > REFUSALS_S:
                    return Failure(code="credentials", stage="ready", message=reason)
            except HostError as problem:
                reason = str(problem)
            except TimeoutError:
                break
            await asyncio.sleep(min(RETRY_S[min(attempt, len(RETRY_S) - 1)], max(0.0, left)))
            attempt += 1
        return self._too_late(reason, inside=inside)

    def _too_late(self, reason: str, *, inside: bool) -> Failure:
        if inside:
            message = f"the first boot did not end within {self._deadline_s:g} s"
            return Failure(code="timeout", stage="setup", message=message)
        message = f"no login over SSH within {self._deadline_s:g} s: {reason}"
        return Failure(code="timeout", stage="ready", message=message)


def wait_command(seconds: float) -> str:
    """Shell text that prints the marker as soon as it is there; quick at first, then once a second.

    It waits on the VM's side: one command per VM, and no traffic while a long setup runs.
    """
    look = f'[ -s "{MARKER}" ] && cat "{MARKER}" && exit 0'
    return (
        f"n=0; while [ $n -lt {int(seconds) + 40} ]; do {look}; n=$((n+1)); "
        "if [ $n -le 20 ]; then sleep 0.05 || sleep 1; elif [ $n -le 40 ]; then sleep 0.2 || sleep 1; "
        "else sleep 1; fi; done; exit 1"
    )


async def _marker(connection: Connection, seconds: float) -> Mapping[str, Any] | None:
    """What the first boot left behind; None when the connection was lost before."""
    ended, text = await connection.output(wait_command(seconds))
    if ended.exit_status != 0:
        return None
    try:
        value = json.loads(text)
    except ValueError:
        return None  # caught while it was written; the next attempt reads it whole
    return value if isinstance(value, dict) else None


async def _judge(connection: Connection, marker: Mapping[str, Any]) -> Failure | None:
    if marker.get("result") == "done":
        return None
    step, status = marker.get("step"), marker.get("exit_status")
    what = f"setup failed{f' at {step}' if step else ''}{f' with exit status {status}' if status else ''}"
    _, tail = await connection.output(log_command())
    return Failure(code="other", stage="setup", message=f"{what}\n{tail.rstrip()}".rstrip())


def log_command() -> str:
    """Shell text that prints the end of the setup's log, which only root may read on some images."""
    read = f'tail -n {LOG_LINES} "{LOG}"'
    return f"{read} 2>/dev/null || sudo -n {read} 2>/dev/null"
