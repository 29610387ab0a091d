"""Who `me` is: told, looked up, or taken from the lock."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
from fakes.mcis import a_group, an_mcis, settled

from mcis_iac.clouds.local import graph as local
from mcis_iac.errors import OperationError, UsageError
from mcis_iac.flows import whoami
from mcis_iac.flows.asking import with_me
from mcis_iac.model import Firewall, FirewallRule
from mcis_iac.placement.lock import Lock

SSH = Firewall(name="ssh", rules=(FirewallRule(sources=("me",), ports=((22, 22),)),))
WEB = Firewall(name="web", rules=(FirewallRule(sources=("anywhere",), ports=((80, 80),)),))


@pytest.fixture
def far(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "REMOTE", True)
    monkeypatch.delenv("MCIS_ME", raising=False)


@pytest.mark.parametrize(
    "text,range_", [("203.0.113.7", "203.0.113.7/32"), ("203.0.113.0/24", "203.0.113.0/24")]
)
def test_an_address_or_a_range_can_be_given(monkeypatch: pytest.MonkeyPatch, text: str, range_: str) -> None:
    monkeypatch.setenv("MCIS_ME", text)
    assert whoami.given() == range_


@pytest.mark.parametrize("text", ["here", "203.0.113.7/24", "::1"])
def test_anything_else_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("MCIS_ME", text)
    with pytest.raises(UsageError, match="MCIS_ME"):
        whoami.given()


@pytest.mark.parametrize("walls", [(), ("ssh",), ("web", "ssh")])
def test_it_goes_into_plan_and_lock_where_a_firewall_wants_it(
    far: None, monkeypatch: pytest.MonkeyPatch, walls: tuple[str, ...]
) -> None:
    monkeypatch.setenv("MCIS_ME", "203.0.113.7")
    mcis = an_mcis(a_group("web", firewalls=walls), firewalls={"ssh": SSH, "web": WEB})
    found = with_me(settled(mcis), look=True)
    assert (found.plan.me, found.lock.me) == ("203.0.113.7/32", "203.0.113.7/32")


def test_nobody_is_asked_where_no_firewall_wants_it(far: None) -> None:
    mcis = an_mcis(a_group("web", firewalls=("web",)), firewalls={"web": WEB})
    assert with_me(settled(mcis), look=True).lock.me is None


def test_a_preview_takes_what_the_lock_has(far: None) -> None:
    found = settled(an_mcis(a_group("web")), Lock(me="198.51.100.1/32"))
    assert with_me(found, look=False).plan.me == "198.51.100.1/32"


def test_a_cloud_of_this_machine_knows_by_itself() -> None:
    found = settled(an_mcis(a_group("web")))
    assert with_me(found, look=True) == replace(found)


class _Service(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"203.0.113.9\n" if self.path == "/ip" else b"<html>")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def service() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), _Service) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.process
def test_a_service_tells_our_address(service: str) -> None:  # process: a server on loopback
    assert whoami.looked_up(f"{service}/ip") == "203.0.113.9/32"


@pytest.mark.process
def test_an_answer_that_is_no_address_is_a_clear_error(service: str) -> None:  # process: a server on loopback
    with pytest.raises(OperationError) as refused:
        whoami.looked_up(service)
    assert "MCIS_ME" in refused.value.hint
