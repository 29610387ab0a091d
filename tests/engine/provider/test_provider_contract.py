"""The provider keeps the protocol, for every resource type, over real gRPC."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from fakes.local_cloud import FakeCloud
from google.protobuf.empty_pb2 import Empty

from mcis_iac.local_cloud.plugin import wire
from mcis_iac.local_cloud.plugin.kinds import KINDS
from mcis_iac.local_cloud.plugin.values import UNKNOWN
from mcis_iac.local_cloud.types import LocalCloudError

pytestmark = pytest.mark.engine
pb = wire.messages

TAGS = {"mcis": "hello"}
VM: dict[str, Any] = {
    "name": "hello-web-1",
    "zone": "a",
    "subnet": "sub-00000001",
    "flavor": "small",
    "image": "host",
    "keyPair": "main",
    "user": "mcis",
    "securityGroups": ["sg-00000001", "sg-00000002"],
    "assignPublicIp": True,
    "tags": TAGS,
}
GOOD: dict[str, dict[str, Any]] = {
    "Network": {"name": "main", "region": "local-seoul", "tags": TAGS},
    "Subnet": {"network": "net-1", "zone": "a"},
    "SecurityGroup": {
        "name": "web",
        "network": "net-1",
        "rules": [
            {"protocol": "tcp", "portLow": 80, "portHigh": 80, "cidr": "0.0.0.0/0"},
            {"protocol": "all", "peer": "api"},
            {"protocol": "icmp", "host": True},
        ],
        "tags": TAGS,
    },
    "KeyPair": {"name": "main", "publicKey": "ssh-ed25519 AAAA me", "tags": TAGS},
    "BootConfig": {"name": "web", "userData": "#cloud-config\n", "tags": TAGS},
    "LaunchTemplate": {
        "name": "web",
        "zone": "a",
        "subnet": "sub-00000001",
        "image": "host",
        "keyPair": "main",
        "user": "mcis",
        "securityGroups": ["sg-00000001", "sg-00000002"],
        "bootConfig": "boot-00000001",
        "assignPublicIp": True,
        "instanceTags": {"mcis": "hello", "role": "front"},
        "tags": TAGS,
    },
    "Address": {"name": "web-1", "region": "local-seoul", "tags": TAGS},
    "Volume": {"name": "web-1-data", "zone": "local-seoul/a", "sizeGib": 10, "tags": TAGS},
    "Instance": VM,
}
OUTPUTS = {
    "Network": {"cidr"},
    "Subnet": {"cidr"},
    "SecurityGroup": set(),
    "KeyPair": set(),
    "BootConfig": {"sha"},
    "LaunchTemplate": set(),
    "Address": {"publicIp"},
    "Volume": set(),
    "Instance": {"privateIp", "publicIp", "hostKey", "sshPort"},
}
REPLACING = {
    "Network": {"name", "region", "cidr"},
    "Subnet": {"network", "zone", "cidr"},
    "SecurityGroup": {"name", "network"},
    "KeyPair": {"name", "publicKey"},
    "BootConfig": {"name"},
    "LaunchTemplate": {
        "name",
        "zone",
        "subnet",
        "image",
        "keyPair",
        "user",
        "securityGroups",
        "assignPublicIp",
    },
    "Address": {"name", "region"},
    "Volume": {"name", "zone"},
    "Instance": {
        "name",
        "zone",
        "subnet",
        "image",
        "keyPair",
        "user",
        "assignPublicIp",
        "address",
        "bootConfig",
        "template",
    },
}
LAUNCHED = {
    "name": "hello-web-1",
    "template": "lt-00000001",
    "flavor": "small",
    "tags": {"mcis-vm": "web-1"},
}
every_kind = pytest.mark.parametrize("kind", list(GOOD))


def other(kind: str, key: str) -> Any:
    """Another good value for a property."""
    values: dict[str, Any] = {
        "cidr": "10.9.0.0/24",
        "image": "dir:/srv/root",
        "assignPublicIp": False,
        "sizeGib": 20,
        "tags": {"mcis": "other"},
        "rules": [{"protocol": "all", "host": True}],
        "securityGroups": ["sg-00000009"],
        "volumes": [{"volume": "vol-00000001", "mount": "/data"}],
        "instanceTags": {"mcis": "other"},
    }
    return values.get(key, "another")


def test_every_kind_of_the_table_is_tested_here() -> None:
    assert {kind.name for kind in KINDS.values()} == set(GOOD)


@every_kind
def test_good_inputs_pass_the_check_and_come_back_as_they_are(engine_side: Any, kind: str) -> None:
    assert engine_side.check(kind, GOOD[kind]) == []


@every_kind
def test_unknown_inputs_pass_the_check(engine_side: Any, kind: str) -> None:
    assert engine_side.check(kind, dict.fromkeys(GOOD[kind], UNKNOWN)) == []


@every_kind
def test_a_create_gives_the_outputs_and_nothing_else(engine_side: Any, kind: str) -> None:
    id, outputs = engine_side.create(kind, GOOD[kind])
    assert id
    assert set(outputs) == OUTPUTS[kind]


@pytest.mark.parametrize("kind", [kind for kind in GOOD if kind != "Subnet"])  # the fake knows things by name
def test_a_repeated_create_adopts_what_is_there(engine_side: Any, kind: str) -> None:
    assert engine_side.create(kind, GOOD[kind]) == engine_side.create(kind, GOOD[kind])


@every_kind
def test_a_preview_creates_nothing_and_opens_nothing(engine_side: Any, kind: str, host: Any) -> None:
    id, outputs = engine_side.create(kind, GOOD[kind], preview=True)
    assert id == ""
    assert set(outputs) == OUTPUTS[kind]
    assert set(outputs.values()) <= {UNKNOWN}
    assert host.opened == []


@every_kind
def test_a_read_after_a_create_shows_no_drift(engine_side: Any, kind: str) -> None:
    id, outputs = engine_side.create(kind, GOOD[kind])
    assert engine_side.read(kind, id, GOOD[kind]) == (id, GOOD[kind], outputs)


@every_kind
def test_an_import_reads_all_that_was_asked_for(engine_side: Any, kind: str) -> None:
    id, _ = engine_side.create(kind, GOOD[kind])
    written = {key: value for key, value in GOOD[kind].items() if key != "assignPublicIp"}  # the default
    assert engine_side.read(kind, id)[1] == written


@every_kind
def test_a_missing_thing_is_read_as_missing(engine_side: Any, kind: str) -> None:
    assert engine_side.read(kind, "i-gone", GOOD[kind]) == ("", {}, {})


@every_kind
def test_deleting_twice_succeeds(engine_side: Any, kind: str, cloud: FakeCloud) -> None:
    id, _ = engine_side.create(kind, GOOD[kind])
    engine_side.delete(kind, id)
    engine_side.delete(kind, id)
    assert not any(cloud.things.values())


@every_kind
def test_equal_inputs_are_no_difference(engine_side: Any, kind: str) -> None:
    answer = engine_side.diff(kind, GOOD[kind], GOOD[kind], {"cidr": "10.100.0.0/20"})
    assert answer.changes == pb.DiffResponse.DIFF_NONE
    assert not answer.detailedDiff


@pytest.mark.parametrize(
    "kind,key", [(kind.name, key) for kind in KINDS.values() for key in kind.inputs.fields]
)
def test_each_change_replaces_or_updates_as_the_table_says(engine_side: Any, kind: str, key: str) -> None:
    news = {**GOOD[kind], key: other(kind, key)}
    answer = engine_side.diff(kind, GOOD[kind], news, {"cidr": "10.100.0.0/20"})
    replaces = key in REPLACING[kind]
    assert answer.changes == pb.DiffResponse.DIFF_SOME
    assert list(answer.replaces) == ([key] if replaces else [])
    assert set(answer.detailedDiff) == {key}
    assert pb.PropertyDiff.Kind.Name(answer.detailedDiff[key].kind).endswith("_REPLACE") == replaces


@pytest.mark.parametrize(
    "kind,key", [(kind.name, key) for kind in KINDS.values() for key in kind.inputs.fields]
)
def test_an_input_of_the_wrong_type_is_refused_by_name(engine_side: Any, kind: str, key: str) -> None:
    failures = engine_side.check(kind, {**GOOD[kind], key: 1.5})
    assert [path for path, _ in failures] == [key]
    assert "not a number" in failures[0][1]


@every_kind
def test_an_unknown_input_is_refused_by_name(engine_side: Any, kind: str) -> None:
    assert [path for path, _ in engine_side.check(kind, {**GOOD[kind], "colour": "red"})] == ["colour"]


@pytest.mark.parametrize(
    "kind,key", [(k.name, key) for k in KINDS.values() for key, f in k.inputs.fields.items() if f.required]
)
def test_a_missing_required_input_is_named(engine_side: Any, kind: str, key: str) -> None:
    without = {name: value for name, value in GOOD[kind].items() if name != key}
    assert engine_side.check(kind, without) == [(key, "is required")]


@pytest.mark.parametrize(
    "rule,reason",
    [
        ({"protocol": "tcp"}, "exactly one of"),
        ({"protocol": "tcp", "cidr": "10.0.0.0/8", "host": True}, "exactly one of"),
        ({"protocol": "tcp", "host": True, "portLow": 80}, "needs both"),
        ({"protocol": "tcp", "host": True, "portLow": 90, "portHigh": 80}, "must not be below"),
        ({"protocol": "icmp", "host": True, "portLow": 1, "portHigh": 2}, "no meaning"),
        ({"protocol": "sctp", "host": True}, "must be one of"),
        ({"protocol": "tcp", "cidr": "10.0.0.0/99"}, "IPv4 range"),
        ({"protocol": "tcp", "host": True, "portLow": 0, "portHigh": 70000}, "between 0 and 65535"),
    ],
)
def test_a_rule_that_means_nothing_is_refused(engine_side: Any, rule: dict[str, Any], reason: str) -> None:
    ((path, said),) = engine_side.check("SecurityGroup", {**GOOD["SecurityGroup"], "rules": [rule]})
    assert path.startswith("rules[0]")
    assert reason in said


def test_a_volume_cannot_shrink(engine_side: Any) -> None:
    failures = engine_side.check("Volume", {**GOOD["Volume"], "sizeGib": 5}, GOOD["Volume"])
    assert failures == [("sizeGib", "a volume cannot shrink from 10 to 5 GiB; it can only grow")]


def test_a_new_volume_may_be_smaller_than_the_one_it_replaces(engine_side: Any) -> None:
    news = {**GOOD["Volume"], "sizeGib": 5, "zone": "local-tokyo/a"}
    assert engine_side.check("Volume", news, GOOD["Volume"]) == []


def test_two_volumes_cannot_have_one_mount_point(engine_side: Any) -> None:
    volumes = [{"volume": "vol-1", "mount": "/data"}, {"volume": "vol-2", "mount": "/data"}]
    ((path, _),) = engine_side.check("Instance", {**VM, "volumes": volumes})
    assert path == "volumes[1].mount"


def test_an_order_of_lists_and_a_written_default_are_no_difference(engine_side: Any) -> None:
    olds = {key: value for key, value in VM.items() if key != "assignPublicIp"}
    news = {**VM, "securityGroups": list(reversed(VM["securityGroups"])), "volumes": []}
    assert engine_side.diff("Instance", olds, news).changes == pb.DiffResponse.DIFF_NONE


def test_asking_for_the_range_the_cloud_has_chosen_changes_nothing(engine_side: Any) -> None:
    news = {**GOOD["Network"], "cidr": "10.100.0.0/20"}
    answer = engine_side.diff("Network", GOOD["Network"], news, {"cidr": "10.100.0.0/20"})
    assert answer.changes == pb.DiffResponse.DIFF_NONE


def test_no_longer_asking_for_a_range_changes_nothing(engine_side: Any) -> None:
    olds = {**GOOD["Network"], "cidr": "10.9.0.0/24"}
    answer = engine_side.diff("Network", olds, GOOD["Network"], {"cidr": "10.9.0.0/24"})
    assert answer.changes == pb.DiffResponse.DIFF_NONE


def test_an_unknown_subnet_replaces_the_instance(engine_side: Any) -> None:
    answer = engine_side.diff("Instance", VM, {**VM, "subnet": UNKNOWN})
    assert list(answer.replaces) == ["subnet"]
    assert answer.deleteBeforeReplace


def test_a_key_pair_of_another_name_is_made_before_the_old_one_goes(engine_side: Any) -> None:
    answer = engine_side.diff(
        "KeyPair", GOOD["KeyPair"], {**GOOD["KeyPair"], "name": "new", "publicKey": "k"}
    )
    assert not answer.deleteBeforeReplace


@pytest.mark.parametrize(
    "kind,changes",
    [
        ("Network", {"tags": {"a": "b"}}),
        ("SecurityGroup", {"rules": [{"protocol": "all", "host": True}], "tags": {}}),
        ("KeyPair", {"tags": {"a": "b"}}),
        ("BootConfig", {"userData": "#cloud-config\nhostname: x\n", "tags": {"a": "b"}}),
        ("LaunchTemplate", {"bootConfig": "boot-2", "instanceTags": {"a": "b"}, "tags": {"a": "b"}}),
        ("Address", {"tags": {"a": "b"}}),
        ("Volume", {"sizeGib": 20, "tags": {"a": "b"}}),
        (
            "Instance",
            {
                "flavor": "large",
                "securityGroups": ["sg-9"],
                "volumes": [{"volume": "vol-1", "mount": "/data"}],
                "tags": {"a": "b"},
            },
        ),
    ],
)
def test_an_update_changes_the_thing_in_place(engine_side: Any, kind: str, changes: dict[str, Any]) -> None:
    id, _ = engine_side.create(kind, GOOD[kind])
    news = {**GOOD[kind], **changes}
    outputs = engine_side.update(kind, id, GOOD[kind], news)
    assert set(outputs) == OUTPUTS[kind]
    assert engine_side.read(kind, id, news)[1] == news


def test_a_previewed_update_changes_nothing_and_knows_what_stays(engine_side: Any, cloud: FakeCloud) -> None:
    id, outputs = engine_side.create("BootConfig", GOOD["BootConfig"])
    retagged = {**GOOD["BootConfig"], "tags": {}}
    rewritten = {**GOOD["BootConfig"], "userData": "#cloud-config\nx: 1\n"}
    asked = ("BootConfig", id, GOOD["BootConfig"])
    assert engine_side.update(*asked, retagged, outputs, preview=True) == outputs
    assert engine_side.update(*asked, rewritten, outputs, preview=True) == {"sha": UNKNOWN}
    assert cloud.get("boot_config", id).tags == TAGS


def test_an_instance_without_a_public_address_has_null_for_one(engine_side: Any) -> None:
    inputs = {**VM, "assignPublicIp": False}
    assert engine_side.create("Instance", inputs, preview=True)[1]["publicIp"] is None
    assert engine_side.create("Instance", inputs)[1]["publicIp"] is None


def test_real_drift_is_read(engine_side: Any, cloud: FakeCloud) -> None:
    id, _ = engine_side.create("Instance", VM)
    cloud.update_instance(
        id, flavor="large", security_groups=["sg-7"], volumes=(), tags={"mcis": "x"}, boot_config=None
    )
    found = engine_side.read("Instance", id, VM)[1]
    assert found == {**VM, "flavor": "large", "securityGroups": ["sg-7"], "tags": {"mcis": "x"}}


def test_a_refusal_is_one_clean_sentence_and_leaves_nothing_pending(
    engine_side: Any, cloud: FakeCloud
) -> None:
    cloud.refuses["main"] = LocalCloudError("quota", "the quota of networks is used up")
    error = engine_side.refused(engine_side.create, "Network", GOOD["Network"])
    assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert error.details() == "the quota of networks is used up"


def test_a_full_disk_is_one_clean_sentence(engine_side: Any, cloud: FakeCloud) -> None:
    cloud.breaks["main"] = OSError(28, "No space left on device", "/var/lib/x")
    error = engine_side.refused(engine_side.create, "Network", GOOD["Network"])
    assert error.code() == grpc.StatusCode.FAILED_PRECONDITION
    assert error.details() == "the host refused: [Errno 28] No space left on device: '/var/lib/x'"


def test_an_unexpected_error_keeps_the_operation_pending(engine_side: Any, cloud: FakeCloud) -> None:
    cloud.breaks["hello-web-1"] = KeyError("oops")
    error = engine_side.refused(engine_side.create, "Instance", VM)
    assert error.code() == grpc.StatusCode.INTERNAL
    assert error.details() == "unexpected KeyError in the local cloud: 'oops'"


def test_an_unknown_resource_type_is_refused(engine_side: Any) -> None:
    error = engine_side.refused(engine_side.create, "Balloon", {})
    assert error.details() == "there is no resource type mcislocal:index:Balloon"


def test_an_instance_that_exists_but_does_not_run_is_remembered_as_unfinished(
    engine_side: Any, cloud: FakeCloud
) -> None:
    cloud.leaves_stopped.add("hello-web-1")
    error = engine_side.refused(engine_side.create, "Instance", VM)
    (trailer,) = [value for key, value in error.trailing_metadata() if key == wire.STATUS_TRAILER]
    status = wire.load("status_pb2").Status.FromString(trailer)
    detail = pb.ErrorResourceInitFailed()
    assert status.details[0].Unpack(detail)
    assert detail.id in cloud.things["instance"]
    assert list(detail.reasons) == ["the instance exists, but is stopped"]
    assert detail.properties.fields["privateIp"].string_value


def test_an_update_without_changes_starts_what_a_create_left_stopped(
    engine_side: Any, cloud: FakeCloud
) -> None:
    cloud.leaves_stopped.add("hello-web-1")
    engine_side.refused(engine_side.create, "Instance", VM)
    (id,) = cloud.things["instance"]
    engine_side.update("Instance", id, VM, VM)
    assert cloud.things["instance"][id].state == "running"


def test_a_change_of_tags_does_not_start_a_suspended_instance(engine_side: Any, cloud: FakeCloud) -> None:
    id, _ = engine_side.create("Instance", VM)
    cloud.stop([id])
    engine_side.update("Instance", id, VM, {**VM, "tags": {}})
    assert cloud.things["instance"][id].state == "stopped"


def test_creates_that_come_together_are_one_batch(engine_side: Any, cloud: FakeCloud) -> None:
    calls = [lambda n=n: engine_side.create("Instance", {**VM, "name": f"web-{n}"})[0] for n in range(30)]
    ids = engine_side.at_once(calls)
    assert len(set(ids)) == 30
    assert sum(size for _, size in cloud.batches) == 30
    assert len(cloud.batches) < 10


def test_one_refused_instance_does_not_fail_its_batch(engine_side: Any, cloud: FakeCloud) -> None:
    cloud.refuses["web-1"] = LocalCloudError("capacity", "there is no capacity left")

    def attempt(n: int) -> str:
        try:
            return str(engine_side.create("Instance", {**VM, "name": f"web-{n}"})[0])
        except grpc.RpcError as error:
            return str(error.details())

    results = engine_side.at_once([lambda n=n: attempt(n) for n in range(5)])
    assert results[1] == "there is no capacity left"
    assert all(result.startswith("i-") for result in results[:1] + results[2:])


def test_one_delete_that_is_refused_does_not_keep_the_others(engine_side: Any, cloud: FakeCloud) -> None:
    ids = [engine_side.create("Volume", {**GOOD["Volume"], "name": f"v{n}"})[0] for n in range(5)]
    cloud.refuses[ids[2]] = LocalCloudError("conflict", "the volume is in use")

    def attempt(id: str) -> str:
        try:
            engine_side.delete("Volume", id)
        except grpc.RpcError as error:
            return str(error.details())
        return ""

    results = engine_side.at_once([lambda id=id: attempt(id) for id in ids])
    assert results == ["", "", "the volume is in use", "", ""]
    assert list(cloud.things["volume"]) == [ids[2]]


def test_reads_that_come_together_are_one_look(engine_side: Any, cloud: FakeCloud) -> None:
    ids = [engine_side.create("Instance", {**VM, "name": f"web-{n}"})[0] for n in range(10)]
    cloud.batches.clear()
    found = engine_side.at_once(
        [lambda id=id: engine_side.read("Instance", id)[0] for id in [*ids, "i-gone"]]
    )
    assert found == [*ids, ""]
    assert len(cloud.batches) < 5


def test_after_cancel_nothing_new_begins_and_what_runs_is_finished(
    engine_side: Any, cloud: FakeCloud
) -> None:
    cloud.takes_s = 0.5

    def cancel_and_try() -> str:
        while not cloud.batches:
            pass
        engine_side.cancel()
        return str(engine_side.refused(engine_side.create, "Network", GOOD["Network"]).details())

    id, said = engine_side.at_once([lambda: engine_side.create("Instance", VM)[0], cancel_and_try])
    assert id in cloud.things["instance"]
    assert "cancelled" in said


def test_the_next_engine_that_attaches_may_work_again(engine_side: Any) -> None:
    engine_side.cancel()
    engine_side.attach("127.0.0.1:1")
    engine_side.configure(site="default")
    assert engine_side.create("Network", GOOD["Network"])[0]


def test_handshake_and_version_are_answered(engine_side: Any) -> None:
    answer = engine_side.stub.Handshake(pb.ProviderHandshakeRequest(engine_address="127.0.0.1:1"))
    assert not answer.accept_secrets
    assert engine_side.stub.GetPluginInfo(Empty()).version == "0.1.0"


def test_the_cloud_is_opened_once_with_the_provider_s_inputs(engine_side: Any, host: Any) -> None:
    engine_side.configure(site="lab", backend="plain")
    engine_side.at_once(
        [lambda n=n: engine_side.create("Address", {**GOOD["Address"], "name": n}) for n in "abc"]
    )
    assert host.opened == [("lab", "plain")]


def test_provider_inputs_are_checked(engine_side: Any) -> None:
    assert engine_side.check_config(site="lab", backend="plain", version="0.1.0") == []
    assert [path for path, _ in engine_side.check_config(site="A b", backend="x", colour="red")] == [
        "colour",
        "site",
        "backend",
    ]


def test_another_site_is_another_provider(engine_side: Any) -> None:
    from mcis_iac.local_cloud.plugin import values

    request = pb.DiffRequest(old_inputs=values.write({"site": "a"}), news=values.write({"site": "b"}))
    assert list(engine_side.stub.DiffConfig(request).replaces) == ["site"]


def launched(engine_side: Any) -> str:
    """A template as GOOD has it, and the id of an instance made from it."""
    template, _ = engine_side.create("LaunchTemplate", GOOD["LaunchTemplate"])
    assert template == LAUNCHED["template"]
    return str(engine_side.create("Instance", LAUNCHED)[0])


def test_an_instance_copies_its_template(engine_side: Any, cloud: FakeCloud) -> None:
    made = cloud.get("instance", launched(engine_side)).spec
    assert (made.subnet, made.image, made.user) == ("sub-00000001", "host", "mcis")
    assert made.security_groups == ("sg-00000001", "sg-00000002")
    assert made.tags == {"mcis": "hello", "role": "front", "mcis-vm": "web-1"}


def test_what_an_instance_has_from_its_template_is_no_drift(engine_side: Any) -> None:
    id = launched(engine_side)
    assert engine_side.read("Instance", id, LAUNCHED)[1] == LAUNCHED


def test_an_instance_keeps_its_template_s_tags_when_its_own_change(
    engine_side: Any, cloud: FakeCloud
) -> None:
    id = launched(engine_side)
    engine_side.update("Instance", id, LAUNCHED, {**LAUNCHED, "tags": {"mcis-vm": "web-1", "a": "b"}})
    assert cloud.get("instance", id).spec.tags == {
        **GOOD["LaunchTemplate"]["instanceTags"],
        "mcis-vm": "web-1",
        "a": "b",
    }


def test_an_instance_has_a_thing_from_its_template_or_by_itself(engine_side: Any) -> None:
    both = {**LAUNCHED, "image": "host", "assignPublicIp": False}
    said = {(key, "comes from the template already") for key in ("image", "assignPublicIp")}
    assert set(engine_side.check("Instance", both)) == said
    alone = {key: value for key, value in LAUNCHED.items() if key != "template"}
    missing = {(key, "is required") for key in ("zone", "subnet", "image", "keyPair", "user")}
    assert set(engine_side.check("Instance", alone)) == missing


def test_an_instance_of_a_template_that_is_not_there_is_refused(engine_side: Any) -> None:
    error = engine_side.refused(engine_side.create, "Instance", LAUNCHED)
    assert error.code() == grpc.StatusCode.NOT_FOUND
    assert error.details() == "there is no launch template lt-00000001"
