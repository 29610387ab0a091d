"""A stack of its own per test: the real engine, and the stand-in's plugins in place of four clouds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fakes.standin import Standin

from mcis_iac.engine import bootstrap, operations
from mcis_iac.engine.events import Event
from mcis_iac.engine.home import StackHome
from mcis_iac.engine.session import Session
from mcis_iac.engine.subjects import Subjects
from mcis_iac.model import Diff, Outcome
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


@dataclass
class Lab:
    """Verbs on one stack over the stand-in's clouds."""

    root: Path
    engine: bootstrap.Found
    clouds: Standin
    vm_tokens: frozenset[str] = frozenset()
    connections: Mapping[str, str] = field(default_factory=dict)
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
        return self._session

    def subjects(self, graph: Graph | None) -> Subjects:
        return Subjects.of(
            graph, mcis="front", env=None, vm_tokens=set(self.vm_tokens), clouds=dict(self.connections)
        )

    def preview(self, graph: Graph, **options: Any) -> Diff:
        return operations.preview(self.session, graph, subjects=self.subjects(graph), **options)

    def up(self, graph: Graph, **options: Any) -> Outcome:
        return operations.up(
            self.session, graph, listen=self.events.append, subjects=self.subjects(graph), **options
        )

    def down(self, **options: Any) -> Outcome:
        return operations.down(
            self.session, listen=self.events.append, subjects=self.subjects(None), **options
        )

    def refresh(self) -> Outcome:
        return operations.refresh(self.session, listen=self.events.append, subjects=self.subjects(None))

    def there(self, token: str = "%") -> list[str]:
        """Logical names of what exists in the clouds, sorted."""
        found = [
            thing.name for package in ("aws", "gcp", "azure-native", "openstack")
            for thing in self.clouds.things(package, token)
        ]  # fmt: skip
        return sorted(found)

    def files_with(self, *texts: str) -> list[tuple[str, str]]:
        """(file, text) wherever one of the texts stands in a file our side or the engine wrote."""
        found = []
        for folder in ("project", "data", "plugins"):
            for path in sorted((self.root / folder).rglob("*")):
                if path.is_file() and not path.is_symlink():
                    content = path.read_bytes()
                    found += [
                        (str(path.relative_to(self.root)), each) for each in texts if each.encode() in content
                    ]
        told = "\n".join(str(event.as_json()) for event in self.events)
        return found + [("events", each) for each in texts if each in told]
