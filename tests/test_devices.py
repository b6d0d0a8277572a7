"""The device skills on a simulated home: real discovery, resolver and actuator; only the broker's wire is left out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import EntryPoint
from typing import Any

import pytest

from ingle.app.simulator import Simulator, parse_home
from ingle.skills.api import Done, NeedsConfirmation, Turn, Unclear
from ingle.skills.devices import units
from ingle.skills.devices.cleaning import clean
from ingle.skills.devices.options import best_option
from ingle.skills.home.act import Actuator
from ingle.skills.home.discovery import Discovery
from ingle.skills.home.model import Area, Entity, Floor, Home, Publish
from ingle.skills.home.resolver import Context, ground
from ingle.skills.later import LaterStore
from ingle.skills.registry import GROUP, load_skills
from ingle.skills.sensitive import Sensitive, pin_in
from ingle.skills.slots import normalise
from ingle.skills.storage import open_database

REGISTRY = load_skills([EntryPoint("devices", "ingle.skills.devices", GROUP)])
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)

FLOORS = [Floor("Upstairs"), Floor("Downstairs")]
AREAS = [Area("Kitchen", floor="Downstairs"), Area("Hall", floor="Downstairs"), Area("Bedroom", floor="Upstairs")]


@dataclass
class House:
    """A simulated home and what is needed to say something in it."""

    home: Home
    simulator: Simulator
    actuator: Actuator
    recent: tuple[str, ...] = ()
    last: tuple[str, ...] = ()
    services: dict[str, Any] = field(default_factory=dict)

    async def ask(
        self, intent: str, *, heard_in: str | None = None, via: str = "text", confirmed: bool = False, text: str = "",
        confidence: float = 1.0, chosen: tuple[str, ...] = (),
        **said: Any,
    ) -> Done:
        """Handle an intent with slots as said; `for_` and `if_` are the slots `for` and `if`."""
        raw = {slot.rstrip("_"): value for slot, value in said.items()}
        context = Context(area=heard_in, recent=self.recent, last=self.last)
        turn = Turn(
            id="t", text=text, area=heard_in, via=via, speaker=None, now=NOON, home=self.home,
            confirmed=confirmed, confidence=confidence,
            context=context, perform=self.actuator.perform, services=self.services, chosen=chosen,
        )
        slots = ground(self.home, intent, normalise(intent, raw), context, text)
        done = await REGISTRY.handle(intent, slots, turn)
        self.recent = done.entities
        return done

    async def reply(self, intent: str, **said: Any) -> str:
        return (await self.ask(intent, **said)).reply

    def heard(self) -> dict[str, str]:
        """The commands that arrived since the last call, by topic."""
        return {command.topic: command.payload for command in self.simulator.take_commands()}

    def state(self, entity_id: str) -> str | None:
        return self.home.entities[entity_id].state

    def attribute(self, entity_id: str, name: str) -> Any:
        return self.home.entities[entity_id].attributes.get(name)


@asynccontextmanager
async def house(*entities: Mapping[str, Any]) -> AsyncIterator[House]:
    """A home of these devices, in the three rooms above."""
    home = Home(FLOORS, AREAS)
    discovery = Discovery(home)

    async def to_ingle(topic: str, payload: str, retain: bool) -> None:
        discovery.handle(topic, payload, retain)

    simulator = Simulator(parse_home({"entities": list(entities)}, name="test"), to_ingle, time_scale=0.001)

    async def to_devices(message: Publish) -> None:
        await simulator.handle(message.topic, message.payload, retain=message.retain)

    await simulator.start()
    await simulator.report_all()
    assert len(home.entities) == len(entities), "discovery did not take all devices"
    yield House(home, simulator, Actuator(home, discovery, to_devices, confirm_s=0.1))
    await simulator.close()


def device(entity: str, name: str, area: str | None = "Kitchen", **more: Any) -> dict[str, Any]:
    return {"entity": entity, "name": name, "area": area, **more}


CEILING = device("light.ceiling", "Ceiling Light", state="on", can=["brightness", "color_temp", "color"], style="zigbee2mqtt",
                 attributes={"color_temp_kelvin": 3000})
COUNTER = device("light.counter", "Counter Lamp", state="on", can=["brightness"])
HALL_LAMP = device("light.hall", "Hall Lamp", "Hall", state="off", can=[])


# ---------------------------------------------------------------- on and off


async def test_a_rooms_lights_go_off_and_nothing_else_moves() -> None:
    async with house(CEILING, COUNTER, HALL_LAMP) as it:
        assert await it.reply("HassTurnOff", area="kitchen", domain="light") == "Turned off the kitchen lights."
        assert (it.state("light.ceiling"), it.state("light.counter")) == ("off", "off")
        assert len(it.heard()) == 2


async def test_what_was_off_is_told_and_sent_all_the_same() -> None:
    async with house(HALL_LAMP) as it:
        assert await it.reply("HassTurnOff", name="hall lamp") == "The hall lamp was already off."
        assert len(it.heard()) == 1


@pytest.mark.parametrize(
    ("trouble", "reply"),
    [({"deaf": True}, "The hall lamp didn't answer."), ({"offline": True}, "The hall lamp is offline.")],
)
async def test_trouble_is_told(trouble: dict[str, Any], reply: str) -> None:
    async with house({**HALL_LAMP, **trouble}) as it:
        assert await it.reply("HassTurnOn", name="hall lamp") == reply


async def test_a_mixed_group_says_both() -> None:
    deaf = device("light.window", "Window Light", state="on", deaf=True)
    async with house(CEILING, COUNTER, deaf, device("light.sink", "Sink Light", state="on")) as it:
        reply = await it.reply("HassTurnOff", area="kitchen", domain="light")
        assert reply == "Turned off 3 lights; the window light didn't answer."


async def test_off_alone_never_means_the_whole_house() -> None:
    async with house(CEILING, COUNTER, HALL_LAMP) as it:
        with pytest.raises(Unclear, match="Turn what off"):
            await it.ask("HassTurnOff")
        assert it.heard() == {}


async def test_off_alone_means_the_lights_of_the_room_or_what_was_talked_about() -> None:
    async with house(CEILING, COUNTER, device("light.hall", "Hall Lamp", "Hall", state="on")) as it:
        assert await it.reply("HassTurnOff", heard_in="Hall") == "Turned off the hall lamp."
        it.recent = ("light.counter",)
        assert await it.reply("HassTurnOff") == "Turned off the counter lamp."
        assert it.state("light.ceiling") == "on"


ON_OFF = [  # device, intent, slots, reply, state afterwards
    (device("switch.coffee", "Coffee Machine"), "HassTurnOn", {}, "Turned on the coffee machine.", "on"),
    (device("fan.fan", "Fan", state="on"), "HassTurnOff", {"domain": "fan"}, "Turned off the kitchen fan.", "off"),
    (
        device("cover.blind", "Blind", device_class="blind", state="closed"),
        "HassTurnOn", {"domain": "cover"}, "Opening the kitchen blind.", "open",
    ),
    (device("cover.blind", "Blind", device_class="blind", state="open"), "HassTurnOff", {}, "Closing the kitchen blind.",
     "closed"),
    (device("valve.tap", "Tap", state="closed"), "HassTurnOn", {"domain": "valve"}, "Opening the tap.", "open"),
    (device("lock.back", "Back Door", state="unlocked"), "HassTurnOn", {"domain": "lock"}, "Locked the back door.",
     "locked"),
    (device("lock.back", "Back Door", state="locked"), "HassTurnOff", {"domain": "lock"}, "Unlocked the back door.",
     "unlocked"),
    (device("humidifier.h", "Humidifier", state="off"), "HassTurnOn", {}, "Turned on the kitchen humidifier.", "on"),
    (device("vacuum.rosie", "Rosie", state="docked"), "HassTurnOn", {}, "Started Rosie.", "cleaning"),
    (device("lawn_mower.shaun", "Shaun", state="docked"), "HassTurnOn", {}, "Started Shaun.", "mowing"),
    (device("media_player.tv", "TV", state="idle", can=["play", "stop"]), "HassTurnOn", {}, "Turned on the kitchen TV.",
     "playing"),
    (device("siren.s", "Siren", state="off"), "HassTurnOn", {}, "Turned on the kitchen siren.", "on"),
    (device("button.router", "Restart Router"), "HassTurnOn", {}, "Pressed restart router.", None),
    (device("scene.movie", "Movie Night"), "HassTurnOn", {"domain": "scene"}, "Activated movie night.", None),
    (device("button.movie", "Movie Night"), "HassTurnOn", {"domain": "script"}, "Pressed movie night.", None),
    (device("scene.movie", "Movie Night"), "HassTurnOff", {}, "Movie night can't be turned off.", None),
    (device("select.melody", "Melody", attributes={"options": ["Rain", "Waves"]}, state="Rain"), "HassTurnOn", {},
     "The melody can't be turned on or off.", "Rain"),
]  # fmt: skip


@pytest.mark.parametrize(("entity", "intent", "slots", "reply", "state"), ON_OFF, ids=lambda value: str(value)[:40])
async def test_on_and_off_of_each_kind(
    entity: dict[str, Any], intent: str, slots: dict[str, Any], reply: str, state: str | None
) -> None:
    async with house(entity) as it:
        assert await it.reply(intent, name=entity["name"].lower(), **slots) == reply
        if state is not None:
            assert await eventually(lambda: it.state(entity["entity"]) == state)


async def eventually(holds: Callable[[], bool]) -> bool:
    for _ in range(100):
        if holds():
            return True
        await asyncio.sleep(0.005)
    return False


async def test_a_thermostat_comes_back_in_the_mode_it_ran_in() -> None:
    thermostat = device(
        "climate.heating", "Heating", state="cool", attributes={"hvac_modes": ["off", "heat", "cool", "auto"]}
    )
    async with house(thermostat) as it:
        assert await it.reply("HassTurnOff", name="heating") == "Turned off the heating."
        assert it.state("climate.heating") == "off"
        assert await it.reply("HassTurnOn", name="heating") == "Turned on the heating."
        assert it.state("climate.heating") == "cool"


async def test_toggle_goes_device_by_device() -> None:
    async with house(CEILING, {**COUNTER, "state": "off"}) as it:
        reply = await it.reply("HassToggle", area="kitchen", domain="light")
        assert reply == "Turned off the ceiling light; turned on the counter lamp."


async def test_everything_off_leaves_locks_covers_and_heating_alone() -> None:
    others = [
        device("lock.back", "Back Door", state="locked"),
        device("cover.blind", "Blind", device_class="blind", state="open"),
        device("climate.heating", "Heating", state="heat"),
    ]
    async with house(CEILING, device("switch.coffee", "Coffee Machine", state="on"), *others) as it:
        reply = await it.reply("HassTurnOff", name="all", area="kitchen")
        assert reply == "Turned off everything in the kitchen."
        assert (it.state("lock.back"), it.state("cover.blind"), it.state("climate.heating")) == ("locked", "open", "heat")


def kept_later() -> LaterStore:
    """The real store of what shall be done later, in memory."""
    return LaterStore(open_database(":memory:"), clock=lambda: NOON)


async def test_for_ten_minutes_is_undone_later() -> None:
    async with house(HALL_LAMP) as it:
        later = it.services["later"] = kept_later()
        reply = await it.reply("HassTurnOn", name="hall lamp", for_="ten minutes")
        assert reply == "Turned on the hall lamp, for 10 minutes."
        [command] = later.all()
        assert (command.intent, command.slots["name"], command.recent) == ("HassTurnOff", "it", ("light.hall",))
        assert (command.due - NOON).total_seconds() == 600


async def test_without_a_clock_nothing_is_begun_that_must_end() -> None:
    async with house(device("valve.tap", "Tap", state="closed")) as it:
        with pytest.raises(Unclear, match="nothing was changed"):
            await it.ask("HassTurnOn", name="tap", domain="valve", for_="ten minutes")
        assert it.heard() == {}


async def test_a_condition_that_cannot_be_told_changes_nothing() -> None:
    async with house(HALL_LAMP) as it:
        with pytest.raises(Unclear, match="nothing was changed"):
            await it.ask("HassTurnOn", name="hall lamp", if_="it's dark outside")
        assert it.heard() == {}


async def test_lights_of_no_room_are_asked_about_where_the_room_heard_in_has_none() -> None:
    async with house(CEILING, COUNTER) as it:
        with pytest.raises(Unclear):
            await it.ask("HassTurnOff", domain="light", heard_in="Hall", text="turn off the lights")
        reply = await it.reply("HassTurnOff", domain="light", heard_in="Kitchen", text="turn off the lights")
        assert reply == "Turned off the kitchen lights."


async def test_an_unknown_room_moves_nothing() -> None:
    async with house(CEILING, COUNTER, HALL_LAMP) as it:
        with pytest.raises(Unclear):
            await it.ask("HassTurnOn", area="dungeon", domain="light", text="turn on the dungeon lights")
        assert it.heard() == {}


# ---------------------------------------------------------------- sensitive acts

BACK = device("lock.back", "Back Door", state="locked")
FRONT = device("lock.front", "Front Door", "Hall", state="locked")
GARAGE = device("cover.garage", "Garage Door", None, device_class="garage", state="closed")
BLIND = device("cover.blind", "Blind", device_class="blind", state="closed")


async def test_an_unlock_that_was_heard_wants_a_yes() -> None:
    async with house(BACK, FRONT) as it:
        with pytest.raises(NeedsConfirmation, match=r"Unlock the back door\? Say yes") as asked:
            await it.ask("HassTurnOff", name="back door", domain="lock", via="voice")
        assert asked.value.choices == ("lock.back",)
        assert it.heard() == {}
        done = await it.ask("HassTurnOff", name="back door", domain="lock", via="voice", confirmed=True)
        assert done.reply == "Unlocked the back door."


async def test_a_name_alone_means_the_lock_only_where_nothing_else_bears_it() -> None:
    async with house(BACK) as it:
        assert await it.reply("HassTurnOff", name="back door") == "Unlocked the back door."
    async with house(BACK, device("cover.back", "Back Door", device_class="door", state="closed")) as it:
        assert await it.reply("HassTurnOn", name="back door") == "Opening the back door."
        assert it.state("lock.back") == "locked"


async def test_locking_wants_none() -> None:
    async with house({**BACK, "state": "unlocked"}) as it:
        assert await it.reply("HassTurnOn", name="back door", domain="lock", via="voice") == "Locked the back door."


async def test_several_ways_in_are_never_opened_on_one_sentence() -> None:
    async with house(BACK, FRONT) as it:
        with pytest.raises(NeedsConfirmation, match=r"That is 2: the back door and the front door"):
            await it.ask("HassTurnOff", name="all", domain="lock")
        assert it.heard() == {}


async def test_a_garage_door_by_voice_wants_a_yes_and_typed_acts() -> None:
    async with house(GARAGE) as it:
        with pytest.raises(NeedsConfirmation, match="Open the garage door"):
            await it.ask("HassTurnOn", name="garage door", domain="cover", via="voice")
        with pytest.raises(NeedsConfirmation):
            await it.ask("HassToggle", name="garage door", via="voice")
        assert await it.reply("HassTurnOn", name="garage door", domain="cover") == "Opening the garage door."


async def test_all_covers_never_means_the_garage() -> None:
    async with house(GARAGE, BLIND) as it:
        assert await it.reply("HassTurnOn", name="all", domain="cover") == "Opening the kitchen blind."
        assert it.state("cover.garage") == "closed"


async def test_the_household_decides_what_is_asked() -> None:
    async with house(BACK, GARAGE) as it:
        it.services["sensitive"] = Sensitive(acts=("open_garage",), via=("voice", "text"), pin="4711")
        assert await it.reply("HassTurnOff", name="back door", domain="lock", via="voice") == "Unlocked the back door."
        with pytest.raises(NeedsConfirmation, match="Say the PIN"):
            await it.ask("HassTurnOn", name="garage door", domain="cover")


ALARM = device("alarm_control_panel.house", "House Alarm", "Hall", code="2468", state="disarmed")


async def test_the_alarm_is_armed_and_wants_a_yes_to_be_disarmed() -> None:
    async with house(ALARM) as it:
        reply = await it.reply("ArmAlarm", mode="night", code="two four six eight", via="voice")
        assert reply == "Armed the house alarm, night."
        with pytest.raises(NeedsConfirmation, match="Disarm the house alarm"):
            await it.ask("DisarmAlarm", code="2468", via="voice")
        assert await it.reply("DisarmAlarm", code="2468") == "Disarmed the house alarm."


async def test_a_lock_that_wants_a_code_says_so() -> None:
    async with house({**BACK, "code": "2468"}) as it:
        assert await it.reply("HassTurnOff", name="back door", domain="lock") == "The back door wants a code."
        assert it.heard() == {}


async def test_what_was_picked_when_asked_is_what_is_meant() -> None:
    async with house(BACK, FRONT) as it:
        done = await it.ask("HassTurnOff", domain="lock", chosen=("lock.front",))
        assert done.reply == "Unlocked the front door."


async def test_an_alarm_that_wants_a_code_is_asked_for_it() -> None:
    async with house(ALARM) as it:
        with pytest.raises(Unclear, match="code"):
            await it.ask("DisarmAlarm")
        assert it.heard() == {}


@pytest.mark.parametrize(("said", "pin"), [("4711", "4711"), ("it's four seven 1 one", "4711"), ("yes", "")])
def test_a_pin_may_be_spoken(said: str, pin: str) -> None:
    assert pin_in(said) == pin


# ---------------------------------------------------------------- lights


async def test_brightness_of_a_room() -> None:
    async with house(CEILING, COUNTER) as it:
        reply = await it.reply("HassLightSet", area="kitchen", domain="light", brightness="forty percent")
        assert reply == "Set the kitchen lights to 40%."
        assert it.attribute("light.counter", "brightness") == 102


async def test_a_lamp_without_colour_says_so_and_the_others_have_it() -> None:
    async with house(CEILING, COUNTER) as it:
        reply = await it.reply("HassLightSet", area="kitchen", domain="light", color="red")
        assert reply == "Set the ceiling light to red; the counter lamp can't change colour."


async def test_a_lamp_does_the_half_it_can() -> None:
    async with house(COUNTER) as it:
        reply = await it.reply("HassLightSet", name="counter lamp", color="red", brightness="40")
        assert reply == "Set the counter lamp to 40%; it can't change colour."


@pytest.mark.parametrize(
    ("brightness", "step", "reply"),
    [
        (102, "up", "Set the counter lamp to 60%."),
        (102, "down", "Set the counter lamp to 20%."),
        (102, "down 10", "Set the counter lamp to 30%."),
        (13, "down", "Set the counter lamp to 1%."),
    ],
)
async def test_a_step_starts_from_what_is(brightness: int, step: str, reply: str) -> None:
    async with house({**COUNTER, "attributes": {"brightness": brightness}}) as it:
        assert await it.reply("HassLightSet", name="counter lamp", brightness_step=step) == reply


async def test_dimming_a_room_leaves_what_is_off_off() -> None:
    async with house(
        {**CEILING, "attributes": {"brightness": 255}}, {**COUNTER, "state": "off"}, {**HALL_LAMP, "area": "Kitchen"}
    ) as it:
        reply = await it.reply("HassLightSet", area="kitchen", domain="light", brightness_step="down")
        assert reply == "Set the ceiling light to 80%."
        assert it.state("light.counter") == "off"


async def test_colour_temperature_stays_in_the_lamps_range() -> None:
    async with house(CEILING) as it:
        low, high = units.kelvin_range(it.home.entities["light.ceiling"])
        reply = await it.reply("HassLightSet", name="ceiling light", temperature="1000")
        assert reply == f"Set the ceiling light to {low} K, as warm as it gets."
        assert await it.reply("HassLightSet", name="ceiling light", color="cool white") == "Set the ceiling light to 4000 K."
        assert low < 4000 < high


async def test_nought_is_off_and_a_plain_lamp_takes_a_hundred() -> None:
    async with house(HALL_LAMP) as it:
        assert await it.reply("HassLightSet", name="hall lamp", brightness="100") == "Turned on the hall lamp."
        assert await it.reply("HassLightSet", name="hall lamp", brightness="0") == "Turned off the hall lamp."
        assert await it.reply("HassLightSet", name="hall lamp", brightness="50") == "The hall lamp can't be dimmed."


async def test_effects_by_what_people_call_them() -> None:
    lamp = device("light.strip", "Strip", can=["brightness", "effect"], attributes={"effect_list": ["Rainbow", "color_loop"]})
    async with house(lamp) as it:
        assert await it.reply("HassLightSet", name="strip", effect="colour loop") == "Set the strip to color loop."


async def test_a_colour_lamp_can_look_white() -> None:
    lamp = device("light.strip", "Strip", state="on", style="zigbee2mqtt", can=["brightness", "color"])
    async with house(lamp) as it:
        assert await it.reply("HassLightSet", name="strip", color="warm white") == "Set the strip to 2700 K."


# ---------------------------------------------------------------- positions


async def test_what_is_on_its_way_is_not_told_as_done() -> None:
    async with house({**BLIND, "travel_s": 100_000}) as it:
        assert await it.reply("HassTurnOn", name="blind") == "Opening the kitchen blind."


SHADE = device("cover.shade", "Shade", device_class="shade", state="open", can=["position", "stop"],
               attributes={"current_position": 40})


async def test_a_position_and_a_step() -> None:
    async with house(SHADE) as it:
        assert await it.reply("HassSetPosition", name="shade", position="half") == "Moving the kitchen shade to 50% open."
    async with house(SHADE) as it:
        assert await it.reply("HassSetPosition", name="shade", position_step="down") == "Moving the kitchen shade to 20% open."


async def test_a_cover_without_positions_takes_nought_and_a_hundred() -> None:
    async with house({**GARAGE, "can": []}) as it:
        assert await it.reply("HassSetPosition", name="garage door", position="50") == (
            "The garage door can't be set to a position."
        )
        assert await it.reply("HassSetPosition", name="garage door", position="100") == "Opening the garage door."


async def test_a_room_of_which_one_is_there_already_is_told_as_one() -> None:
    left = device("cover.left", "Left Curtain", device_class="curtain", state="open")
    right = device("cover.right", "Right Curtain", device_class="curtain", state="closed")
    async with house(left, right) as it:
        reply = await it.reply("HassTurnOff", area="kitchen", domain="cover", device_class="curtain")
        assert reply == "Closing the kitchen curtains."


async def test_stop_alone_stops_what_moves() -> None:
    async with house({**SHADE, "travel_s": 100_000}, HALL_LAMP) as it:
        with pytest.raises(Unclear, match="Stop what"):
            await it.ask("HassStopMoving")
        await it.simulator.handle(*(await command_of(it, "HassTurnOff", name="shade")))
        assert await eventually(lambda: it.state("cover.shade") == "closing")
        it.recent = ()
        assert await it.reply("HassStopMoving") == "Stopped the kitchen shade."


async def command_of(it: House, intent: str, **said: Any) -> tuple[str, str]:
    """What an intent sends, to be sent once more."""
    await it.ask(intent, **said)
    [(topic, payload)] = it.heard().items()
    return topic, payload


# ---------------------------------------------------------------- fans, climate, humidity

FAN = device("fan.fan", "Fan", state="on", can=["percentage", "oscillate", "direction"], attributes={"percentage": 50})


async def test_a_fans_speed_and_swing() -> None:
    async with house(FAN) as it:
        assert await it.reply("HassFanSetSpeed", name="fan", percentage="80") == "Set the kitchen fan to 80%."
        assert await it.reply("HassFanSetSpeed", name="fan", percentage_step="down") == "Set the kitchen fan to 60%."
        assert await it.reply("HassFanSetSpeed", name="fan", oscillating="on") == "Set the kitchen fan swinging."
        assert await it.reply("HassFanSetSpeed", name="fan", mode="high") == "Set the kitchen fan to 100%."


async def test_the_part_of_a_thing_that_has_the_option_is_set() -> None:
    source = device("select.input", "Projector Input", state="HDMI 1", attributes={"options": ["HDMI 1", "HDMI 2"]})
    async with house(source, device("media_player.projector", "Projector")) as it:
        assert "HDMI 2" in await it.reply("SetMode", name="projector", mode="HDMI two")
        assert it.state("select.input") == "HDMI 2"
        assert "can't" in await it.reply("SetMode", name="projector", mode="VGA")


async def test_a_bare_number_is_one_of_a_fans_few_speeds_and_the_fan_that_has_speeds_is_meant() -> None:
    fan = device("fan.ceiling", "Ceiling Fan", state="on", can=["percentage"], attributes={"percentage": 20, "speeds": 5})
    async with house(fan, device("fan.bath", "Bath Fan", can=[])) as it:
        assert await it.reply("HassFanSetSpeed", text="fan on three", name="fan", percentage="three") == (
            "Set the ceiling fan to 60%.")
        assert await it.reply("HassFanSetSpeed", text="ceiling fan to 4%", name="ceiling fan", percentage="4") == (
            "Set the ceiling fan to 20%.")


THERMOSTAT = device(
    "climate.heating", "Heating", state="heat", can=["target_temperature", "hvac_modes", "fan_modes", "preset_mode"],
    attributes={
        "hvac_modes": ["off", "heat", "cool"], "fan_modes": ["low", "high"], "preset_modes": ["eco", "away"],
        "temperature": 20, "min_temp": 7, "max_temp": 30,
    },
)  # fmt: skip


async def test_a_target_a_step_and_another_unit() -> None:
    async with house(THERMOSTAT) as it:
        assert await it.reply("HassClimateSetTemperature", name="heating", temperature="21.5") == (
            "Set the heating to 21.5 °C."
        )
        assert await it.reply("HassClimateSetTemperature", name="heating", temperature_step="up") == (
            "Set the heating to 22.5 °C."
        )
        reply = await it.reply(
            "HassClimateSetTemperature", name="heating", temperature="68", temperature_unit="fahrenheit"
        )
        assert (reply, it.attribute("climate.heating", "temperature")) == ("Set the heating to 68 °F.", 20)


async def test_a_number_is_in_the_households_unit() -> None:
    async with house(THERMOSTAT) as it:
        it.services["temperature_unit"] = "fahrenheit"
        assert await it.reply("HassClimateSetTemperature", name="heating", temperature="77") == "Set the heating to 77 °F."
        assert it.attribute("climate.heating", "temperature") == 25
        assert await it.reply("HassClimateSetTemperature", name="heating", temperature="23") == "Set the heating to 23 °C."
        with pytest.raises(Unclear, match=r"from 44\.6 to 86 °F, not to 100"):
            await it.ask("HassClimateSetTemperature", name="heating", temperature="100")


async def test_a_target_out_of_bounds_is_refused_with_the_bounds() -> None:
    async with house(THERMOSTAT) as it:
        with pytest.raises(Unclear, match="from 7 to 30 °C, not to 70"):
            await it.ask("HassClimateSetTemperature", name="heating", temperature="70")
        assert it.heard() == {}


async def test_a_water_heater_has_a_target_too() -> None:
    async with house(device("water_heater.boiler", "Boiler")) as it:
        assert await it.reply("HassClimateSetTemperature", name="boiler", temperature="60") == "Set the boiler to 60 °C."


async def test_humidity_and_its_step() -> None:
    async with house(device("humidifier.h", "Humidifier", state="on", attributes={"humidity": 40})) as it:
        assert await it.reply("HassHumidifierSetpoint", humidity="55") == "Set the kitchen humidifier to 55%."
        assert await it.reply("HassHumidifierSetpoint", humidity_step="down") == "Set the kitchen humidifier to 50%."


# ---------------------------------------------------------------- modes and values


async def test_a_mode_is_found_wherever_the_device_has_it() -> None:
    async with house(THERMOSTAT) as it:
        assert await it.reply("SetMode", name="heating", mode="cooling") == "Set the heating to cool."
        assert await it.reply("SetMode", name="heating", mode="eco mode") == "Set the heating to eco."
        assert await it.reply("HassClimateSetFanMode", name="heating", fan_mode="high") == "Set the fan of the heating to high."
        assert await it.reply("SetMode", name="heating", mode="party") == (
            'The heating can\'t be set to "party", only to off, heat, cool, eco, away, low or high.'
        )


async def test_selects_numbers_and_texts() -> None:
    melody = device("select.melody", "Lullaby", attributes={"options": ["Rain", "Waves"]}, state="Rain")
    height = device("number.height", "Desk Height", attributes={"min": 65, "max": 125, "step": 1}, state="72", unit="cm")
    sign = device("text.sign", "Door Sign", state="Welcome")
    async with house(melody, height, sign) as it:
        assert await it.reply("SetMode", name="lullaby", mode="the waves") == "Set the lullaby to Waves."
        assert await it.reply("SetValue", name="desk height", value="one hundred") == "Set the desk height to 100 cm."
        assert await it.reply("SetValue", name="door sign", value="Gone fishing") == "Set the door sign to Gone fishing."
        with pytest.raises(Unclear, match="from 65 to 125"):
            await it.ask("SetValue", name="desk height", value="200")


@pytest.mark.parametrize(
    ("said", "options", "best"),
    [
        ("hdmi one", ["HDMI 1", "HDMI 2", "TV"], "HDMI 1"),
        ("heating", ["off", "heat", "cool"], "heat"),
        ("party mode", ["Party", "Relax"], "Party"),
        ("turbo", ["boost", "quiet"], "boost"),
        ("colour loop", ["color_loop", "rainbow"], "color_loop"),
        ("banana", ["off", "heat"], None),
    ],
)
def test_options_by_what_people_call_them(said: str, options: list[str], best: str | None) -> None:
    found = best_option(said, options)
    assert (found[0] if found else None) == best


# ---------------------------------------------------------------- robots and players


async def test_the_vacuum_goes_and_comes_back() -> None:
    async with house(device("vacuum.rosie", "Rosie", state="docked")) as it:
        assert await it.reply("HassVacuumStart") == "Started Rosie."
        assert await it.reply("VacuumLocate") == "Asked Rosie to make itself heard."
        assert await it.reply("HassVacuumReturnToBase") == "Sent Rosie back to the dock."


async def test_a_vacuum_without_rooms_is_not_sent_through_the_house() -> None:
    async with house(device("vacuum.rosie", "Rosie", state="docked")) as it:
        assert await it.reply("HassVacuumCleanArea", area="bedroom") == "Rosie can't clean single rooms."
        assert it.heard() == {}


def test_a_vacuum_that_knows_rooms_cleans_the_one_meant() -> None:
    rosie = Entity(entity_id="vacuum.rosie", domain="vacuum", name="Rosie", features=frozenset({"clean_area"}),
                   attributes={"segments": {"Kitchen": "3", "Bedroom": "4"}})
    act = clean(rosie, ("kitchen",))
    assert (act.service, act.data, act.phrase.done) == ("clean_area", {"segments": ["3"]}, "sent {} to the kitchen")
    assert clean(rosie, ("kitchen", "attic")).service is None


async def test_the_mower() -> None:
    async with house(device("lawn_mower.shaun", "Shaun", None, state="docked")) as it:
        assert await it.reply("HassLawnMowerStartMowing") == "Started Shaun."
        assert await it.reply("HassLawnMowerDock") == "Sent Shaun back to the dock."


SPEAKER = device("media_player.speaker", "Speaker", device_class="speaker", state="playing",
                 attributes={"volume_level": 0.3})
TV = device("media_player.tv", "Bedroom TV", "Bedroom", device_class="tv", state="off")


async def test_transport_means_what_plays() -> None:
    async with house(SPEAKER, TV) as it:
        assert await it.reply("HassMediaNext") == "Skipped to the next on the kitchen speaker."
        assert await it.reply("HassMediaPause") == "Paused the kitchen speaker."
        assert await it.reply("HassMediaUnpause") == "Resumed the kitchen speaker."


async def test_volume() -> None:
    async with house(SPEAKER, TV) as it:
        assert await it.reply("HassSetVolumeRelative", volume_step="up") == "Set the volume of the kitchen speaker to 40%."
        assert await it.reply("HassSetVolume", volume_level="half") == "Set the volume of the kitchen speaker to 50%."
        assert it.attribute("media_player.speaker", "volume_level") == 0.5
        assert await it.reply("HassMediaPlayerMute") == "Muted the kitchen speaker."
        assert await it.reply("HassMediaPlayerUnmute") == "Unmuted the kitchen speaker."


async def test_playing_something() -> None:
    async with house(SPEAKER) as it:
        reply = await it.reply("HassMediaSearchAndPlay", area="kitchen", search_query="some jazz")
        assert reply == "Asked the kitchen speaker to play some jazz."


async def test_an_announcement_needs_somebody_to_make_it() -> None:
    async with house(SPEAKER) as it:
        assert await it.reply("HassBroadcast", message="dinner is ready") == "Nothing here can make announcements."

        class Heard:
            said: tuple[str, str | None] | None = None

            async def announce(self, message: str, *, area: str | None, floor: str | None) -> None:
                self.said = (message, area)

        broadcast = it.services["broadcast"] = Heard()
        reply = await it.reply("HassBroadcast", message="dinner is ready", area="Bedroom")
        assert reply == "Announced in the bedroom: dinner is ready."
        assert broadcast.said == ("dinner is ready", "Bedroom")


# ---------------------------------------------------------------- nothing said


@pytest.mark.parametrize("intent", sorted(set(REGISTRY) - {"HassBroadcast", "HassStopMoving"}))
async def test_without_room_name_or_mention_nothing_happens(intent: str) -> None:
    """Two of each kind, so that there is something to choose between."""
    kinds = ("light", "switch", "fan", "cover", "climate", "humidifier", "vacuum", "lawn_mower", "media_player",
             "number", "alarm_control_panel")  # fmt: skip
    twins = [device(f"{kind}.{n}", f"{kind} {n}".replace("_", " ").title(), area, state=None)
             for kind in kinds for n, area in ((1, "Kitchen"), (2, "Hall"))]  # fmt: skip
    values = {"brightness": "50", "position": "50", "percentage": "50", "temperature": "20", "humidity": "50",
              "fan_mode": "low", "mode": "away", "value": "3", "volume_level": "5", "volume_step": "up",
              "search_query": "jazz"}  # fmt: skip
    from ingle.skills.schema import load_schema

    said = {slot: value for slot, value in values.items() if slot in load_schema()["intents"][intent]["slots"]}
    async with house(*twins) as it:
        with pytest.raises(Unclear):
            await it.ask(intent, **said)
        assert it.heard() == {}


async def test_a_typed_code_makes_clear_what_was_not() -> None:
    async with house(ALARM) as it:
        await it.ask("ArmAlarm", mode="night", code="2468")
        await it.ask("DisarmAlarm", code="2468", confidence=0.5)
        assert it.state("alarm_control_panel.house") == "disarmed"


async def test_an_effect_that_was_heard_as_a_colour() -> None:
    strip = device("light.strip", "Strip", state="on", can=["brightness", "color", "effect"],
                   attributes={"effect_list": ["rainbow", "candle"]})
    async with house(strip) as it:
        assert await it.reply("HassLightSet", name="strip", color="rainbow") == "Set the strip to rainbow."
        with pytest.raises(Unclear, match="Which colour is moody"):
            await it.ask("HassLightSet", name="strip", color="moody")


async def test_half_degrees_are_sent_as_said_where_no_step_is_announced() -> None:
    async with house(device("climate.heating", "Heating", state="heat", attributes={"temperature": 20})) as it:
        assert await it.reply("HassClimateSetTemperature", name="heating", temperature="21.5") == "Set the heating to 21.5 °C."


async def test_make_it_20_after_a_lamp_does_not_heat() -> None:
    heating = device("climate.heating", "Heating", state="heat", attributes={"temperature": 18})
    async with house(heating, HALL_LAMP) as it:
        it.recent = it.last = ("light.hall",)
        with pytest.raises(Unclear, match="Which device do you mean"):
            await it.ask("HassClimateSetTemperature", temperature="20", text="make it 20")
        assert it.heard() == {}
        done = await it.ask("HassClimateSetTemperature", temperature="20", text="make it 20 degrees")
        assert done.entities == ("climate.heating",)


async def test_what_opens_the_house_and_was_not_clear_is_asked_also_when_typed() -> None:
    async with house(BACK) as it:
        with pytest.raises(NeedsConfirmation):
            await it.ask("HassTurnOff", name="back door", domain="lock", confidence=0.3)
        assert it.heard() == {}


async def test_locking_that_was_understood_as_unlocking_is_asked() -> None:
    async with house(BACK) as it:
        with pytest.raises(NeedsConfirmation):
            await it.ask("HassTurnOff", name="back door", domain="lock", text="lock the back door")
        assert it.heard() == {}
