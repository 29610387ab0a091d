"""What the typed Pulumi packages say of a token: its inputs, which are required, its outputs.

The packages are large (seconds and 200 MiB for four of them), so nothing is imported before it is
asked for, and then only the module a token lives in.
"""

from __future__ import annotations

import importlib
import inspect
import sys
import typing
import warnings
from collections.abc import Awaitable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from typing import Any

from mcis_iac.errors import OperationError

PROVIDERS = "pulumi:providers:"


@dataclass(frozen=True, slots=True)
class Shape:
    """A resource's classes; `outputs` has the types of all output properties beside the id."""

    args: type
    outputs: Mapping[str, Any]


def distribution(package: str) -> str:
    """The typed package as pip knows it."""
    return f"pulumi-{package}"


@cache
def require(package: str, version: str) -> None:
    """OperationError unless exactly that version is installed: another one has other types."""
    try:
        found = metadata.version(distribution(package))
    except metadata.PackageNotFoundError as error:
        raise _absent(package, version, "is not installed") from error
    if version and found != version:
        raise _absent(package, version, f"is installed as {found}")


def _absent(package: str, version: str, found: str) -> OperationError:
    wanted = f"{distribution(package)} {version}".strip()
    return OperationError(
        summary="the types of a cloud are not here",
        detail=f"{wanted} is needed to check its resources; it {found}.",
        hint="pip install 'mcis-iac[types]'",
    )


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Their modules load one another when looked at, and warn of each deprecated one, used or not."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield


@cache
@_undisturbed()
def shape(token: str) -> Shape | None:
    """The shape of that token; None when its package has no such resource."""
    if token.startswith(PROVIDERS):
        return Shape(_package(token.removeprefix(PROVIDERS)).ProviderArgs, {})
    found = _resource_class(token)
    return None if found is None else Shape(_args_of(found), _outputs_of(found))


def _package(name: str) -> Any:
    return importlib.import_module(f"pulumi_{name.replace('-', '_')}")


def _resource_class(token: str) -> type | None:
    from pulumi.runtime import rpc

    package, module, _ = token.split(":")
    _package(package)  # registers its modules
    for part in rpc._RESOURCE_MODULES.get(f"{package}:{module}", ()):
        info: Any = getattr(part, "mod_info", {})
        if token in info.get("classes", {}):
            return typing.cast(type, getattr(importlib.import_module(info["fqn"]), info["classes"][token]))
    return None


def _args_of(resource: type) -> type:
    # Where a nested type has the resource's name (azure-native SubnetArgs), the resource's own
    # arguments are called InitArgs; both are in the resource's module then.
    home = vars(sys.modules[resource.__module__])
    names = (f"{resource.__name__}InitArgs", f"{resource.__name__}Args")
    found: type = next(home[n] for n in names if n in home and home[n].__module__ == resource.__module__)
    return found


def _outputs_of(resource: type) -> Mapping[str, Any]:
    from pulumi import _types

    found: Mapping[str, Any] = _types.resource_types(resource)
    return found


@cache
@_undisturbed()
def inputs(args: type) -> Mapping[str, Any]:
    """The inputs of a class of arguments, in the provider's spelling, with their annotations."""
    from pulumi import _types

    found: Mapping[str, Any] = _types.input_type_types(args)
    return found


@cache
def required(args: type) -> tuple[str, ...]:
    """Those that must be there: the arguments without a default."""
    from pulumi import _types

    names = _types.input_type_py_to_pulumi_names(args)
    parameters = inspect.signature(args.__init__).parameters  # type: ignore[misc]
    return tuple(
        names[name]
        for name, parameter in parameters.items()
        if name in names and parameter.default is inspect.Parameter.empty
    )


def is_input(annotation: Any) -> bool:
    """Whether it is a class of nested arguments."""
    from pulumi import _types

    return isinstance(annotation, type) and _types.is_input_type(annotation)


@cache
@_undisturbed()
def fields(annotation: Any) -> Mapping[str, Any] | None:
    """The properties of a nested type, input or output; None when it is not one."""
    from pulumi import _types

    if not isinstance(annotation, type):
        return None
    if _types.is_input_type(annotation):
        return inputs(annotation)
    return _types.output_type_types(annotation) if _types.is_output_type(annotation) else None


def alternatives(annotation: Any) -> list[Any]:
    """What a value may be, without the wrappers for promises and absence that surround it."""
    from pulumi import _types

    plain = _types.unwrap_type(annotation)
    if typing.get_origin(plain) is not typing.Union:
        return [plain]
    return [part for each in typing.get_args(plain) if not _wrapper(each) for part in alternatives(each)]


def _wrapper(annotation: Any) -> bool:
    import pulumi

    if isinstance(annotation, typing.ForwardRef):
        return annotation.__forward_arg__.startswith("Output[")
    origin = typing.get_origin(annotation) or annotation
    return origin in (pulumi.Output, Awaitable, Coroutine, type(None)) or typing.is_typeddict(annotation)
