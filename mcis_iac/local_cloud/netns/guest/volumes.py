# ruff: noqa: PTH103 - pathlib is not among the light imports
"""Volumes of a running machine: bind mounts brought in and out of its mount namespace.

Runs in the spawner process, because entering a mount namespace needs a process of one thread.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from mcis_iac.local_cloud.netns.guest import kernel


def change(batch: Mapping[str, Any]) -> None:
    """Unmount `batch["remove"]` (targets) and mount `batch["add"]` (source, target) in `batch["pid"]`.

    Sources are opened while still on the host; targets are looked up inside, where a link of the
    guest leads nowhere but into the guest.
    """
    pid = batch["pid"]
    user = os.open(f"/proc/{pid}/ns/user", os.O_RDONLY)
    mounts = os.open(f"/proc/{pid}/ns/mnt", os.O_RDONLY)
    trees = [(kernel.idmapped_tree(source, user), target) for source, target in batch["add"]]
    kernel.setns(user, kernel.CLONE_NEWUSER)
    os.setgroups([])
    os.setresgid(0, 0, 0)
    os.setresuid(0, 0, 0)
    kernel.setns(mounts, kernel.CLONE_NEWNS)
    for target in batch["remove"]:
        kernel.unmount(target)
    for tree, target in trees:
        os.makedirs(target, exist_ok=True)
        kernel.attach_tree(tree, target)
