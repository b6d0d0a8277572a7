"""Replies: short, true, from what became of each device."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingle.skills.home.model import Entity
from ingle.skills.wording import Noun, Phrase, Told, everything_in, kind_in, kind_of, noun_of, plain, report

OFF = Phrase("turned off {}", "turn off", "off", "be turned off")
RED = Phrase("set {} to red", "go to red", "red", "change colour")
PRESSED = Phrase("pressed {}", "press", "pressed", "be pressed", shows=False)


def device(name: str, domain: str = "light", *, area: str | None = None, device_class: str | None = None) -> Entity:
    entity_id = f"{domain}.{name.lower().replace(' ', '_')}"
    return Entity(entity_id=entity_id, domain=domain, name=name, area=area, device_class=device_class)


def told(*fates: tuple[str, str], phrase: Phrase = OFF) -> list[Told]:
    return [Told(device(name), phrase, status) for name, status in fates]


@pytest.mark.parametrize(
    ("fates", "reply"),
    [
        ([("Hall Lamp", "confirmed")], "Turned off the hall lamp."),
        ([("Hall Lamp", "already")], "The hall lamp was already off."),
        ([("Kitchen Lights", "already")], "The kitchen lights were already off."),
        ([("Hall Lamp", "sent")], "Told the hall lamp to turn off."),
        ([("Hall Lamp", "silent")], "The hall lamp didn't answer."),
        ([("Hall Lamp", "offline")], "The hall lamp is offline."),
        ([("Hall Lamp", "unsupported")], "The hall lamp can't be turned off."),
        ([("A", "confirmed"), ("B", "confirmed")], "Turned off the A and the B."),
        ([("A", "confirmed"), ("B", "confirmed"), ("C", "confirmed")], "Turned off the A, the B and the C."),
        ([("A", "confirmed"), ("B", "already")], "Turned off the A; the B was already off."),
        (
            [("A", "confirmed"), ("B", "confirmed"), ("C", "confirmed"), ("Hall Lamp", "silent")],
            "Turned off 3 lights; the hall lamp didn't answer.",
        ),
        (
            [("A", "confirmed"), ("B", "confirmed"), ("C", "already"), ("D", "already"), ("E", "offline")],
            "Turned off 2 lights; 2 were already off; the E is offline.",
        ),
        ([(name, "silent") for name in "ABCD"], "4 lights didn't answer."),
    ],
)
def test_what_became_of_them(fates: list[tuple[str, str]], reply: str) -> None:
    assert report(told(*fates)) == reply


def test_a_whole_room_is_called_by_its_kind() -> None:
    lights = kind_in("Kitchen", ("light", "lights"))
    both = [("A", "confirmed"), ("B", "confirmed")]
    assert report(told(*both), whole=lights) == "Turned off the kitchen lights."
    assert report(told(("A", "already"), ("B", "already")), whole=lights) == "The kitchen lights were already off."
    assert report(told(("A", "confirmed"), ("B", "already")), whole=lights) == "Turned off the kitchen lights."


def test_a_room_of_which_a_part_failed_is_not_called_whole() -> None:
    lights = kind_in("Kitchen", ("light", "lights"))
    reply = report(told(("A", "confirmed"), ("B", "silent")), whole=lights)
    assert reply == "Turned off the A; the B didn't answer."


def test_one_device_named_twice_is_it_the_second_time() -> None:
    lamp = device("Hall Lamp")
    dimmed = Phrase("set {} to 40%", "go to 40%", "at 40%", "be dimmed")
    reply = report([Told(lamp, dimmed, "confirmed"), Told(lamp, RED, "unsupported")])
    assert reply == "Set the hall lamp to 40%; it can't change colour."


def test_what_shows_no_state_is_done_when_it_is_sent() -> None:
    assert report([Told(device("Restart Router", "button"), PRESSED, "sent")]) == "Pressed restart router."


@pytest.mark.parametrize(
    ("entity", "text"),
    [
        (device("Kitchen Light"), "the kitchen light"),
        (device("LED Strip"), "the LED strip"),
        (device("Anna's Lamp"), "Anna's lamp"),
        (device("Anna’s Lamp"), "Anna’s lamp"),
        (device("Lamp", area="Living Room"), "the living room lamp"),
        (device("Kitchen Lamp", area="Kitchen"), "the kitchen lamp"),
        (device("Rosie", "vacuum"), "Rosie"),
        (device("Vacuum", "vacuum"), "the vacuum"),
        (device("Movie Night", "scene"), "movie night"),
        (device("TV", "media_player"), "the TV"),
        (device("The Beast", "switch"), "the beast"),
    ],
)
def test_how_a_device_is_called(entity: Entity, text: str) -> None:
    assert noun_of(entity).text == text


def test_what_devices_are_called_together() -> None:
    blind, curtain = device("A", "cover", device_class="blind"), device("B", "cover", device_class="curtain")
    assert kind_of([blind, blind])[1] == "blinds"
    assert kind_of([blind, curtain])[1] == "covers"
    assert kind_of([blind, device("L")])[1] == "devices"
    assert kind_in(None, ("light", "lights")) == Noun("all the lights", plural=True)
    assert kind_in("Anna's Room", ("light", "lights")).text == "Anna's room lights"
    assert everything_in("Kitchen").text == "everything in the kitchen"


NAMES = st.text(alphabet="AbcDEF'x ", min_size=1, max_size=12).filter(str.strip)
STATUS = st.sampled_from(["confirmed", "sent", "already", "silent", "offline", "unsupported"])


@given(st.lists(st.tuples(NAMES, STATUS), min_size=1, max_size=9, unique_by=lambda fate: fate[0]))
def test_no_trouble_is_left_out_and_no_success_made_up(fates: list[tuple[str, str]]) -> None:
    items = [Told(Entity(entity_id=f"light.{n}", domain="light", name=name), OFF, status)
             for n, (name, status) in enumerate(fates)]
    reply = report(items)
    statuses = {status for _, status in fates}
    assert ("urned off" in reply) == ("confirmed" in statuses or "turned off" in reply)
    assert ("didn't answer" in reply) == ("silent" in statuses)
    assert ("offline" in reply) == ("offline" in statuses)
    assert ("already" in reply) == ("already" in statuses)
    assert reply.endswith(".")
    assert reply[0] == reply[0].upper()


@given(st.text(max_size=40))
def test_any_name_can_be_said(name: str) -> None:
    plain(name)
    noun_of(Entity(entity_id="light.a", domain="light", name=name))
