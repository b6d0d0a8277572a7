"""Templates: what real devices announce renders as Jinja renders it, and what a stranger sends cannot do harm."""

from __future__ import annotations

import contextlib
import gc
import json
import time

import jinja2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingle.skills.home.template_functions import CONSTANTS, FILTERS, FUNCTIONS
from ingle.skills.home.templates import TemplateError, Templates

LAMP = json.dumps({"state": "ON", "brightness": 127, "color": {"x": 0.7, "y": 0.3}, "linkquality": 91, "voltage": 3005})
TELE = json.dumps({"Time": "2024-05-01T12:00:00", "POWER": "ON", "Dimmer": 40, "ENERGY": {"Power": 12.4, "Total": 1.5},
                   "DS18B20-1": {"Temperature": 21.25}, "Wifi": {"RSSI": 88}})

REAL_WORLD = [  # (the template, the message)
    ("{{ value_json.state }}", LAMP),
    ("{{ value_json.brightness }}", LAMP),
    ("{{ value_json['linkquality'] }}", LAMP),
    ("{{ value_json.color.x }},{{ value_json.color.y }}", LAMP),
    ("{{ value_json.nothing }}", LAMP),
    ("{{ value_json.nothing | default('x') }}", LAMP),
    ("{{ (value_json.voltage | float / 1000) | round(2) }}", LAMP),
    ("{{ value_json.voltage // 1000 }}", LAMP),
    ("{{ value_json.brightness / 2 }}", LAMP),
    ("{{ value_json['DS18B20-1'].Temperature }}", TELE),
    ("{{ value_json['ENERGY']['Power'] }}", TELE),
    ("{{ value_json.Wifi.RSSI | int }}", TELE),
    ("{{ value_json.ENERGY.Total | round(0) }}", TELE),
    ("{{ value_json.get('Dimmer') }}", TELE),
    ("{{ value_json.get('nope', 'none here') }}", TELE),
    ("{{ 'online' if value_json.POWER is defined else 'offline' }}", TELE),
    ("{% if value_json.POWER == 'ON' %}on{% elif value_json.POWER == 'OFF' %}off{% else %}?{% endif %}", TELE),
    ("{% set v = value_json.Dimmer %}{{ (v * 255 / 100) | round | int }}", TELE),
    ("{{ value_json.keys() | list | length }}", TELE),
    ("{{ value.split(',')[1] }}", "10,20,30"),
    ("{{ value.split(',') | map('int') | sum }}", "10,20,30"),
    ("{{ value | upper }}", "on"),
    ("{{ value.lower() }}", "OPEN"),
    ("{{ value.replace('_', ' ').title() }}", "heat_pump"),
    ("{{ value[1:3] }}", "#ff8800"),
    ("{{ value[1:3] | int(base=16) }}", "#ff8800"),
    ("{{ value.startswith('a') }}", "armed"),
    ("{{ value | int + 1 }}", "41"),
    ("{{ value | float * 1.8 + 32 }}", "21.5"),
    ("{{ value | multiply(0.1) | round(1) }}", "215"),
    ("{{ value | int(0) }}", "not a number"),
    ("{{ value | float(-1) }}", ""),
    ("{{ 'ON' if value | int > 10 else 'OFF' }}", "12"),
    ("{{ value | trim }}", "  spaced  "),
    ("{{ value == 'true' }}", "true"),
    ("{{ value in ['on', 'open'] }}", "open"),
    ("{{ iif(value == '1', 'home', 'not_home') }}", "1"),
    ("{{ value | regex_replace(find='[^0-9]', replace='') }}", "12.5 kWh"),
    ("{{ value | regex_findall_index('([0-9]+)') }}", "zone 7"),
    ("{{ value | regex_match('arm.*') }}", "armed_home"),
    ("{{ value | bitwise_and(4) > 0 }}", "6"),
    ("{{ value | base64_decode }}", "b24="),
    ("{{ (value | from_json).a }}", '{"a": 5}'),
    ("{{ value_json | to_json }}", '{"a": [1, true, null]}'),
    ("{{ value | timestamp_utc }}", "1714564800"),
    ("{{ as_timestamp(value) | int }}", "2024-05-01T12:00:00+00:00"),
    ("{{ min(value | int, 100) }}", "250"),
    ("{{ [value | int, 5] | max }}", "3"),
    ("{% for k, v in value_json.items() %}{{ k }}={{ v }};{% endfor %}", '{"a": 1, "b": "x"}'),
    ("{{ value_json[0].name }}", '[{"name": "first"}]'),
    ("{{ value_json.a is none }}", '{"a": null}'),
    ("{{ value_json.a }}", '{"a": null}'),
    ("{{ value_json.a }}", '{"a": true}'),
    ("{{ value_json.a }}", '{"a": 21.0}'),
    ("{{ value_json.a }}", '{"a": [1, "x"]}'),
    ("{{ value ~ '%' }}", "40"),
    ("{{ '%.1f' | format(value | float) }}", "21.46"),
    ("{{ value_json }}", "17"),
    ("{{ value }}", "not json"),
]


