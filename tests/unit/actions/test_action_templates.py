"""Templates of actions: what they can say of the whole MCIS, and what they cannot reach."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mcis_iac.actions import templates
from mcis_iac.actions.templates import Unrenderable
from mcis_iac.manifest import templating
from tests.fakes.actions import a_renderer, an_mcis, vms

THERE = vms("db-1", "web-1", "web-2", "web-3")


def rendered(text: str, vm: str = "web-1", **groups: dict[str, str]) -> str:
    there = THERE if not groups else vms(*(f"{name}-1" for name in groups), "web-1")
    mcis = an_mcis(**groups) if groups else an_mcis()
    return a_renderer(mcis, there).render(text, next(each for each in there if each.name == vm))


@pytest.mark.parametrize(
    "text,shown",
    [
        ("{{ namespace }}/{{ mcis.name }}/{{ vm.name }}", "team/shop/web-1"),
        ("{{ vms['web-2'].private_ip }} {{ groups.db[0].private_ip }}", "10.0.2.4 10.0.0.4"),
        ("{{ select('role=front') | map(attribute='name') | join(' ') }}", "web-1 web-2 web-3"),
        ("{{ select('role=data,tier=back,team') | length }}", "1"),
        ("{{ vm.location.name }} {{ vm.location.lat }}", "local-seoul 37.57"),
        ("{{ vm.labels.team }}", "platform"),
        ('echo {{ "it\'s $(here)" | sh }}', "echo 'it'\"'\"'s $(here)'"),
        ("{{ ['a b', 'c'] | sh }}", "'a b' c"),
        (
            "{% for each in groups.web %}\n{{ each.name }}{{ ',' if not loop.last }}\n{% endfor %}",
            "web-1,\nweb-2,\nweb-3\n",
        ),
        ("{{ vm.ordinal + 1 }} {{ 'a' ~ vm.ordinal }} {{ 2 * 3 }}", "2 a1 6"),
        ("no braces\n", "no braces\n"),
        ("{% raw %}{{ so }}{% endraw %}", "{{ so }}"),
        ("{{ 'a\nb' | indent(2) }}", "a\n  b"),
        ('{{ {"b": [1], "a": vm.name} | tojson }}', '{"b": [1], "a": "web-1"}'),
    ],
)
def test_a_template_speaks_of_the_whole(text, shown):
    assert rendered(text) == shown


def test_picks_go_round_by_the_number_of_the_vm():
    mcis = an_mcis()
    renderer = a_renderer(mcis, THERE)
    assert [renderer.render("{{ pick(['a', 'b']) }}", vm) for vm in THERE[1:]] == ["a", "b", "a"]


def test_a_group_may_be_called_like_a_method():
    assert rendered("{{ groups.items[0].name }}", items={}, web={}) == "items-1"


@pytest.mark.parametrize(
    "text,why",
    [
        ("a\n{{ vm.nope }}", "line 2: this has no attribute 'nope'"),
        ("{{ groups.web[9].name }}", "the list has no element 9"),
        ("{{ vm.public_ip }}", "the value is none"),
        ("{{ vms }}", "a dict is no text"),
        ("{{ pick([]) }}", "a list that is not empty"),
        ("{{ vm.public_ip | sh }}", "sh takes text"),
        ("{{ 1 / 0 }}", "division by zero"),
    ],
)
def test_what_is_not_there_is_an_error_with_its_line(text, why):
    (bare,) = (replace(vm, public_ip=None) for vm in vms("web-1"))
    with pytest.raises(Unrenderable) as refused:
        a_renderer(an_mcis(), (bare,)).render(text, bare)
    assert why in str(refused.value)


ESCAPES = (
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ ''['__class__'] }}",
    "{{ vm.__init__.__globals__ }}",
    "{{ pick.__globals__['os'].environ }}",
    "{{ select.__code__ }}",
    "{{ range.__self__ }}",
    "{{ self._TemplateReference__context }}",
    "{{ self }}",
    "{{ lipsum.__globals__ }}",
    "{{ cycler.__init__.__globals__.os }}",
    "{{ dict }}",
    "{{ config }}",
    "{{ ['x'] | map(attribute='__class__') | first }}",
    "{{ ['x'] | map('attr', '__class__') | list }}",
    "{{ vm | attr('__class__') }}",
    "{{ '{0.__class__}'.format(vm) }}",
    "{{ 'x'.format_map(vm) }}",
    "{{ vm.update({'name': 'other'}) }}",
    "{{ groups.web.append(1) }}",
    "{{ vms.pop('web-1') }}",
    "{% set vm.name = 'other' %}",
    "{% include '/etc/passwd' %}",
    "{% import 'os' as os %}",
    "{% extends '/etc/passwd' %}",
    "{{ ''.encode() }}",
    "{{ (1).__class__.__base__ }}",
    "{% for x in [].__class__.__base__.__subclasses__() %}{{ x }}{% endfor %}",
    "{{ namespace.__class__ }}",
    "{{ caller.__globals__ }}",
    "{{ loop.__class__ }}",
    "{% for a in [1] %}{{ loop._iterator }}{% endfor %}",
    "{% macro m() %}{% endmacro %}{{ m._func.__globals__ }}",
    "{{ open('/etc/passwd') }}",
    "{{ environ }}",
    "{{ import_module('os') }}",
    "{{ vm.name.__getattribute__('upper') }}",
    "{{ vms.values().__class__ }}",
)


@pytest.mark.parametrize("text", ESCAPES)
def test_templates_reach_nothing_of_python(text):
    with pytest.raises(Unrenderable):
        rendered(text)
    assert rendered("{{ vm.name }}") == "web-1"


@pytest.mark.parametrize(
    "text",
    [
        "{{ 'x' * 10 ** 9 }}",
        "{{ [0] * 10 ** 9 }}",
        "{{ range(10 ** 9) }}",
        "{{ 2 ** 100000 }}",
        "{{ '%9999999d' % 1 }}",
        "{{ 'x'.ljust(10 ** 9) }}",
        "{{ 'a' | indent(10 ** 9) }}",
        "{{ 'a' | center(10 ** 9) }}",
        "{% set a = 'x' * 1000000 %}{% set a = a ~ a %}",
        "{% set a = 'x' * 1000000 %}{% set a = a + a %}",
        "{% set a = 'x' * 1000000 %}{{ a }}{{ a }}",
        "{% set a = 'x' * 1000000 %}{{ a | replace('x', 'yy') }}",
        "{% set a = 'x' * 1000000 %}{{ [a, a] | join }}",
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
    ],
)
def test_a_template_cannot_cost_much(text):
    with pytest.raises(Unrenderable):
        rendered(text)


def test_the_check_of_the_manifest_knows_the_same_names_as_the_renderer():
    renderer = a_renderer(an_mcis(), THERE)
    assert set(templating.FILTERS) == {name for name in renderer._sandbox.filters if name[0] != "("}
    assert set(templating.NAMES) == {*renderer._shared, "vm", "pick"}
    assert set(templating.VM_FIELDS) == set(renderer._shared["vms"]["web-1"])
    assert templating.LONGEST == templates.LONGEST


@pytest.mark.parametrize("text", ESCAPES)
def test_reading_a_template_never_runs_it(text):
    assert isinstance(templating.flaws(text, ("web", "db")), tuple)
