"""The local cloud has no typed package: a small class for each of its resource types in use.

Properties are given in snake case; what is inside of them keeps the provider's spelling.
"""

import json
import re
from typing import Any, ClassVar

import pulumi

VERSION = "0.1.0"


def _camel(name: str) -> str:
    return re.sub("_([a-z])", lambda found: found[1].upper(), name)


def _snake(name: str) -> str:
    return re.sub("(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


class Provider(pulumi.ProviderResource):
    """The provider of a connection."""

    def __init__(
        self, key: str, /, opts: pulumi.ResourceOptions | None = None, **props: Any
    ) -> None:
        # A provider's settings travel as text.
        texts = {
            _camel(name): value if isinstance(value, str) else json.dumps(value)
            for name, value in props.items()
        }
        own = pulumi.ResourceOptions(version=VERSION)
        super().__init__("mcislocal", key, texts, pulumi.ResourceOptions.merge(own, opts))


class _Resource(pulumi.CustomResource):
    outputs: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self, key: str, /, opts: pulumi.ResourceOptions | None = None, **props: Any
    ) -> None:
        inputs = {_camel(key): value for key, value in props.items()}
        own = pulumi.ResourceOptions(version=VERSION)
        super().__init__(
            f"mcislocal:index:{type(self).__name__}",
            key,
            {**dict.fromkeys(self.outputs), **inputs},
            pulumi.ResourceOptions.merge(own, opts),
        )
        for output in self.outputs:
            setattr(self, _snake(output), self.__dict__[output])


class KeyPair(_Resource):
    pass


class BootConfig(_Resource):
    pass


class Network(_Resource):
    pass


class Subnet(_Resource):
    pass


class SecurityGroup(_Resource):
    pass


class LaunchTemplate(_Resource):
    pass


class Instance(_Resource):
    outputs = ("privateIp", "publicIp", "hostKey", "sshPort")
    private_ip: pulumi.Output[Any]
    public_ip: pulumi.Output[Any]
    host_key: pulumi.Output[Any]
    ssh_port: pulumi.Output[Any]


class Volume(_Resource):
    pass


class Address(_Resource):
    pass
