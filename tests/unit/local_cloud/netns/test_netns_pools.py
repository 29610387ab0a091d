"""Address ranges of several clouds on one host."""

from __future__ import annotations

from ipaddress import IPv4Network
from pathlib import Path

import pytest

from mcis_iac.local_cloud.netns import pools
from mcis_iac.local_cloud.types import LocalCloudError


def claim(directory: Path, *routed: str) -> dict[str, object]:
    directory.mkdir(exist_ok=True)
    networks = [IPv4Network(text) for text in routed]
    return dict(pools.claim(directory, directory.parent / "ranges.json", lambda: networks))


def test_the_first_cloud_gets_the_first_ranges(tmp_path: Path) -> None:
    found = claim(tmp_path / "a")
    assert (found["private"], found["public"]) == ("10.100.0.0/16", "198.18.0.0/17")
    assert (found["host_ip"], found["router_ip"]) == ("10.255.255.1", "10.255.255.2")
    assert found["router"] == f"mcis-{pools.tag(tmp_path / 'a')}"


def test_asking_again_gives_the_same(tmp_path: Path) -> None:
    assert claim(tmp_path / "a") == claim(tmp_path / "a", "10.100.0.0/16")


def test_two_clouds_share_nothing(tmp_path: Path) -> None:
    first, second = claim(tmp_path / "a"), claim(tmp_path / "b")
    assert not set(first.values()) - {22} & set(second.values())


def test_ranges_of_a_cloud_whose_folder_is_gone_are_free_again(tmp_path: Path) -> None:
    first = claim(tmp_path / "a")
    (tmp_path / "a").rmdir()
    assert claim(tmp_path / "b")["private"] == first["private"]


def test_what_the_host_routes_is_left_alone(tmp_path: Path) -> None:
    found = claim(tmp_path / "a", "10.100.3.0/24", "198.18.0.0/15", "10.0.0.0/30")
    assert found["private"] == "10.101.0.0/16"
    assert found["public"] == "240.100.0.0/17"


def test_torn_records_are_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "ranges.json").write_text('{"/x": {"priv')
    assert claim(tmp_path / "a")["private"] == "10.100.0.0/16"


def test_when_nothing_is_left_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(LocalCloudError, match="private") as refused:
        claim(tmp_path / "a", "10.0.0.0/8")
    assert refused.value.code == "capacity"


def test_sixteen_clouds_find_room(tmp_path: Path) -> None:
    publics = {claim(tmp_path / str(number))["public"] for number in range(16)}
    assert len(publics) == 16


ROUTES = """default via 192.0.2.1 dev eth0
172.17.0.0/16 dev docker0 proto kernel scope link src 172.17.0.1
blackhole 10.9.0.0/16
local 192.0.2.2 dev eth0 table local proto kernel scope host src 192.0.2.2
broadcast 192.0.2.255 dev eth0 table local
unreachable default metric 4278198272
"""


def test_routes_of_every_kind_are_understood() -> None:
    found = [str(network) for network in pools.parse_routes(ROUTES)]
    assert found == ["172.17.0.0/16", "10.9.0.0/16", "192.0.2.2/32", "192.0.2.255/32"]
