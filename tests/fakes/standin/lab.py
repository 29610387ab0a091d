"""A stack over the stand-in's clouds, driven by the real engine."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fakes.standin import VERSIONS, Standin
from fakes.standin.stacks import refusals, vm_tokens

from mcis_iac.engine import bootstrap, operations
from mcis_iac.engine.events import Event
from mcis_iac.engine.home import StackHome
from mcis_iac.engine.session import Session
from mcis_iac.engine.subjects import Subjects
from mcis_iac.model import Diff, Mcis, Outcome
from mcis_iac.program.graph import Graph

CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "AKIASTANDIN000000001",
    "AWS_SECRET_ACCESS_KEY": "aws-secret-5f1c0e7d",
    "GOOGLE_OAUTH_ACCESS_TOKEN": "google-token-8b2d11aa",
    "GOOGLE_PROJECT": "shop-project",
    "ARM_SUBSCRIPTION_ID": "11111111-2222-4333-8444-555555555555",
    "ARM_TENANT_ID": "99999999-2222-4333-8444-555555555555",
    "ARM_CLIENT_ID": "77777777-2222-4333-8444-555555555555",
    "ARM_CLIENT_SECRET": "azure-secret-0c9f4e21",
    "OS_AUTH_URL": "https://keystone.example.test/v3",
    "OS_USERNAME": "shop",
    "OS_PASSWORD": "openstack-secret-77aa03bd",
    "OS_PROJECT_NAME": "shop",
    "OS_REGION_NAME": "RegionOne",
}
SECRETS = tuple(
    CREDENTIALS[name]
    for name in ("AWS_SECRET_ACCESS_KEY", "GOOGLE_OAUTH_ACCESS_TOKEN", "ARM_CLIENT_SECRET", "OS_PASSWORD")
)


_STOOD: dict[Path, Outcome] = {}


@dataclass
class Lab:
    """Verbs on one stack over the stand-in's clouds; `begun` = its project has the stack already."""

    root: Path
    engine: bootstrap.Found
    clouds: Standin
    begun: bool = False
    vm_tokens: frozenset[str] = frozenset()
    connections: Mapping[str, str] = field(default_factory=dict)
    refusals: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    variables: tuple[str, ...] = tuple(CREDENTIALS)
    events: list[Event] = field(default_factory=list)
    _session: Session | None = None

    @property
    def home(self) -> StackHome:
        return StackHome.of(self.root / "project", "front")

    @property
    def session(self) -> Session:
        if self._session is None:
            self._session = Session.open(
                self.home,
                project="shop",
                stack="front",
                backend_url=None,
                engine=self.engine,
                plugins=self.clouds.launchers(self.root / "plugins"),
                variables=self.variables,
            )
            if self.begun:
                self._session.remember()
        return self._session

    def subjects(self, graph: Graph | None) -> Subjects:
        return Subjects.of(
            graph,
            mcis="front",
            env=None,
            vm_tokens=set(self.vm_tokens),
            clouds=dict(self.connections),
            refusals=self.refusals,
        )

    def knows(self, mcis: Mcis) -> Lab:
        """Tell the screens which resources are machines, and of which clouds."""
        self.vm_tokens, self.refusals = vm_tokens(mcis), refusals(mcis)
        self.connections = {name: each.cloud for name, each in mcis.connections.items()}
        return self

    def preview(self, graph: Graph, **options: Any) -> Diff:
        return operations.preview(self.session, graph, subjects=self.subjects(graph), **options)

    def up(self, graph: Graph, **options: Any) -> Outcome:
        return operations.up(
            self.session, graph, listen=self.events.append, subjects=self.subjects(graph), **options
        )

    def stood(self, graph: Graph) -> Outcome:
        """Have the stack stand as after an `up` of that graph, which comes to pass once and is copied then.

        The lab must be new, and nobody told it of a fault.
        """
        key = hashlib.sha256(repr((sorted(self.vm_tokens), graph)).encode()).hexdigest()[:16]
        folder = self.root.parent / f"stood-{key}"
        if folder not in _STOOD:
            outcome = self.up(graph)
            assert outcome.ok, outcome.failed
            shutil.copytree(self.root, folder)
            _STOOD[folder] = outcome
        elif not self._session:
            shutil.copytree(folder, self.root, dirs_exist_ok=True)
            self.begun = True
        return _STOOD[folder]

    def down(self, **options: Any) -> Outcome:
        return operations.down(
            self.session, listen=self.events.append, subjects=self.subjects(None), **options
        )

    def refresh(self) -> Outcome:
        return operations.refresh(self.session, listen=self.events.append, subjects=self.subjects(None))

    def there(self, token: str = "%") -> list[str]:
        """Logical names of what exists in the clouds, sorted."""
        found = [
            thing.name for package in VERSIONS
            for thing in self.clouds.things(package, token)
        ]  # fmt: skip
        return sorted(found)

    def files_with(self, *texts: str) -> list[tuple[str, str]]:
        """(file, text) wherever one of the texts stands, plain or in base64, in what was written or told."""
        forms = {form: text for text in texts for form in encodings(text)}
        found = []
        for folder in ("project", "data"):
            for path in sorted((self.root / folder).rglob("*")):
                if path.is_file():
                    content = path.read_bytes()
                    if path.suffix == ".gz":
                        content = gzip.decompress(content)
                    where = str(path.relative_to(self.root))
                    found += [(where, text) for form, text in forms.items() if form in content]
        told = "\n".join(json.dumps(event.as_json(), default=str) for event in self.events).encode()
        return found + [("events", text) for form, text in forms.items() if form in told]


def encodings(text: str) -> set[bytes]:
    """A text as bytes, and the three ways it can look inside of something in base64."""
    plain = text.encode()
    forms = {plain}
    for shift in range(3):
        coded = base64.b64encode(b"\0" * shift + plain)
        # The first and last letters mix with the neighbours'.
        forms.add(coded[4 if shift else 0 : len(coded) // 4 * 4 - 4])
    return forms
