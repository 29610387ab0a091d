"""Which backend a cloud runs on, where it lives, and who holds its lock."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcis_iac.local_cloud import lockfile, places
from mcis_iac.local_cloud.choose import FACTORIES, choose
from mcis_iac.local_cloud.cloud import LocalCloud
from mcis_iac.local_cloud.types import LocalCloudError
from tests.fakes.backend import FakeHost, fake_backends
from tests.fakes.local_world import TAGS, Opener


def two(first: FakeHost, second: FakeHost) -> dict[str, object]:
    return {**fake_backends(first, "first"), **fake_backends(second, "second")}


def test_the_first_that_works_is_taken_and_the_reason_is_kept() -> None:
    broken = FakeHost()
    broken.cannot_run("unshare: Operation not permitted")
    choice = choose("auto", two(broken, FakeHost()), Path("/x"))  # type: ignore[arg-type]

    assert choice.reason == "first does not work here: unshare: Operation not permitted"


def test_a_backend_asked_for_that_fails_names_the_failed_call() -> None:
    broken = FakeHost()
    broken.cannot_run("mount_setattr: EINVAL")
    with pytest.raises(LocalCloudError, match="first: mount_setattr: EINVAL"):
        choose("first", two(broken, FakeHost()), Path("/x"))  # type: ignore[arg-type]


def test_an_unknown_backend_is_refused_with_those_there_are() -> None:
    with pytest.raises(LocalCloudError, match="there are auto, netns, plain"):
        choose("kvm", FACTORIES, Path("/x"))


def test_a_cloud_keeps_its_backend_and_addresses(reopen: Opener, host: FakeHost) -> None:
    reopen().create_key_pair(name="k", public_key="ssh-ed25519 AAAA", tags=TAGS)
    host.cannot_run("now it is broken")
    host.addressing = {**host.addressing, "private": "10.101.0.0/16"}

    cloud = reopen()
    network = cloud.create_network(name="n", region="local-seoul", cidr=None, tags=TAGS)
    assert (cloud.backend, network.cidr) == ("fake", "10.100.0.0/20")


def test_a_cloud_that_holds_something_does_not_change_its_backend(
    directory: Path, host: FakeHost, reopen: Opener
) -> None:
    reopen().create_key_pair(name="k", public_key="ssh-ed25519 AAAA", tags=TAGS)
    both = {**fake_backends(host), **fake_backends(FakeHost(), "other")}
    with pytest.raises(LocalCloudError, match="runs on fake and cannot change to other"):
        LocalCloud.open(backend="other", backends=both)


def test_the_folder_lets_guests_pass_and_nobody_look(reopen: Opener, directory: Path) -> None:
    reopen()
    assert directory.stat().st_mode & 0o777 == 0o711


def test_a_folder_that_cannot_be_made_is_said_in_plain_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("MCIS_LOCAL_DIR", str(tmp_path / "file"))
    with pytest.raises(LocalCloudError, match=r"cannot use .*Not a directory"):
        LocalCloud.open(backends=fake_backends(FakeHost()))


@pytest.mark.parametrize("site", ["", "..", "a/b", "A", ".hidden", "x" * 70])
def test_a_site_cannot_be_called_just_anything(site: str) -> None:
    with pytest.raises(LocalCloudError, match="cannot name a site"):
        places.site_directory(site)


def test_a_busy_lock_names_its_holder(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with (
        lockfile.held(path),
        pytest.raises(LocalCloudError, match=r"has been busy .* with process \d+"),
        lockfile.held(path, timeout_s=0.02),
    ):
        pass


def test_a_lock_of_a_removed_folder_is_not_enough(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with lockfile.held(path):
        path.unlink()
        with lockfile.held(path, timeout_s=0.5):
            assert path.exists()


def test_an_empty_cloud_gets_a_better_backend_when_there_is_one(
    directory: Path,
) -> None:
    better = FakeHost()
    better.cannot_run("not yet")
    both = two(better, FakeHost())
    with LocalCloud.open(backends=both) as cloud:  # type: ignore[arg-type]
        assert cloud.reason.startswith("first does not work here")
    better.cannot_run("")
    with LocalCloud.open(backends=both) as cloud:  # type: ignore[arg-type]
        assert cloud.reason == "everything it needs works here"
