"""Installing an engine: one way after the other, completely or not at all."""

from __future__ import annotations

import hashlib
import http.server
import io
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mcis_iac.engine import build, download, install
from mcis_iac.errors import EngineError

# Installing runs what it installed, and fetches from a server on loopback.
pytestmark = pytest.mark.process
VERSION = "3.259.0"
SCRIPT = b"#!/bin/sh\necho v3.259.0\n"


@pytest.fixture
def said() -> list[str]:
    return []


def good(version: str, binary: Path, scratch: Path, say: Any) -> None:
    binary.write_bytes(SCRIPT)
    binary.chmod(0o755)


def bad(version: str, binary: Path, scratch: Path, say: Any) -> None:
    (scratch / "rest").write_text("of a failure")
    raise EngineError(summary="no network", detail="none at all")


def interrupted(version: str, binary: Path, scratch: Path, say: Any) -> None:
    good(version, binary, scratch, say)
    raise KeyboardInterrupt


def test_the_first_way_that_works_is_enough(tmp_path: Path, said: list[str]) -> None:
    path = install.install(VERSION, tmp_path, said.append, (("a", bad), ("b", good)))

    assert path == tmp_path / VERSION / "bin" / "pulumi"
    assert path.read_bytes() == SCRIPT
    assert said[0] == "a: no network: none at all"
    assert list(tmp_path.glob(".draft-*")) == []


def test_when_no_way_works_every_reason_is_told(tmp_path: Path, said: list[str]) -> None:
    with pytest.raises(EngineError) as refused:
        install.install(VERSION, tmp_path, said.append, (("a", bad), ("b", bad)))

    assert refused.value.detail.count("none at all") == 2
    assert not (tmp_path / VERSION).exists()


def test_an_interrupted_install_leaves_nothing(tmp_path: Path, said: list[str]) -> None:
    with pytest.raises(KeyboardInterrupt):
        install.install(VERSION, tmp_path, said.append, (("a", interrupted),))

    assert [path.name for path in tmp_path.iterdir()] == ["lock"]


def test_what_a_killed_installer_left_is_cleared_away(tmp_path: Path, said: list[str]) -> None:
    left = tmp_path / ".draft-old" / "deep"
    left.mkdir(parents=True)
    (left / "file").write_text("x")
    left.chmod(0o500)

    install.install(VERSION, tmp_path, said.append, (("a", good),))

    assert not left.exists()


def test_a_broken_installation_is_replaced(tmp_path: Path, said: list[str]) -> None:
    broken = tmp_path / VERSION / "bin" / "pulumi"
    broken.parent.mkdir(parents=True)
    broken.write_bytes(b"\x7fELF")
    broken.chmod(0o755)

    install.install(VERSION, tmp_path, said.append, (("a", good),))

    assert broken.read_bytes() == SCRIPT


def test_a_binary_of_another_version_is_not_installed(tmp_path: Path, said: list[str]) -> None:
    with pytest.raises(EngineError, match=r"it says version 3\.259\.0, not 3\.300\.0"):
        install.install("3.300.0", tmp_path, said.append, (("a", good),))


def test_of_two_installers_one_works_and_the_other_finds_it_done(tmp_path: Path, said: list[str]) -> None:
    made: list[str] = []
    begun, go_on = threading.Event(), threading.Event()

    def slow(version: str, binary: Path, scratch: Path, say: Any) -> None:
        begun.set()
        assert go_on.wait(10)
        made.append(version)
        good(version, binary, scratch, say)

    def run() -> None:
        install.install(VERSION, tmp_path, said.append, (("a", slow),))

    threads = [threading.Thread(target=run) for _ in range(2)]
    threads[0].start()
    assert begun.wait(10)
    threads[1].start()
    while not any("another mcis" in line for line in said):
        threads[1].join(0.01)
    go_on.set()
    for thread in threads:
        thread.join()

    assert made == [VERSION]


# ---------------------------------------------------------------- the official release


class Site:
    """A release server on loopback."""

    def __init__(self, folder: Path) -> None:
        def handler(*args: Any) -> http.server.SimpleHTTPRequestHandler:
            return Quiet(*args, directory=str(folder))

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "www").mkdir()
    served = Site(tmp_path / "www")
    yield served
    served.close()


def publish(folder: Path, *, content: bytes = SCRIPT, digest: str = "") -> None:
    name = download.tarball(VERSION)
    with tarfile.open(folder / name, "w:gz") as tar:
        member = tarfile.TarInfo("pulumi/pulumi")
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
    real = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    text = f"{'0' * 64}  other.tar.gz\n{digest or real}  {name}\n"
    (folder / f"pulumi-{VERSION}-checksums.txt").write_text(text)


