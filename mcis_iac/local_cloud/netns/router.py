"""The cloud's router: a network namespace of its own, one cable to the host, one to every machine.

Addresses are routed one by one; there is no bridge and no ARP. All names come from the cloud's
settings, so that several clouds live side by side. Nothing of the host's own firewall, sysctls
or resolver is touched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

from mcis_iac.local_cloud.netns import commands, rules
from mcis_iac.local_cloud.netns.guest.network import GATEWAY_MAC
from mcis_iac.local_cloud.types import Fabric, LocalCloudError, Machine

_NAMESPACES = Path("/run/netns")
_SYSCTLS = (
    ("net/ipv4/ip_forward", "1"),
    ("net/ipv4/conf/all/rp_filter", "0"),
    ("net/ipv4/conf/default/rp_filter", "0"),
    ("net/ipv4/conf/all/send_redirects", "0"),
    ("net/ipv6/conf/all/disable_ipv6", "1"),
    ("net/ipv6/conf/default/disable_ipv6", "1"),
)


class Router:
    """Made on first need, gone with `remove`; every step may be repeated."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self.name: str = settings["router"]
        self._link: str = settings["link"]
        self._host_ip: str = settings["host_ip"]
        self._router_ip: str = settings["router_ip"]
        self._ranges = [settings["private"], *filter(None, [settings.get("public")])]

    def ensure(self) -> None:
        """Bring the router up. LocalCloudError("conflict") when somebody else has our ranges."""
        owners = routes(Path("/proc/net/route").read_text())
        for wanted in self._ranges:
            owner = owners.get(wanted, self._link)
            if owner != self._link:
                message = (
                    f"the host routes {wanted}, this local cloud's range, to {owner}: stop what uses it, "
                    "or reset this cloud (`mcis-local reset`) to let it choose another range"
                )
                raise LocalCloudError(code="conflict", message=message)
        # The host's routes are set last: where they are, all the rest is.
        if not all(wanted in owners for wanted in self._ranges):
            self._build()

    def _build(self) -> None:
        self._make_namespace()
        if not Path(f"/sys/class/net/{self._link}").exists():
            link = ["ip", "link", "add", self._link, "type", "veth"]
            commands.run([*link, "peer", "name", rules.UPLINK, "netns", self.name])
        inside = [
            "link set lo up",
            f"addr replace {self._router_ip}/30 dev {rules.UPLINK}",
            f"link set {rules.UPLINK} up",
            f"route replace default via {self._host_ip}",
        ]
        commands.run(["ip", "-n", self.name, "-batch", "-"], "\n".join(inside) + "\n")
        settings = "\n".join(f"echo {value} > /proc/sys/{name}" for name, value in _SYSCTLS)
        self._inside(["sh", "-c", f"exec 2>/dev/null\n{settings}\ntrue"])
        if not self._has_rules():
            self.load(Fabric(machines=(), groups=()))
        outside = [
            f"addr replace {self._host_ip}/30 dev {self._link}",
            f"link set {self._link} up",
            *(f"route replace {r} via {self._router_ip} dev {self._link}" for r in self._ranges),
        ]
        commands.run(["ip", "-batch", "-"], "\n".join(outside) + "\n")

    def _make_namespace(self) -> None:
        path = _NAMESPACES / self.name
        if path.exists() and not _is_namespace(path):
            path.unlink()  # a creator died between making the file and mounting on it
        if not path.exists():
            commands.run(["ip", "netns", "add", self.name])

    def _inside(self, command: Sequence[str], text: str = "") -> str:
        return commands.run(["ip", "netns", "exec", self.name, *command], text)

    def _has_rules(self) -> bool:
        return rules.TABLE in self._inside([_nft(), "list", "tables"])

    def is_up(self) -> bool:
        return _is_namespace(_NAMESPACES / self.name)

    def load(self, fabric: Fabric) -> None:
        """Replace all rules in one transaction; when nft refuses, the old ones stay in force."""
        text = rules.ruleset(fabric, host_ip=self._host_ip, guest_ranges=self._ranges)
        self._inside([_nft(), "-f", "-"], text)

    def wire(self, machines: Sequence[tuple[Machine, int]]) -> dict[str, str]:
        """Give each (machine, pid) its cable and routes; {id: reason} of those that failed."""
        self._cut([rules.link_name(machine) for machine, _ in machines])
        lines: list[str] = []
        owner: list[str] = []
        for machine, pid in machines:
            steps = _cable(machine, pid)
            lines += steps
            owner += [machine.id] * len(steps)
        failed = commands.ip_batch(lines, self.name)
        outside = [address for machine, _ in machines for address in self._unpooled(machine)]
        commands.ip_batch([f"route replace {a}/32 via {self._router_ip} dev {self._link}" for a in outside])
        return {owner[index]: f"network: {reason}" for index, reason in sorted(failed.items(), reverse=True)}

    def _cut(self, names: Sequence[str]) -> None:
        """Remove cables of earlier lives: the kernel clears a dead machine's namespace some time later."""
        answer = commands.run(["ip", "-n", self.name, "-o", "link", "show"])
        there = {line.split(":")[1].strip().split("@")[0] for line in answer.splitlines()}
        commands.ip_batch([f"link del {name}" for name in names if name in there], self.name)

    def _unpooled(self, machine: Machine) -> list[str]:
        """Addresses of networks with a range of the user's choice: the host needs a route for each."""
        ranges = [IPv4Network(text) for text in self._ranges]
        return [a for a in rules.addresses(machine) if not any(IPv4Address(a) in r for r in ranges)]

    def forget(self, machines: Sequence[Machine]) -> None:
        outside = [address for machine in machines for address in self._unpooled(machine)]
        commands.ip_batch([f"route del {address}/32 dev {self._link}" for address in outside])

    def remove(self) -> None:
        """Take namespace, cable and routes away; what is not there is fine."""
        if Path(f"/sys/class/net/{self._link}").exists():
            commands.ip_batch([f"link del {self._link}"])
        if (_NAMESPACES / self.name).exists():
            commands.run(["ip", "netns", "del", self.name])


def _cable(machine: Machine, pid: int) -> list[str]:
    """Permanent neighbours: dynamic ones would hit the kernel's table limit at 1,024 machines."""
    name = rules.link_name(machine)
    guest = f"peer name eth0 address {machine.mac} netns {pid}"
    lines = [f"link add {name} address {GATEWAY_MAC} type veth {guest}", f"link set {name} up"]
    for address in rules.addresses(machine):
        lines.append(f"route replace {address}/32 dev {name}")
        lines.append(f"neigh replace {address} lladdr {machine.mac} dev {name} nud permanent")
    return lines


def routes(table: str) -> dict[str, str]:
    """/proc/net/route as {range: device}; addresses there are hexadecimal in the host's byte order."""
    found = {}
    for line in table.splitlines()[1:]:
        fields = line.split()
        address = IPv4Address(int(fields[1], 16).to_bytes(4, "little"))
        prefix = int(fields[7], 16).bit_count()
        found[f"{address}/{prefix}"] = fields[0]
    return found


def _is_namespace(path: Path) -> bool:
    try:
        return path.stat().st_dev != path.parent.stat().st_dev
    except OSError:
        return False


def _nft() -> str:
    return commands.program("nft") or "nft"
