"""Which address ranges each local cloud of this host has: chosen once per cloud, never shared.

Several clouds can live on one host (a test's beside the user's). A small file of the host says who
has which range; entries of clouds whose folder is gone no longer count, so nothing has to be given back.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from ipaddress import IPv4Network
from pathlib import Path
from typing import IO, Any

from mcis_iac.local_cloud.types import LocalCloudError

REGISTRY = Path("/var/lib/mcis-iac/ranges.json")
PRIVATE = [IPv4Network(f"10.{number}.0.0/16") for number in range(100, 116)]
# Set aside for benchmarks, so in nobody's network; the last twelve have no use in the internet at all.
PUBLIC = [
    *IPv4Network("198.18.0.0/15").subnets(new_prefix=17),
    *[IPv4Network(f"240.{number}.0.0/17") for number in range(100, 112)],
]
LINKS = list(IPv4Network("10.255.255.0/24").subnets(new_prefix=30))
SSH_PORT = 22


def tag(directory: Path) -> str:
    """Six hex digits that name a cloud's router, link and cgroups."""
    return hashlib.sha256(str(directory.resolve()).encode()).hexdigest()[:6]


def claim(
    directory: Path, registry: Path = REGISTRY, routed: Callable[[], Iterable[IPv4Network]] | None = None
) -> Mapping[str, Any]:
    """The ranges of the cloud in `directory`: those it has, else the first free ones.

    `routed` tells where the host already has routes.
    """
    with _locked(registry) as file:
        claims = _living(file)
        mine = claims.get(str(directory))
        if mine is None:
            mine = choose(claims.values(), (routed or host_ranges)())
            claims[str(directory)] = mine
            file.seek(0)
            file.truncate()
            json.dump(claims, file, indent=1)
        return settings(directory, mine)


def choose(taken: Iterable[Mapping[str, str]], routed: Iterable[IPv4Network]) -> dict[str, str]:
    """First range of each kind that meets neither another cloud's nor a route of the host."""
    used = [IPv4Network(value) for claim in taken for value in claim.values()] + list(routed)
    kinds = {"private": PRIVATE, "public": PUBLIC, "link": LINKS}
    found = {}
    for kind, candidates in kinds.items():
        free = (c for c in candidates if not any(c.overlaps(other) for other in used))
        picked = next(free, None)
        if picked is None:
            message = f"no free {kind} address range is left on this host for another local cloud"
            raise LocalCloudError(code="capacity", message=message)
        found[kind] = str(picked)
    return found


def settings(directory: Path, claimed: Mapping[str, str]) -> Mapping[str, Any]:
    """What the cloud stores: its ranges and the names made from its folder."""
    host, router = IPv4Network(claimed["link"]).hosts()
    name = f"mcis-{tag(directory)}"
    return {
        "private": claimed["private"],
        "public": claimed["public"],
        "host_ip": str(host),
        "router_ip": str(router),
        "ssh_port": SSH_PORT,
        "router": name,
        "link": name,
    }


def host_ranges() -> list[IPv4Network]:
    """Where the host already has routes; the default route says nothing."""
    command = ["ip", "-4", "-o", "route", "show", "table", "all"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    return list(parse_routes(answer.stdout))


def parse_routes(text: str) -> Iterator[IPv4Network]:
    """Destinations of `ip route show`: the first word, or the second after a type such as `local`."""
    for line in text.splitlines():
        for word in line.split()[:2]:
            try:
                network = IPv4Network(word)
            except ValueError:
                continue
            if network.prefixlen:
                yield network
            break


def _living(file: IO[str]) -> dict[str, Mapping[str, str]]:
    try:
        claims = json.loads(file.read() or "{}")
    except ValueError:
        claims = {}  # torn by a full disk; the host's routes still protect clouds that run
    return {path: claim for path, claim in claims.items() if Path(path).is_dir()}


@contextmanager
def _locked(registry: Path) -> Iterator[IO[str]]:
    registry.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
    with registry.open("a+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        yield file
