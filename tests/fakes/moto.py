"""A moto server as strict as it can be: images, types and key pairs have to exist.

What it does not keep to is not tested: transitions are instant, and a terminated machine can be started.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

CANONICAL = "099720109477"
DEBIAN = "136693071363"
NOBLE = "ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04"
# What is called which id, whose it is, and for which processor. Two days of one release among them.
IMAGES = (
    ("ami-0000000a", f"{NOBLE}-amd64-server-20260101", CANONICAL, "x86_64"),
    ("ami-0000000b", f"{NOBLE}-amd64-server-20260301", CANONICAL, "x86_64"),
    ("ami-0000000c", f"{NOBLE}-arm64-server-20260301", CANONICAL, "arm64"),
    ("ami-0000000d", f"{NOBLE}-amd64-server-20270101", "666666666666", "x86_64"),
    ("ami-0000000e", "debian-12-arm64-20260301-1", DEBIAN, "arm64"),
)
PATIENCE_S = 60


def _listed(id: str, name: str, owner: str, architecture: str) -> dict[str, Any]:
    return {
        "ami_id": id,
        "name": name,
        "owner_id": owner,
        "architecture": architecture,
        "state": "available",
        "public": True,
        "virtualization_type": "hvm",
        "root_device_type": "ebs",
        "root_device_name": "/dev/sda1",
        "image_type": "machine",
        "image_location": name,
        "description": name,
        "hypervisor": "xen",
        "platform": None,
        "sriov": "simple",
    }


def settings(folder: Path) -> dict[str, str]:
    """The variables that make moto strict; its images are written into the folder."""
    images = folder / "images.json"
    images.write_text(json.dumps([_listed(*image) for image in IMAGES]), encoding="utf-8")
    return {
        "MOTO_AMIS_PATH": str(images),
        "MOTO_ENABLE_AMI_VALIDATION": "1",
        "MOTO_EC2_ENABLE_INSTANCE_TYPE_VALIDATION": "1",
        "MOTO_ENABLE_KEYPAIR_VALIDATION": "1",
    }


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The address of a server that lives as long as the block."""
    log = folder / "moto.log"
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]
    with log.open("w") as out:
        server = subprocess.Popen(command, stdout=out, stderr=out, env={**os.environ, **settings(folder)})
    try:
        yield _address(server, log)
    finally:
        server.terminate()
        server.wait()


def _address(server: subprocess.Popen[bytes], log: Path) -> str:
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        told = re.search(r"http://127\.0\.0\.1:\d+", log.read_text(encoding="utf-8"))
        if told:
            return told[0]
        if server.poll() is not None:
            break
        time.sleep(0.05)
    raise RuntimeError(log.read_text(encoding="utf-8"))


def forget(address: str) -> None:
    """Everything made so far."""
    urlopen(Request(f"{address}/moto-api/reset", method="POST"), timeout=30).close()


def tagged(kind: str, tags: dict[str, str]) -> Sequence[dict[str, Any]]:
    """Tags as EC2 wants them at a creation."""
    return [{"ResourceType": kind, "Tags": [{"Key": k, "Value": v} for k, v in tags.items()]}]
