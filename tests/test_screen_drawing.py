"""What the screen draws: anything that may come in can be drawn, and each page looks as it did (tests/snapshots)."""

from __future__ import annotations

import html
import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import pytest

pytest.importorskip("textual")

from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.pilot import Pilot
from textual.widgets import Input

from ingle.app.config import Config, ConfigError, parse
from ingle.app.config_file import ConfigFile, written
from ingle.app.events import CommandRecord, IntentRecord, TurnRecord
from ingle.app.inside import Acted, Considering, Looked, Piece, Resolved, Span, TurnTrace, Understood, Vitals
from ingle.app.tui.app import CONTRAST, LIGHT
from ingle.app.tui.highlight import highlighted
from ingle.app.tui.main_screen import MainScreen
from ingle.app.tui.running import HouseStores
from ingle.app.tui.safe_text import fit
from ingle.app.tui.story import sparkline, story, vitals, waterfall
from ingle.app.tui.widgets.exchange import Exchange
from ingle.app.tui.widgets.now import spoken_left

from .screen_soak import House, house_on_screen, input_latency, long_session

SNAPSHOTS: Final = Path(__file__).parent / "snapshots"

RECORD = TurnRecord(
    id="t1", text="turn on the desk lamp", area="Study", route="local", reason="HassTurnOn 0.97",
    reply="Turned on the desk lamp.",
    intents=(IntentRecord(intent="HassTurnOn", slots={"name": "desk lamp"}, entities=("light.desk_lamp",), confidence=0.97),),
    commands=(CommandRecord(topic="desk/set", payload="ON"),), timing_ms={"interpret": 9.0, "total": 31.0},
)
TRACE = TurnTrace(
    id="t1", total_ms=31.0,
    understood=(Understood(
        text="turn on the desk lamp", n_prompt=8, n_written=5, n_ctx=1024, n_forced=1,
        pieces=(Piece(text="<I:HassTurnOn>", p=0.98), Piece(text="<S:name>", p=0.99), Piece(text="▁desk", p=0.72),
                Piece(text="▁lamp", p=1.0), Piece(text="<end>", p=0.4)),
        intents=(IntentRecord(intent="HassTurnOn", slots={"name": "desk lamp"}, confidence=0.97),)),),
    resolved=(Resolved(entities=("light.desk_lamp",), reason="the name fits", looked_at=(
        Looked(entity_id="light.desk_lamp", score=0.97, why="name 'desk lamp' ~ 'Desk Lamp'"),
        Looked(entity_id="light.floor_lamp", score=0.41, why="name 'desk lamp' ~ 'Floor Lamp'"))),),
    acted=(Acted(entity_id="light.desk_lamp", service="turn_on", status="confirmed"),),
    spans=(Span(name="understand", start_ms=0.2, took_ms=9.0), Span(name="  read", start_ms=0.3, took_ms=4.0),
           Span(name="  write", start_ms=4.3, took_ms=4.9), Span(name="resolve", start_ms=9.4, took_ms=1.1),
           Span(name="devices", start_ms=10.6, took_ms=20.0)),
)
VITALS = Vitals(model="shipped", memory_mb=81.0, charging=False, battery_percent=64, temperature_c=51, temperature_limit_c=80,
                compute_left_s=22, compute_s=30, cloud=True, requests_today=3, requests_per_day=100)

# anything can be drawn

_words = st.text(max_size=30)
_number = st.floats(allow_nan=False, allow_infinity=False, width=32)
_share = st.floats(-1, 2)
_values = st.none() | st.text(max_size=8) | st.integers() | st.lists(st.text(max_size=4))
_slots = st.dictionaries(st.text(max_size=8), _values, max_size=3)
_records = st.builds(
    TurnRecord, id=_words, text=_words, route=st.sampled_from(["local", "knowledge", "cloud", "none"]), reason=_words,
    reply=_words,
    intents=st.tuples(st.builds(IntentRecord, intent=_words, slots=_slots, confidence=_share)), sources=st.tuples(_words),
    commands=st.tuples(st.builds(CommandRecord, topic=_words, payload=_words)),
    timing_ms=st.dictionaries(_words, _number, max_size=3))
_spans = st.builds(Span, name=st.just("step"), start_ms=st.floats(0, 1e6), took_ms=st.floats(0, 1e6))
_traces = st.builds(
    TurnTrace, id=_words, total_ms=_number,
    understood=st.tuples(st.builds(Understood, text=_words, pieces=st.lists(st.builds(Piece, text=_words, p=_share)).map(tuple),
                                   n_prompt=st.integers(0, 2000), n_written=st.integers(0, 2000), n_ctx=st.integers(0, 2000))),
    resolved=st.tuples(st.builds(Resolved, entities=st.tuples(_words), reason=_words, question=st.none() | _words,
                                 looked_at=st.tuples(st.builds(Looked, entity_id=_words, score=_share, why=_words)))),
    acted=st.tuples(st.builds(Acted, entity_id=_words, service=_words, status=_words)),
    considered=st.none() | st.builds(Considering, do=_words, reason=_words, conditions=st.dictionaries(_words, st.booleans()),
                                     signals=_slots),
    spans=st.lists(st.builds(Span, name=_words, start_ms=_number, took_ms=_number), max_size=4).map(tuple))


