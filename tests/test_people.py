"""Who may do what, whose room "my room" is, and what people like."""

from __future__ import annotations

import pytest

from ingle.app.config import ConfigError, parse
from ingle.app.people import GuestsConfig, People, PersonConfig, forbidden, may_ask, refusal
from ingle.skills.home.model import ServiceCall
from ingle.skills.preferences import (
    FORGET,
    TELL,
    Preference,
    PreferenceStore,
    fitting,
    is_preferable,
    sentences,
    states_liking,
    without_liking,
)
from ingle.skills.storage import open_database

from .worlds import home_of, thing

HOME = home_of(
    thing("lock.front_door", "Front Door", "Hall"), thing("cover.garage", "Garage Door", "Garage", device_class="garage"),
    thing("climate.nursery", "Nursery Heating", "Nursery"), thing("climate.living", "Living Room Heating", "Living Room"),
    thing("light.study", "Desk Lamp", "Study"), thing("siren.hall", "Siren", "Hall"),
)
MIA = PersonConfig(name="Mia", role="child", area="Nursery", may_not=("climate", "study"), may=("climate.nursery",))
ANNA = PersonConfig(name="Anna", aliases=("Mum",), area="Bedroom")
PEOPLE = People([MIA, ANNA], GuestsConfig(may_not=("everything",), may=("light",)))


def call(entity_id: str, service: str) -> ServiceCall:
    return ServiceCall(entity_id=entity_id, service=service)


@pytest.mark.parametrize(
    ("entity_id", "service", "allowed"),
    [
        ("lock.front_door", "unlock", False), ("lock.front_door", "lock", True), ("cover.garage", "open_cover", False),
        ("cover.garage", "close_cover", True), ("climate.nursery", "set_temperature", True),
        ("climate.living", "set_temperature", False), ("light.study", "turn_on", False), ("siren.hall", "turn_on", False),
    ],
)
def test_a_child(entity_id: str, service: str, allowed: bool) -> None:
    assert (forbidden(MIA, [call(entity_id, service)], HOME) is None) == allowed


def test_one_forbidden_call_is_found_among_many() -> None:
    found = forbidden(MIA, [call("lock.front_door", "lock"), call("lock.front_door", "unlock")], HOME)
    assert found is not None
    assert refusal(MIA, *found) == "Mia may not unlock the front door."


def test_whose_rights_count() -> None:
    assert PEOPLE.of("mum", "voice") is PEOPLE.known("Anna")
    guest = PEOPLE.of("Stranger", "text")
    assert guest is not None
    assert guest.role == "guest"
    assert PEOPLE.of(None, "voice") == guest
    assert PEOPLE.of(None, "text") is None
    assert forbidden(guest, [call("light.study", "turn_on")], HOME) is None
    assert forbidden(guest, [call("climate.living", "turn_on")], HOME) is not None


def test_rights_to_intents() -> None:
    guest = PEOPLE.of("Stranger", "text")
    assert not may_ask(guest, "MakeCoffee")             # what it does is not known: everything covers it
    assert may_ask(guest, "HassGetState")               # asking does nothing; acts are judged one by one
    assert not may_ask(PersonConfig(name="X", may_not=("makecoffee",)), "MakeCoffee")
    assert may_ask(None, "MakeCoffee")


@pytest.mark.parametrize(
    ("speaker", "area", "text", "meant"),
    [
        ("Mia", "my room", "lights on in my room", "Nursery"), ("Mia", "room", "lights on in my room", "Nursery"),
        ("Anna", "my bedroom", "turn off my bedroom", "Bedroom"), ("Anna", "kitchen", "my kitchen", "kitchen"),
        (None, "my room", "lights on in my room", "my room"), ("Mia", "room", "the big room", "room"),
    ],
)
def test_my_room(speaker: str | None, area: str, text: str, meant: str) -> None:
    assert PEOPLE.at_home({"area": area, "domain": "light"}, speaker, text) == {"area": meant, "domain": "light"}


@pytest.mark.parametrize(
    ("people", "told"),
    [("[{name: Mia}, {name: Ben, aliases: [mia]}]", "another has"), ("[{name: ' '}]", "is empty"),
     ("[{name: Mia, role: cat}]", "must be one of adult, child, guest"), ("[{nam: Mia}]", "did you mean `name`")],
)
def test_faults_in_the_configuration(people: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        parse(f"people: {people}")


# --- what people like

@pytest.mark.parametrize("text", [
    "I like the bedroom at 18", "remember that I like the bedroom at 18", "we usually have the lights at 40 percent",
    "Please note that I prefer it warm", "I really love my lamp red",
])
def test_a_liking(text: str) -> None:
    assert states_liking(text)


@pytest.mark.parametrize("text", [
    "I'd like the bedroom at 18", "I would like the lights on", "I want the bedroom at 18", "set the bedroom how I like it",
    "what do I like", "I have a cold", "turn on the lights like I said",
])
def test_an_order_or_something_else(text: str) -> None:
    assert not states_liking(text)


def test_a_liking_as_an_order() -> None:
    assert without_liking("remember that I like it at 21 in here") == "set it at 21 in here"
    assert is_preferable("HassClimateSetTemperature", {"area": "Bedroom", "temperature": 18})
    assert not is_preferable("HassClimateSetTemperature", {"area": "Bedroom", "temperature_step": "up"})
    assert not is_preferable("HassTurnOn", {"name": "lamp"})


def test_each_has_their_own_and_the_newest_counts() -> None:
    store = PreferenceStore(open_database(":memory:"))

    def keep(person: str, temperature: int, area: str = "Bedroom") -> None:
        slots = {"area": area, "temperature": temperature}
        store.keep(Preference(person=person, intent="HassClimateSetTemperature", slots=slots))

    keep("Anna", 18)
    keep("Anna", 19)
    keep("", 21)
    keep("", 20, "Study")
    assert [one.slots["temperature"] for one in store.of("Anna")] == [19, 20]
    assert [one.slots["temperature"] for one in store.of("")] == [21, 20]
    [bedroom] = fitting(store.of("Anna"), {"area": "Bedroom"}, HOME, None)
    assert bedroom.spoken() == "the bedroom at 19°"
    store.forget(bedroom)
    assert [one.slots["temperature"] for one in store.of("Anna")] == [21, 20]


@pytest.mark.parametrize(
    ("text", "intent", "slots"),
    [
        ("make the study comfortable", "UsualApply", {"area": "Study"}), ("my usual please", "UsualApply", {}),
        ("set the desk lamp to my usual", "UsualApply", {"name": "Desk Lamp"}),
        ("set the lights to my usual in the study", "UsualApply", {"what": "HassLightSet", "area": "Study"}),
        ("set the study the way I like it", "UsualApply", {"area": "Study"}),
        ("what do I like in the study?", TELL, {"area": "Study"}), ("forget my usual temperature", FORGET,
                                                                    {"what": "HassClimateSetTemperature"}),
    ],
)
def test_asking_for_it(text: str, intent: str, slots: dict[str, str]) -> None:
    heard = sentences().hear(text, HOME)
    assert heard is not None
    assert (heard.intent, dict(heard.slots)) == (intent, slots)
