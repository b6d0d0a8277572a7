"""How warm it is in a room, and what it is like outside, from what this home measures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .api import Done, Turn, Unclear, skill
from .home.model import Entity, Home
from .home.resolver import Resolution, Said, resolve
from .slots import as_spoken, spoken_list
from .states import degrees, is_known, number
from .wording import listed, noun_of, plain, sentence
from .words import fold

ROOMS_AT_MOST = 4        # readings told in one answer
THERMOSTATS = frozenset({"climate", "water_heater"})
_OUTSIDE = frozenset({"outside", "outdoor", "outdoors", "exterior", "garden", "patio", "balcony", "terrace", "porch", "yard",
                      "weather"})
_CONDITIONS = {"clear-night": "clear", "partlycloudy": "partly cloudy", "lightning-rainy": "stormy and rainy",
               "snowy-rainy": "sleety", "windy-variant": "windy and cloudy", "pouring": "pouring"}
_TODAY = frozenset({"today", "now", "right now", "currently", "outside", "at the moment"})


@skill
class GetTemperature:
    """How warm it is. "how warm is the bedroom?" -> "It's 19.5 °C in the bedroom." """

    intent = "HassClimateGetTemperature"

    @dataclass(frozen=True)
    class Slots:
        name: str | None = None
        area: str | None = None
        floor: str | None = None

    async def handle(self, slots: Slots, turn: Turn) -> Done:
        if slots.name is not None and _OUTSIDE & set(fold(slots.name)):
            return outside(turn)
        meters = _named(slots, turn) if slots.name is not None else _placed(slots, turn)
        readings = [(meter, value) for meter in meters if (value := temperature_of(meter)) is not None]
        if not readings:
            noun = listed([noun_of(meter) for meter in meters[:ROOMS_AT_MOST]])
            has = "have" if noun.plural else "has"
            return Done(reply=sentence(f"{noun.text} {has} not told me a temperature yet."), entities=_ids(meters))
        told = dict.fromkeys(_reading(meter, value, by_name=slots.name is not None) for meter, value in readings)
        first, *others = list(told)[:ROOMS_AT_MOST]
        reply = sentence(spoken_list([first, *(each.removeprefix("it's ") for each in others)]) + ".")
        return Done(reply=reply, entities=_ids([meter for meter, _ in readings]),
                    facts=tuple(readings))


def temperature_of(entity: Entity) -> float | None:
    """What a thermometer or thermostat measures, in its own unit; None when it has not told."""
    if entity.domain in THERMOSTATS:
        return number(entity.attributes.get("current_temperature"))
    return number(entity.state) if entity.device_class == "temperature" and is_known(entity) else None


def _named(slots: GetTemperature.Slots, turn: Turn) -> Sequence[Entity]:
    """The thermostat or thermometer of that name. Raises: Unclear."""
    found = turn.resolve(Said(name=slots.name, area=slots.area, floor=slots.floor), domains=THERMOSTATS | {"sensor"})
    meters = [entity for entity in found.entities if entity.domain in THERMOSTATS or entity.device_class == "temperature"]
    return meters or found.entities


def _placed(slots: GetTemperature.Slots, turn: Turn) -> Sequence[Entity]:
    """The thermostats of the place said, else of the room it was heard in, else of the house; where there are none, the
    thermometers. Raises: Unclear: an unknown place, or nothing measures there."""
    said_place = slots.area is not None or slots.floor is not None
    places = [(slots.area, slots.floor)] if said_place else [(turn.area, None)] * (turn.area is not None) + [(None, None)]
    silent: list[Entity] = []
    no_such_place: Resolution | None = None     # unless a thermometer bears its name
    for area, floor in places:
        for domain, device_class in (("climate", None), ("sensor", "temperature")):
            said = Said(area=area, floor=floor, domain=domain, device_class=device_class, plural=True, everywhere=not area)
            found = resolve(turn.home, said, turn.context, domains=frozenset({domain, "binary_sensor"}))
            turn.explain(found)
            if said_place and found.question is not None and found.area is None and found.floor is None:
                no_such_place = no_such_place or found
            meters = [entity for entity in found.entities if said_place or not _is_outside(entity)]
            measuring = [entity for entity in meters if temperature_of(entity) is not None]
            if measuring:
                return measuring
            silent += meters
    if silent:
        return silent
    if no_such_place is not None and no_such_place.question is not None:
        raise Unclear(no_such_place.question, choices=_ids(no_such_place.choices))
    where = f" in the {plain(slots.area)}" if slots.area else f" {plain(slots.floor)}" if slots.floor else " here"
    raise Unclear(f"Nothing measures the temperature{where}.")


def _reading(entity: Entity, value: float, *, by_name: bool) -> str:
    """"it's 19.5 °C in the bedroom"; by its name when it was asked for by name, or stands in no room."""
    if by_name or entity.area is None:
        return f"{noun_of(entity).text} {'measures' if entity.domain in THERMOSTATS else 'is'} {degrees(value, entity)}"
    return f"it's {degrees(value, entity)} in the {plain(entity.area)}"


# --- outside

@skill
class GetWeather:
    """What it is like outside now. "what's the weather?" -> "It's 8 °C outside." A forecast nobody here has. """

    intent = "HassGetWeather"

    @dataclass(frozen=True)
    class Slots:
        name: str | None = None
        date: str | None = None
        at: str | None = None

    async def handle(self, slots: Slots, turn: Turn) -> Done:
        town = slots.name if slots.name is not None and not _OUTSIDE & set(fold(slots.name)) else None
        if town is not None and not is_measured_here(turn.home, town):
            return Done(reply=f"I don't know the weather in {town}; I only know what is measured here.")
        later = [said for said in (slots.date, slots.at) if said is not None and said.lower() not in _TODAY]
        if later:
            now = outside(turn, town, none="")
            return Done(reply=f"I have no forecast. {now.reply.replace('It', 'Now it', 1)}".strip(), entities=now.entities)
        return outside(turn, town)


def outside(turn: Turn, town: str | None = None, *, none: str = "Nothing here measures the weather.") -> Done:
    """What weather stations (that of the town, if one is named) and outdoor sensors of this home say now."""
    stations = _stations(turn.home, town)
    if stations:
        station = stations[0]
        condition = _CONDITIONS.get(station.state or "", as_spoken(station.state))
        warmth = number(station.attributes.get("temperature"))
        told = condition if warmth is None else f"{condition}, {degrees(warmth, station)}"
        where = f"in {town}" if town else "outside"
        return Done(reply=f"It's {told} {where}.", entities=(station.entity_id,), facts=(station,))
    meters = [entity for entity in turn.home.entities.values()
              if entity.exposed and entity.domain == "sensor" and _is_outside(entity) and is_known(entity)]
    for device_class in ("temperature", "humidity"):
        found = [entity for entity in meters if entity.device_class == device_class]
        if found and (value := number(found[0].state)) is not None:
            told = degrees(value, found[0]) if device_class == "temperature" else f"{as_spoken(value, '%')} humidity"
            return Done(reply=f"It's {told} outside.", entities=(found[0].entity_id,), facts=(found[0],))
    return Done(reply=none)


def is_measured_here(home: Home, place: str) -> bool:
    """Whether this home knows the weather "in <place>": outside its door, or where a weather station of its is."""
    return bool(_OUTSIDE & set(fold(place)) or _stations(home, place))


def _stations(home: Home, name: str | None) -> list[Entity]:
    stations = [entity for entity in home.entities.values()
                if entity.domain == "weather" and entity.exposed and is_known(entity)]
    return [each for each in stations if name is None or set(fold(name)) <= set(fold(each.name))]


def _is_outside(entity: Entity) -> bool:
    return bool(_OUTSIDE & {*fold(entity.name), *fold(entity.area or "")})


def _ids(entities: Sequence[Entity]) -> tuple[str, ...]:
    return tuple(entity.entity_id for entity in entities)
