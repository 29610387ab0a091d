"""An ejected program, run by the real engine on the stack that mcis made."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from fakes.ejected import previewed

from tests.engine.conftest import Room

pytestmark = pytest.mark.engine
MANIFEST = """\
version: 1
name: shop
groups:
  web:
    count: 2
    placement: {cloud: local, region: local-seoul}
    setup: {files: [{path: /etc/motd, content: "hello\\n"}]}
  db:
    count: 1
    placement: {cloud: local, region: local-tokyo}
    disks: [{name: data, size: 1GiB, mount: /data}]
    public_ip: static
"""


def preview(room: Room, folder: Path) -> tuple[dict[str, int], str]:
    """What the engine would do, with nothing of ours but the plugin of the local cloud."""
    home = room.stack / ".mcis"
    programs = (Path(room.env["MCIS_ENGINE"]).parent, Path(sys.executable).parent)
    env = {
        **room.env,
        "PATH": os.pathsep.join((*map(str, programs), room.env["PATH"])),
        "PULUMI_BACKEND_URL": f"file://{home / 'state'}",
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(home / "passphrase"),
        "PULUMI_HOME": str(room.folder / "pulumi-home"),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }
    return previewed(folder, ("default", "shop"), env)


def test_the_ejected_program_previews_no_change_and_its_config_scales(room: Room) -> None:
    room.write(MANIFEST)
    room("up", "-y")
    folder = room.folder / "made"
    room("eject", str(folder))
    changes, text = preview(room, folder)
    assert set(changes) == {"same"}
    assert "--outputs:--" not in text
    config = folder / "Pulumi.shop.yaml"
    config.write_text(
        config.read_text(encoding="utf-8").replace("default:web: 2", "default:web: 3"), encoding="utf-8"
    )
    grown, text = preview(room, folder)
    assert grown == {"same": changes["same"], "create": 1}
    assert "--outputs:--" in text
