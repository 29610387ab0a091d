"""How the plugin is started: by the engine with its address, or with a clear message."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from mcis_iac import __version__
from mcis_iac.local_cloud import provider
from mcis_iac.local_cloud.plugin import journal


@pytest.mark.parametrize(
    "arguments,address",
    [
        (["127.0.0.1:4711"], "127.0.0.1:4711"),
        (["--logtostderr", "-v=9", "--tracing", "http://host:1/x", "127.0.0.1:4711"], "127.0.0.1:4711"),
        ([], None),
        (["nonsense"], None),
        (["127.0.0.1:http"], None),
        (["127.0.0.1:1", "127.0.0.1:2"], None),
        (["--tracing", "127.0.0.1:4711"], None),
    ],
)
def test_the_engine_s_address_is_found_among_its_flags(arguments: list[str], address: str | None) -> None:
    assert provider.engine_address(arguments) == address


def test_a_person_who_starts_it_is_told_what_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert provider.main([]) == 2
    assert "usage: pulumi-resource-mcislocal" in capsys.readouterr().err


def test_it_says_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert provider.main(["--version"]) == 0
    assert capsys.readouterr().out.strip() == __version__


def silence() -> None:
    for handler in list(journal.LOG.handlers):
        journal.LOG.removeHandler(handler)
        handler.close()
    journal.LOG.setLevel(logging.NOTSET)
    journal.LOG.propagate = True


@pytest.fixture(autouse=True)
def log(tmp_path: Path) -> Iterator[Path]:
    silence()  # a provider served in this process by another test may have opened it
    yield tmp_path / "provider.log"
    silence()


def test_the_log_is_private_and_rotated(log: Path) -> None:
    log.write_text("x" * (journal.FULL_BYTES + 1))
    journal.open_log(log.parent)
    journal.LOG.info("created %s", "i-1")
    assert log.with_suffix(".log.1").stat().st_size > journal.FULL_BYTES
    assert log.read_text().endswith("INFO created i-1\n")
    assert log.stat().st_mode & 0o777 == 0o600


def test_without_a_folder_there_is_no_log(tmp_path: Path) -> None:
    journal.open_log(tmp_path / "missing")
    assert not journal.LOG.handlers
