"""Connections that cannot be used: the others are shown, nothing is changed, no secret is told."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import pytest
from fakes.mcis import a_group, an_mcis, settled

from mcis_iac.clouds import registry
from mcis_iac.clouds.base import ImageQuery
from mcis_iac.engine.home import StackHome
from mcis_iac.engine.silence import Refused
from mcis_iac.errors import CredentialsError, ManifestError, McisError, NotFoundError, OperationError
from mcis_iac.flows import guard, plugins, results, silence
from mcis_iac.flows.asking import answered
from mcis_iac.model import Connection, Diff, Failure, Inventory, Op, Outcome, Plan, Step, Subject
from mcis_iac.pipeline import Request, Silent, refusal
from mcis_iac.placement.members import Settled

CLOUDS = ("aws", "azure", "gcp")
EXPIRED = CredentialsError(summary="no access", detail="aws: the token is expired", hint="sign in again")
NO_SDK = OperationError(summary="a library is not installed", hint="pip install 'mcis-iac[gcp]'")
NOTHING_TO_DO = Diff(changes=(), same=1, vms_before=1, vms_after=1)


class Images:
    """Clouds that know every image, but for those that raise an error."""

    def __init__(self, silent: Mapping[str, McisError]) -> None:
        self.silent, self.asked = silent, list[str]()

    def resolve(self, connection: Connection, queries: Sequence[ImageQuery]) -> Mapping[ImageQuery, str]:
        self.asked.append(connection.name)
        if connection.name in self.silent:
            raise self.silent[connection.name]
        return dict.fromkeys(queries, f"img-{connection.name}")


def three(**counts: int) -> Settled:
    regions = {"aws": "us-east-1", "azure": "koreacentral", "gcp": "us-central1"}
    groups = [a_group(f"on-{name}", counts.get(name, 1), cloud=name, region=regions[name]) for name in CLOUDS]
    connections = {name: Connection(name=name, cloud=name) for name in CLOUDS}
    return settled(an_mcis(*groups, connections=connections))


def asked(
    monkeypatch: pytest.MonkeyPatch, silent: Mapping[str, McisError], without: Collection[str] = ()
) -> tuple[Settled, tuple[Silent, ...], Images]:
    images = Images(silent)
    monkeypatch.setattr(registry, "images", lambda _: images)
    monkeypatch.setenv("MCIS_PASSPHRASE", "secret")
    found, unheard = answered(three(), StackHome.of(Path("/nowhere"), "shop"), without=without)
    return found, unheard, images


def test_every_cloud_is_asked_though_one_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    found, unheard, images = asked(monkeypatch, {"aws": EXPIRED, "gcp": NO_SDK})
    assert sorted(images.asked) == sorted(CLOUDS)
    assert [(each.connection, each.exit_code) for each in unheard] == [("aws", 3), ("gcp", 4)]
    assert {m.connection: m.image.id for m in found.plan.members} == {
        "aws": None,
        "azure": "img-azure",
        "gcp": None,
    }


def test_a_connection_that_lacks_its_plugin_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    _, unheard, images = asked(monkeypatch, {}, without=["aws"])
    assert sorted(images.asked) == ["azure", "gcp"]
    assert unheard == ()


def test_what_is_wrong_with_the_manifest_is_no_silence() -> None:
    with pytest.raises(ManifestError):
        silence.of(Connection(name="aws", cloud="aws"), ManifestError(summary="the manifest is not valid"))


def test_secrets_are_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEAM_A", "hush-hush-hush")
    connection = Connection(name="a", cloud="aws", settings={"env": {"AWS_SECRET_ACCESS_KEY": "TEAM_A"}})
    error = CredentialsError(summary="no", detail="key AKIAIOSFODNN7EXAMPLE with hush-hush-hush is refused")
    told = silence.of(connection, error)
    assert told.detail == "key [hidden] with [hidden] is refused"
    assert "hush" not in silence.refused(connection, "said hush-hush-hush").detail


# ---------------------------------------------------------------- around the engine


class Engine:
    """Refuses providers one after the other, as an engine that stops at the first error does."""

    def __init__(self, *refused: str, broken: McisError | None = None) -> None:
        self.refused, self.broken, self.looks = refused, broken, list[tuple[str, ...]]()

    def __call__(self, silent: Collection[str]) -> Diff:
        self.looks.append(tuple(silent))
        for name in self.refused:
            if f"provider/{name}" not in silent:
                raise Refused({f"provider/{name}": f"{name} says no"})
        if self.broken is not None:
            raise self.broken
        return NOTHING_TO_DO


def shown(engine: Engine, *silent: Silent, plan: Plan | None = None) -> tuple[Diff, tuple[Silent, ...]]:
    plan = plan or three().plan
    return silence.shown(plan.mcis, plan, silent, engine)


def unheard(name: str, error: McisError = EXPIRED) -> Silent:
    return silence.of(Connection(name=name, cloud=name), error)


def test_what_the_engine_finds_refused_is_left_out_and_named() -> None:
    engine = Engine("aws", "gcp")
    diff, silent = shown(engine)
    assert diff is NOTHING_TO_DO
    assert [(each.connection, each.vms, each.exit_code) for each in silent] == [("aws", 1, 3), ("gcp", 1, 3)]
    assert silent[0].detail == "aws: aws says no"
    assert "mcis doctor aws" in silent[0].hint and "profile" in silent[0].hint
    assert engine.looks[-1] == ("provider/aws", "provider/gcp")


def test_what_did_not_answer_before_is_not_started() -> None:
    engine = Engine("aws")
    _, silent = shown(engine, unheard("aws"))
    assert engine.looks == [("provider/aws",)]
    assert [each.connection for each in silent] == ["aws"]


def test_nothing_is_shown_when_nobody_answers() -> None:
    engine = Engine("azure")
    with pytest.raises(CredentialsError) as told:
        shown(engine, unheard("aws"), unheard("gcp", NO_SDK))
    assert told.value.summary == "3 connections cannot be used"
    for word in (
        "aws: the token is expired",
        "sign in again",
        "azure says no",
        "pip install 'mcis-iac[gcp]'",
    ):
        assert word in told.value.detail


def test_a_connection_without_machines_keeps_nobody_waiting() -> None:
    engine = Engine()
    with pytest.raises(CredentialsError):
        shown(engine, unheard("aws"), unheard("azure"), plan=three(gcp=0).plan)
    assert engine.looks == []


def test_what_else_is_wrong_is_told_too() -> None:
    broken = OperationError(summary="the stack cannot be made like this", detail="db-1: no such zone")
    with pytest.raises(CredentialsError) as told:
        shown(Engine("aws", broken=broken))
    assert "aws says no" in told.value.detail and "db-1: no such zone" in told.value.detail


def test_a_target_of_a_silent_connection_is_refused_for_that() -> None:
    missing = NotFoundError(summary="no such group or VM", detail="`on-aws`")
    with pytest.raises(CredentialsError) as told:
        shown(Engine("aws", broken=missing))
    assert "no such" not in told.value.detail


def test_an_engine_that_goes_on_refusing_is_not_asked_for_ever() -> None:
    def look(_: Collection[str]) -> Diff:
        raise Refused({"provider/aws": "no"})

    plan = three().plan
    with pytest.raises(Refused):
        silence.shown(plan.mcis, plan, (), look)


# ---------------------------------------------------------------- the refusal


def test_one_connection_is_refused_in_its_own_words() -> None:
    error = refusal([unheard("aws")])
    assert (error.exit_code, error.summary, error.detail, error.hint) == (
        3,
        "no access",
        "aws: the token is expired",
        "sign in again",
    )


def test_what_is_only_not_installed_is_no_matter_of_credentials() -> None:
    assert refusal([unheard("gcp", NO_SDK)]).exit_code == 4
    assert refusal([unheard("gcp", NO_SDK), unheard("aws")]).exit_code == 3


def test_changes_are_refused_with_everybody_s_name() -> None:
    guard.keep_nobody_out(())
    with pytest.raises(CredentialsError) as told:
        guard.keep_nobody_out([unheard("aws"), unheard("azure", CredentialsError(summary="az login"))])
    assert told.value.detail.endswith("Nothing was changed.")
    assert "aws: the token is expired" in told.value.detail and "azure: az login" in told.value.detail


def test_missing_plugins_name_one_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MCIS_DATA_DIR", str(tmp_path))
    connections = [Connection(name=name, cloud=name) for name in ("aws", "gcp", "local")]
    silent = plugins.unplugged(connections, Request(file="edge"))
    assert [each.connection for each in silent] == ["aws", "gcp"]
    error = refusal(silent)
    assert (error.exit_code, error.summary) == (4, "a provider plugin is missing")
    assert error.hint == "mcis doctor --install -f edge"
    assert "aws v" in error.detail and "plugin install resource gcp v" in error.detail


# ---------------------------------------------------------------- after an operation


def a_step(connection: str | None, code: str, token: str = "aws:ec2/vpc:Vpc") -> Step:
    failure = Failure(code=code, stage="create", message="no")
    return Step(
        key="x", token=token, op=Op.CREATE, ok=False, subject=Subject(connection=connection), failure=failure
    )


@pytest.mark.parametrize("codes,expected", [(["quota"], 4), (["quota", "credentials"], 3), ([], 0)])
def test_a_refusal_in_the_middle_has_an_exit_code_of_its_own(codes: list[str], expected: int) -> None:
    outcome = Outcome(steps=tuple(a_step("aws", code) for code in codes))
    assert results.exit_code(outcome, Inventory()) == expected


def test_who_was_refused_in_the_middle_is_named_once_with_what_to_do() -> None:
    connections = {name: Connection(name=name, cloud=name) for name in CLOUDS}
    steps = (
        a_step("aws", "credentials"),
        a_step(None, "credentials"),
        a_step(None, "credentials", "azure-native:network:Subnet"),
        a_step("gcp", "quota"),
    )
    told = silence.notices(connections, Outcome(steps=steps))
    assert [text.partition(" was refused")[0] for text in told] == ["aws", "azure"]
    assert "az login" in told[1]
