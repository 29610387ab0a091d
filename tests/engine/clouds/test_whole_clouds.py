"""An MCIS over several clouds in one piece, as its user runs it: `up`, `status`, `exec`, `scale`, `down`.

The command line, the engine, plugins that stand in for the clouds' own, the clouds' APIs and machines
that boot: each life is lived once, and the tests look at what was seen of it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from fakes.standin import VERSIONS, azure, gcp
from fakes.standin.store import Store, Thing
from fakes.standin.world import IMAGES, SECRETS, THEIRS, TOKENS, World, running, scan
from fakes.standin.world.orders import MACHINES, orders

from tests.engine.conftest import BIN, ROOT, Result, Room, clean_environment


def forbidden() -> str:
    """Why no network of one's own can be made here; a container's root often may not."""
    if os.geteuid() != 0:
        return "only root may make a network of its own"
    if shutil.which("unshare") is None:
        return "a network of its own is made by unshare, which is not here"
    words = ("unshare", "--net", "--mount", "--uts", "--pid", "--fork", "true")
    tried = subprocess.run(words, check=False, capture_output=True, text=True)
    return tried.stderr.strip() if tried.returncode else ""


NO_WORLD = forbidden()
pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(bool(NO_WORLD), reason=NO_WORLD),
    pytest.mark.xdist_group("clouds in one piece"),
]
FIVE = ["api-1", "api-2", "db-1", "web-1", "web-2"]
PRIVATE = ["gate-1", "node-1", "node-2", "node-3"]
TYPED = {f"pulumi_{package.replace('-', '_')}" for package in VERSIONS}
# Run by Python before anything else: a program that calls itself mcis notes at its end what it had loaded.
NOTING = """
import atexit, os, sys
def note():
    if os.path.basename(sys.argv[0]) == "mcis":
        with open({path!r}, "a") as file:
            print(sys.argv[1], *sorted(sys.modules), file=file)
atexit.register(note)
"""
ASKED = "hostname; cat /var/log/asked; cat /var/www/html/index.html 2>/dev/null || true"


@dataclass
class Life:
    """What a user did with a stack, and what there was after each step."""

    room: Room
    world: World
    said: dict[str, Result] = field(default_factory=dict)
    there: dict[str, list[Thing]] = field(default_factory=dict)
    secrets: set[str] = field(default_factory=lambda: {*SECRETS.values(), *TOKENS})
    leaks: set[tuple[str, str]] = field(default_factory=set)

    def does(self, *words: str) -> None:
        """Run `mcis` inside of the world."""
        result = self.room(*words, program=str(self.world.mcis))
        self.said[words[0]], self.there[words[0]] = result, self.world.clouds.every()
        self.secrets |= set(self._host_keys())
        told = {f"{words[0]}: stdout": result.out, f"{words[0]}: stderr": result.err}
        folders = (self.room.stack, self.room.folder / "data")
        self.leaks |= scan.found(self.secrets, scan.texts(folders, told))

    def begins(self) -> None:
        """What every user does first."""
        for words in (("doctor",), ("up", "--yes"), ("status", "--json"), ("exec", "--", ASKED)):
            self.does(*words)

    def machines(self, verb: str) -> list[str]:
        """The machines that existed after a verb."""
        return sorted(thing.name for thing in self.there[verb] if thing.token in MACHINES.values())

    def lines(self, vm: str) -> list[str]:
        """What the command printed on a machine."""
        return [line.partition(": ")[2] for line in self.said["exec"].out.splitlines() if line.startswith(vm)]

    @property
    def loaded(self) -> dict[str, set[str]]:
        """The modules that each verb had loaded at its end."""
        lines = [line.split() for line in (self.room.folder / "loaded").read_text().splitlines()]
        return {verb: set(modules) for verb, *modules in lines}

    @property
    def lock(self) -> Any:
        return yaml.safe_load((self.room.stack / "mcis.lock").read_text())

    def images(self, group: str) -> set[str]:
        """The images the lock pins for a group."""
        return {row["image"]["id"] for row in self.lock["groups"][group]["members"]}

    def _host_keys(self) -> Iterator[str]:
        """The lines of the private keys that machines were sent."""
        for package in VERSIONS:
            with closing(Store(self.world.clouds.folder, package)) as store:
                for order in orders(package, store):
                    keys = yaml.safe_load(order.user_data)["ssh_keys"]
                    yield from keys["ed25519_private"].splitlines()[2:-1]


@contextmanager
def living(folder: Path, stack: str, engine: str, shapes: Path) -> Iterator[Life]:
    """A fresh copy of a stack and a user's folder, in a world of its own; nothing may be left running."""
    with running(folder, shapes, BIN / "mcis") as world:
        shutil.copytree(ROOT / "stacks" / stack, folder / "stack", ignore=shutil.ignore_patterns(".mcis"))
        world.clouds.install(folder / "data")
        hook = folder / "python" / "sitecustomize.py"
        hook.parent.mkdir()
        hook.write_text(NOTING.format(path=str(folder / "loaded")))
        mine = {
            "PYTHONPATH": str(hook.parent),
            "MCIS_ENGINE": engine,
            "MCIS_DATA_DIR": str(folder / "data"),
            "NO_COLOR": "1",
        }
        kept = {name: value for name, value in clean_environment().items() if not name.startswith(THEIRS)}
        yield Life(Room(folder, {**kept, **mine, **world.env}), world)
    until = time.monotonic() + 10  # plugins end a moment after their engine
    while processes_of(folder) and time.monotonic() < until:
        time.sleep(0.05)
    assert processes_of(folder) == []


