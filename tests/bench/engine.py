"""The whole way through the real engine with real VMs, at several sizes."""

from __future__ import annotations

import json
import os
from pathlib import Path

from tests.bench.measure import BIN, Run, Table, timed

# preview, first up until every sshd answers, no-op up, down
AIMS = {5: (2.5, 6.0, 4.0, 4.0), 100: (4.0, 12.0, 6.0, 8.0), 1000: (12.0, 120.0, 20.0, 75.0)}
REGIONS = ("local-seoul", "local-tokyo", "local-frankfurt", "local-oregon")
LARGE = 1000  # VMs


def manifest(folder: Path, vms: int) -> Path:
    """A manifest of that many VMs in four groups and regions; returns its folder."""
    folder.mkdir(parents=True)
    lines = ["version: 1", f"name: bench{vms}", "groups:"]
    for number, region in enumerate(REGIONS):
        count = vms // 4 + (number < vms % 4)
        lines += [
            f"  g{number}:",
            f"    count: {count}",
            f"    placement: {{cloud: local, region: {region}}}",
        ]
    (folder / "mcis.yaml").write_text("\n".join(lines) + "\n")
    return folder


def run(table: Table, room: Path, size: int) -> None:
    """preview, up, no-op up, exec, status, scale by one, down; then the cloud must be empty."""
    folder = manifest(room / f"stack{size}", size)
    env = {"MCIS_LOCAL_DIR": str(room / f"cloud{size}"), "MCIS_DATA_DIR": str(room / "data")}
    aims = AIMS.get(size, (None,) * 4)

    def mcis(what: str, *words: str, aim: float | None = None) -> None:
        table.add(f"mcis {what}", size, timed([BIN / "mcis", *words], cwd=folder, env=env), aim)

    mcis("preview", "preview", aim=aims[0])
    mcis("up, until every sshd answers", "up", "-y", aim=aims[1])
    mcis("up, nothing to do", "up", "-y", aim=aims[2])
    mcis("status", "status", aim=1.0 if size == LARGE else None)
    mcis("status -o cells", "status", "-o", "cells", aim=1.0 if size == LARGE else None)
    mcis("exec -- true", "exec", "-n", "--", "true", aim={100: 1.3, 1000: 9.0}.get(size))
    copies(table, folder, env, size)
    mcis("scale g0+1", "scale", "g0+1", "-y")
    mcis("down", "down", "-y", aim=aims[3])
    left = timed([BIN / "mcis-local", "ls"], cwd=folder, env=env)
    if any(line.startswith("i-") for line in left.output.splitlines()):
        print(f"   left behind:\n{left.output}")
    remove_clouds(room)


def copies(table: Table, folder: Path, env: dict[str, str], size: int) -> None:
    """1 MB to every VM; 50 MB to one, beside scp with the same key and host key."""
    for name, count in (("one", 1_000_000), ("fifty", 50_000_000)):
        (folder / name).write_bytes(os.urandom(count))

    def mcis(*words: str) -> Run:
        return timed([BIN / "mcis", *words], cwd=folder, env=env)

    table.add("mcis cp, 1 MB to each", size, mcis("cp", "one", "all:/tmp/"), 3.0 if size == 100 else None)
    vm, about = next(iter(json.loads(mcis("outputs", "--json").output)["inventory"].items()))
    home = folder / ".mcis" / f"bench{size}"
    checked = ["-o", f"UserKnownHostsFile={home / 'known_hosts'}", "-o", "StrictHostKeyChecking=yes"]
    there = ["-P", str(about["ssh_port"]), "fifty", f"{about['user']}@{about['public_ip']}:/tmp/"]
    scp = timed(["scp", "-qF", "/dev/null", "-i", home / "id_ed25519", *checked, *there], cwd=folder)
    table.add("scp, 50 MB to one", size, scp)
    table.add("mcis cp, 50 MB to one", size, mcis("cp", "fifty", f"{vm}:/tmp/"), 1.3 * scp.seconds)


def remove_clouds(room: Path) -> None:
    """End every VM of the clouds in there."""
    for cloud in room.glob("*cloud*"):
        timed([BIN / "mcis-local", "reset", "--all", "-y"], cwd=room, env={"MCIS_LOCAL_DIR": str(cloud)})
