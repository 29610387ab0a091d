"""A stack of its own per test: the real engine, a tiny provider, a folder as the cloud."""

from __future__ import annotations

import os
import shutil
import signal
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from fakes import engine_provider as provider

from mcis_iac.engine import bootstrap, operations, recovery
from mcis_iac.engine.checkpoint import Pending
from mcis_iac.engine.events import Event
from mcis_iac.engine.home import StackHome
from mcis_iac.engine.session import Session
from mcis_iac.engine.subjects import Subjects
from mcis_iac.model import Diff, Outcome, Subject
from mcis_iac.program.graph import Graph, Options, Ref, Resource

MACHINE = "mcisfake:index:Instance"
NETWORK = "net/main/local/seoul"


def graph_of(vms: Mapping[str, Mapping[str, Any]], project: str = "shop", stack: str = "front") -> Graph:
    """A provider, a network and those machines; values are inputs of the fake cloud."""
    common: dict[str, Any] = {"provider": "provider/local", "version": provider.VERSION}
    resources = [
        Resource(
            key="provider/local",
            token=f"pulumi:providers:{provider.PACKAGE}",
            inputs={},
            version=provider.VERSION,
        ),
        Resource(key=NETWORK, token="mcisfake:index:Network", inputs={"cidr": "10.0.0.0/16"}, **common),
    ]
    resources += [
        Resource(
            key=name,
            token=MACHINE,
            inputs={"name": name, "network": Ref(NETWORK), "tags": {"mcis-vm": name}, **inputs},
            outputs=("address",),
            subject=Subject(group=name.rpartition("-")[0], vm=name, connection="local", cloud="local"),
            options=Options(ignore_changes=("boot",)),
            **common,
        )
        for name, inputs in vms.items()
    ]
    inventory = {name: {"id": Ref(name), "address": Ref(name, "address")} for name in vms}
    return Graph(project=project, stack=stack, resources=tuple(resources), outputs={"inventory": inventory})


@dataclass
class Lab:
    """Verbs on one stack, and what is in its cloud."""

    root: Path
    engine: bootstrap.Found
    stack: str = "front"
    backend_url: str | None = None
    events: list[Event] = field(default_factory=list)
    ready: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    on_event: Callable[[Event], None] = lambda _: None
    notices: list[str] = field(default_factory=list)
    _session: Session | None = None

    @property
    def cloud(self) -> Path:
        return self.root / "cloud"

    @property
    def home(self) -> StackHome:
        return StackHome.of(self.root / "project", self.stack)

    @property
    def session(self) -> Session:
        if self._session is None:
            self._session = self.open()
        return self._session

    def open(self) -> Session:
        """A fresh session, as a new mcis process would have."""
        self._session = Session.open(
            self.home,
            project="shop",
            stack=self.stack,
            backend_url=self.backend_url,
            engine=self.engine,
            plugins={provider.PACKAGE: provider.launcher(self.root / "plugins")},
            variables=("MCIS_FAKE_CLOUD",),
        )
        return self._session

    def subjects(self, graph: Graph | None) -> Subjects:
        return Subjects.of(graph, mcis="front", env=None, vm_tokens={MACHINE}, clouds={"local": "local"})

    def listen(self, event: Event) -> None:
        self.events.append(event)
        self.on_event(event)

    def preview(self, vms: Mapping[str, Mapping[str, Any]], **options: Any) -> Diff:
        graph = graph_of(vms, stack=self.stack)
        return operations.preview(self.session, graph, subjects=self.subjects(graph), **options)

    def up(self, vms: Mapping[str, Mapping[str, Any]], **options: Any) -> Outcome:
        graph = graph_of(vms, stack=self.stack)
        return operations.up(
            self.session,
            graph,
            listen=self.listen,
            subjects=self.subjects(graph),
            on_vm_created=self.ready.__setitem__,
            **options,
        )

    def down(self, **options: Any) -> Outcome:
        return operations.down(self.session, listen=self.listen, subjects=self.subjects(None), **options)

    def refresh(self) -> Outcome:
        return operations.refresh(self.session, listen=self.listen, subjects=self.subjects(None))

    def recover(self, resolve: Callable[[Pending], str | None] = lambda _: None) -> tuple[str, ...]:
        return recovery.recover(self.session, resolve, self.notices.append)

    def machines(self) -> list[str]:
        """Names of the machines in the cloud, sorted; a duplicate appears twice."""
        return sorted(one["name"] for one in provider.things(self.cloud).values() if "name" in one)

    def kinds(self, name: str) -> list[str]:
        """The kinds of the events about one machine, in order."""
        return [event.kind for event in self.events if event.subject.vm == name]

    def signal_once(self, kind: str, *, times: int = 1) -> None:
        """Send ourselves SIGINT when the first event of a kind arrives, as a terminal would."""
        pending = iter([kind])

        def send(event: Event) -> None:
            if event.kind == kind and next(pending, None):
                for number in range(times):
                    threading.Timer(0.3 * number, os.kill, (os.getpid(), signal.SIGINT)).start()

        self.on_event = send


@pytest.fixture(scope="session")
def begun(tmp_path_factory: pytest.TempPathFactory, engine: str) -> Path:
    """A project whose stack has just been made, which labs begin with copies of."""
    root = tmp_path_factory.mktemp("begun")
    with pytest.MonkeyPatch.context() as patch:
        a_lab(root, engine, patch).session.make()
    return root / "project"


@pytest.fixture
def lab(tmp_path: Path, engine: str, begun: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """A lab whose stack is there."""
    shutil.copytree(begun, tmp_path / "project")
    found = a_lab(tmp_path, engine, monkeypatch)
    found.session.remember()
    return found


@pytest.fixture
def blank(tmp_path: Path, engine: str, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """A lab that nobody has used."""
    return a_lab(tmp_path, engine, monkeypatch)


def a_lab(root: Path, engine: str, patch: pytest.MonkeyPatch) -> Lab:
    """A lab below that folder; what its session reads from the environment is there as long as the patch."""
    (root / "cloud").mkdir()
    (root / "project").mkdir(exist_ok=True)
    judged = bootstrap.judge(Path(engine), "path")
    patch.setenv("MCIS_DATA_DIR", str(root / "data"))
    patch.setenv("MCIS_FAKE_CLOUD", str(root / "cloud"))
    found = bootstrap.Found(path=judged.path, version=judged.version, source="path", why="test")
    return Lab(root=root, engine=found)
