"""An engine that cannot be called back is asked once more, and connections know nothing of one another."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pulumi.automation import CommandError, CommandResult
from pulumi.automation.errors import create_command_error
from pulumi.runtime import _grpc_settings

from mcis_iac.engine import contact

SILENT = "error: an unhandled error occurred: Resource monitor has terminated, shutting down"


def failing(*texts: str) -> Callable[[], int]:
    """Fails with those words, one after the other, and then tells how often it was tried."""
    left, tries = list(texts), 0

    def work() -> int:
        nonlocal tries
        tries += 1
        if left:
            raise create_command_error(CommandResult(stdout=left.pop(0), stderr="", code=1))
        return tries

    return work


def test_an_engine_that_could_not_be_called_back_is_asked_once_more() -> None:
    assert contact.once_more(failing(SILENT), lambda: False) == 2


@pytest.mark.parametrize(
    ("texts", "begun"),
    [((SILENT,), True), (("error: quota",), False), ((SILENT, SILENT), False)],
    ids=["the program had begun", "something else", "again"],
)
def test_other_failures_are_told(texts: tuple[str, ...], begun: bool) -> None:
    with pytest.raises(CommandError):
        contact.once_more(failing(*texts), lambda: begun)


def test_connections_to_engines_share_nothing() -> None:
    contact.separate()
    contact.separate()
    assert _grpc_settings._GRPC_CHANNEL_OPTIONS.count(contact.ALONE) == 1
