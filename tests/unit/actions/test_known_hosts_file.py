"""The OpenSSH known hosts file of a stack."""

from __future__ import annotations

from pathlib import Path

from mcis_iac.actions import known_hosts
from tests.fakes.ssh import a_vm

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHEYyTefTD+TqvFdSCeMAQ9a94dV8mBH8P7TGqj8ZrYB"


def test_addresses_have_their_port_only_when_it_is_unusual() -> None:
    vms = [a_vm("web-1"), a_vm("web-2", public_ip="127.66.0.4", ssh_port=2222)]
    assert known_hosts.text(vms) == f"198.18.0.4 {KEY}\n[127.66.0.4]:2222 {KEY}\n"


def test_comments_of_keys_and_vms_without_one_are_left_out() -> None:
    vms = [a_vm("web-1", host_key=f"{KEY} root@web-1\n"), a_vm("web-2", host_key=None)]
    assert known_hosts.text(vms) == f"198.18.0.4 {KEY}\n"


def test_the_file_is_private_and_reads_back(tmp_path: Path) -> None:
    path = tmp_path / "known_hosts"
    known_hosts.write(path, [a_vm("web-1")])
    assert known_hosts.read(path) == {"198.18.0.4": KEY}
    assert path.stat().st_mode & 0o777 == 0o600


def test_no_file_knows_nobody(tmp_path: Path) -> None:
    assert known_hosts.read(tmp_path / "none") == {}
