"""What machines are told at their first boot: the texts themselves, and that they are what was meant."""

from __future__ import annotations

import base64
import json
import shlex
from dataclasses import replace
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from mcis_iac.clouds import boot
from mcis_iac.clouds.boot import FirstBoot, Mounted
from mcis_iac.model import HostKey, Setup, SetupFile
from mcis_iac.program.graph import Join, Ref

KEY = HostKey(
    public="ssh-ed25519 AAAAhost", private="-----BEGIN OPENSSH PRIVATE KEY-----\nsecret\n-----END\n"
)
BARE = FirstBoot(setup=Setup(), user="mcis", public_key="ssh-ed25519 AAAAlogin", hostname="web-1")
FULL = replace(
    BARE,
    setup=Setup(
        packages=("nginx", "curl"),
        files=(SetupFile(path="/etc/motd", content="hello\n", mode="0640"),),
        run=("systemctl enable --now nginx", "touch /ready"),
    ),
    host_key=KEY,
    mounts=(Mounted(device="/dev/disk/by-id/google-data", mount="/data"),),
)
ANY_TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=40)
NO_NUL = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=40)
NASTY = 'it\'s "q" $(reboot) `x` \\ \t%s\r\n\nEOF\n#!/bin/sh\u2028\x85\ufeff é\x1b'


def read(first: FirstBoot) -> dict[str, Any]:
    text = boot.cloud_config(first)
    assert text.startswith("#cloud-config\n")
    found = yaml.safe_load(text)
    assert isinstance(found, dict)
    return found


def program(first: FirstBoot) -> str:
    (file,) = read(first)["write_files"]
    return str(file["content"])


def words(text: str) -> list[str]:
    """The words of a program as a shell would see them, comments not being any."""
    return shlex.split(text, comments=False)


def test_the_login_user_may_use_sudo_and_has_the_key_and_no_password() -> None:
    (user,) = read(BARE)["users"]
    assert user == {
        "name": "mcis",
        "shell": "/bin/bash",
        "sudo": "ALL=(ALL) NOPASSWD:ALL",
        "lock_passwd": True,
        "ssh_authorized_keys": ["ssh-ed25519 AAAAlogin"],
    }


def test_root_as_the_login_user_is_not_shut_out() -> None:
    assert read(replace(BARE, user="root"))["disable_root"] is False
    assert "disable_root" not in read(BARE)


def test_a_host_key_is_the_only_one_and_without_one_the_machine_makes_its_own() -> None:
    found = read(FULL)
    assert found["ssh_deletekeys"] is True
    assert found["ssh_keys"] == {"ed25519_private": KEY.private, "ed25519_public": KEY.public}
    assert not {"ssh_deletekeys", "ssh_keys"} & set(read(BARE))


def test_the_private_host_key_is_nowhere_but_in_the_key_and_the_program_is_no_secret() -> None:
    assert "secret" not in program(FULL)


def test_the_program_is_run_once_by_cloud_init() -> None:
    found = read(FULL)
    assert found["runcmd"] == [["/bin/sh", boot.PROGRAM]]
    assert [(file["path"], file["permissions"]) for file in found["write_files"]] == [(boot.PROGRAM, "0700")]


@pytest.mark.parametrize("render", [program, boot.script])
def test_disks_come_first_then_packages_files_and_commands_and_the_marker_last(render: Any) -> None:
    text = render(FULL)
    steps = [json.loads(word.removeprefix("step=")) for word in words(text) if word.startswith('step="')]
    assert steps[-5:] == [
        "mounts /data",
        "packages: nginx curl",
        "write_files /etc/motd",
        "runcmd 1: systemctl enable --now nginx",
        "runcmd 2: touch /ready",
    ]
    assert text.endswith("mark done null 0\n")


@pytest.mark.parametrize("render", [program, boot.script])
def test_a_machine_with_nothing_to_do_says_that_it_is_done(render: Any) -> None:
    assert render(BARE).endswith("mark done null 0\n")


def test_every_step_that_fails_ends_the_first_boot() -> None:
    lines = [line for line in boot.script(FULL).splitlines() if line.startswith("step='")]
    assert len(lines) == boot.script(FULL).count("|| fail $?")


def test_a_long_command_is_cut_in_the_marker_only() -> None:
    command = "echo " + "x" * 200
    text = boot.script(replace(BARE, setup=Setup(run=(command,))))
    assert command in words(text)
    (step,) = [word for word in words(text) if word.startswith('step="runcmd')]
    assert len(json.loads(step.removeprefix("step="))) == 80


def test_a_mount_point_is_spelled_as_fstab_wants_it() -> None:
    text = program(replace(BARE, mounts=(Mounted(device="/dev/x", mount="/my data\\#1"),)))
    assert "disk /dev/x '/my data\\#1' '/my\\040data\\134\\0431' || fail $?" in text


