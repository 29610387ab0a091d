"""A pin that cannot be met is refused where it is written, with the name that was surely meant."""

from __future__ import annotations

import pytest
from fakes.mcis import a_group, an_mcis

from mcis_iac.model import Image, Severity, Span
from mcis_iac.placement.lock import Lock
from mcis_iac.placement.members import check, settle
from mcis_iac.placement.pins import distance, guess


def test_a_pin_that_can_be_met_has_no_problem() -> None:
    assert check(an_mcis(a_group("web", zone="c", type="large"))) == ()


@pytest.mark.parametrize(
    ("pin", "code", "detail"),
    [
        ({"region": "local-soeul"}, "MCIS240", "did you mean `local-seoul`?"),
        ({"region": "mars"}, "MCIS240", "local has no region of this name"),
        ({"zone": "d"}, "MCIS241", "local has no zone of this name"),
        ({"type": "smal"}, "MCIS242", "did you mean `small`?"),
    ],
)
def test_an_unknown_place_or_type_is_named(pin: dict[str, str], code: str, detail: str) -> None:
    field = next(iter(pin))
    here = Span(file="mcis.yaml", line=7, column=3)
    (problem,) = check(an_mcis(a_group("web", **pin), spans={f"groups.web.placement.{field}": here}))
    assert (problem.code, problem.detail, problem.span, problem.group) == (code, detail, here, "web")


def test_every_group_is_looked_at() -> None:
    mcis = an_mcis(a_group("web", region="mars"), a_group("api", type="huge"))
    assert [problem.group for problem in check(mcis)] == ["web", "api"]


def test_known_names_are_listed_nearest_first() -> None:
    (problem,) = check(an_mcis(a_group("web", region="local-tokio")))
    assert problem.notes[0].startswith("regions of local: local-frankfurt, local-oregon")


@pytest.mark.parametrize(
    ("images", "detail"),
    [
        ({}, "no image `base` is known on local"),
        (
            {"base": Image(name="base", by_cloud={"aws": {"id": "ami-1"}})},
            "image `base` has no entry for local",
        ),
    ],
)
def test_an_image_the_cloud_does_not_have_is_refused(images: dict[str, Image], detail: str) -> None:
    (problem,) = check(an_mcis(a_group("web", image="base"), images=images))
    assert (problem.code, problem.detail, problem.severity) == ("MCIS243", detail, Severity.ERROR)


def test_a_pin_that_cannot_be_met_still_gives_a_plan_to_look_at() -> None:
    found = settle(an_mcis(a_group("web", 2, region="mars")), Lock(), public_keys={"generated": "a b"})
    assert [member.region for member in found.plan.members] == ["mars", "mars"]


@pytest.mark.parametrize(
    ("one", "other", "edits"),
    [("", "", 0), ("abc", "abc", 0), ("abc", "acb", 1), ("abc", "ab", 1), ("kitten", "sitting", 3)],
)
def test_edits_are_counted_with_swapped_neighbours_as_one(one: str, other: str, edits: int) -> None:
    assert distance(one, other) == distance(other, one) == edits


def test_two_equally_near_names_are_no_guess() -> None:
    assert guess("local-1", ["local-2", "local-3"]) is None
    assert guess("ab", ["xy"]) is None