@pytest.fixture(scope="module")
def reference() -> jinja2.Environment:
    """Jinja itself, with the same filters on it: Home Assistant's `int`, `float` and `round` differ from Jinja's."""
    environment = jinja2.Environment(undefined=jinja2.Undefined)
    environment.filters.update(FILTERS)
    environment.globals.update({**FUNCTIONS, **CONSTANTS})
    return environment


@pytest.mark.parametrize(("source", "message"), REAL_WORLD, ids=[source for source, _ in REAL_WORLD])
def test_renders_as_jinja_does(source: str, message: str, reference: jinja2.Environment) -> None:
    variables = {"value": message}
    with contextlib.suppress(ValueError):
        variables["value_json"] = json.loads(message)
    wanted = reference.from_string(source).render(**variables).strip()
    assert Templates().compile(source).render(message) == wanted


@pytest.mark.parametrize("source", [
    "{{ value_json.a.b.c }}",                   # of something that is not there
    "{{ value | int }}",                        # not a number, no default
    "{{ value_json.x | is_defined }}",
    "{{ states('light.desk') }}",               # a template sees its message, not the home
    "{{ state_attr('light.desk', 'brightness') }}",
    "{% include 'other' %}",
    "{{ value.nothing() }}",
])  # fmt: skip
def test_what_does_not_render_is_an_error_of_ours(source: str) -> None:
    with pytest.raises(TemplateError) as caught:
        Templates().compile(source).render("text")
    assert len(str(caught.value)) < 250
    assert "\n" not in str(caught.value)


def test_a_source_that_is_no_template() -> None:
    with pytest.raises(TemplateError):
        Templates().compile("{{ value")
    with pytest.raises(TemplateError):
        Templates().compile("x" * 10_000)


@pytest.mark.parametrize("source", [
    "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}",
    "{% for a in range(99999999999) %}x{% endfor %}",
    "{{ 'a' * 900000000 }}",
    "{{ ([0] * 900000000) | length }}",
    "{{ '%900000000d' | format(1) | length }}",
    "{{ 9 ** 99999999 }}",
    "{{ 'aaaa'.replace('a', 'a' * 90000000) | length }}",
    "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
    "{% set ns = namespace(x='aaaaaaaaaaaa') %}{% for i in range(60) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
    "{{ ('a' * 40) | regex_match('(a+)+b') }}",
    "{{ ('a' * 40) | regex_match('(a|aa)+b') }}",
    "{{ ('a' * 40) | regex_match('(a?){40}a{40}') }}",
    "{{ ('a' * 3000) | regex_search('a*a*a*a*b') }}",
    "{{ ('a' * 3000) | regex_replace('', 'b' * 3000) | length }}",
])  # fmt: skip
def test_a_costly_template_is_stopped_at_once(source: str) -> None:
    started = time.perf_counter()
    with pytest.raises(TemplateError):
        Templates().compile(source).render("x")
    assert time.perf_counter() - started < 1.0


def test_objects_behind_values_are_out_of_reach() -> None:
    compile_ = Templates().compile
    for source in ("{{ value.__class__ }}", "{{ now().__class__ }}", "{{ value_json.__init__ }}", "{{ now()['__class__'] }}"):
        assert compile_(source).render("{}") == ""
    with pytest.raises(TemplateError):
        compile_("{{ now().__reduce__() }}").render("x")


def test_a_template_cannot_change_what_the_next_one_reads() -> None:
    templates = Templates()
    message = '{"a": 1}'
    assert templates.compile("{{ value_json.pop('a') }}").render(message) == "1"
    assert templates.compile("{{ value_json.a }}").render(message) == "1"


def test_a_source_is_compiled_once_and_forgotten_with_its_last_user() -> None:
    templates = Templates()
    first, second = templates.compile("{{ value }}"), templates.compile("{{ value }}")
    assert first is second
    del first, second
    gc.collect()
    assert len(templates) == 0
    assert templates.compile("{{ value }}").render("again") == "again"


@settings(max_examples=150, deadline=None)
@given(source=st.text(alphabet="{}%# |.'\"()[]abvalue_json0123=+-*/<>~,", max_size=40), message=st.text(max_size=40))
def test_no_text_breaks_it(source: str, message: str) -> None:
    with contextlib.suppress(TemplateError):
        Templates().compile(source).render(message)
