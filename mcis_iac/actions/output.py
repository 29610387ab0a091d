"""What a command prints on one VM: streamed by line, remembered within a bound."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

OnLine: TypeAlias = Callable[[str, str], None]  # stream ("stdout" | "stderr"), one line without its end

LONGEST_LINE = 64 * 1024


class Stream:
    """One stream of one VM. Bytes come in as the network cuts them; lines go out as they end."""

    def __init__(self, name: str, keep: int, on_line: OnLine | None) -> None:
        self._name = name
        self._keep = keep
        self._on_line = on_line
        self._kept = bytearray()
        self._dropped = 0
        self._open = b""

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        self._remember(data)
        if self._on_line is None:
            return
        *lines, self._open = (self._open + data).split(b"\n")
        for line in lines:
            self._emit(line)
        # A program that never ends its line must not fill our memory.
        while len(self._open) > LONGEST_LINE:
            self._emit(self._open[:LONGEST_LINE])
            self._open = self._open[LONGEST_LINE:]

    def end(self) -> None:
        """Nothing follows: hand out a last line that was not ended."""
        if self._open:
            self._emit(self._open)
            self._open = b""

    def text(self) -> str:
        """Everything kept; says at its top how much was left out."""
        self._shorten()
        kept = self._kept.decode("utf-8", "replace")
        return f"[the first {self._dropped} bytes are left out]\n{kept}" if self._dropped else kept

    def _remember(self, data: bytes) -> None:
        self._kept += data
        # Moving what is kept costs as much as it is long, so twice as much may gather before.
        if len(self._kept) > 2 * self._keep:
            self._shorten()

    def _shorten(self) -> None:
        excess = len(self._kept) - self._keep
        if excess > 0:
            del self._kept[:excess]
            self._dropped += excess

    def _emit(self, line: bytes) -> None:
        if self._on_line is not None:
            self._on_line(self._name, line.removesuffix(b"\r").decode("utf-8", "replace"))