@settings(max_examples=60, deadline=None)
@given(_records, st.none() | _traces, st.integers(20, 160))
def test_any_story_can_be_drawn(record: TurnRecord, trace: TurnTrace | None, cells: int) -> None:
    shown = story(record, trace, cells)
    assert all(character.isprintable() or character == "\n" for character in shown.plain)
    vitals(VITALS, [record], trace, [1.0], cells)


@given(st.lists(_spans, min_size=1, max_size=5), st.integers(40, 120))
def test_a_waterfall_is_one_axis(spans: list[Span], cells: int) -> None:
    lines = waterfall(spans, 10.0, cells)
    bars = [line.plain[16 : cells - 11] for line in lines[:-1]]
    assert all("━" in bar for bar in bars)


@given(st.lists(st.floats(0, 1e9)), st.integers(1, 40))
def test_a_sparkline_is_as_wide_as_it_may_be(values: list[float], cells: int) -> None:
    assert len(sparkline(values, cells)) == min(len(values), cells)


@given(_records, st.integers(1, 100))
def test_a_turn_stands_to_the_right_of_its_mark(record: TurnRecord, cells: int) -> None:
    exchange = Exchange(record.text)
    exchange.finish(record)
    first, *rest = exchange._lines(cells)
    assert first.plain.startswith("› ")
    assert all(line.plain.startswith("  ") for line in rest)
    assert cells < 12 or all(cell_len(line.plain) <= cells for line in (first, *rest))


@given(st.text(max_size=60), st.text(max_size=30))
def test_highlighting_changes_no_word(text: str, query: str) -> None:
    assert highlighted(fit(text), query).plain == fit(text)


@pytest.mark.parametrize(("seconds", "told"), [(0, "0:00"), (59.6, "1:00"), (272, "4:32"), (3845, "1:04:05")])
def test_what_is_left(seconds: float, told: str) -> None:
    assert spoken_left(seconds) == told


@given(st.sampled_from(["ingle/timer", "ingle/reminder", "ingle/list", "ingle/other"]), st.text(max_size=8),
       st.binary(max_size=60))
def test_stores_take_anything(prefix: str, key: str, payload: bytes) -> None:
    stores = HouseStores()
    stores.take(f"{prefix}/{key.replace('/', '')}", payload)
    assert all(each.remaining_s() >= 0 and 0 <= each.share_left <= 1 for each in stores.soonest())


# the configuration, changed in place

@given(st.sampled_from([each.key for each in ConfigFile(Path("c.yaml"), "").settings()]),
       st.none() | st.booleans() | st.integers(-5, 5000) | st.text(max_size=12) | st.lists(st.text(max_size=5), max_size=3))
def test_what_would_be_refused_is_not_taken(key: str, value: Any) -> None:
    text = "# ours\nlimits:\n  turns: 7   # not more\n\n# the end\nlists: [Shopping]\n"
    file = ConfigFile(Path("c.yaml"), text)
    try:
        file.change(key, written(value))
    except ConfigError:
        assert file.text == text
    else:
        assert parse(file.text, file.path) == file.config
        assert "# ours" in file.text
        assert key in ("limits.turns", "lists") or ("# not more" in file.text and "lists: [Shopping]" in file.text)


def test_a_key_beside_others_keeps_their_comments_and_goes_again() -> None:
    text = "mqtt:\n  url: embedded   # our own\n# rooms\nhome:\n  areas: []\n"
    file = ConfigFile(Path("c.yaml"), text)
    file.change("mqtt.username", "ingle")
    file.change("mqtt.url", "mqtt://hub")
    file.change("home.areas", "[{name: Hall}]")
    assert file.text == ("mqtt:\n  username: ingle\n  url: mqtt://hub   # our own\n# rooms\nhome:\n  areas: [{name: Hall}]\n")
    assert file.comment("mqtt.url") == "our own"
    file.change("mqtt.username", "")
    assert file.config.mqtt.username is None
    file.change("limits.turns", "7")
    assert file.text.endswith("  areas: [{name: Hall}]\n\nlimits:\n  turns: 7\n")


@pytest.mark.parametrize(("before", "after"), [
    ("", "limits:\n  turns: 7\n"),
    ("limits:   # how much\n  # turns: 100\nlists: [A]\n", "limits:   # how much\n  turns: 7\n  # turns: 100\nlists: [A]\n"),
    ("limits: {tokens: 5}\n", "limits: {turns: 7, tokens: 5}\n"), ("limits: {}", "limits: {turns: 7}"),
    ("limits: {turns: 1, tokens: 5}  # x\n", "limits: {turns: 7, tokens: 5}  # x\n"),
    ("limits:\n  turns:\n", "limits:\n  turns: 7\n"),
    ("lists:\n  - A\n  - B\n\n# how much\nlimits:\n  turns: 1\n", "lists:\n  - A\n  - B\n\n# how much\nlimits:\n  turns: 7\n"),
])
def test_a_value_is_written_where_it_belongs(before: str, after: str) -> None:
    file = ConfigFile(Path("c.yaml"), before)
    file.change("limits.turns", "7")
    assert file.text == after


