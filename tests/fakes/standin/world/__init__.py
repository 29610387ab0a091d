"""Several clouds in one piece, in a network of their own: plugins' clouds, APIs, and machines that boot.

A user's `mcis` is run inside of it: it reaches the clouds' APIs where the variables say that every
cloud's own tools read, the machines at their addresses, and nothing else in the world.
"""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fakes import arm, gcp, openstack
from fakes.standin import TESTS, Standin
from fakes.standin.stacks import PLACES

PROJECT = "shop-project"
# What the clouds' catalogues have for what the stacks ask.
IMAGES: Mapping[str, str] = {
    "aws": "ami-0000000b",
    "gcp": "projects/ubuntu-os-cloud/global/images/ubuntu-2404-noble-amd64-v20260301",
    "azure-native": "Canonical:ubuntu-24_04-lts:server:24.04.202603010",
    "openstack": "0f9e8d7c-6b5a-4948-8736-251403f2e1d0",
}
SECRETS: Mapping[str, str] = {
    "AWS_SECRET_ACCESS_KEY": "aws-secret-5f1c0e7d93b2",
    "GOOGLE_OAUTH_ACCESS_TOKEN": gcp.TOKEN,
    "IDENTITY_HEADER": "azure-identity-2e90c1f4",
    "OS_PASSWORD": "openstack-secret-77aa03bd",
}
TOKENS = (arm.TOKEN, openstack.TOKEN)
THEIRS = (
    "AWS_", "GOOGLE_", "GCLOUD_", "CLOUDSDK_", "ARM_", "AZURE_", "IDENTITY_", "MSI_", "OS_",
    "http_", "https_", "all_", "HTTP_", "HTTPS_", "ALL_",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class World:
    """A running world. `clouds` are the plugins' clouds, `mcis` the program to run inside of it."""

    clouds: Standin
    mcis: Path
    env: Mapping[str, str]


@contextmanager
def running(folder: Path, shapes: Path, program: Path) -> Iterator[World]:
    """A world that lives as long as the block; `program` is what runs inside of it."""
    clouds = Standin(folder / "clouds", shapes)
    clouds.folder.mkdir(parents=True)
    command = ["unshare", "--net", "--", sys.executable, "-m", "fakes.standin.world.process"]
    with (folder / "world.log").open("w") as log:
        process = subprocess.Popen(
            [*command, str(clouds.folder)],
            env={**os.environ, "PYTHONPATH": str(TESTS)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    assert process.stdin and process.stdout
    try:
        told = process.stdout.readline()
        assert told, (folder / "world.log").read_text()
        launcher = _launcher(folder / "inside" / program.name, process.pid, program)
        yield World(clouds, launcher, _variables(folder, json.loads(told)))
    finally:
        process.stdin.close()
        process.wait(timeout=30)
        process.stdout.close()
    assert process.returncode == 0, (folder / "world.log").read_text()


def _launcher(path: Path, pid: int, program: Path) -> Path:
    path.parent.mkdir(parents=True)
    path.write_text(f'#!/bin/sh\nexec nsenter --net=/proc/{pid}/ns/net -- "{program}" "$@"\n')
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def _variables(folder: Path, told: Mapping[str, str]) -> dict[str, str]:
    """What the user has set: the credentials of four clouds, and where their APIs are."""
    clouds = folder / "clouds.yaml"
    clouds.write_text(json.dumps({"clouds": {"lab": _lab(told["openstack"])}}))
    return {
        "AWS_ENDPOINT_URL": told["aws"],
        "AWS_ACCESS_KEY_ID": "AKIASTANDIN000000001",
        "AWS_SECRET_ACCESS_KEY": SECRETS["AWS_SECRET_ACCESS_KEY"],
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": str(folder / "no-config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(folder / "no-credentials"),
        "GOOGLE_COMPUTE_CUSTOM_ENDPOINT": f"{told['gcp']}/compute/v1/",
        "GOOGLE_RESOURCE_MANAGER_CUSTOM_ENDPOINT": f"{told['gcp']}/v1/",
        "GOOGLE_OAUTH_ACCESS_TOKEN": SECRETS["GOOGLE_OAUTH_ACCESS_TOKEN"],
        "GOOGLE_PROJECT": PROJECT,
        "ARM_RESOURCE_MANAGER_ENDPOINT": told["azure"],
        "ARM_USE_MSI": "true",
        "ARM_SUBSCRIPTION_ID": arm.SUBSCRIPTION,
        "IDENTITY_ENDPOINT": f"{told['azure']}/msi/token",
        "IDENTITY_HEADER": SECRETS["IDENTITY_HEADER"],
        "OS_CLIENT_CONFIG_FILE": str(clouds),
        "MCIS_ME": "203.0.113.7",
    }


def _lab(url: str) -> Mapping[str, object]:
    auth = {
        "auth_url": f"{url}/identity/v3",
        "username": openstack.USER,
        "password": SECRETS["OS_PASSWORD"],
        "project_name": "shop",
        "user_domain_name": "Default",
        "project_domain_name": "Default",
    }
    return {"auth": auth, "region_name": PLACES["openstack"]}
