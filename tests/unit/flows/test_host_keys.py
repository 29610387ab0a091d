"""Whose host key is trusted in a checkout, and how another one gets to know it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mcis_iac.actions import inventory as inventories
from mcis_iac.actions.keyring import Keyring
from mcis_iac.engine.home import StackHome
from mcis_iac.errors import NotFoundError
from mcis_iac.flows import hostkeys
from mcis_iac.model import Inventory, Vm
from mcis_iac.pipeline import Request
from tests.fakes.ssh import a_vm

MANIFEST = "version: 1\nname: edge\ngroups:\n  web: {placement: {cloud: local, region: local-seoul}}\n"
OWN = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOwnOwnOwnOwnOwnOwnOwnOwnOwnOwnOwnOwnOwnOwn0"


def remote(name: str = "web-1") -> Vm:
    """A machine of a cloud that does not tell host keys."""
    return a_vm(name, connection="aws", cloud="aws")


@pytest.fixture
def home(tmp_path: Path) -> StackHome:
    (tmp_path / "mcis.yaml").write_text(MANIFEST)
    home = StackHome.of(tmp_path, "edge")
    home.create()
    inventories.write(home.inventory, Inventory(vms=(remote(),), operation="up"))
    return home


def request(home: StackHome) -> Request:
    return Request(file=str(home.root.parent))


def test_a_key_that_was_sent_is_trusted_only_where_the_machine_was_made(home: StackHome) -> None:
    (elsewhere,) = hostkeys.trusted(home, [remote()])
    assert elsewhere.host_key is None
    assert hostkeys.made(home, remote()).host_key == remote().host_key
    assert hostkeys.trusted(home, [remote()]) == (remote(),)
    assert hostkeys.due(home, [remote()]) == (remote(),)


def test_a_cloud_that_tells_its_keys_is_believed_everywhere(home: StackHome) -> None:
    assert hostkeys.trusted(home, [a_vm()]) == (a_vm(),)
    assert hostkeys.made(home, a_vm()) == a_vm()
    assert hostkeys.due(home, [a_vm()]) == ()


def test_an_own_key_counts_until_the_machine_is_another(home: StackHome) -> None:
    hostkeys.ring(home).note(remote(), [OWN], own=True)
    assert [vm.host_key for vm in hostkeys.trusted(home, [remote()])] == [OWN]
    assert hostkeys.due(home, [remote()]) == ()
    another = replace(remote(), id="i-another")
    assert hostkeys.trusted(home, [another])[0].host_key is None
    assert hostkeys.made(home, another).host_key == another.host_key


def test_a_line_that_was_cut_off_loses_only_itself(tmp_path: Path) -> None:
    path = tmp_path / "ring"
    ring = Keyring(path)
    ring.note(remote(), [OWN], own=True)
    path.write_text(path.read_text() + '{"vm": "web-2", "id"')
    ring.note(remote("web-3"), [OWN], own=True)
    assert set(ring.read()) == {"web-1", "web-3"}
    assert path.stat().st_mode & 0o777 == 0o600


def test_another_checkout_reads_what_this_one_prints(home: StackHome, tmp_path: Path) -> None:
    assert hostkeys.text(request(home)) == ""
    path = tmp_path / "theirs"
    path.write_text(f"198.18.0.4,web-1 {OWN}\n")
    assert hostkeys.read(request(home), str(path)) == {"web-1": "new"}
    assert hostkeys.read(request(home), str(path)) == {"web-1": "known"}
    assert hostkeys.text(request(home)) == path.read_text()
    assert inventories.read(home.inventory).vms[0].host_key == OWN
    path.write_text(f"198.18.0.4 {OWN[:-1]}4\n")
    assert hostkeys.read(request(home), str(path)) == {"web-1": "changed"}


def test_a_file_about_others_is_refused(home: StackHome, tmp_path: Path) -> None:
    (tmp_path / "theirs").write_text(f"192.0.2.1 {OWN}\n")
    with pytest.raises(NotFoundError) as refused:
        hostkeys.read(request(home), str(tmp_path / "theirs"))
    assert refused.value.detail.endswith("names none of web-1")