def test_a_file_with_a_nul_arrives_whole() -> None:
    content = "a\0b"
    text = program(replace(BARE, setup=Setup(files=(SetupFile(path="/x", content=content),))))
    assert f"printf %s {base64.b64encode(content.encode()).decode()} | base64 -d | placed 0644 /x" in text


def test_what_the_program_does_for_itself_is_sent_without_its_comments() -> None:
    lines = boot.script(BARE).splitlines()
    assert not [line for line in lines[1:] if line.startswith("#")]
    assert len(boot.cloud_config(BARE)) < 4000


def test_equal_boots_are_equal_bytes() -> None:
    assert boot.cloud_config(FULL) == boot.cloud_config(replace(FULL))
    assert boot.script(FULL) == boot.script(replace(FULL))


# ---------------------------------------------------------------- any text


def told(text: str) -> list[str]:
    """The arguments of the steps, in order."""
    return words(text[text.index("\nstep='") :])


@given(content=NO_NUL, command=NO_NUL, name=NO_NUL, path=NO_NUL.filter(bool), mount=NO_NUL)
@example(content=NASTY, command=NASTY, name=NASTY, path=NASTY, mount=NASTY)
@example(content="'", command="-x", name="", path="\n", mount="' || x")
def test_no_text_leaves_its_quotes(content: str, command: str, name: str, path: str, mount: str) -> None:
    first = replace(
        BARE,
        setup=Setup(packages=(name,), files=(SetupFile(path=path, content=content),), run=(command,)),
        user=name,
        hostname=path,
        host_key=HostKey(public=mount, private=content),
        mounts=(Mounted(device=path, mount=mount),),
    )
    plain = [word for word in told(boot.script(first)) if not word.startswith("step=")]
    shown = boot._in_fstab(mount)
    assert plain == [
        *("host_key", content, mount, "||", "fail", "$?"),
        *("login", name, BARE.public_key, "||", "fail", "$?"),
        *("named_host", path),
        *("disk", path, mount, shown, "||", "fail", "$?"),
        *("packages", name, "||", "fail", "$?"),
        *("printf", "%s", content, "|", "placed", "0644", path, "||", "fail", "$?"),
        *("sh", "-c", "--", command, "||", "fail", "$?"),
        *("mark", "done", "null", "0"),
    ]


@given(ANY_TEXT, ANY_TEXT)
@example(NASTY, NASTY)
@example("", "\n")
def test_cloud_config_is_read_back_as_it_was_meant(text: str, user: str) -> None:
    first = replace(BARE, setup=Setup(run=(text,)), user=user, hostname=text, public_key=text)
    found = read(replace(first, host_key=HostKey(public=user, private=text)))
    assert found.get("hostname", "") == text and found["users"][0]["name"] == user
    assert found["ssh_keys"] == {"ed25519_private": text, "ed25519_public": user}
    steps = found["write_files"][0]["content"]
    assert words(steps)[-9:-4] == ["--", text.replace("\0", ""), "||", "fail", "$?"]


@given(ANY_TEXT)
@example(NASTY)
def test_the_marker_is_json_whatever_a_step_is_called(text: str) -> None:
    steps = boot.script(replace(BARE, setup=Setup(run=(text,))))
    for word in words(steps):
        if word.startswith('step="'):
            json.loads(word.removeprefix("step="))


# ---------------------------------------------------------------- devices known later


def test_a_volume_known_later_is_a_reference_in_the_text() -> None:
    disks = (
        Mounted(device=Ref("disk/web-1/a"), mount="/a"),
        Mounted(device="/dev/x", mount="/x"),
        Mounted(device=Ref("disk/web-1/b"), mount="/b"),
    )
    first = replace(FULL, mounts=disks)
    joined = boot.referring(boot.cloud_config, first)
    assert isinstance(joined, Join)
    assert [part for part in joined.parts if isinstance(part, Ref)] == [disks[0].device, disks[2].device]
    ids = {"disk/web-1/a": "vol-0a1", "disk/web-1/b": "vol-0b2"}
    whole = "".join(part if isinstance(part, str) else ids[part.key] for part in joined.parts)
    known = tuple(
        Mounted(device=ids.get(getattr(d.device, "key", ""), "/dev/x"), mount=d.mount) for d in disks
    )
    assert whole == boot.cloud_config(replace(FULL, mounts=known))


def test_a_text_without_references_stays_a_text() -> None:
    assert boot.referring(boot.script, FULL) == boot.script(FULL)


def test_a_reference_where_a_path_is_needed_is_refused() -> None:
    first = replace(BARE, mounts=(Mounted(device=Ref("disk/web-1/a"), mount="/a"),))
    with pytest.raises(TypeError, match="referring"):
        boot.cloud_config(first)
