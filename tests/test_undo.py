"""What brings a device back to how it was, kind by kind, and which act is meant."""

from __future__ import annotations

from typing import Any

import pytest

from ingle.app.undo import Before, Stores, UndoLog, before, restoring
from ingle.skills.home.model import Entity, Home, Outcome, ServiceCall
from ingle.skills.later import LaterStore
from ingle.skills.lists import ListStore
from ingle.skills.storage import open_database
from ingle.skills.timers import TimerStore

from .turns import Clock


def entity(entity_id: str, state: str | None, *features: str, **attributes: Any) -> Entity:
    return Entity(entity_id=entity_id, domain=entity_id.partition(".")[0], name=entity_id, state=state, attributes=attributes,
                  features=frozenset(features))


@pytest.mark.parametrize(
    ("was", "now", "calls"),
    [
        (entity("light.a", "off"), entity("light.a", "on"), [("turn_off", {})]),
        (entity("light.a", "on", brightness=200), entity("light.a", "off"), [("turn_on", {"brightness_pct": 200 / 255 * 100})]),
        (entity("light.a", "on", color_mode="color_temp", color_temp_kelvin=2700, rgb_color=(1, 2, 3)), entity("light.a", "on"),
         [("turn_on", {"color_temp_kelvin": 2700})]),
        (entity("light.a", "on", rgb_color=(1, 2, 3)), entity("light.a", "on"), [("turn_on", {"rgb_color": (1, 2, 3)})]),
        (entity("switch.a", "on"), entity("switch.a", "off"), [("turn_on", {})]),
        (entity("switch.a", None), entity("switch.a", "off"), []),
        (entity("fan.a", "on", percentage=33), entity("fan.a", "on", percentage=66), [("set_percentage", {"percentage": 33})]),
        (entity("fan.a", "on", preset_mode="eco"), entity("fan.a", "off"), [("set_preset_mode", {"preset_mode": "eco"})]),
        (entity("cover.a", "open", "position", current_position=40), entity("cover.a", "closed", "position"),
         [("set_cover_position", {"position": 40})]),
        (entity("cover.a", "closed"), entity("cover.a", "open"), [("close_cover", {})]),
        (entity("valve.a", "open"), entity("valve.a", "closed"), [("open_valve", {})]),
        (entity("lock.a", "locked"), entity("lock.a", "unlocked"), [("lock", {})]),
        (entity("climate.a", "heat", temperature=20), entity("climate.a", "off", temperature=22),
         [("set_hvac_mode", {"hvac_mode": "heat"}), ("set_temperature", {"temperature": 20})]),
        (entity("water_heater.a", "eco", temperature=50), entity("water_heater.a", "eco", temperature=60),
         [("set_temperature", {"temperature": 50})]),
        (entity("humidifier.a", "on", humidity=40), entity("humidifier.a", "on", humidity=60),
         [("turn_on", {}), ("set_humidity", {"humidity": 40})]),
        (entity("media_player.a", "playing", volume_level=0.2), entity("media_player.a", "paused", volume_level=0.5),
         [("volume_set", {"volume_level": 0.2}), ("media_play", {})]),
        (entity("fan.a", "on", percentage=50, oscillating=True), entity("fan.a", "on", percentage=50, oscillating=False),
         [("set_percentage", {"percentage": 50}), ("oscillate", {"oscillating": True})]),
        (entity("vacuum.a", "docked"), entity("vacuum.a", "cleaning"), [("return_to_base", {})]),
        (entity("lawn_mower.a", "mowing"), entity("lawn_mower.a", "docked"), [("start_mowing", {})]),
        (entity("alarm_control_panel.a", "disarmed"), entity("alarm_control_panel.a", "armed_away"), [("alarm_disarm", {})]),
        (entity("number.a", "5"), entity("number.a", "7"), [("set_value", {"value": "5"})]),
        (entity("select.a", "slow"), entity("select.a", "fast"), [("select_option", {"option": "slow"})]),
        (entity("scene.a", None), entity("scene.a", None), []),
        (entity("button.a", None), entity("button.a", None), []),
    ],
)
def test_each_kind_is_put_back(was: Entity, now: Entity, calls: list[tuple[str, dict[str, Any]]]) -> None:
    home = Home()
    home.add(was)
    [snapshot] = before(home, [ServiceCall(entity_id=was.entity_id, service="any")])
    assert [(call.service, dict(call.data)) for call in restoring(now, snapshot)] == calls


