"""Derived host keys: the same for everybody who may know them, sound in OpenSSH's eyes."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import load_ssh_private_key

from mcis_iac.actions.hostkeys import derive

ONE = derive("secret", "shop/web", ["web-1"])["web-1"]


def test_whoever_knows_the_passphrase_gets_the_same_keys() -> None:
    assert derive("secret", "shop/web", ["api-1", "web-1"])["web-1"] == ONE


@pytest.mark.parametrize(
    "passphrase,stack,name", [("other", "shop/web", "web-1"), ("secret", "shop/api", "web-1")]
)
def test_another_passphrase_or_stack_gives_other_keys(passphrase: str, stack: str, name: str) -> None:
    assert derive(passphrase, stack, [name])[name] != ONE


def test_every_vm_has_a_key_of_its_own() -> None:
    found = derive("secret", "shop/web", ["web-1", "web-2"])
    assert found["web-1"].public != found["web-2"].public


def test_no_vm_needs_no_key() -> None:
    assert derive("secret", "shop/web", []) == {}


def test_the_halves_belong_together() -> None:
    loaded = load_ssh_private_key(ONE.private.encode(), None)
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    public = loaded.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    assert public.decode() == ONE.public


@pytest.mark.process
def test_openssh_reads_the_private_half(tmp_path: Path) -> None:  # process: ssh-keygen is the judge
    file = tmp_path / "key"
    file.touch(0o600)
    file.write_text(ONE.private)
    said = subprocess.run(["ssh-keygen", "-y", "-f", file], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == ONE.public


def test_the_private_half_is_not_shown_by_accident() -> None:
    assert "PRIVATE" not in repr(ONE)
