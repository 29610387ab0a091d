"""The OpenSSH known hosts file of a stack."""

from __future__ import annotations

import hmac
from base64 import b64encode
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcis_iac.actions import known_hosts
from mcis_iac.errors import UsageError
from tests.fakes.ssh import a_vm

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHEYyTefTD+TqvFdSCeMAQ9a94dV8mBH8P7TGqj8ZrYB"


def test_addresses_have_their_port_only_when_it_is_unusual() -> None:
    vms = [a_vm("web-1"), a_vm("web-2", public_ip="127.66.0.4", ssh_port=2222)]
    assert known_hosts.text(vms) == f"198.18.0.4,web-1 {KEY}\n[127.66.0.4]:2222,web-2 {KEY}\n"


def test_comments_of_keys_and_vms_without_one_are_left_out() -> None:
    vms = [a_vm("web-1", host_key=f"{KEY} root@web-1\n"), a_vm("web-2", host_key=None)]
    assert known_hosts.text(vms) == f"198.18.0.4,web-1 {KEY}\n"


def test_the_file_is_private_and_reads_back(tmp_path: Path) -> None:
    path = tmp_path / "known_hosts"
    known_hosts.write(path, [a_vm("web-1")])
    lines = known_hosts.parse(path.read_text(encoding="utf-8"), "f")
    assert known_hosts.keys_for([a_vm("web-1")], lines) == {"web-1": (KEY,)}
    assert path.stat().st_mode & 0o777 == 0o600


@given(st.lists(st.integers(1, 60000), min_size=1, max_size=5, unique=True), st.data())
def test_what_is_written_is_what_is_read(ports: list[int], data: st.DataObject) -> None:
    def key() -> str:
        body = b"\0\0\0\x0bssh-ed25519" + data.draw(st.binary(min_size=1, max_size=40))
        return f"ssh-ed25519 {b64encode(body).decode()}"

    vms = [
        a_vm(f"web-{n}", ssh_port=port, host_key="\n".join(key() for _ in range(n % 3)))
        for n, port in enumerate(ports, 1)
    ]
    found = known_hosts.keys_for(vms, known_hosts.parse(known_hosts.text(vms), "f"))
    wanted = {vm.name: tuple(dict.fromkeys(known_hosts.keys_of(vm))) for vm in vms}
    assert found == {name: keys for name, keys in wanted.items() if keys}


def test_names_that_ssh_keyscan_has_hashed_are_found() -> None:
    salt = b"01234567890123456789"
    mixed = hmac.digest(salt, b"198.18.0.4", "sha1")
    line = f"|1|{b64encode(salt).decode()}|{b64encode(mixed).decode()} {KEY}\n"
    lines = known_hosts.parse(line, "f")
    assert known_hosts.keys_for([a_vm("web-1"), a_vm("web-2", public_ip="198.18.0.5")], lines) == {
        "web-1": (KEY,)
    }


@pytest.mark.parametrize(
    "line", ["web-1", f"@revoked * {KEY}", "web-1 ssh-ed25519 AAAA", "web-1 ssh-dss AAAAB3NzaC1kc3M="]
)
def test_a_line_that_is_none_is_refused_with_its_number(line: str) -> None:
    with pytest.raises(UsageError) as refused:
        known_hosts.parse(f"# mine\n\n{line}\n", "theirs")
    assert refused.value.detail.startswith("theirs:3: ")
