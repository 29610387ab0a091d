"""Login keys: made once, kept private, and named when they are missing."""

from __future__ import annotations

from pathlib import Path

import asyncssh
import pytest

from mcis_iac.actions import keys
from mcis_iac.errors import CredentialsError, McisError
from mcis_iac.model import Group, Key, Pin
from tests.fakes.ssh import a_vm

PIN = Pin(connection="local", region="local-seoul")


def test_a_new_key_is_private_and_its_public_half_has_no_comment(tmp_path: Path) -> None:
    path = tmp_path / "stack" / "id_ed25519"
    public = keys.ensure(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_text(encoding="ascii").startswith("-----BEGIN OPENSSH PRIVATE KEY-----")
    assert public.split()[0] == "ssh-ed25519"
    assert len(public.split()) == 2
    assert list(path.parent.iterdir()) == [path]


def test_an_existing_key_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "id_ed25519"
    assert keys.ensure(path) == keys.ensure(path)


def test_a_key_that_others_could_read_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "id_ed25519"
    keys.ensure(path)
    path.chmod(0o644)
    keys.ensure(path)
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("kind", "form"),
    [("ssh-ed25519", "openssh"), ("ecdsa-sha2-nistp256", "openssh"), ("ecdsa-sha2-nistp256", "pkcs8-pem")],
)
def test_the_public_half_is_the_one_the_library_finds(tmp_path: Path, kind: str, form: str) -> None:
    key = asyncssh.generate_private_key(kind)
    path = tmp_path / "key"
    path.write_bytes(key.export_private_key(form))
    assert keys.public_of(path) == " ".join(key.export_public_key().decode().split()[:2])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
        "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEA\n-----END OPENSSH PRIVATE KEY-----\n",
        "-----BEGIN OPENSSH PRIVATE KEY-----\n%%%\n",
        "-----BEGIN PRIVATE KEY-----\n%%%\n-----END PRIVATE KEY-----\n",
    ],
)
def test_a_file_that_is_no_key_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "id_ed25519"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CredentialsError) as refused:
        keys.ensure(path)
    assert str(path) in refused.value.detail


def test_a_folder_that_cannot_be_made_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(McisError) as refused:
        keys.ensure(tmp_path / "file" / "id_ed25519")
    assert "id_ed25519" in refused.value.detail


def test_without_a_declared_key_the_generated_one_logs_in(tmp_path: Path) -> None:
    keys.ensure(tmp_path / "id")
    assert keys.login_key(tmp_path / "id", None) == tmp_path / "id"


def test_a_checkout_without_the_generated_key_names_its_file(tmp_path: Path) -> None:
    with pytest.raises(CredentialsError) as refused:
        keys.login_key(tmp_path / "id", None)
    assert refused.value.detail == f"{tmp_path / 'id'} does not exist"


def test_a_declared_key_that_is_not_here_names_file_and_field(tmp_path: Path) -> None:
    with pytest.raises(CredentialsError) as refused:
        keys.login_key(tmp_path / "id", Key(name="ops", private_key_file=tmp_path / "ops"))
    assert str(tmp_path / "ops") in refused.value.detail
    assert "keys.ops.private_key_file" in refused.value.hint


def test_the_agent_is_used_when_it_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", "/run/agent")
    key = Key(name="ops", agent=True, public_key="ssh-ed25519 AAAA")
    assert keys.login_key(tmp_path / "id", key) == keys.Agent(
        socket="/run/agent", public_key="ssh-ed25519 AAAA"
    )


def test_without_an_agent_its_variable_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    with pytest.raises(CredentialsError) as refused:
        keys.login_key(tmp_path / "id", Key(name="ops", agent=True))
    assert "SSH_AUTH_SOCK" in refused.value.detail


def test_only_the_keys_of_the_groups_in_use_have_to_be_here(tmp_path: Path) -> None:
    keys.ensure(tmp_path / "id")
    groups = {
        "web": Group(name="web", count=1, placement=PIN),
        "db": Group(name="db", count=1, placement=PIN, key="ops"),
    }
    declared = {"ops": Key(name="ops", private_key_file=tmp_path / "missing")}
    login = keys.login(["web", "old"], groups, declared, tmp_path / "id")
    assert login.key_for(a_vm("web-1")) == tmp_path / "id"
    assert login.key_for(a_vm("old-1")) == tmp_path / "id"
    with pytest.raises(CredentialsError):
        keys.login(["db"], groups, declared, tmp_path / "id")
