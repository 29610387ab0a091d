"""The resource types of package `mcislocal`: what each takes, gives and cannot change in place.

This table is the only place that says so: checks, differences and the schema are read off it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from typing import Final

from mcis_iac.local_cloud.places import SITE
from mcis_iac.local_cloud.plugin.shapes import (
    Field,
    Flag,
    Problem,
    Record,
    Several,
    Shape,
    Tags,
    Text,
    Whole,
)
from mcis_iac.local_cloud.plugin.values import UNKNOWN, Plain, Properties

PACKAGE: Final = "mcislocal"
WITH_PORTS = ("tcp", "udp")
PROTOCOLS = (*WITH_PORTS, "icmp", "all")
BACKENDS = ("auto", "netns", "plain")
SOURCES = ("cidr", "peer", "host")
# What an instance has either from its template or by itself; the first ones it cannot do without.
LAUNCH_REQUIRED = ("zone", "subnet", "image", "keyPair", "user")
LAUNCH = (*LAUNCH_REQUIRED, "securityGroups", "bootConfig", "assignPublicIp")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One resource type.

    `cloud` is its name in the cloud's own API, `outputs` what only the cloud knows, `follows` the
    input an output is computed from.
    """

    name: str
    cloud: str
    inputs: Record
    outputs: Mapping[str, Shape]
    follows: Mapping[str, str] = field(default_factory=dict)

    @property
    def token(self) -> str:
        return f"{PACKAGE}:index:{self.name}"

    def problems(self, news: Properties, olds: Properties) -> Iterator[Problem]:
        """What is wrong with these inputs, the present ones being `olds` (none for a new resource)."""
        yield from self.inputs.problems(news)
        if self.name == "Volume":
            yield from _shrinks(olds, news)

    def preview(self, inputs: Properties) -> Properties:
        """The outputs as far as they are known before the resource exists."""
        known: Properties = {}
        for name in self.outputs:
            wanted = self.inputs.fields.get(name)
            given = inputs.get(name) if wanted and wanted.chosen else None
            known[name] = UNKNOWN if given is None else given
        if self.name == "Instance" and inputs.get("assignPublicIp") is False:
            known["publicIp"] = None
        return known

    def preview_update(self, outputs: Properties, olds: Properties, news: Properties) -> Properties:
        """The outputs after an update in place, as far as they are known before it."""
        unsure = {name for name, source in self.follows.items() if olds.get(source) != news.get(source)}
        return {name: UNKNOWN if name in unsure else outputs.get(name) for name in self.outputs}


def _a_range(text: str) -> str:
    try:
        IPv4Network(text)
    except ValueError as error:
        return f"must be an IPv4 range: {error}"
    return ""


def _a_protocol(text: str) -> str:
    return "" if text in PROTOCOLS else f"must be one of {', '.join(PROTOCOLS)}, not {text!r}"


def _an_image(text: str) -> str:
    return "" if text == "host" or text.startswith("dir:/") else 'must be "host" or "dir:/a/folder"'


def _a_mount(text: str) -> str:
    return "" if text.startswith("/") and text != "/" else "must be an absolute path below /"


def _a_site(text: str) -> str:
    return "" if SITE.fullmatch(text) else "must be lower-case letters, digits, '-', '_' and '.' only"


def _a_backend(text: str) -> str:
    return "" if text in BACKENDS else f"must be one of {', '.join(BACKENDS)}, not {text!r}"


def _without_slash(text: str) -> str:
    return text.rstrip("/")


def _rule(rule: Mapping[str, Plain]) -> Iterable[Problem]:
    sources = [name for name in SOURCES if rule.get(name) not in (None, False)]
    if len(sources) != 1:
        yield "", f"needs exactly one of {', '.join(SOURCES)}"
    low, high = rule.get("portLow"), rule.get("portHigh")
    if (low is None) != (high is None):
        yield "", "needs both portLow and portHigh, or none for all ports"
    elif isinstance(low, int) and isinstance(high, int) and low > high:
        yield "portHigh", f"must not be below portLow ({low})"
    protocol = rule.get("protocol")
    if low is not None and protocol is not UNKNOWN and protocol not in WITH_PORTS:
        yield "portLow", f"has no meaning for protocol {protocol}"


def _instance(inputs: Mapping[str, Plain]) -> Iterable[Problem]:
    if inputs.get("template") is None:
        yield from ((key, "is required") for key in LAUNCH_REQUIRED if inputs.get(key) is None)
    else:
        twice = (key for key in LAUNCH if inputs.get(key) is not None)
        yield from ((key, "comes from the template already") for key in twice)
    if inputs.get("address") and inputs.get("assignPublicIp") is False:
        yield "address", "cannot be given to an instance without a public address"


def _shrinks(olds: Properties, news: Properties) -> Iterable[Problem]:
    old, new = olds.get("sizeGib"), news.get("sizeGib")
    same = all(olds.get(key) == news.get(key) for key in ("name", "zone"))
    if same and isinstance(old, int) and isinstance(new, int) and new < old:
        yield "sizeGib", f"a volume cannot shrink from {old} to {new} GiB; it can only grow"