def fetch(tmp_path: Path, said: list[str], *sites: str) -> Path:
    binary = tmp_path / "pulumi"
    (tmp_path / "scratch").mkdir()
    download.download(VERSION, binary, tmp_path / "scratch", said.append, sites)
    return binary


def test_a_release_is_fetched_checked_and_unpacked(site: Site, tmp_path: Path, said: list[str]) -> None:
    publish(tmp_path / "www")

    binary = fetch(tmp_path, said, site.url)

    assert binary.read_bytes() == SCRIPT
    assert binary.stat().st_mode & 0o111


def test_the_second_site_is_tried_when_the_first_fails(site: Site, tmp_path: Path, said: list[str]) -> None:
    publish(tmp_path / "www")

    assert fetch(tmp_path, said, "http://127.0.0.1:9", site.url).exists()


def test_a_download_with_another_checksum_is_refused(site: Site, tmp_path: Path, said: list[str]) -> None:
    publish(tmp_path / "www", digest="0" * 64)

    with pytest.raises(EngineError, match="does not match its checksum"):
        fetch(tmp_path, said, site.url)


def test_a_site_without_the_release_is_told(site: Site, tmp_path: Path, said: list[str]) -> None:
    with pytest.raises(EngineError, match=r"404: File not found"):
        fetch(tmp_path, said, site.url)


# ---------------------------------------------------------------- built from modules

GO = """#!/bin/sh
if [ "$1" = env ]; then echo {version}; echo {toolchain}; exit 0; fi
echo "go: downloading example.com/a v1.0.0" >&2
echo "example.com/a/b" >&2
for word in "$@"; do last2="$prev"; prev="$word"; [ "$last2" = -o ] && out="$word"; done
{work}
"""
COPY = 'printf \'#!/bin/sh\\necho v3.259.0\\n\' > "$out"; chmod 755 "$out"; env > "$GOPATH/env"'


def put_go(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    version: str = "go1.26.0",
    toolchain: str = "auto",
    work: str = COPY,
) -> None:
    (tmp_path / "bin").mkdir()
    go = tmp_path / "bin" / "go"
    go.write_text(GO.format(version=version, toolchain=toolchain, work=work))
    go.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")


def test_the_engine_is_built_in_private_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    monkeypatch.setenv("GOFLAGS", "-mod=readonly")
    monkeypatch.setenv("GOPROXY", "https://proxy.example")
    put_go(tmp_path, monkeypatch)
    (tmp_path / "scratch").mkdir()

    build.build(VERSION, tmp_path / "pulumi", tmp_path / "scratch", said.append)

    env = (tmp_path / "scratch" / "gopath" / "env").read_text()
    assert "GOPROXY=https://proxy.example\n" in env
    assert "GOFLAGS=-mod=readonly -modcacherw\n" in env
    assert f"GOCACHE={tmp_path / 'scratch' / 'cache'}\n" in env
    assert (tmp_path / "scratch" / "module" / "go.sum").exists()


def test_a_failed_build_shows_its_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    put_go(tmp_path, monkeypatch, work="echo 'main.go:1: cannot find module' >&2; exit 1")
    (tmp_path / "scratch").mkdir()

    with pytest.raises(EngineError, match="cannot find module"):
        build.build(VERSION, tmp_path / "pulumi", tmp_path / "scratch", said.append)


@pytest.mark.parametrize(
    "version,toolchain,fine",
    [
        ("go1.26.0", "local", True),
        ("go1.25.11", "local", True),
        ("go1.25.10", "local", False),
        ("go1.25.10", "auto", True),
        ("go1.21", "auto", True),
        ("go1.20.9", "auto", False),
        ("devel", "auto", False),
    ],
)
def test_which_go_will_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, toolchain: str, fine: bool
) -> None:
    put_go(tmp_path, monkeypatch, version=version, toolchain=toolchain)

    if fine:
        build.check_go(build.find_go())
    else:
        with pytest.raises(EngineError):
            build.check_go(build.find_go())


def test_the_pinned_module_is_the_version_that_is_installed() -> None:
    from mcis_iac.engine.bootstrap import PINNED

    assert f"github.com/pulumi/pulumi/pkg/v3 v{PINNED}" in (build.MODULE / "go.mod").read_text()
    assert f"go {build.GO_NEEDED}" in (build.MODULE / "go.mod").read_text()
