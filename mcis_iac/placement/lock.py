"""The lock file: which VMs there are and where, the same for everybody who has the repository.

Reading never changes it; `settle` in `members.py` decides, the pipeline calls `write`. Nothing in it
belongs to one machine. Ordinals are remembered for ever, so that none is given to another VM.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mcis_iac.errors import ManifestError, OperationError
from mcis_iac.model import Diagnostic, Group, Mcis, Network
from mcis_iac.placement.lock_data import GroupLock, Lock, Made, Offer, Place, Price, Purchase, Row, rows
from mcis_iac.placement.lock_parse import Parser, problem, span_of

__all__ = [
    "GroupLock", "Lock", "Made", "Offer", "Place", "Price", "Purchase", "Row", "digest", "dump", "parse",
    "read", "rows", "write",
]  # fmt: skip


# ---------------------------------------------------------------- file


def read(path: Path) -> Lock:
    """The lock in that file; a missing file is an empty lock. Raises ManifestError with positions."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Lock()
    except (OSError, UnicodeDecodeError) as error:
        raise OperationError(summary="cannot read the lock file", detail=f"{path}: {error}") from error
    return parse(text, _typed(path))


def parse(text: str, file: str) -> Lock:
    """The lock a text describes; `file` is how its problems name it."""
    import yaml

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        root = yaml.compose(text, Loader=loader)
    except yaml.YAMLError as error:
        raise _broken(_syntax(error, text, file), text=text) from error
    except RecursionError as error:
        raise _broken(problem(None, "it is nested too deeply"), text=text) from error
    parser = Parser(file)
    lock = parser.lock(root)
    if parser.diagnostics:
        raise _broken(*parser.diagnostics, text=text)
    return lock


def _syntax(error: Exception, text: str, file: str) -> Diagnostic:
    conflict = next((n for n, line in enumerate(text.splitlines(), 1) if line.startswith("<<<<<<< ")), 0)
    mark = getattr(error, "problem_mark", None)
    span = None if mark is None else span_of(file, mark, mark)
    if conflict:
        hint = "take one side, then run mcis up, which adds what the manifest asks for"
        return problem(span, f"a merge conflict is left in line {conflict}", hint)
    return problem(span, getattr(error, "problem", None) or str(error))


def _broken(*diagnostics: Diagnostic, text: str) -> ManifestError:
    texts = {each.span.file: text for each in diagnostics if each.span}
    return ManifestError(summary="the lock file is not valid", diagnostics=diagnostics, texts=texts)


def _typed(path: Path) -> str:
    """A path as the user would type it: relative when it lies below the working directory."""
    try:
        return str(path.absolute().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def write(path: Path, lock: Lock) -> None:
    """Write the lock in one step: a reader, or a crash, sees the old file or the new one."""
    text = dump(lock)
    try:
        if path.exists() and path.read_text(encoding="utf-8") == text:
            return
        _replace(path, text)
    except OSError as error:
        raise OperationError(
            summary="cannot write the lock file",
            detail=f"{path}: {error.strerror or error}",
            hint="nothing was changed; make the folder writable or free some space, then repeat",
        ) from error


def _replace(path: Path, text: str) -> None:
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o644
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(mode)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def dump(lock: Lock) -> str:
    """The text of a lock file: block YAML, keys sorted, ordinals in one line."""
    import yaml

    class Dumper(yaml.SafeDumper):
        def ignore_aliases(self, _: Any) -> bool:
            return True

    def ordinals(dumper: Any, data: _Ordinals) -> Any:
        return dumper.represent_sequence("tag:yaml.org,2002:seq", list(data), flow_style=True)

    Dumper.add_representer(_Ordinals, ordinals)
    return str(yaml.dump(_file(lock), Dumper=Dumper, sort_keys=True, allow_unicode=True, width=110))


class _Ordinals(tuple[int, ...]):
    """Ordinals as the file shows them: `[1, 2, 5]`."""


def _file(lock: Lock) -> dict[str, Any]:
    groups = {name: _group(lock.groups[name]) for name in lock.groups}
    whole: dict[str, Any] = {
        "tool": lock.tool,
        "inputs": lock.inputs,
        "plugins": dict(lock.plugins),
        "me": lock.me,
        "keys": dict(lock.keys),
        "ranges": {network: dict(ranges) for network, ranges in lock.ranges.items() if ranges},
        "places": {place: _places(known) for place, known in lock.places.items() if known},
        "groups": groups,
        "plan": dict(lock.plan),
    }
    return {"version": 1} | {name: value for name, value in whole.items() if value}


def _places(known: Mapping[str, Place]) -> dict[str, Any]:
    return {what: {"name": each.name, "id": each.id} for what, each in known.items()}


def _group(group: GroupLock) -> dict[str, Any]:
    found: dict[str, Any] = {"highest": group.highest}
    if group.dropped:
        found["dropped"] = dict(group.dropped)
    if group.formerly:
        found["formerly"] = list(group.formerly)
    if group.members:
        found["members"] = [_row(row) for row in group.members]
    return found


def _row(row: Row) -> dict[str, Any]:
    offer = row.offer
    found: dict[str, Any] = {
        "ordinals": _Ordinals(row.ordinals),
        "connection": offer.connection,
        "region": offer.region,
        "zone": offer.zone,
        "type": offer.type,
        "purchase": offer.purchase,
        "hourly_usd": None if offer.hourly_usd is None else f"{offer.hourly_usd:f}",
        "image": {"alias": offer.image.alias, "id": offer.image.id},
        "why": offer.why,
    }
    if offer.price is not None:
        found["price"] = {"as_of": offer.price.as_of, "source": offer.price.source}
    if offer.made is not None:
        found["made"] = asdict(offer.made)
    return found


# ---------------------------------------------------------------- freshness


def digest(mcis: Mcis) -> str:
    """`sha256:…` over everything that decides count, place, image, keys and ranges."""
    asked = {
        "connections": {
            name: {"cloud": connection.cloud, "settings": connection.settings}
            for name, connection in mcis.connections.items()
        },
        "images": {name: image.by_cloud for name, image in mcis.images.items()},
        "networks": {name: _addressed(network) for name, network in mcis.networks.items()},
        "groups": {name: _asked(group) for name, group in mcis.groups.items()},
    }
    text = json.dumps(asked, sort_keys=True, separators=(",", ":"), ensure_ascii=True, default=_plain)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _addressed(network: Network) -> Any:
    """What decides a network's ranges; the short form keeps the digests of simple manifests."""
    return {"cidr": network.cidr, "existing": network.existing} if network.existing else network.cidr


def _asked(group: Group) -> dict[str, Any]:
    pin = group.placement
    return {
        "count": group.count,
        "placement": [pin.connection, pin.region, pin.zone, pin.type, *(["spot"] if pin.spot else ())],
        "image": group.image,
        "key": group.key,
        "network": group.network,
    }


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else str(value)