def test_the_file_that_ships_can_be_changed_anywhere() -> None:
    """Every key of it in turn; all else stays as it was, to the letter."""
    path = Path(__file__).parent.parent / "config.yaml"
    file = ConfigFile.open(path)
    text = file.text
    for each in file.settings():
        changed = ConfigFile(path, text)
        changed.change(each.key, written(each.value))
        kept = [line for line in text.splitlines() if line.lstrip().startswith("#")]
        assert [line for line in changed.text.splitlines() if line.lstrip().startswith("#")] == kept, each.key
        assert changed.config == file.config, each.key


def test_settings_are_all_there_and_say_what_was_changed() -> None:
    found = {each.key: each for each in ConfigFile(Path("c.yaml"), "limits: {turns: 7}\n").settings()}
    assert found["limits.turns"].changed
    assert found["limits.turns"].default == Config().limits.turns
    assert not found["mqtt.url"].changed
    assert "file" not in found


# how the pages look

@asynccontextmanager
async def page(name: str, *, size: tuple[int, int] = (100, 30)) -> AsyncIterator[tuple[Pilot[None], MainScreen, House]]:
    async with house_on_screen(size=size, devices=3) as (pilot, house):
        screen = pilot.app.screen
        assert isinstance(screen, MainScreen)
        for line in screen.query(Input):
            line.cursor_blink = False
        await house.send("l/0", {"state": "ON", "brightness": 128})
        await house.send("l/1", {"state": "OFF"})
        await house.send("ingle/turn", RECORD.to_dict())
        await house.send("ingle/inside/turn", TRACE.to_dict())
        await house.send("ingle/device", {"model": "shipped", "memory_mb": 81.0})
        await house.send("ingle/list/shopping", {"name": "Shopping", "items": [{"summary": "milk"}, {"summary": "bread"}]})
        await house.send("ingle/timer/1", {"id": "1", "name": "pasta", "state": "paused", "duration_s": 600, "remaining_s": 150})
        if name != "home":
            await screen.action_show(name)
        await house.send("ingle/inside/turn", TRACE.to_dict())
        await house.send("ingle/inside/now", VITALS.to_dict())
        await pilot.pause(0.4)
        yield pilot, screen, house


def drawn(pilot: Pilot[None]) -> str:
    """The exported SVG without what is not seen: text with its place and colours, a line each."""
    svg = pilot.app.export_screenshot()
    styles = dict(re.findall(r"\.terminal-\d+-(r\d+) \{ ([^}]*) \}", svg))
    rows = re.findall(r'<text class="terminal-\d+-(r\d+)" x="([\d.]+)" y="([\d.]+)"[^>]*>([^<]*)</text>', svg)
    return "\n".join(f"{float(y):6.1f} {float(x):7.1f}  {html.unescape(text).replace(chr(160), ' ')!r}  {styles.get(style, '')}"
                     for style, x, y, text in rows if html.unescape(text).strip(" \u00a0")) + "\n"


def matches(name: str, now: str) -> None:
    """Compare with what was kept; INGLE_SNAPSHOTS=keep keeps what is now (look at it before)."""
    file = SNAPSHOTS / f"{name}.txt"
    if os.environ.get("INGLE_SNAPSHOTS") == "keep":
        file.parent.mkdir(exist_ok=True)
        file.write_text(now, encoding="utf-8")
    assert now == file.read_text(encoding="utf-8")


async def test_home_looks_as_it_did() -> None:
    async with page("home") as (pilot, _, _):
        matches("home", drawn(pilot))


async def test_inside_looks_as_it_did() -> None:
    async with page("inside") as (pilot, _, _):
        matches("inside", drawn(pilot))


async def test_small_and_high_contrast_looks_as_it_did() -> None:
    async with page("home", size=(80, 24)) as (pilot, _, _):
        pilot.app.theme = CONTRAST.name
        await pilot.pause(0.3)
        matches("small", drawn(pilot))


async def test_help_in_the_light_looks_as_it_did() -> None:
    async with page("home") as (pilot, screen, _):
        pilot.app.theme = LIGHT.name
        screen.action_help()
        await pilot.pause(0.4)
        matches("help", drawn(pilot))


# for hours on end

async def test_a_long_session_in_short() -> None:
    points = await long_session(0.02, 2)
    assert len(points) == 2


async def test_input_latency_in_short() -> None:
    took, computed = await input_latency(0.5)
    assert took
    assert len(took) == len(computed)
