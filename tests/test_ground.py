"""Slots in a home's own words: what only the home can settle."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingle.skills.home.model import Area, Floor, load_home
from ingle.skills.home.resolver import Context, ground, heard, resolve, said_of

from .worlds import family_house, home_of, thing, three_rooms_of_lights

HOUSE = family_house()
HOME = home_of(
    thing("light.lamp", "Bedroom Lamp", "Bedroom"),
    thing("light.ceiling", "Bedroom Ceiling", "Bedroom"),
    thing("light.kitchen", "Kitchen Light", "Kitchen"),
    thing("light.sink", "Sink", "Kitchen"),
    thing("cover.left", "Left Blind", "Bedroom", device_class="blind"),
    thing("cover.right", "Right Blind", "Bedroom", device_class="blind"),
    thing("fan.kitchen", "Kitchen Fan", "Kitchen"),
    thing("media_player.tv", "TV", "Bedroom", device_class="tv", aliases=("the box",)),
    thing("climate.bedroom", "Bedroom Thermostat", "Bedroom"),
)


def grounded(text: str, intent: str = "HassTurnOn", **slots: Any) -> dict[str, Any]:
    return ground(HOME, intent, slots, Context(), text)


# ---------------------------------------------------------------- a name that is a place and a kind


@pytest.mark.parametrize(
    ("name", "slots"),
    [
        ("bedroom lights", {"area": "Bedroom", "domain": "light"}),
        ("the lights in the bedroom", {"area": "Bedroom", "domain": "light"}),
        ("kitchen lights", {"area": "Kitchen", "domain": "light"}),
        ("kitchen ligths", {"area": "Kitchen", "domain": "light"}),
        ("bedroom blinds", {"area": "Bedroom", "domain": "cover", "device_class": "blind"}),
        ("all the kitchen fans", {"area": "Kitchen", "domain": "fan"}),
        ("the lights", {"domain": "light"}),
        ("kitchen", {"area": "Kitchen", "domain": "light"}),
        ("bedroom light", {"area": "Bedroom", "domain": "light"}),
    ],
)
def test_place_and_kind(name: str, slots: dict[str, str]) -> None:
    assert grounded(f"turn on {name}", name=name) == slots


# ---------------------------------------------------------------- a name, however it was read


@pytest.mark.parametrize(
    ("text", "slots", "name"),
    [
        ("bedroom lamp on", {"name": "bedroom lamp"}, "Bedroom Lamp"),
        ("bedroom lamp on", {"area": "bedroom", "domain": "light"}, "Bedroom Lamp"),
        ("the lamp in the bedroom please", {"area": "bedroom", "domain": "light"}, "Bedroom Lamp"),
        ("turn on the kitchen light", {"area": "kitchen", "domain": "light"}, "Kitchen Light"),
        ("turn on the kitchen light", {"name": "kitchen light"}, "Kitchen Light"),
        ("turn on the bedrom lamp", {"name": "bedrom lamp"}, "Bedroom Lamp"),
        ("put the sink light on", {"name": "sink light"}, "Sink"),
        ("box on", {"name": "box"}, "the box"),
    ],
)
def test_a_device_of_that_name(text: str, slots: dict[str, str], name: str) -> None:
    assert grounded(text, **slots) == {"name": name}


def test_a_kind_that_is_not_here_gives_way_to_a_device_called_so() -> None:
    def heater(*things: Any) -> dict[str, Any]:
        home = home_of(thing("switch.heater", "Heater", "Bedroom"), *things)
        return ground(home, "HassTurnOn", {"domain": "water_heater"}, Context(), "heater on")

    assert heater() == {"name": "Heater"}
    assert heater(thing("water_heater.tank", "Tank", "Bedroom")) == {"domain": "water_heater"}


@pytest.mark.parametrize(
    "text", ["turn on the lights in the kitchen", "kitchen lights on", "light on in the kitchen", "all kitchen lights on"]
)
def test_a_room_s_lights_stay_a_room_s_lights(text: str) -> None:
    assert grounded(text, area="kitchen", domain="light") == {"area": "Kitchen", "domain": "light"}


def test_intents_that_act_on_one_kind() -> None:
    assert grounded("how warm is the bedroom thermostat", "HassClimateGetTemperature", area="bedroom") == {
        "name": "Bedroom Thermostat"
    }
    assert grounded("bedroom tv louder", "HassSetVolumeRelative", area="bedroom", volume_step="up") == {
        "name": "TV", "area": "Bedroom", "volume_step": "up"
    }  # fmt: skip
    assert grounded("pause the tv and dim the bedroom lights", "HassLightSet", area="bedroom", brightness=20) == {
        "area": "Bedroom", "brightness": 20
    }  # fmt: skip


def test_own_spelling_and_right_slot_for_places() -> None:
    def where(**slots: Any) -> dict[str, Any]:
        return ground(HOUSE, "HassTurnOff", {"domain": "light", **slots}, Context(), "")

    assert where(area="the lounge") == {"domain": "light", "area": "Living Room"}
    assert where(area="upstairs") == {"domain": "light", "floor": "Upstairs"}
    assert where(floor="kitchen") == {"domain": "light", "area": "Kitchen"}
    assert where(except_area=["emmas room"]) == {"domain": "light", "except_area": ["Kids Bedroom"]}
    assert where(area="conservatory") == {"domain": "light", "area": "conservatory"}  # asked about later, never dropped
    assert where(area="bedroom") == {"domain": "light", "area": "bedroom"}  # two fit: asked about later


def test_an_alias_stays_the_alias() -> None:  # wish 10
    home = home_of(thing("light.a", "Lights", "Hall", aliases=("disco",)), thing("light.b", "Lights", "Office"))
    slots = ground(home, "HassTurnOn", {"name": "disco"}, Context(), "disco on")
    assert slots == {"name": "disco"}
    answer = resolve(home, said_of(slots, "disco on"), Context())
    assert [entity.entity_id for entity in answer.entities] == ["light.a"]


def test_the_room_stays_beside_a_name_that_several_have() -> None:
    slots = ground(three_rooms_of_lights(), "HassTurnOff", {"name": "office lights"}, Context(), "office lights off")
    assert slots == {"name": "Lights", "area": "Office"}


@pytest.mark.parametrize("name", ["it", "them", "that one", "all", "everything", "the other one"])
def test_what_points_is_kept(name: str) -> None:
    assert grounded("", name=name) == {"name": name}


@pytest.mark.parametrize(
    ("intent", "slots"),
    [
        ("HassStartTimer", {"name": "kitchen light", "minutes": 5}),
        ("HassListAddItem", {"name": "kitchen", "item": ["lamp"]}),
        ("HassGetWeather", {"name": "bedroom"}),
        ("SetReminder", {"name": "sink", "message": "buy lights"}),
    ],
)
def test_names_that_are_no_devices_are_left_alone(intent: str, slots: dict[str, Any]) -> None:
    assert ground(HOME, intent, slots, Context(), "") == slots


def test_a_domain_that_does_not_go_with_the_name_is_dropped() -> None:
    assert grounded("", name="sink", domain="cover") == {"name": "Sink"}
    assert grounded("", name="sink", domain="light") == {"name": "Sink", "domain": "light"}


def test_a_lamp_among_lights_keeps_its_word() -> None:
    slots = ground(HOUSE, "HassTurnOn", {"name": "living room lamp"}, Context(), "")
    answer = resolve(HOUSE, said_of(slots), Context(), domains=frozenset({"light"}))
    assert [entity.entity_id for entity in answer.entities] == ["light.floor_lamp"]


def test_one_of_two_lamps_is_asked_about() -> None:
    text = "turn on the master bedroom lamp"
    slots = ground(HOUSE, "HassTurnOn", {"name": "master bedroom lamp"}, Context(), text)
    answer = resolve(HOUSE, said_of(slots, text), Context(), domains=frozenset({"light", "switch"}))
    assert answer.question == "Which one: the Left Bedside Lamp or the Right Bedside Lamp?"


def test_a_place_that_is_a_device() -> None:
    assert grounded("tv off", "HassTurnOff", area="tv") == {"name": "TV"}
    assert grounded("", area="kitchen lights") == {"area": "Kitchen", "domain": "light"}


_SPANS = st.sampled_from(
    ["bedroom", "kitchen", "bedroom lamp", "kitchen lights", "lamp", "lights", "tv", "the box", "upstairs", "sink", "xyz"]
) | st.text(max_size=10)


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(["HassTurnOn", "HassLightSet", "HassGetState", "HassMediaPause"]),
       st.dictionaries(st.sampled_from(["name", "area", "floor"]), _SPANS, max_size=1), st.text(max_size=30))
def test_grounding_twice_is_grounding_once(intent: str, slots: dict[str, str], text: str) -> None:
    once = ground(HOME, intent, slots, Context(), text)
    assert ground(HOME, intent, once, Context(), text) == once


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(sorted(HOUSE.entities)))
def test_a_device_s_own_name_is_never_read_as_something_else(entity_id: str) -> None:
    entity = HOUSE.entities[entity_id]
    slots = ground(HOUSE, "HassGetState", {"name": entity.name.lower()}, Context(), f"what about {entity.name}")
    if entity.exposed:
        assert slots["name"] == entity.name


def test_a_home_from_plain_data() -> None:
    home = load_home({
        "home": {"floors": [{"name": "Upstairs"}], "areas": [{"name": "Loft", "aliases": ["attic"], "floor": "Upstairs"}]},
        "entities": [{"entity": "light.loft", "domain": "light", "name": "Loft Light", "area": "Loft", "exposed": True}],
    })  # fmt: skip
    assert home.floor_of(home.entities["light.loft"]) == "Upstairs"
    assert ground(home, "HassTurnOn", {"area": "attic", "domain": "light"}, Context(), "")["area"] == "Loft"


def test_a_timer_named_after_a_room_is_the_timer_of_that_room() -> None:
    home = family_house()
    assert ground(home, "HassTimerStatus", {"name": "kitchen"}, Context()) == {"area": "Kitchen"}
    assert ground(home, "HassTimerStatus", {"name": "kitchen roll"}, Context()) == {"name": "kitchen roll"}


def test_a_back_door_is_no_door_of_the_back_garden() -> None:
    home = load_home({
        "home": {"areas": [{"name": "Back Garden"}, {"name": "Hall"}]},
        "entities": [{"entity": "lock.front", "domain": "lock", "name": "Front Door", "area": "Hall"}],
    })  # fmt: skip
    assert ground(home, "HassGetState", {"name": "back door", "domain": "lock"}, Context()) == {
        "name": "back door", "domain": "lock",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "slots", "expected"),
    [
        ("turn on the kitchen fan", {"area": "kitchen", "domain": "light"}, {"area": "Kitchen", "domain": "fan"}),
        ("turn on the garage", {"area": "garage", "domain": "light"}, {"area": "Garage", "domain": "light"}),
        ("switch the kitchen on", {"area": "kitchen", "domain": "light"}, {"area": "Kitchen", "domain": "light"}),
        ("kitchen lights and fan on", {"area": "kitchen", "domain": "light"}, {"area": "Kitchen", "domain": "light"}),
    ],
)
def test_what_was_said_to_be_something_else_is_no_light(text: str, slots: dict[str, Any], expected: dict[str, Any]) -> None:
    assert ground(family_house(), "HassTurnOn", slots, Context(), text) == expected


def test_where_there_is_no_garage_turning_it_on_opens_nothing() -> None:
    home = home_of(thing("cover.g", "Big Door", device_class="garage"))
    assert ground(home, "HassTurnOn", {"area": "garage", "domain": "light"}, Context(), "turn on the garage")["domain"] == "light"


def test_a_place_is_taken_by_its_whole_name() -> None:
    home = home_of(areas=(Area("Meeting Room One"), Area("Meeting Room Two"), Area("Bedroom"), Area("Guest Bedroom")))
    for text, said, meant in (
        ("no, I meant meeting room two", "meeting room", "Meeting Room Two"),
        ("lights on in the guest bedroom", "bedroom", "Guest Bedroom"),
        ("lights on in the bedroom", "bedroom", "Bedroom"),
    ):
        assert ground(home, "HassTurnOn", {"area": said, "domain": "light"}, Context(), text)["area"] == meant


def test_lock_it_is_about_a_lock() -> None:
    assert grounded("lock it please", name="it") == {"name": "it", "domain": "lock"}
    assert grounded("turn it on", name="it") == {"name": "it"}
    assert grounded("lock it and turn it on", name="it") == {"name": "it"}


# ---------------------------------------------------------------- numbers, places that were not written, qualified kinds

HOSTEL = home_of(
    thing("light.one", "Dorm 1 Light", "Dorm 1"),
    thing("light.two", "Dorm 2 Light", "Dorm 2"),
    thing("climate.two", "Dorm 2 Aircon", "Dorm 2"),
    thing("switch.washer_1", "Washer One", "Laundry"),
    thing("switch.washer_2", "Washer Two", "Laundry"),
    thing("light.shed", "Shed Bulb", "Potting Shed"),
    thing("lock.shed", "Shed Door", "Potting Shed"),
    thing("light.night", "Corridor Night Lights", "Corridor", aliases=("night lights",)),
    thing("light.ceiling", "Corridor Ceiling", "Corridor"),
    thing("light.path", "Path Lights", "Garden"),
    areas=(Area("Dorm 1", ("Wombat",), "Upstairs"), Area("Dorm 2", ("Quokka",), "Upstairs"), Area("Potting Shed", ("shed",)),
           Area("Corridor", floor="Upstairs")),
)


def in_hostel(text: str, intent: str, **slots: Any) -> tuple[dict[str, Any], set[str]]:
    meant = ground(HOSTEL, intent, slots, Context(), text)
    found = resolve(HOSTEL, heard(said_of(meant), text), Context())
    return meant, {entity.entity_id for entity in found.entities}


@pytest.mark.parametrize(
    ("text", "slots", "entity"),
    [
        ("dorm two lights out", {"area": "dorm two", "domain": "light"}, "light.two"),
        ("dorm one light on", {"name": "dorm one light"}, "light.one"),
        ("is washer one still going", {"name": "washer one"}, "switch.washer_1"),
        ("is washer 2 on", {"name": "washer 2"}, "switch.washer_2"),
        ("turn the aircon on in quokka", {"domain": "climate"}, "climate.two"),
        ("shed bulb off and lock the shed", {"name": "the shed"}, "lock.shed"),
        ("night lights off and path lights on", {"domain": "light"}, "light.night"),
        ("all ceiling lights upstairs off", {"floor": "upstairs", "domain": "light"}, "light.ceiling"),
    ],
)
def test_what_else_the_sentence_tells(text: str, slots: dict[str, Any], entity: str) -> None:
    intent = "HassGetState" if text.startswith("is ") else "HassTurnOff" if "off" in text or "out" in text else "HassTurnOn"
    assert in_hostel(text, intent if "lock" not in text else "HassTurnOn", **slots)[1] == {entity}


@pytest.mark.parametrize(
    "text",
    [
        "turn all the lights off except in the corridor",
        "lights off and then I go to the corridor",
        "turn off the lights in the corridor and the shed",
    ],
)
def test_a_place_of_another_part_of_the_sentence_is_not_taken(text: str) -> None:
    assert in_hostel(text, "HassTurnOff", domain="light")[0] == {"domain": "light"}


def test_floors_that_differ_by_a_letter_are_two() -> None:
    home = home_of(thing("light.in", "Hall Light", "Hall"), thing("light.out", "Gate Light", "Drive"),
                   areas=(Area("Hall", floor="Ground"), Area("Drive", floor="Grounds")),
                   floors=(Floor("Ground"), Floor("Grounds", ("outside",))))
    for said in ("outside", "grounds"):
        meant = ground(home, "HassTurnOn", {"floor": said, "domain": "light"}, Context(), f"{said} lights on")
        assert [entity.entity_id for entity in resolve(home, said_of(meant), Context()).entities] == ["light.out"]


def test_both_says_that_all_of_the_name_are_meant() -> None:
    home = home_of(thing("light.left", "Left Bedside", "Bedroom"), thing("light.right", "Right Bedside", "Bedroom"))
    one, both = (resolve(home, heard(said_of({"name": "bedside"}), text), Context())
                 for text in ("bedside on", "both bedside lamps on"))
    assert one.question is not None
    assert len(both.entities) == 2


def test_a_level_is_asked_for_by_the_name_of_what_has_it() -> None:
    home = home_of(thing("sensor.black", "Black Tank"), thing("sensor.gray", "Gray Tank"))
    found = resolve(home, said_of({"name": "black tank level"}), Context()).entities
    assert [entity.entity_id for entity in found] == ["sensor.black"]


def test_the_only_one_of_a_kind_in_a_room_may_be_called_by_where_it_hangs() -> None:
    def found(*things: Any) -> list[str]:
        said = said_of({"name": "ceiling fan", "area": "Den"})
        return [entity.entity_id for entity in resolve(home_of(*things), said, Context()).entities]

    plain, desk = thing("fan.den", "Den Fan", "Den"), thing("fan.desk", "Desk Fan", "Den")
    assert found(plain) == ["fan.den"]
    assert found(desk) == []
    assert found(plain, desk) == []


def test_a_question_about_several_is_about_all_rooms_so_called() -> None:
    windows = [thing(f"binary_sensor.{n}", f"Dorm {n} Window", f"Dorm {n}", device_class="window") for n in "12"]
    said = {"area": "dorm", "domain": "binary_sensor", "device_class": "window"}
    asked = heard(said_of(said), "which dorm windows are open")
    assert len(resolve(home_of(*windows), asked, Context()).entities) == 2