TEXT = Text()
FIXED = Field(shape=TEXT, required=True, replaces=True)
MOVED = Field(shape=TEXT, replaces=True)
RANGE = Field(shape=Text(_a_range), replaces=True, chosen=True)
LABELS = Field(shape=Tags(), default={})
IMAGE = Field(shape=Text(_an_image), required=True, replaces=True)
PUBLIC = Field(shape=Flag(), replaces=True, default=True)
PORT = Field(shape=Whole(0, 65535))
RULE = Record(
    {
        "protocol": Field(shape=Text(_a_protocol), required=True),
        "portLow": PORT,
        "portHigh": PORT,
        "cidr": Field(shape=Text(_a_range)),
        "peer": Field(shape=TEXT),
        "host": Field(shape=Flag(), default=False),
    },
    _rule,
)
ATTACHMENT = Record(
    {
        "volume": Field(shape=TEXT, required=True),
        "mount": Field(shape=Text(_a_mount, _without_slash), required=True),
    }
)

NETWORK = Kind(
    name="Network",
    cloud="network",
    inputs=Record({"name": FIXED, "region": FIXED, "cidr": RANGE, "tags": LABELS}),
    outputs={"cidr": TEXT},
)
SUBNET = Kind(
    name="Subnet",
    cloud="subnet",
    inputs=Record({"network": FIXED, "zone": FIXED, "cidr": RANGE}),
    outputs={"cidr": TEXT},
)
SECURITY_GROUP = Kind(
    name="SecurityGroup",
    cloud="security_group",
    inputs=Record(
        {"name": FIXED, "network": FIXED, "rules": Field(shape=Several(RULE), default=[]), "tags": LABELS}
    ),
    outputs={},
)
KEY_PAIR = Kind(
    name="KeyPair",
    cloud="key_pair",
    inputs=Record(
        {
            "name": FIXED,
            "publicKey": Field(shape=Text(tidy=str.strip), required=True, replaces=True),
            "tags": LABELS,
        }
    ),
    outputs={},
)
BOOT_CONFIG = Kind(
    name="BootConfig",
    cloud="boot_config",
    inputs=Record({"name": FIXED, "userData": Field(shape=TEXT, required=True), "tags": LABELS}),
    outputs={"sha": TEXT},
    follows={"sha": "userData"},
)
LAUNCH_TEMPLATE = Kind(
    name="LaunchTemplate",
    cloud="launch_template",
    inputs=Record(
        {
            "name": FIXED,
            "zone": FIXED,
            "subnet": FIXED,
            "image": IMAGE,
            "keyPair": FIXED,
            "user": FIXED,
            "securityGroups": Field(shape=Several(TEXT), default=[], replaces=True),
            "bootConfig": Field(shape=TEXT),
            "assignPublicIp": PUBLIC,
            "instanceTags": LABELS,
            "tags": LABELS,
        }
    ),
    outputs={},
)
ADDRESS = Kind(
    name="Address",
    cloud="address",
    inputs=Record({"name": FIXED, "region": FIXED, "tags": LABELS}),
    outputs={"publicIp": TEXT},
)
VOLUME = Kind(
    name="Volume",
    cloud="volume",
    inputs=Record(
        {
            "name": FIXED,
            "zone": FIXED,
            "sizeGib": Field(shape=Whole(1, 1_048_576), required=True),
            "tags": LABELS,
        }
    ),
    outputs={},
)
INSTANCE = Kind(
    name="Instance",
    cloud="instance",
    inputs=Record(
        {
            "name": FIXED,
            "template": MOVED,
            "zone": MOVED,
            "subnet": MOVED,
            "flavor": Field(shape=TEXT, required=True),
            "image": Field(shape=Text(_an_image), replaces=True),
            "keyPair": MOVED,
            "user": MOVED,
            "securityGroups": Field(shape=Several(TEXT), default=[]),
            "bootConfig": MOVED,
            "assignPublicIp": PUBLIC,
            "address": Field(shape=TEXT, replaces=True),
            "volumes": Field(shape=Several(ATTACHMENT, unique="mount"), default=[]),
            "tags": LABELS,
        },
        _instance,
    ),
    outputs={
        "privateIp": TEXT,
        "publicIp": TEXT,
        "hostKey": TEXT,
        "sshPort": Whole(1, 65535),
    },
)

KINDS: Final[Mapping[str, Kind]] = {
    kind.token: kind
    for kind in (
        NETWORK,
        SUBNET,
        SECURITY_GROUP,
        KEY_PAIR,
        BOOT_CONFIG,
        LAUNCH_TEMPLATE,
        ADDRESS,
        VOLUME,
        INSTANCE,
    )
}
# The inputs of the provider itself.
PROVIDER: Final = Record(
    {
        "site": Field(shape=Text(_a_site), replaces=True, default="default"),
        "backend": Field(shape=Text(_a_backend), default="auto"),
    }
)
