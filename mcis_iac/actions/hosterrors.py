"""Why nothing ran on a VM, as values that can be folded: equal reasons have equal texts."""

from __future__ import annotations


class HostError(Exception):
    """Why no command ran on a VM. The text names no address, so that equal reasons can be folded."""

    def __init__(self, *, text: str) -> None:
        super().__init__(text)


class Unreachable(HostError):
    """Nothing answered, or not SSH; it may be there in a moment."""


class LoginRefused(HostError):
    """The VM answered and does not accept the key or the user."""


class WrongHostKey(HostError):
    """The VM is not the one in the inventory. Never tried again, never ignored."""