def outcome(entity_id: str, status: str) -> Outcome:
    return Outcome(call=ServiceCall(entity_id=entity_id, service="turn_on"), status=status, before=None, after=None)


def test_the_acts_of_one_turn_go_together_and_each_entity_to_its_first_state() -> None:
    log = UndoLog()
    log.record("1", [Before(entity_id="light.a", state="off")], [outcome("light.a", "confirmed")])
    log.record("2", [Before(entity_id="light.a", state="on")], [outcome("light.a", "confirmed")])
    log.record("2", [Before(entity_id="light.b", state="off")], [outcome("light.b", "silent")])
    log.record("2", [Before(entity_id="light.a", state="off")], [outcome("light.a", "confirmed")])
    assert {one.entity_id: one.state for one in log.take().before} == {"light.a": "on", "light.b": "off"}
    assert {one.entity_id: one.state for one in log.take().before} == {"light.a": "off"}
    assert not log.take()


def test_what_changed_nothing_hides_what_is_older() -> None:
    log = UndoLog()
    log.record("1", [Before(entity_id="lock.a", state="locked")], [outcome("lock.a", "confirmed")])
    log.record("2", [Before(entity_id="light.a", state="on")], [outcome("light.a", "already")])
    assert not log.take()


def test_what_is_named_is_found_behind_newer_acts() -> None:
    log = UndoLog()
    log.record("1", [Before(entity_id="light.a", state="off")], [outcome("light.a", "confirmed")])
    log.record("2", [Before(entity_id="light.b", state="off")], [outcome("light.b", "confirmed")])
    assert [one.entity_id for one in log.take(lambda entity_id: entity_id == "light.a").before] == ["light.a"]
    assert [one.entity_id for one in log.take().before] == ["light.b"]


def test_what_was_done_too_long_ago_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    log = UndoLog(lasts_s=60)
    log.record("1", [Before(entity_id="light.a", state="off")], [outcome("light.a", "confirmed")])
    now[0] += 61
    assert not log.take()


def stores() -> tuple[Stores, ListStore, TimerStore, Clock]:
    clock, database = Clock(), open_database(":memory:")
    lists, timers = ListStore(database, ["Shopping", "To-do"]), TimerStore(database, clock=clock)
    return Stores(lists, timers, LaterStore(database, clock=clock)), lists, timers, clock


def test_a_list_gets_back_what_stood_on_it() -> None:
    keeping, lists, _, _ = stores()
    shopping = lists.find("shopping")
    assert shopping is not None
    lists.add(shopping, "milk")
    was = keeping.stored("HassListCompleteItem")
    lists.complete(shopping, "milk")
    lists.add(lists.all()[0], "eggs")
    put_back = keeping.put_back(was)
    assert put_back is not None
    assert put_back() == "Put back the shopping list."
    assert [(item.summary, item.status) for item in lists.all()[0].items] == [("milk", "needs_action")]


def test_a_timer_goes_or_comes_back() -> None:
    keeping, _, timers, clock = stores()
    pasta = timers.start(600, name="pasta")
    was = keeping.stored("HassCancelTimer")
    timers.cancel(pasta)
    put_back = keeping.put_back(was)
    assert put_back is not None
    clock.tick(minutes=1)
    assert put_back() == "Put back the pasta timer."
    assert timers.all()[0].remaining_s(clock()) == 540
    was = keeping.stored("HassStartTimer")
    timers.start(60)
    put_back = keeping.put_back(was)
    assert put_back is not None
    put_back()
    assert [timer.name for timer in timers.all()] == ["pasta"]


def test_what_changed_nothing_has_nothing_to_put_back() -> None:
    keeping, _, _, _ = stores()
    assert keeping.stored("HassTurnOn") is None
    assert keeping.put_back(keeping.stored("ListRead")) is None
