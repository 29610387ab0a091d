"""A small OpenStack on this machine: identity, compute, network, image and volume of several regions.

It has the habits that matter: every endpoint answers version discovery; lists come in pages; a deleted
server is there for a while, and its ports and volumes are in use until it is gone; what is in use
answers 409; a router with interfaces cannot be deleted; a server's addresses show its floating one late
or never; each answer carries the id operators ask for.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from fakes.refusing import Refusals

USER, PASSWORD, PROJECT = "mcis", "right", "p1"
TOKEN = "a-token-of-the-fake"
REQUEST_ID = "req-11111111-2222-3333-4444-555555555555"
PAGE = 2
# action -> (the states it is for, the task on the way, the state at the end)
POWER = {
    "os-stop": ({"ACTIVE", "ERROR"}, "powering-off", "SHUTOFF"),
    "os-start": ({"SHUTOFF"}, "powering-on", "ACTIVE"),
    "reboot": ({"ACTIVE", "SHUTOFF", "PAUSED", "SUSPENDED"}, "rebooting", "ACTIVE"),
    "resume": ({"SUSPENDED"}, "resuming", "ACTIVE"),
    "unpause": ({"PAUSED"}, "unpausing", "ACTIVE"),
    "unshelve": ({"SHELVED", "SHELVED_OFFLOADED"}, "unshelving", "ACTIVE"),
}
STAYS = 1  # how often a deleted server is still found

Json = dict[str, Any]
Answer = tuple[int, Any]

COLLECTIONS = {
    "compute": {"servers": "server", "flavors": "flavor", "os-keypairs": "keypair"},
    "network": {
        name: name.removesuffix("s").replace("-", "_")
        for name in ("networks", "subnets", "routers", "ports", "floatingips", "security-groups")
    },
    "image": {"images": "image"},
    "volume": {"volumes": "volume"},
}
SERVICES = {
    "compute": ("compute", "nova", "compute/v2.1"),
    "network": ("network", "neutron", "network"),
    "image": ("image", "glance", "image"),
    "volume": ("block-storage", "cinder", "volume/v3"),
}


class Refusal(Exception):
    """An error answer of an API."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class FakeOpenStack:
    """One project; set up with verbs, asked over HTTP at `url`."""

    def __init__(self, *regions: str) -> None:
        self.url = ""
        self.regions = regions
        self.lock = threading.Lock()
        self.things: dict[tuple[str, str, str], Json] = {}
        self.services = set(SERVICES)
        self.leaving: dict[str, int] = {}
        self.limits: Json = {}
        self.volume_limits: Json = {}
        self.quotas: Json = {}
        self.reader = False
        self.password = PASSWORD
        self.broken: set[str] = set()
        self.refusals = Refusals()
        self.late: set[str] = set()  # servers no list shows yet
        self.consoles: dict[str, str] = {}
        self.moving: dict[tuple[str, str], str] = {}
        self.calls: list[str] = []
        self.acted: list[str] = []

    # ---------------------------------------------------------- setting up

    def has(self, kind: str, id_: str, *, region: str | None = None, **fields: Any) -> str:
        """Something of a collection: `has("images", "i1", name="ubuntu-24.04")`."""
        place = region or self.regions[0]
        self.things[place, kind, id_] = {"id": id_, "name": fields.pop("name", id_), **fields}
        return id_

    def has_image(self, id_: str, name: str, *, at: str = "2026-01-01", **fields: Any) -> str:
        """An image that can be used, unless the fields say otherwise."""
        usual = {"status": "active", "visibility": "public", "created_at": f"{at}T00:00:00Z"}
        return self.has("images", id_, name=name, **(usual | fields))

    def has_server(self, id_: str, *, status: str = "ACTIVE", task: str | None = None, **fields: Any) -> str:
        """A server."""
        usual = {"metadata": {}, "addresses": {}, "created": "2026-01-01T00:00:00Z"}
        return self.has(
            "servers", id_, **(usual | {"status": status, "OS-EXT-STS:task_state": task} | fields)
        )

    def ids(self, kind: str) -> set[str]:
        """What there is of a collection, in all regions."""
        return {id_ for _, collection, id_ in self.things if collection == kind}

    # ---------------------------------------------------------- answering

    def answer(self, method: str, path: str, query: Mapping[str, str], headers: Any, body: Any) -> Answer:
        """Status and JSON for a request."""
        parts = [part for part in path.split("/") if part]
        try:
            if parts[:1] == ["identity"]:
                return self._identity(method, parts[1:], body)
            region, service, *rest = parts
            if service in self.broken:
                raise Refusal(503, "the service is away")
            discovered = self._version(region, service, rest)
            if discovered is not None:
                return discovered
            if headers.get("X-Auth-Token") != TOKEN:
                raise Refusal(401, "The request you have made requires authentication.")
            if method != "GET" and self.reader:
                raise Refusal(403, "Policy doesn't allow it to be performed.")
            kinds = [part for part in rest if part not in {"v2.0", "v2", "v2.1", "v3", PROJECT}]
            return self._service(method, (region, service), kinds, query, body)
        except Refusal as refusal:
            return refusal.status, {"error": {"message": str(refusal), "code": refusal.status}}

    def _identity(self, method: str, parts: list[str], body: Any) -> Answer:
        if method == "POST" and parts == ["v3", "auth", "tokens"]:
            identity = body["auth"]["identity"]
            if identity["methods"] == ["application_credential"]:
                credential = identity["application_credential"]
                fine = (credential["id"], credential["secret"]) == (USER, self.password)
            else:
                given = identity["password"]["user"]
                fine = (given["name"], given["password"]) == (USER, self.password)
            if not fine:
                raise Refusal(401, "The request you have made requires authentication.")
            return 201, self._token()
        link = [{"rel": "self", "href": f"{self.url}/identity/v3/"}]
        version = {"id": "v3.14", "status": "stable", "links": link}
        return (200, {"version": version}) if parts == ["v3"] else (300, {"versions": {"values": [version]}})

    def _token(self) -> Json:
        catalogue = [
            {
                "type": SERVICES[service][0],
                "name": SERVICES[service][1],
                "id": service,
                "endpoints": [
                    {
                        "interface": "public",
                        "region": region,
                        "region_id": region,
                        "id": f"{region}-{service}",
                        "url": f"{self.url}/{region}/{SERVICES[service][2]}",
                    }
                    for region in self.regions
                ],
            }
            for service in sorted(self.services)
        ]
        return {
            "token": {
                "methods": ["password"],
                "user": {"id": "u1", "name": USER, "domain": {"id": "default", "name": "Default"}},
                "project": {"id": PROJECT, "name": "shop", "domain": {"id": "default", "name": "Default"}},
                "catalog": catalogue,
                "roles": [],
                "expires_at": "2099-01-01T00:00:00.000000Z",
                "issued_at": "2026-01-01T00:00:00.000000Z",
            }
        }

    def _version(self, region: str, service: str, rest: list[str]) -> Answer | None:
        root = f"{self.url}/{region}/{service}"
        one: Json = {"compute": ("v2.1", "2.96"), "volume": ("v3.0", "3.70")}.get(service) or {}
        if service in {"compute", "volume"} and len(rest) <= 1:
            id_, newest = one
            path = id_ if service == "compute" else "v3"
            version = {"id": id_, "status": "CURRENT", "version": newest, "min_version": f"{id_[1]}.1"}
            version["links"] = [{"rel": "self", "href": f"{root}/{path}/"}]
            return (
                (200, {"version": version})
                if rest and service == "compute"
                else (200, {"versions": [version]})
            )
        if not rest:
            path, id_ = ("v2.0", "v2.0") if service == "network" else ("v2", "v2.16")
            links = [{"rel": "self", "href": f"{root}/{path}/"}]
            return 200, {"versions": [{"id": id_, "status": "CURRENT", "links": links}]}
        return None

    def _service(
        self, method: str, where: tuple[str, str], parts: list[str], query: Any, body: Any
    ) -> Answer:
        region, service = where
        special: dict[tuple[str, ...], Callable[[], Answer]] = {
            ("compute", "limits"): lambda: (200, {"limits": {"absolute": self.limits, "rate": []}}),
            ("volume", "limits"): lambda: (200, {"limits": {"absolute": self.volume_limits, "rate": []}}),
            ("network", "quotas"): lambda: (200, {"quota": self.quotas}),
        }
        found = special.get((service, parts[0]))
        if found is not None:
            return found()
        kind, *rest = parts
        if kind not in COLLECTIONS[service]:
            raise Refusal(404, "The resource could not be found.")
        if not rest or rest == ["detail"]:
            return self._list(region, service, kind, query)
        if rest[1:] == ["remove_router_interface"]:
            self._delete(region, "ports", body["port_id"], unplug=True)
            return 200, {"id": rest[0]}
        if method == "POST" and rest[1:] == ["action"]:
            return self._act(region, rest[0], *next(iter(body.items())))
        return self._one(method, region, service, kind, rest[0])

    def _act(self, region: str, id_: str, action: str, _words: Any) -> Answer:
        """Accepted at once, seen under way in one list, and done in the next."""
        server = self.things.get((region, "servers", id_))
        if server is None:
            raise Refusal(404, f"Instance {id_} could not be found.")
        if action == "os-getConsoleOutput":
            return 200, {"output": self.consoles.get(id_, "")}
        self.acted.append(action)
        fit, task, done = POWER[action]
        if server["OS-EXT-STS:task_state"]:
            busy = server["OS-EXT-STS:task_state"]
            self._powers_settle(region)
            raise Refusal(409, f"Cannot '{action}' instance {id_} while it is in task_state {busy}")
        if server["status"] not in fit:
            raise Refusal(409, f"Cannot '{action}' instance {id_} while it is in vm_state {server['status']}")
        server["OS-EXT-STS:task_state"] = task
        self.moving[region, id_] = done
        return 202, None

    def _list(self, region: str, service: str, kind: str, query: Mapping[str, str]) -> Answer:
        if kind == "servers" and "marker" not in query:
            self._time_passes(region)
        rows = [
            json.loads(json.dumps(t))
            for (place, k, id_), t in sorted(self.things.items())
            if (place, k) == (region, kind) and id_ not in self.late
        ]
        for name in ("name", "device_id"):
            if name in query:
                rows = [row for row in rows if row.get(name) == query[name]]
        ids = [row["id"] for row in rows]
        start = ids.index(query["marker"]) + 1 if query.get("marker") in ids else 0
        page = rows[start : start + PAGE]
        plural = kind.replace("-", "_").removeprefix("os_")
        shown: Any = [{"keypair": row} for row in page] if kind == "os-keypairs" else page
        answer: Json = {plural: shown}
        if start + PAGE < len(rows):
            where = f"{self.url}/{region}/{SERVICES[service][2]}"
            version = {"network": "/v2.0", "volume": f"/{PROJECT}"}.get(service, "")
            last = f"marker={page[-1]['id']}"
            if service == "image":
                answer["next"] = f"/v2/{kind}?{last}"
            else:
                tail = "/detail" if service == "volume" or kind in {"servers"} else ""
                answer[f"{plural}_links"] = [{"rel": "next", "href": f"{where}{version}/{kind}{tail}?{last}"}]
        elif kind == "servers":
            self._powers_settle(region)
        return 200, answer

    def _one(self, method: str, region: str, service: str, kind: str, id_: str) -> Answer:
        thing = self.things.get((region, kind, id_))
        if thing is None:
            raise Refusal(404, "The resource could not be found.")
        if method == "DELETE":
            self._delete(region, kind, id_)
            return 204, None
        return 200, {COLLECTIONS[service][kind]: thing}

    def _powers_settle(self, region: str) -> None:
        """What was seen under way is done."""
        for place, id_ in [key for key in self.moving if key[0] == region]:
            server, done = self.things[place, "servers", id_], self.moving.pop((place, id_))
            server["status"], server["OS-EXT-STS:task_state"] = done, None

    def _time_passes(self, region: str) -> None:
        """A server that was deleted is one look nearer to its end."""
        for id_ in [id_ for id_, looks in self.leaving.items() if looks == 0]:
            if self.things.pop((region, "servers", id_), None) is not None:
                del self.leaving[id_]
        self.leaving = {id_: max(0, looks - 1) for id_, looks in self.leaving.items()}

    def _delete(self, region: str, kind: str, id_: str, *, unplug: bool = False) -> None:
        if kind == "servers":
            self.leaving[id_] = STAYS
            return
        there = self.things
        ports = [t for (place, k, _), t in there.items() if (place, k) == (region, "ports")]
        users = {
            "volumes": any(
                id_ in server.get("volumes", ()) for (_, k, _), server in there.items() if k == "servers"
            ),
            "ports": not unplug
            and str(there[region, kind, id_].get("device_id") or "")
            in self.ids("servers") | self.ids("routers"),
            "routers": any(port.get("device_id") == id_ for port in ports),
            "subnets": any(port.get("subnet") == id_ for port in ports),
            "networks": any(port.get("network_id") == id_ for port in ports),
            "security-groups": any(id_ in port.get("security_groups", ()) for port in ports),
        }
        if users.get(kind):
            raise Refusal(409, f"{id_} is in use.")
        there.pop((region, kind, id_), None)


