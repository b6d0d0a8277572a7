"""Vacuums and lawn mowers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from ..api import Done, Turn, Unclear, skill
from ..home.model import Entity
from ..home.resolver import Said, which_one
from ..wording import Phrase, plain
from .acting import Act, cannot, carry_out
from .power import CLEANS, DOCKED, MOWS
from .targets import Player, Target, find, has_context, of_domains

VACUUM: Final = frozenset({"vacuum"})
MOWER: Final = frozenset({"lawn_mower"})
LOCATED: Final = Phrase("asked {} to make itself heard", "make itself heard", "heard", "be located", shows=False)


@dataclass(frozen=True, kw_only=True)
class Cleaning(Player):
    except_area: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Robot:
    name: str | None = None
    area: str | None = None


@dataclass(frozen=True, kw_only=True)
class Mowing(Robot):
    except_area: tuple[str, ...] = ()


def robot(
    turn: Turn, domains: frozenset[str], name: str | None, area: str | None = None, floor: str | None = None
) -> Target:
    """The robot that is meant: it moves about, so that a room says which one only where it has one of its own."""
    if name is None and not turn.chosen:
        every = of_domains(turn, domains)
        if len(every) == 1:
            return Target(every)
        if area is None and floor is None and not has_context(turn) and every:
            raise Unclear(which_one(every), choices=[entity.entity_id for entity in every])
    return find(turn, Said(name=name, area=area, floor=floor), domains)


@skill
class VacuumStart:
    """Start the vacuum; where a room is named, in that room. "start the vacuum" -> "Started the vacuum." """

    intent = "HassVacuumStart"
    Slots = Cleaning

    async def handle(self, slots: Cleaning, turn: Turn) -> Done:
        if slots.except_area:
            return await clean_rooms(slots, turn)
        target = robot(turn, VACUUM, slots.name, slots.area, slots.floor)
        return await carry_out(turn, target, [_start(entity, slots.area) for entity in target.entities])


@skill
class VacuumCleanArea:
    """Clean one room, where the vacuum knows rooms. "vacuum the kitchen" -> "Sent the vacuum to the kitchen." """

    intent = "HassVacuumCleanArea"
    Slots = Cleaning

    async def handle(self, slots: Cleaning, turn: Turn) -> Done:
        return await clean_rooms(slots, turn)


@skill
class VacuumReturnToBase:
    """Send the vacuum home. "send the vacuum home" -> "Sent the vacuum back to the dock." """

    intent = "HassVacuumReturnToBase"
    Slots = Player

    async def handle(self, slots: Player, turn: Turn) -> Done:
        target = robot(turn, VACUUM, slots.name, slots.area, slots.floor)
        return await carry_out(turn, target, [_dock_vacuum(entity) for entity in target.entities])


@skill
class VacuumLocate:
    """Let the vacuum make itself heard. "where is the vacuum" -> "Asked the vacuum to make itself heard." """

    intent = "VacuumLocate"
    Slots = Robot

    async def handle(self, slots: Robot, turn: Turn) -> Done:
        target = robot(turn, VACUUM, slots.name, slots.area)
        return await carry_out(turn, target, [_with(entity, "locate", "locate", LOCATED) for entity in target.entities])


@skill
class StartMowing:
    """Start the mower. "mow the lawn" -> "Started the mower." """

    intent = "HassLawnMowerStartMowing"
    Slots = Mowing

    async def handle(self, slots: Mowing, turn: Turn) -> Done:
        target = robot(turn, MOWER, slots.name, slots.area)
        if slots.except_area:
            return await carry_out(turn, target, [cannot(entity, "leave a part out") for entity in target.entities])
        acts = [Act(entity=entity, phrase=MOWS, service="start_mowing") for entity in target.entities]
        return await carry_out(turn, target, acts)


@skill
class DockMower:
    """Send the mower home. "stop mowing" -> "Sent the mower back to the dock." """

    intent = "HassLawnMowerDock"
    Slots = Robot

    async def handle(self, slots: Robot, turn: Turn) -> Done:
        target = robot(turn, MOWER, slots.name, slots.area)
        acts = [Act(entity=entity, phrase=DOCKED, service="dock") for entity in target.entities]
        return await carry_out(turn, target, acts)


async def clean_rooms(slots: Cleaning, turn: Turn) -> Done:
    """Only the rooms meant: a vacuum that knows no rooms is not sent through the whole house instead."""
    target = robot(turn, VACUUM, slots.name)
    rooms = _rooms(slots, turn)
    return await carry_out(turn, target, [clean(entity, rooms) for entity in target.entities])


def clean(entity: Entity, rooms: tuple[str, ...]) -> Act:
    """Clean these rooms by the segments that the device tells of (attribute `segments`: name -> id)."""
    segments: Any = entity.attributes.get("segments")
    by_name = {str(name).casefold(): number for name, number in segments.items()} if isinstance(segments, dict) else {}
    wanted = [by_name[room.casefold()] for room in rooms if room.casefold() in by_name]
    if len(wanted) != len(rooms) or "clean_area" not in entity.features:
        return cannot(entity, "clean single rooms")
    where = " and ".join(f"the {plain(room)}" for room in rooms)
    phrase = Phrase(f"sent {{}} to {where}", f"clean {where}", "cleaning", "clean single rooms")
    return Act(entity=entity, phrase=phrase, service="clean_area", data={"segments": wanted})


def _rooms(slots: Cleaning, turn: Turn) -> tuple[str, ...]:
    """Raises: Unclear: no room was named, and it was not heard in one."""
    room = slots.area or (turn.area if slots.floor is None and not slots.except_area else None)
    if room is not None:
        return (room,)
    left_out = {area.casefold() for area in slots.except_area}
    rooms = tuple(
        area.name
        for area in turn.home.areas.values()
        if area.name.casefold() not in left_out
        and (slots.floor is None or (area.floor or "").casefold() == slots.floor.casefold())
    )
    if not rooms or (slots.floor is None and not slots.except_area):
        raise Unclear("Which room?")
    return rooms


def _start(entity: Entity, room: str | None) -> Act:
    """In the room said, for a robot that knows it; the room may as well be where the robot lives."""
    if room is not None and room != entity.area and (act := clean(entity, (room,))).service is not None:
        return act
    return _with(entity, "start", "start", CLEANS)


def _dock_vacuum(entity: Entity) -> Act:
    return _with(entity, "return_to_base", "return_to_base", DOCKED)


def _with(entity: Entity, feature: str, service: str, phrase: Phrase) -> Act:
    if feature not in entity.features:
        return cannot(entity, phrase.cannot)
    return Act(entity=entity, phrase=phrase, service=service)
