"""The account files of a guest."""

from __future__ import annotations

from mcis_iac.local_cloud.netns.disk import accounts

PASSWD = """# a comment
root:x:0:0:root:/root:/bin/bash
sshd:x:100:65534::/run/sshd:/usr/sbin/nologin
alice:x:1000:1000:Alice:/home/alice:/bin/bash
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
broken
"""
GROUP = """root:x:0:
shadow:x:42:
sudo:x:27:alice
docker:x:998:alice,sshd
alice:x:1000:
big:x:1001:
nogroup:x:65534:
"""


def test_people_of_the_host_are_not_in_the_guest() -> None:
    text = accounts.passwd_text(PASSWD, "ubuntu", 1002, "/bin/bash")
    assert [line.split(":")[0] for line in text.splitlines()] == ["root", "sshd", "nobody", "ubuntu"]


def test_the_user_gets_an_id_that_nobody_on_the_host_has() -> None:
    assert accounts.free_id(PASSWD, GROUP) == 1002


def test_the_user_joins_the_administrators_and_strangers_leave_the_lists() -> None:
    lines = accounts.group_text(GROUP, "ubuntu", 1002, ["root", "sshd", "ubuntu"]).splitlines()
    assert "sudo:x:27:ubuntu" in lines
    assert "docker:x:998:sshd" in lines
    assert "ubuntu:x:1002:" in lines
    assert not [line for line in lines if line.startswith(("alice", "big"))]


def test_root_as_the_ordered_user_adds_no_account() -> None:
    assert (
        "root:x:0:0:root:/root:/bin/bash" in accounts.passwd_text(PASSWD, "root", 0, "/bin/sh").splitlines()
    )
    assert "sudo:x:27:" in accounts.group_text(GROUP, "root", 0, ["root"]).splitlines()


def test_a_system_user_of_the_ordered_name_is_replaced() -> None:
    text = accounts.passwd_text(PASSWD, "sshd", 1002, "/bin/sh")
    assert [line for line in text.splitlines() if line.startswith("sshd:")] == [
        "sshd:x:1002:1002:sshd:/home/sshd:/bin/sh"
    ]


def test_no_password_field_starts_with_an_exclamation_mark() -> None:
    assert {line.split(":")[1] for line in accounts.shadow_text(PASSWD).splitlines()} == {"*"}


def test_only_an_ordered_root_may_log_in_as_root() -> None:
    assert "PermitRootLogin no" in accounts.sshd_config(port=22, user="ubuntu", address="10.100.0.4")
    assert "PermitRootLogin prohibit-password" in accounts.sshd_config(
        port=22, user="root", address="10.1.0.4"
    )


def test_the_number_of_a_group_that_is_missing_is_roots() -> None:
    assert accounts.group_id(GROUP, "shadow") == 42
    assert accounts.group_id(GROUP, "wheel") == 0