def processes_of(folder: Path) -> list[str]:
    """The command lines that name a folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue
    return [line for line in found if str(folder) in line]


def haunt(clouds: Path) -> None:
    """Machines as a dead engine leaves them: they carry the tags and are in no state."""
    with closing(Store(clouds, "gcp")) as store:
        like = store.things(gcp.INSTANCE)[0]
        inputs = {**like.inputs, "labels": {**like.inputs["labels"], "mcis-vm": "api-9"}, "name": "ghost"}
        outputs = {**like.outputs, "networkInterfaces": []}
        place = like.id.rpartition("/")[0]
        _put(store, replace(like, id=f"{place}/ghost", name="api-9", inputs=inputs, outputs=outputs))
    with closing(Store(clouds, "azure-native")) as store:
        like = store.things(azure.MACHINE)[0]
        inputs = {**like.inputs, "tags": {**like.inputs["tags"], "mcis-vm": "db-9"}}
        inputs["networkProfile"] = {"networkInterfaces": [{"id": "none"}]}
        _put(store, replace(like, id=f"{like.id}-ghost", name="db-9", inputs=inputs))


def _put(store: Store, thing: Thing) -> None:
    assert store.put(thing, handles=frozenset(), ties=[], claims=frozenset()) is None


# ---------------------------------------------------------------- three clouds


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory, engine: str, shapes: Path) -> Life:
    with living(tmp_path_factory.mktemp("three"), "three-clouds", engine, shapes) as life:
        life.begins()
        life.does("ssh", "db-1", "--", "hostname")
        life.does("scale", "web=3", "--yes")
        life.does("preview", "--expect-no-changes")
        haunt(life.world.clouds.folder)
        life.does("down", "--yes")
    return life


def test_the_doctor_finds_every_cloud_ready_before_anything_is_there(three: Life) -> None:
    told = three.said["doctor"].out
    assert "NOT OK" not in told and "not known" not in told
    assert all(f"{name}: credentials" in told for name in ("aws", "gcp", "azure"))
    assert three.there["doctor"] == []
    assert "4 wanted, 0 of 32 in use" in told  # processors on AWS
    assert "4 wanted, 24 of 24 free" in told  # on Google Cloud
    assert "2 wanted, 0 of 10 used" in told  # on Azure


def test_up_ends_when_the_machines_of_all_clouds_are_ready(three: Life) -> None:
    assert three.machines("up") == FIVE
    assert "5 of 5 VMs ready" in three.said["up"].out
    assert {vm["name"]: vm["status"] for vm in three.said["status"].json["vms"]} == dict.fromkeys(
        FIVE, "Running"
    )


def test_the_lock_pins_the_images_that_the_clouds_named(three: Life) -> None:
    assert three.images("web") == {IMAGES["aws"]}
    assert three.images("api") == {IMAGES["gcp"]}
    assert three.images("db") == {IMAGES["azure-native"]}


def test_the_machines_are_made_from_the_images_of_the_lock(three: Life) -> None:
    texts = {thing.name: str(thing.inputs) for thing in three.there["up"] if thing.name in FIVE}
    assert all(IMAGES["aws"] in texts[name] for name in ("web-1", "web-2"))
    assert all(IMAGES["gcp"] in texts[name] for name in ("api-1", "api-2"))
    assert "24.04.202603010" in texts["db-1"]


def test_a_command_runs_on_the_machine_that_its_line_names(three: Life) -> None:
    assert [three.lines(name)[0] for name in FIVE] == FIVE


def test_openssh_knows_the_host_key_that_the_machine_was_sent(three: Life) -> None:
    assert three.said["ssh"].out == "db-1\n"
    assert "authenticity" not in three.said["ssh"].err and "Warning" not in three.said["ssh"].err


def test_the_machines_have_done_what_the_manifest_says(three: Life) -> None:
    assert "hello from web-2" in three.lines("web-2")
    assert any(line.endswith("install -- python3-venv") for line in three.lines("api-1"))
    database = three.lines("db-1")
    mounted = next(place for place, line in enumerate(database) if line.endswith(" /var/lib/postgresql"))
    assert database[-1].endswith("install -- postgresql") and mounted < len(database) - 1


def test_scaling_adds_one_machine_and_lets_it_in_where_its_group_is(three: Life) -> None:
    before = {thing.id: thing for thing in three.there["up"]}
    assert three.machines("scale") == [*FIVE, "web-3"]
    assert all(thing.id in {each.id for each in three.there["scale"]} for thing in before.values())
    (machine,) = [thing for thing in three.there["scale"] if thing.name == "web-3"]
    walls = [thing for thing in three.there["scale"] if thing.token.endswith(":Firewall")]
    assert any(f"{machine.outputs['publicIp']}/32" in wall.inputs["sourceRanges"] for wall in walls)


def test_afterwards_there_is_nothing_to_change(three: Life) -> None:
    assert "6 VMs" in three.said["preview"].out and "nothing to change" in three.said["preview"].out
    assert three.there["preview"] == three.there["scale"]


def test_down_leaves_nothing_in_any_cloud_tagged_strangers_to_the_state_included(three: Life) -> None:
    assert "6 VMs deleted" in three.said["down"].out
    assert three.there["down"] == []


def test_no_verb_loads_a_typed_package(three: Life) -> None:
    assert three.loaded.keys() >= {"doctor", "up", "status", "exec", "scale", "preview", "down"}
    assert {verb: modules & TYPED for verb, modules in three.loaded.items() if modules & TYPED} == {}


def test_credentials_and_host_keys_are_written_and_told_nowhere(three: Life) -> None:
    assert three.leaks == set()
    assert len(three.secrets) >= len(SECRETS) + len(FIVE)


# ---------------------------------------------------------------- a private cloud


@pytest.fixture(scope="module")
def private(tmp_path_factory: pytest.TempPathFactory, engine: str, shapes: Path) -> Life:
    with living(tmp_path_factory.mktemp("private"), "openstack-private", engine, shapes) as life:
        life.begins()
        life.does("preview", "--expect-no-changes")
        life.does("down", "--yes", "--force-protected")
    return life


def test_the_doctor_finds_a_private_cloud_ready(private: Life) -> None:
    told = private.said["doctor"].out
    assert "NOT OK" not in told and "datacentre is 3f1d2c4b" in told
    assert "lab: credentials" in told and "lab: instances in RegionOne" in told


def test_a_private_cloud_is_brought_up_from_its_own_image(private: Life) -> None:
    assert private.machines("up") == PRIVATE
    assert "4 of 4 VMs ready" in private.said["up"].out
    assert private.images("gate") == private.images("node") == {IMAGES["openstack"]}


def test_a_private_cloud_tells_how_its_machines_are_and_lets_commands_in(private: Life) -> None:
    told = {vm["name"]: vm["status"] for vm in private.said["status"].json["vms"]}
    assert told == dict.fromkeys(PRIVATE, "Running")
    assert [private.lines(name)[0] for name in PRIVATE] == PRIVATE


def test_every_disk_of_a_private_cloud_is_mounted_where_it_is_wanted(private: Life) -> None:
    """Found by the volume's id, as the two are plugged in later than the machine starts."""
    store = [thing for thing in private.there["up"] if thing.name.startswith("disk/node-2/")]
    serials = {thing.name.rpartition("/")[2]: thing.id[:20] for thing in store}
    mounts = {line for line in private.lines("node-2") if line.startswith("mount ")}
    assert mounts == {f"mount /dev/disk/by-id/virtio-{id} /srv/{name}" for name, id in serials.items()}


def test_a_private_cloud_is_left_as_it_was(private: Life) -> None:
    assert "nothing to change" in private.said["preview"].out
    assert private.there["down"] == []
    assert private.leaks == set()
