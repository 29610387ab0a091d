"""Every cloud with machines in it, as the tests of power speak of it: one set of verbs for all of them.

A cloud of the internet is a small server on this machine, the local one runs on a host in memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import pytest
from botocore.config import Config
from fakes import arm, gate, gcp, moto, openstack
from fakes.backend import FakeHost, fake_backends

from mcis_iac.clouds.aws import credentials as aws
from mcis_iac.clouds.azure import arm as azure
from mcis_iac.clouds.common import power
from mcis_iac.clouds.gcp import api as google
from mcis_iac.local_cloud import choose, faults
from mcis_iac.local_cloud.cloud import LocalCloud
from mcis_iac.local_cloud.types import Instance, InstanceSpec
from mcis_iac.model import Connection, Vm

MODEL = Vm(
    name="web-1", group="web", ordinal=1, connection="c", cloud="", region="", zone="", type="small", id="",
    private_ip="10.0.0.4", public_ip=None, user="mcis", host_key=None,
)  # fmt: skip


class Powered(Protocol):
    """A cloud with machines."""

    connection: Connection

    def machine(self, name: str) -> Vm:
        """A running one."""

    def stranger(self, name: str) -> Vm:
        """One that the cloud does not know."""

    def refuses(self, vm: Vm) -> None:
        """To stop it, whatever is tried."""

    def writes(self, vm: Vm, text: str) -> None:
        """On the console."""


class Remote(Powered, Protocol):
    """A cloud with an API on the internet."""

    def throttles(self) -> None:
        """The next request for power, which is served when it is repeated."""

    def breaks(self, times: int | None = 1) -> None:
        """That request ends in an error of the cloud's own; None = for good."""

    def is_busy(self) -> None:
        """With something else, when it is asked for power next."""

    def shows_late(self, vm: Vm) -> None:
        """The next list does not have it yet."""

    def expires(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The credentials."""

    def power_calls(self) -> int:
        """How many requests changed power, refused ones included."""

    def gives_up_soon(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Whoever asks it tries twice."""


@dataclass
class Amazon:
    gate: gate.Gate
    connection: Connection = field(default_factory=lambda: Connection(name="aws", cloud="aws"))
    region: str = "ap-northeast-2"
    subnet: str = ""

    @cached_property
    def ec2(self) -> Any:
        import boto3

        return boto3.client("ec2", region_name=self.region, endpoint_url=self.gate.behind)

    def machine(self, name: str) -> Vm:
        if not self.subnet:
            vpc = self.ec2.create_vpc(CidrBlock="10.0.0.0/20")["Vpc"]["VpcId"]
            made = self.ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")
            self.subnet = made["Subnet"]["SubnetId"]
        wanted = {"ImageId": "ami-0000000b", "InstanceType": "t3.micro", "MinCount": 1, "MaxCount": 1}
        made = self.ec2.run_instances(**wanted, SubnetId=self.subnet)["Instances"][0]
        return self._vm(name, made["InstanceId"])

    def _vm(self, name: str, id: str) -> Vm:
        return replace(MODEL, name=name, connection="aws", cloud="aws", region=self.region, id=id)

    def stranger(self, name: str) -> Vm:
        return self._vm(name, "i-0123456789abcdef0")

    def refuses(self, vm: Vm) -> None:
        self.ec2.modify_instance_attribute(InstanceId=vm.id, DisableApiStop={"Value": True})

    def writes(self, vm: Vm, text: str) -> None:
        """moto has a text of its own for every machine."""

    def throttles(self) -> None:
        body = gate.error("RequestLimitExceeded", "Request limit exceeded.")
        self.gate.refusals.order("(Stop|Start|Reboot)Instances", 503, body)

    def breaks(self, times: int | None = 1) -> None:
        body = gate.error("InternalError", "An internal error has occurred")
        self.gate.refusals.order("(Stop|Start|Reboot)Instances", 500, body, times=times)

    def is_busy(self) -> None:
        body = gate.error("IncorrectSpotRequestState", "The spot request is not in an appropriate state")
        self.gate.refusals.order("(Stop|Start|Reboot)Instances", 400, body)

    def shows_late(self, vm: Vm) -> None:
        self.gate.refusals.order("DescribeInstances", 200, gate.nothing())

    def expires(self, monkeypatch: pytest.MonkeyPatch) -> None:
        body = gate.error("ExpiredToken", "The security token included in the request is expired")
        self.gate.refusals.order("", 400, body, times=None)

    def power_calls(self) -> int:
        return sum(call.split()[0] != "DescribeInstances" for call in self.gate.calls)

    def gives_up_soon(self, monkeypatch: pytest.MonkeyPatch) -> None:
        retries = {"mode": "standard", "total_max_attempts": 2}
        monkeypatch.setattr(aws, "_config", lambda: Config(retries=retries))


@dataclass
class Google:
    fake: gcp.FakeGoogle
    connection: Connection = field(
        default_factory=lambda: Connection(name="gcp", cloud="gcp", settings={"project": "shop"})
    )

    def machine(self, name: str) -> Vm:
        path = f"projects/shop/zones/asia-northeast3-a/instances/{name}"
        self.fake.has(path, status="RUNNING", labels={"mcis": "shop"})
        return self.stranger(name)

    def stranger(self, name: str) -> Vm:
        id = f"projects/shop/zones/asia-northeast3-a/instances/{name}"
        return replace(MODEL, name=name, connection="gcp", cloud="gcp", region="asia-northeast3", id=id)

    def refuses(self, vm: Vm) -> None:
        body = gcp.said(400, "Instances with local SSDs cannot be stopped", "invalid")
        self.fake.refusals.order(f"POST {vm.id}/stop", 400, body, times=None)

    def writes(self, vm: Vm, text: str) -> None:
        self.fake.consoles[vm.id] = text

    def throttles(self) -> None:
        # Google has two ways to say so; the first is not even an error of too many requests.
        slower = gcp.said(403, "Rate Limit Exceeded", "rateLimitExceeded")
        self.fake.refusals.order("POST .*/instances/", 403, slower, after="0")
        self.fake.refusals.order("POST .*/instances/", 429, slower, after="0")

    def breaks(self, times: int | None = 1) -> None:
        body = gcp.said(503, "The service is currently unavailable.", "backendError")
        self.fake.refusals.order("POST .*/instances/", 503, body, times=times, after="0")

    def is_busy(self) -> None:
        body = gcp.said(400, "The resource is not ready", "resourceNotReady")
        self.fake.refusals.order("POST .*/instances/", 400, body)

    def shows_late(self, vm: Vm) -> None:
        self.fake.late.add(vm.id)

    def expires(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("GOOGLE_OAUTH_ACCESS_TOKEN", "stale")

    def power_calls(self) -> int:
        return sum(call.startswith("POST") for call in self.fake.calls)

    def gives_up_soon(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(google, "RETRIES", 1)


@dataclass
class Azure:
    fake: arm.FakeArm
    connection: Connection = field(default_factory=lambda: Connection(name="azure", cloud="azure"))

    def machine(self, name: str) -> Vm:
        id = self.fake.has("Microsoft.Compute/virtualMachines", "shop-rg", name)
        self.fake.runs(id, "ProvisioningState/succeeded", "PowerState/running")
        return self._vm(name, id)

    def _vm(self, name: str, id: str) -> Vm:
        return replace(MODEL, name=name, connection="azure", cloud="azure", region="koreacentral", id=id)

    def stranger(self, name: str) -> Vm:
        place = f"/subscriptions/{arm.SUBSCRIPTION}/resourceGroups/shop-rg/providers"
        return self._vm(name, f"{place}/Microsoft.Compute/virtualMachines/{name}")

    def refuses(self, vm: Vm) -> None:
        body = {"error": {"code": "OperationNotAllowed", "message": "The machine is locked."}}
        self.fake.troubles.order(f"POST {vm.id}/deallocate", 400, body, times=None)

    def writes(self, vm: Vm, text: str) -> None:
        self.fake.consoles[vm.id.lower()] = text

    def throttles(self) -> None:
        body = {"error": {"code": "TooManyRequests", "message": "The request was throttled."}}
        self.fake.troubles.order("POST .*/virtualMachines/", 429, body, after="0")

    def breaks(self, times: int | None = 1) -> None:
        body = {"error": {"code": "InternalServerError", "message": "An internal error occurred."}}
        self.fake.troubles.order("POST .*/virtualMachines/", 503, body, times=times, after="0")

    def is_busy(self) -> None:
        body = {"error": {"code": "Conflict", "message": "Conflict with a concurrent request."}}
        self.fake.troubles.order("POST .*/virtualMachines/", 409, body)

    def shows_late(self, vm: Vm) -> None:
        self.fake.late.add(vm.id.lower())

    def expires(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.fake.token_refused = "AADSTS70043: The refresh token has expired"

    def power_calls(self) -> int:
        return sum(call.startswith("POST") for call in self.fake.requests)

    def gives_up_soon(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(azure, "RETRIES", 1)


@dataclass
class Stack:
    fake: openstack.FakeOpenStack
    connection: Connection = field(default_factory=lambda: Connection(name="lab", cloud="openstack"))

    def machine(self, name: str) -> Vm:
        self.fake.has_server(f"id-of-{name}")
        return self.stranger(name)

    def stranger(self, name: str) -> Vm:
        place = {"connection": "lab", "cloud": "openstack", "region": self.fake.regions[0]}
        return replace(MODEL, name=name, id=f"id-of-{name}", **place)  # type: ignore[arg-type]

    def refuses(self, vm: Vm) -> None:
        body = {"conflictingRequest": {"code": 409, "message": f"Instance {vm.id} is locked"}}
        self.fake.refusals.order(f"POST .*/{vm.id}/action", 409, body, times=None)

    def writes(self, vm: Vm, text: str) -> None:
        self.fake.consoles[vm.id] = text

    def throttles(self) -> None:
        body = {"overLimit": {"code": 429, "message": "This request was rate-limited."}}
        self.fake.refusals.order("POST .*/action", 429, body, after="0")

    def breaks(self, times: int | None = 1) -> None:
        body = {"computeFault": {"code": 503, "message": "The server is currently unavailable."}}
        self.fake.refusals.order("POST .*/action", 503, body, times=times, after="0")

    def is_busy(self) -> None:
        words = "Cannot 'stop' instance while it is in task_state image_snapshot"
        body = {"conflictingRequest": {"code": 409, "message": words}}
        self.fake.refusals.order("POST .*/action", 409, body)

    def shows_late(self, vm: Vm) -> None:
        self.fake.late.add(vm.id)

    def expires(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.fake.password = "another one"

    def power_calls(self) -> int:
        return sum(call.endswith("/action") for call in self.fake.calls)

    def gives_up_soon(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(power, "ATTEMPTS", 2)


@dataclass
class Embedded:
    cloud: LocalCloud
    host: FakeHost
    connection: Connection = field(
        default_factory=lambda: Connection(name="local", cloud="local", settings={"backend": "fake"})
    )
    subnet: str = ""

    def machine(self, name: str) -> Vm:
        if not self.subnet:
            network = self.cloud.create_network(name="net", region="local-seoul", cidr=None, tags={})
            self.subnet = self.cloud.create_subnet(network=network.id, zone="a", cidr=None).id
            self.cloud.create_key_pair(name="login", public_key="ssh-ed25519 AAAA", tags={})
        place = {"name": name, "zone": "a", "subnet": self.subnet, "flavor": "small"}
        made = self.cloud.create_instances(
            [InstanceSpec(**place, image="host", key_pair="login", user="mcis")]
        )
        assert isinstance(made[0], Instance), made
        return self._vm(name, made[0].id)

    def _vm(self, name: str, id: str) -> Vm:
        return replace(MODEL, name=name, connection="local", cloud="local", region="local-seoul", id=id)

    def stranger(self, name: str) -> Vm:
        return self._vm(name, "i-00000000")

    def refuses(self, vm: Vm) -> None:
        faults.add(self.cloud.store, faults.Fault(pattern=vm.name, action="stop", code="host"))

    def writes(self, vm: Vm, text: str) -> None:
        (self.cloud.directory / "i" / vm.id / "console.log").write_text(text, encoding="utf-8")


@contextmanager
def world(cloud: str, folder: Path, moto_at: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Powered]:
    """The cloud of that name; the environment leads to it."""
    with ExitStack() as until:
        made, variables = MAKERS[cloud](until, folder, moto_at, monkeypatch)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        yield made


def _amazon(until: ExitStack, folder: Path, moto_at: str, _: object) -> tuple[Powered, dict[str, str]]:
    moto.forget(moto_at)
    stands = until.enter_context(gate.before(moto_at))
    return Amazon(stands), {
        "AWS_ENDPOINT_URL": stands.url,
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_CONFIG_FILE": str(folder / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(folder / "credentials"),
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def _google(until: ExitStack, folder: Path, *_: object) -> tuple[Powered, dict[str, str]]:
    fake = until.enter_context(gcp.google())
    fake.has_project("shop")
    return Google(fake), {
        "GOOGLE_COMPUTE_CUSTOM_ENDPOINT": f"{fake.base}/compute/v1/",
        "GOOGLE_OAUTH_ACCESS_TOKEN": gcp.TOKEN,
        "CLOUDSDK_CONFIG": str(folder),
        "NO_GCE_CHECK": "true",
    }


def _azure(until: ExitStack, *_: object) -> tuple[Powered, dict[str, str]]:
    fake = until.enter_context(arm.serving())
    return Azure(fake), arm.variables(fake)


def _stack(until: ExitStack, *_: object) -> tuple[Powered, dict[str, str]]:
    fake = until.enter_context(openstack.serving("RegionOne"))
    return Stack(fake), openstack.variables(fake)


def _embedded(
    until: ExitStack, folder: Path, _: object, monkeypatch: pytest.MonkeyPatch
) -> tuple[Powered, dict[str, str]]:
    host = FakeHost()
    monkeypatch.setenv("MCIS_LOCAL_DIR", str(folder / "local"))
    for name, factory in fake_backends(host).items():
        monkeypatch.setitem(choose.FACTORIES, name, factory)  # type: ignore[arg-type]
    return Embedded(until.enter_context(LocalCloud.open(backend="fake")), host), {}


MAKERS: dict[str, Any] = {
    "aws": _amazon,
    "gcp": _google,
    "azure": _azure,
    "openstack": _stack,
    "local": _embedded,
}
