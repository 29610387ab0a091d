"""The resource types' own verbs: how each is created, changed and described through the cloud's API.

Plain inputs in, `Thing` out. Everything here may block and runs in a worker thread.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from mcis_iac.local_cloud.api import CloudApi, Resource
from mcis_iac.local_cloud.plugin.kinds import INSTANCE, LAUNCH, Kind
from mcis_iac.local_cloud.plugin.shapes import kind_of
from mcis_iac.local_cloud.plugin.values import Plain, Properties
from mcis_iac.local_cloud.types import (
    Address,
    Attachment,
    BootConfig,
    Instance,
    InstanceSpec,
    KeyPair,
    Launch,
    LaunchTemplate,
    LocalCloudError,
    Network,
    Rule,
    SecurityGroup,
    Subnet,
    Volume,
    own_tags,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """A resource as it really is. `inputs` are complete; `trouble` says why it is not usable."""

    id: str
    inputs: Properties
    outputs: Properties
    trouble: str = ""


# ------------------------------------------------------------------ plain inputs -> the cloud's values


def text(inputs: Properties, key: str) -> str:
    value = inputs.get(key)
    if not isinstance(value, str):
        message = f"property {key} must be a string, not {kind_of(value)}"
        raise LocalCloudError(code="invalid", message=message)
    return value


def _maybe(inputs: Properties, key: str) -> str | None:
    return text(inputs, key) if inputs.get(key) is not None else None


def _whole(inputs: Properties, key: str) -> int | None:
    value = inputs.get(key)
    return value if isinstance(value, int) else None


def _items(inputs: Properties, key: str) -> list[Plain]:
    value = inputs.get(key)
    return value if isinstance(value, list) else []


def _records(inputs: Properties, key: str) -> list[Properties]:
    return [item for item in _items(inputs, key) if isinstance(item, dict)]


def _tags(inputs: Properties, key: str = "tags") -> dict[str, str]:
    tags = inputs.get(key)
    return {key: str(value) for key, value in tags.items()} if isinstance(tags, dict) else {}


def _rules(inputs: Properties) -> tuple[Rule, ...]:
    return tuple(
        Rule(
            protocol=text(rule, "protocol"),
            port_low=_whole(rule, "portLow"),
            port_high=_whole(rule, "portHigh"),
            cidr=_maybe(rule, "cidr"),
            peer=_maybe(rule, "peer"),
            host=rule.get("host") is True,
        )
        for rule in _records(inputs, "rules")
    )


def _volumes(inputs: Properties) -> tuple[Attachment, ...]:
    found = _records(inputs, "volumes")
    return tuple(Attachment(volume=text(each, "volume"), mount=text(each, "mount")) for each in found)


def _groups(inputs: Properties) -> tuple[str, ...]:
    return tuple(str(group) for group in _items(inputs, "securityGroups"))


def _launch(inputs: Properties) -> Launch:
    return Launch(
        zone=text(inputs, "zone"),
        subnet=text(inputs, "subnet"),
        image=text(inputs, "image"),
        key_pair=text(inputs, "keyPair"),
        user=text(inputs, "user"),
        security_groups=_groups(inputs),
        boot_config=_maybe(inputs, "bootConfig"),
        public_ip=inputs.get("assignPublicIp") is not False,
    )


def _template(cloud: CloudApi, id: str) -> LaunchTemplate:
    found = cloud.get("launch_template", id)
    if not isinstance(found, LaunchTemplate):
        raise LocalCloudError(code="not_found", message=f"there is no launch template {id}")
    return found


def spec(cloud: CloudApi, inputs: Properties) -> InstanceSpec:
    """What the cloud is asked for when an instance is created."""
    template = _maybe(inputs, "template")
    copied = _template(cloud, template) if template else None
    launch = copied.launch if copied else _launch(inputs)
    return InstanceSpec(
        name=text(inputs, "name"),
        flavor=text(inputs, "flavor"),
        address=_maybe(inputs, "address"),
        volumes=_volumes(inputs),
        template=template,
        tags={**(copied.instance_tags if copied else {}), **_tags(inputs)},
        **{name: getattr(launch, name) for name in Launch.__slots__},
    )


# ------------------------------------------------------------------ creating


def create(cloud: CloudApi, kind: Kind, inputs: Properties) -> Thing:
    """Make one thing of any kind but an instance; those are made in batches."""
    return describe(cloud, _CREATE[kind.name](cloud, inputs))


def _size(inputs: Properties) -> int:
    return _whole(inputs, "sizeGib") or 1


_CREATE: Final[Mapping[str, Callable[[CloudApi, Properties], Resource]]] = {
    "Network": lambda cloud, given: cloud.create_network(
        name=text(given, "name"),
        region=text(given, "region"),
        cidr=_maybe(given, "cidr"),
        tags=_tags(given),
    ),
    "Subnet": lambda cloud, given: cloud.create_subnet(
        network=text(given, "network"), zone=text(given, "zone"), cidr=_maybe(given, "cidr")
    ),
    "SecurityGroup": lambda cloud, given: cloud.create_security_group(
        name=text(given, "name"),
        network=text(given, "network"),
        rules=_rules(given),
        tags=_tags(given),
    ),
    "KeyPair": lambda cloud, given: cloud.create_key_pair(
        name=text(given, "name"), public_key=text(given, "publicKey"), tags=_tags(given)
    ),
    "BootConfig": lambda cloud, given: cloud.create_boot_config(
        name=text(given, "name"), user_data=text(given, "userData"), tags=_tags(given)
    ),
    "LaunchTemplate": lambda cloud, given: cloud.create_launch_template(
        name=text(given, "name"),
        launch=_launch(given),
        instance_tags=_tags(given, "instanceTags"),
        tags=_tags(given),
    ),
    "Address": lambda cloud, given: cloud.create_address(
        name=text(given, "name"), region=text(given, "region"), tags=_tags(given)
    ),
    "Volume": lambda cloud, given: cloud.create_volume(
        name=text(given, "name"), zone=text(given, "zone"), size_gib=_size(given), tags=_tags(given)
    ),
}


def create_instances(cloud: CloudApi, asked: Sequence[Properties]) -> list[Thing | Exception]:
    """Make a batch of instances; one answer each. Inputs that make no spec fail alone."""
    answers: list[Thing | Exception] = []
    specs: list[InstanceSpec] = []
    for inputs in asked:
        try:
            specs.append(spec(cloud, inputs))
        except LocalCloudError as error:
            answers.append(error)
        else:
            answers.append(_NOT_ANSWERED)
    made = iter(cloud.create_instances(specs) if specs else ())
    for position, answer in enumerate(answers):
        if answer is _NOT_ANSWERED:
            result = next(made)
            answers[position] = result if isinstance(result, LocalCloudError) else describe(cloud, result)
    return answers


_NOT_ANSWERED: Final = Exception("not answered")


# ------------------------------------------------------------------ changing


def update(cloud: CloudApi, kind: Kind, id: str, olds: Properties, news: Properties) -> Thing:
    """Change in place what differs; what a difference in the table replaces never comes here."""
    if kind is INSTANCE:
        return describe(cloud, _update_instance(cloud, id, olds, news))
    if kind.name == "LaunchTemplate":
        return describe(cloud, _update_template(cloud, id, news))
    if kind.name == "SecurityGroup" and olds.get("rules") != news.get("rules"):
        cloud.set_rules(id, _rules(news))
    if kind.name == "BootConfig" and olds.get("userData") != news.get("userData"):
        cloud.set_user_data(id, text(news, "userData"))
    if kind.name == "Volume" and olds.get("sizeGib") != news.get("sizeGib"):
        cloud.grow_volume(id, _size(news))
    if _tags(olds) != _tags(news):
        cloud.set_tags(id, _tags(news))
    found = cloud.get(kind.cloud, id)
    if found is None:
        message = f"{kind.cloud.replace('_', ' ')} {id} does not exist any more"
        raise LocalCloudError(code="not_found", message=message)
    return describe(cloud, found)


def _update_template(cloud: CloudApi, id: str, news: Properties) -> LaunchTemplate:
    return cloud.update_launch_template(
        id,
        boot_config=_maybe(news, "bootConfig"),
        instance_tags=_tags(news, "instanceTags"),
        tags=_tags(news),
    )


def _update_instance(cloud: CloudApi, id: str, olds: Properties, news: Properties) -> Instance:
    wanted = spec(cloud, news)
    changed = cloud.update_instance(
        id,
        flavor=wanted.flavor,
        security_groups=wanted.security_groups,
        volumes=wanted.volumes,
        tags=wanted.tags,
        boot_config=wanted.boot_config,
    )
    if olds == news and changed.state != "running":
        # Without any change the engine asks for an update only to finish what a create began.
        cloud.start([id])
        again = cloud.get(INSTANCE.cloud, id)
        return again if isinstance(again, Instance) else changed
    return changed


# ------------------------------------------------------------------ describing


def describe(cloud: CloudApi, real: Resource) -> Thing:
    """A thing as property values, with every input, defaults included."""
    if isinstance(real, Instance):
        template = cloud.get("launch_template", real.spec.template) if real.spec.template else None
        return _instance(real, template.instance_tags if isinstance(template, LaunchTemplate) else {})
    inputs, outputs = _described(real)
    if not isinstance(real, Subnet):
        inputs["tags"] = dict(real.tags)
    return Thing(id=real.name if isinstance(real, KeyPair) else real.id, inputs=inputs, outputs=outputs)


def _described(
    real: Network | Subnet | SecurityGroup | KeyPair | BootConfig | LaunchTemplate | Address | Volume,
) -> tuple[Properties, Properties]:
    """Inputs without tags, and outputs."""
    found: tuple[Properties, Properties]
    match real:
        case KeyPair():
            found = {"name": real.name, "publicKey": real.public_key}, {}
        case Network():
            found = {"name": real.name, "region": real.region, "cidr": real.cidr}, {"cidr": real.cidr}
        case Subnet():
            found = {"network": real.network, "zone": real.zone, "cidr": real.cidr}, {"cidr": real.cidr}
        case SecurityGroup():
            rules: list[Plain] = [_rule(rule) for rule in real.rules]
            found = {"name": real.name, "network": real.network, "rules": rules}, {}
        case BootConfig():
            found = {"name": real.name, "userData": real.user_data}, {"sha": real.sha}
        case LaunchTemplate():
            found = (
                {"name": real.name, "instanceTags": dict(real.instance_tags), **_launched(real.launch)},
                {},
            )
        case Address():
            found = {"name": real.name, "region": real.region}, {"publicIp": real.public_ip}
        case Volume():
            found = {"name": real.name, "zone": real.zone, "sizeGib": real.size_gib}, {}
    return found


def _launched(launch: Launch | InstanceSpec) -> Properties:
    return {
        "zone": launch.zone,
        "subnet": launch.subnet,
        "image": launch.image,
        "keyPair": launch.key_pair,
        "user": launch.user,
        "securityGroups": list(launch.security_groups),
        "bootConfig": launch.boot_config,
        "assignPublicIp": launch.public_ip,
    }


def _instance(real: Instance, inherited: Mapping[str, str]) -> Thing:
    asked = real.spec
    volumes: list[Plain] = [{"volume": each.volume, "mount": each.mount} for each in asked.volumes]
    inputs: Properties = {
        "name": asked.name,
        "template": asked.template,
        "flavor": asked.flavor,
        "address": asked.address,
        "volumes": volumes,
        "tags": dict(own_tags(asked.tags, inherited)),
        **(dict.fromkeys(LAUNCH) if asked.template else _launched(asked)),
    }
    outputs: Properties = {
        "privateIp": real.private_ip,
        "publicIp": real.public_ip,
        "hostKey": real.host_key,
        "sshPort": real.ssh_port,
    }
    trouble = "" if real.state == "running" else f"the instance exists, but is {real.state}"
    return Thing(id=real.id, inputs=inputs, outputs=outputs, trouble=trouble)


def _rule(rule: Rule) -> Plain:
    every: dict[str, Any] = {
        "protocol": rule.protocol,
        "portLow": rule.port_low,
        "portHigh": rule.port_high,
        "cidr": rule.cidr,
        "peer": rule.peer,
        "host": rule.host or None,
    }
    return {key: value for key, value in every.items() if value is not None}


def delete(cloud: CloudApi, kind: Kind, ids: Sequence[str]) -> list[Exception | None]:
    """Delete a batch; when the cloud refuses it as a whole, one by one, to know which it means."""
    try:
        cloud.delete(kind.cloud, ids)
    except LocalCloudError as error:
        if len(ids) == 1:
            return [error]
    else:
        return [None] * len(ids)
    return [answer for id in ids for answer in delete(cloud, kind, [id])]


def read(cloud: CloudApi, kind: Kind, ids: Sequence[str]) -> list[Thing | None]:
    """What exists of these; several instances are asked for at once, each look costs a scan."""
    if kind is INSTANCE and len(ids) > 1:
        every = {each.id: each for each in cloud.instances()}
        return [describe(cloud, every[id]) if id in every else None for id in ids]
    found = [cloud.get(kind.cloud, id) for id in ids]
    return [None if real is None else describe(cloud, real) for real in found]