class _Handler(BaseHTTPRequestHandler):
    """Turns requests into questions to the cloud."""

    server: _Server
    protocol_version = "HTTP/1.1"

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        split = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(split.query).items()}
        cloud = self.server.cloud
        with cloud.lock:
            path = re.sub(r"/+", "/", split.path)
            cloud.calls.append(f"{self.command} {path}")
            refusal = cloud.refusals.strike(self.command, path)
            if refusal is None:
                status, answer = cloud.answer(self.command, path, query, self.headers, body)
            else:
                status, answer = refusal.status, refusal.body
        content = b"" if answer is None else json.dumps(answer).encode()
        self.send_response(status)
        for name, value in (refusal.headers if refusal else {}).items():
            self.send_header(name, value)
        if status == 201:
            self.send_header("X-Subject-Token", TOKEN)
        self.send_header("X-Openstack-Request-Id", REQUEST_ID)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_DELETE = _serve

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, cloud: FakeOpenStack) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.cloud = cloud


@contextmanager
def serving(*regions: str) -> Iterator[FakeOpenStack]:
    """A cloud of those regions that answers until the block ends."""
    cloud = FakeOpenStack(*regions)
    server = _Server(cloud)
    cloud.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield cloud
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def variables(cloud: FakeOpenStack) -> dict[str, str]:
    """The environment that leads to it."""
    return {
        "OS_AUTH_URL": f"{cloud.url}/identity/v3",
        "OS_USERNAME": USER,
        "OS_PASSWORD": PASSWORD,
        "OS_PROJECT_NAME": "shop",
        "OS_USER_DOMAIN_NAME": "Default",
        "OS_PROJECT_DOMAIN_NAME": "Default",
    }
