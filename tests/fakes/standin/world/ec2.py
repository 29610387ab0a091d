"""EC2 as AWS's SDK asks it: what the plugin made from its cloud, everything else from moto."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from io import BytesIO
from threading import Thread
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from fakes.standin import aws
from fakes.standin.store import Store, Thing

SPACE = "http://ec2.amazonaws.com/doc/2016-11-15/"
# Operation -> the list in its answer, the field that has the id, and the type.
PLAIN: Mapping[str, tuple[str, str, str]] = {
    "DescribeVolumes": ("volumeSet", "volumeId", aws.VOLUME),
    "DescribeNatGateways": ("natGatewaySet", "natGatewayId", aws.NAT),
    "DescribeAddresses": ("addressesSet", "allocationId", aws.EIP),
    "DescribeSecurityGroups": ("securityGroupInfo", "groupId", aws.GROUP),
    "DescribeSubnets": ("subnetSet", "subnetId", aws.SUBNET),
    "DescribeRouteTables": ("routeTableSet", "routeTableId", aws.TABLE),
    "DescribeInternetGateways": ("internetGatewaySet", "internetGatewayId", aws.GATEWAY),
    "DescribeVpcs": ("vpcSet", "vpcId", aws.VPC),
    "DescribeKeyPairs": ("keySet", "keyPairId", aws.KEY),
}
# Moto knows no quota of EC2's: this is everybody's.
QUOTA = b'{"Quota": {"Value": 32.0}}'
App = Callable[[dict[str, Any], Any], Iterable[bytes]]


class Front:
    """A WSGI application in front of moto's."""

    def __init__(self, store: Store, behind: App) -> None:
        self._store, self._behind = store, behind

    def __call__(self, environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        sent = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = BytesIO(sent)
        asked = {key: values[0] for key, values in parse_qs(sent.decode(errors="replace")).items()}
        region, service = _scope(environ.get("HTTP_AUTHORIZATION", ""))
        answer, kind = self._answer(asked, region) if service == "ec2" else None, "text/xml"
        if service == "servicequotas":
            answer, kind = QUOTA, "application/x-amz-json-1.1"
        if answer is None:
            return self._behind(environ, start)
        start("200 OK", [("Content-Type", kind), ("Content-Length", str(len(answer)))])
        return [answer]

    def _answer(self, asked: Mapping[str, str], region: str) -> bytes | None:
        operation = asked.get("Action", "")
        filters = _filters(asked)
        if operation == "DescribeTags":
            inner = _set("tagSet", (_item(row) for row in self._tags(region, filters)))
        elif operation == "DescribeInstances":
            inner = _set(
                "reservationSet", (_reservation(t) for t in self._there(region, aws.INSTANCE, filters))
            )
        elif operation in PLAIN:
            list_, field, token = PLAIN[operation]
            rows = (_row(field, thing) for thing in self._there(region, token, filters))
            inner = _set(list_, (_item(row) for row in rows))
        else:
            return None
        name = f"{operation}Response"
        return f'<{name} xmlns="{SPACE}"><requestId>r</requestId>{inner}</{name}>'.encode()

    def _there(self, region: str, token: str, filters: Mapping[str, set[str]]) -> Iterator[Thing]:
        wanted = next((ids for name, ids in filters.items() if "state" not in name), None)
        for thing in self._store.things(token):
            if thing.outputs["region"] == region and (wanted is None or _id(thing) in wanted):
                yield thing

    def _tags(self, region: str, filters: Mapping[str, set[str]]) -> Iterator[Mapping[str, str]]:
        for thing in self._store.things("aws:%"):
            if thing.outputs.get("region") != region:
                continue
            for key, value in (thing.inputs.get("tags") or {}).items():
                row = {"resourceId": _id(thing), "key": key, "value": value}
                asked = {"resourceId": "resource-id"}
                if all(row[name] in filters.get(asked.get(name, name), {row[name]}) for name in row):
                    yield row


def _id(thing: Thing) -> str:
    """The API's id; a key pair's is another than the plugin's."""
    return str(thing.outputs.get("keyPairId") or thing.id)


def _row(field: str, thing: Thing) -> Mapping[str, str]:
    return {field: _id(thing), **({"keyName": thing.id} if thing.token == aws.KEY else {})}


def _reservation(thing: Thing) -> str:
    machine = _item({"instanceId": thing.id, "ipAddress": thing.outputs["publicIp"]}, STATE)
    return f"<item>{_set('instancesSet', [machine])}</item>"


STATE = "<instanceState><code>16</code><name>running</name></instanceState>"


def _item(row: Mapping[str, str], more: str = "") -> str:
    return "<item>" + "".join(f"<{k}>{escape(v)}</{k}>" for k, v in row.items()) + f"{more}</item>"


def _set(name: str, items: Iterable[str]) -> str:
    return f"<{name}>{''.join(items)}</{name}>"


def _filters(asked: Mapping[str, str]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for key, value in asked.items():
        if key.startswith("Filter.") and ".Value." in key:
            name = asked[f"{key.partition('.Value.')[0]}.Name"]
            found.setdefault(name, set()).add(value)
    return found


def _scope(authorization: str) -> tuple[str, str]:
    """Region and service of a signature's `Credential=KEY/DATE/REGION/SERVICE/aws4_request`."""
    parts = authorization.partition("Credential=")[2].split("/")
    return (parts[2], parts[3]) if len(parts) > 3 else ("", "")


def _moto(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
    return _application()(environ, start)


@cache
def _application() -> App:
    """Moto, once somebody asks it: it takes a second to import."""
    from moto.server import DomainDispatcherApplication, create_backend_app

    made: App = DomainDispatcherApplication(create_backend_app)
    return made


@contextmanager
def serving(store: Store) -> Iterator[str]:
    """The address of a server that lives as long as the block; moto's settings are in the environment."""
    from werkzeug.serving import WSGIRequestHandler, make_server

    class Quiet(WSGIRequestHandler):
        def log(self, *_: Any) -> None:
            pass

    server = make_server("127.0.0.1", 0, Front(store, _moto), threaded=True, request_handler=Quiet)
    thread = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
