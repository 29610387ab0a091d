"""Copies: names as they are, trees that stay trees, and streams that are not trusted."""

from __future__ import annotations

import asyncio
import hashlib
import io
import subprocess
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcis_iac.actions.copy_in import Arrival, Refused, send
from mcis_iac.actions.copy_names import inside, leads_out, quoted
from mcis_iac.actions.copy_out import pack
from mcis_iac.errors import UsageError

NAMES = st.text(st.characters(blacklist_characters="/\0", codec="utf-8"), min_size=1, max_size=12).filter(
    lambda name: name not in {".", ".."}
)


def a_tar(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for info, content in members:
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return whole.getvalue()


def member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "", mode: int = 0o644) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode = kind, target, mode
    return info


def arrived(top: Path, stream: bytes, cut: int = 1000) -> Arrival:
    arrival = Arrival(top)
    try:
        for start in range(0, len(stream), cut):
            arrival.feed(stream[start : start + cut])
        arrival.end()
        arrival.place(hashlib.sha256(stream).hexdigest())
    finally:
        arrival.discard()
    return arrival


@given(st.lists(NAMES, min_size=1, max_size=4), st.integers(1, 2000))
def test_a_tree_arrives_with_its_names_however_it_was_cut(
    tmp_path_factory: pytest.TempPathFactory, parts: list[str], cut: int
) -> None:
    folder = tmp_path_factory.mktemp("in")
    name = "./" + "/".join(parts)
    folders = [("./" + "/".join(parts[:n]), b"") for n in range(len(parts))]
    stream = a_tar(
        *((member(d, tarfile.DIRTYPE, mode=0o755), b"") for d, _ in folders), (member(name), b"hi")
    )
    arrival = arrived(folder / "top", stream, cut)
    assert (folder / "top").joinpath(*parts).read_bytes() == b"hi"
    assert (arrival.files, arrival.size) == (1, 2)
    assert [path.name for path in folder.iterdir()] == ["top"]


