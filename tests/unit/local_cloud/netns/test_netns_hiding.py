"""What a guest does not get to see of the host, on a made-up host."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcis_iac.local_cloud.netns.disk.hiding import cached_survey, survey
from mcis_iac.local_cloud.netns.disk.layer import Entry, complete


@pytest.fixture
def host(tmp_path: Path) -> Path:
    root = tmp_path / "host"
    for folder in (
        "usr/bin",
        "etc/ssh",
        "etc/ssl/private",
        "var/lib/app",
        "var/log/app",
        "home/me",
        "work/x",
    ):
        (root / folder).mkdir(parents=True)
    (root / "etc/ssl/private").chmod(0o710)
    for name, mode in {
        "etc/hosts": 0o644,
        "etc/shadow": 0o640,
        "etc/ssh/ssh_host_ed25519_key.pub": 0o644,
        "etc/rc.local": 0o755,
        "var/lib/app/open": 0o644,
        "var/lib/app/closed": 0o600,
        "var/log/syslog": 0o644,
        "etc/ssl/private/key": 0o644,
        "secrets.txt": 0o644,
    }.items():
        (root / name).write_text("")
        (root / name).chmod(mode)
    (root / "bin").symlink_to("usr/bin")
    (root / "etc/link").symlink_to("/root/x")
    return root


def kinds(host: Path, cloud: str = "srv/cloud/site") -> dict[str, str]:
    return {entry.path: entry.kind for entry in survey(host, host / cloud)}


def test_of_the_top_level_only_programs_and_settings_stay(host: Path) -> None:
    found = kinds(host)
    assert found["work"] == "whiteout"
    assert found["secrets.txt"] == "whiteout"
    assert found["home"] == found["root"] == found["mnt"] == "opaque"
    assert not {"usr", "etc", "var", "bin"} & found.keys()


def test_files_that_not_everybody_may_read_are_gone(host: Path) -> None:
    found = kinds(host)
    assert found["etc/shadow"] == found["var/lib/app/closed"] == "whiteout"
    assert not {"etc/hosts", "var/lib/app/open", "etc/link"} & found.keys()


def test_folders_that_not_everybody_may_read_are_empty_and_keep_their_mode(host: Path) -> None:
    found = {entry.path: entry for entry in survey(host, host / "x")}
    assert found["etc/ssl/private"].kind == "opaque"
    assert found["etc/ssl/private"].mode == 0o710
    assert "etc/ssl/private/key" not in found


def test_logs_are_gone_but_their_folders_are_there(host: Path) -> None:
    found = kinds(host)
    assert found["var/log"] == found["var/log/app"] == "opaque"
    assert "var/log/syslog" not in found


def test_host_keys_and_what_would_act_in_a_guest_are_gone_though_readable(host: Path) -> None:
    found = kinds(host)
    assert found["etc/ssh/ssh_host_ed25519_key.pub"] == found["etc/rc.local"] == "whiteout"


def test_a_cloud_below_usr_is_hidden_with_its_sisters(host: Path) -> None:
    (host / "usr/clouds/one").mkdir(parents=True)
    assert kinds(host, "usr/clouds/one")["usr/clouds"] == "whiteout"


def test_no_white_out_lies_below_something_hidden(host: Path) -> None:
    (host / "home/me/cloud/site").mkdir(parents=True)
    assert not [path for path in kinds(host, "home/me/cloud/site") if path.startswith("home/")]


def test_the_findings_are_kept_for_the_next_machine(host: Path, tmp_path: Path) -> None:
    first = cached_survey(host, tmp_path)
    (host / "etc/later").write_text("")
    (host / "etc/later").chmod(0o600)
    assert cached_survey(host, tmp_path) == first


def test_broken_findings_are_made_again(host: Path, tmp_path: Path) -> None:
    (tmp_path / "hidden.json").write_text('[{"pa')
    assert "etc/shadow" in {entry.path for entry in cached_survey(host, tmp_path)}


def test_parents_look_as_in_the_image_and_come_first(host: Path) -> None:
    (host / "etc/ssl").chmod(0o751)
    entries = complete([Entry(path="etc/ssl/new/file", kind="file")], host)
    assert [(entry.path, entry.kind, entry.mode) for entry in entries] == [
        ("etc", "dir", (host / "etc").stat().st_mode & 0o7777),
        ("etc/ssl", "dir", 0o751),
        ("etc/ssl/new", "dir", 0o755),
        ("etc/ssl/new/file", "file", 0o755),
    ]


def test_a_hidden_folder_that_gets_a_file_stays_closed_otherwise(host: Path) -> None:
    entries = complete([Entry(path="work", kind="whiteout"), Entry(path="work/file", kind="file")], host)
    assert [(entry.path, entry.kind) for entry in entries] == [("work", "opaque"), ("work/file", "file")]


def test_the_last_entry_of_a_path_wins(host: Path) -> None:
    entries = complete([Entry(path="x", kind="whiteout"), Entry(path="x", kind="file", content="y")], host)
    assert [(entry.kind, entry.content) for entry in entries] == [("file", "y")]
