"""What power actions have in common on clouds that take one machine per call, and trying again on all.

The clients of the clouds repeat what was throttled or broke by themselves; what is tried again here is
what a cloud refuses because it is busy with the same machine. Nothing here knows a cloud.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from mcis_iac.clouds.common.together import together
from mcis_iac.errors import CredentialsError, McisError, OperationError, TimedOut
from mcis_iac.model import Failure, Vm

ATTEMPTS = 6
FIRST_S, LONGEST_S = 0.5, 8.0
# Who is told to come back later than this is told no.
PATIENCE_S = 60.0
_WORDS = (
    # Asked too often is not a quota of machines.
    ("other", r"request ?limit|request rate|throttl|rate ?limit|rate ?exceeded|too ?many ?requests|\b429\b"),
    ("quota", r"quota|limit ?exceeded"),
    (
        "capacity",
        r"capacity|stock ?out|resource_pool_exhausted|allocation ?failed|sku ?not ?available|no valid host",
    ),
)
Result = TypeVar("Result")


class Busy(OperationError):
    """Refused for now only; `after_s` is when the cloud wants to be asked again, None = it did not say."""

    def __init__(self, *, after_s: float | None = None, **words: Any) -> None:
        super().__init__(**words)
        self.after_s = after_s


def patiently(call: Callable[[], Result]) -> Result:
    """The result of a call that is repeated while it is Busy, some ten seconds or as long as is asked for.

    Who waited in vain is no longer told Busy, so that nobody waits for the same once more.
    """
    attempt = 0
    while True:
        try:
            return call()
        except Busy as error:
            if attempt == ATTEMPTS - 1 or (error.after_s or 0) > PATIENCE_S:
                told = OperationError(summary=error.summary, detail=error.detail, hint=error.hint)
                raise told from error.__cause__
            time.sleep(pause_s(attempt, error.after_s))
            attempt += 1


def pause_s(attempt: int, asked: float | None = None) -> float:
    """How long to wait after the attempt (0 is the first): never less than asked, and never all alike."""
    if asked is not None:
        return asked + random.uniform(0, 0.05 + asked / 4)
    return min(LONGEST_S, FIRST_S * 2.0**attempt) * random.uniform(0.5, 1)


def later(header: str | None) -> float | None:
    """The seconds of a Retry-After; None when there are none or it is a date."""
    try:
        return max(0.0, float(header)) if header else None
    except ValueError:
        return None


def each(vms: Sequence[Vm], act: Callable[[Vm], None], *, stage: str) -> Mapping[str, Failure]:
    """Do it to all at once; per VM name what was refused.

    CredentialsError when they are what is wrong with every one of them.
    """

    def tried(vm: Vm) -> McisError | None:
        try:
            patiently(lambda: act(vm))
        except McisError as error:
            return error
        return None

    results = together(vms, tried)
    errors = {vm.name: error for vm, error in zip(vms, results, strict=True) if error is not None}
    return failures(errors, stage=stage, of=len(vms))


def failures(errors: Mapping[str, McisError], *, stage: str, of: int) -> Mapping[str, Failure]:
    """The errors of some among `of` machines as failures; raises what all have in common (credentials)."""
    refused = [error for error in errors.values() if isinstance(error, CredentialsError)]
    if refused and len(refused) == of:
        raise refused[0]
    return {name: failure(error, stage=stage) for name, error in errors.items()}


def failure(error: McisError, *, stage: str) -> Failure:
    """An error as the failure of one machine."""
    message = error.detail or error.summary
    if isinstance(error, CredentialsError):
        return Failure(code="credentials", stage=stage, message=message)
    if isinstance(error, TimedOut):
        return Failure(code="timeout", stage=stage, message=message)
    return Failure(code=_code(message), stage=stage, message=message)


def _code(words: str) -> str:
    found = (code for code, pattern in _WORDS if re.search(pattern, words, re.IGNORECASE))
    return next(found, "other")