@pytest.mark.parametrize("name", ["../x", "/etc/x", "a/../../x"])
def test_names_that_lead_out_are_refused_and_nothing_is_left(tmp_path: Path, name: str) -> None:
    with pytest.raises(Refused):
        arrived(tmp_path / "top", a_tar((member("ok"), b"1"), (member(name), b"2")))
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_never_written_through_a_link(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (tmp_path / "top").mkdir()
    (tmp_path / "top" / "sub").symlink_to(outside)
    stream = a_tar((member(".", tarfile.DIRTYPE, mode=0o755), b""), (member("./sub/x"), b"2"))
    with pytest.raises(Refused, match="a link where a folder belongs"):
        arrived(tmp_path / "top", stream)
    assert list(outside.iterdir()) == []


def test_links_stay_links_where_they_stay_inside(tmp_path: Path) -> None:
    tree = (
        (member(".", tarfile.DIRTYPE, mode=0o755), b""),
        (member("./a"), b"1"),
        (member("./b", tarfile.SYMTYPE, "a"), b""),
        (member("./out", tarfile.SYMTYPE, "../../etc/passwd"), b""),
        (member("./fifo", tarfile.FIFOTYPE), b""),
        (member("./again", tarfile.LNKTYPE, "./a"), b""),
    )
    arrival = arrived(tmp_path / "top", a_tar(*tree))
    assert (tmp_path / "top" / "b").readlink() == Path("a")
    assert (tmp_path / "top" / "again").read_bytes() == b"1"
    assert arrival.skipped == ["out: a link that leads out of the tree", "fifo: neither a file nor a folder"]


def test_a_stream_that_is_not_what_was_sent_is_not_put_in_place(tmp_path: Path) -> None:
    arrival = Arrival(tmp_path / "top")
    arrival.feed(a_tar((member("x"), b"1")))
    with pytest.raises(Refused, match="checksum"):
        arrival.place("0" * 64)
    arrival.discard()
    assert list(tmp_path.iterdir()) == []


@given(st.text(max_size=30), st.text(max_size=30))
def test_a_path_inside_has_no_step_up(name: str, target: str) -> None:
    found = inside(name)
    assert found is None or not ({"..", "."} & set(found.split("/")))
    if target.startswith("/"):
        assert leads_out("a/b", target)


@pytest.mark.parametrize(
    ("link", "target", "out"),
    [
        ("a", "b", False),
        ("d/a", "../b", False),
        ("a", "../b", True),
        ("d/a", "x/../b", True),
        ("a", "/b", True),
    ],
)
def test_links_are_judged_by_where_they_might_lead(link: str, target: str, out: bool) -> None:
    assert leads_out(link, target) is out


@pytest.mark.process  # the far side is a shell
def test_what_is_packed_is_received_by_a_shell_as_it_was(tmp_path: Path) -> None:
    source, there = tmp_path / "it's a tree", tmp_path / "there"
    there.mkdir()
    (source / "sub dir").mkdir(parents=True)
    (source / "sub dir" / "new\nline $(x) é").write_text("content")
    (source / "run").write_text("#!/bin/sh\n")
    (source / "run").chmod(0o750)
    (source / "here").symlink_to("sub dir")
    (source / "away").symlink_to("/etc")
    (source / "sub dir").chmod(0o555)
    parcel = pack(str(source), recursive=True)
    parcel.seal()

    async def stream() -> bytes:
        return b"".join([chunk async for chunk in parcel.chunks(lambda _: None)])

    command = ["sh", "-c", parcel.receive(f"{there}/")]
    for _ in range(2):  # the second time everything is there already
        done = subprocess.run(command, input=asyncio.run(stream()), capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (0, b"")
    top = there / "it's a tree"
    assert (top / "sub dir" / "new\nline $(x) é").read_text() == "content"
    assert ((top / "run").stat().st_mode & 0o777, (top / "sub dir").stat().st_mode & 0o777) == (0o750, 0o555)
    assert (top / "here").readlink() == Path("sub dir")
    assert [path.name for path in there.iterdir()] == [top.name]
    assert parcel.skipped == ("away: a link that leads out of the tree",)


@pytest.mark.process  # the far side is a shell
def test_a_file_that_changed_on_the_way_is_named_by_its_number(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    parcel = pack(str(tmp_path / "a"), recursive=False)
    parcel.sums = ["0" * 64]

    async def stream() -> bytes:
        return b"".join([chunk async for chunk in parcel.chunks(lambda _: None)])

    command = ["sh", "-c", parcel.receive(f"{tmp_path}/b")]
    done = subprocess.run(command, input=asyncio.run(stream()), capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (1, b"differs 0\n")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


@pytest.mark.process  # the far side is a shell
@pytest.mark.parametrize("what", ["folder", "folder/a b\nc"])
def test_what_a_shell_sends_arrives_as_it_was(tmp_path: Path, what: str) -> None:
    (tmp_path / "folder" / "empty").mkdir(parents=True)
    (tmp_path / "folder" / "a b\nc").write_text("1")
    done = subprocess.run(
        ["sh", "-c", send(str(tmp_path / what), recursive=True)], capture_output=True, check=True
    )
    (tmp_path / "in").mkdir()
    arrival = Arrival(tmp_path / "in" / "x")
    arrival.feed(done.stdout)
    said = done.stderr.decode().split()
    assert said[:2] == ["mcis-exit", "0"]
    arrival.place(said[2])
    arrival.discard()
    found = tmp_path / "in" / "x" / "a b\nc" if what == "folder" else tmp_path / "in" / "x"
    assert found.read_text() == "1"


def test_what_is_not_there_or_a_folder_is_said_before_anything_is_sent(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        pack(str(tmp_path / "none"), recursive=False)
    with pytest.raises(UsageError) as refused:
        pack(str(tmp_path), recursive=False)
    assert refused.value.hint == "add --recursive"


def test_words_for_a_shell_keep_every_character() -> None:
    assert quoted("it's é") == "'it'\"'\"'s é'"
