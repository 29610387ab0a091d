"""Running the program inside the test: a fake front door, streams that are or are not terminals."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from fakes.pipeline import FakePipeline

from mcis_iac.cli.app import run
from mcis_iac.cli.session import Session

NOON = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)


class Terminal(io.StringIO):
    """A stream somebody looks at, or types into."""

    def isatty(self) -> bool:
        return True


@dataclass
class Done:
    """How a call ended."""

    code: int
    out: str
    err: str


Call = Callable[..., Done]


@pytest.fixture
def mcis(monkeypatch: pytest.MonkeyPatch, tmp_path) -> Call:
    """`mcis("up", "--yes", stages=...)`; `answer` makes all streams terminals and is typed in."""
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("LINES", "30")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("MCIS_DATA_DIR", str(tmp_path / "data"))

    def call(
        *words: str, stages: FakePipeline | None = None, answer: str | None = None, **hooks: object
    ) -> Done:
        kind = io.StringIO if answer is None else Terminal
        out, err = kind(), kind()
        monkeypatch.setattr(sys, "stdin", kind(answer or ""))
        monkeypatch.setattr(sys, "stdout", out)
        monkeypatch.setattr(sys, "stderr", err)
        settings = {"sleep": lambda _: None, "now": lambda: NOON} | hooks
        code = run(words, Session(stages or FakePipeline(), **settings))
        return Done(code, out.getvalue(), err.getvalue())

    return call
