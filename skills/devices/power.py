"""On and off, and what these mean for each kind of device: one row a kind and direction."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, timedelta
from typing import Any, Final, Protocol
from weakref import WeakKeyDictionary

from ..api import Done, Turn, Unclear, skill
from ..home.model import Entity, Home
from ..home.resolver import Said
from ..later import LaterStore, Meant
from ..slots import read_duration_s, spoken_duration
from ..wording import Phrase
from .acting import Act, cannot, carry_out
from .alarm import DISARMED, with_code
from .targets import Target, Where, find, has_context, nothing_said, says_all


class Conditions(Protocol):
    """`turn.services["conditions"]`: whether words like "it's dark outside" hold now; None when it cannot tell.

    `about`: the entity ids of what "it" is in the words.
    """

    async def holds(self, condition: str, turn: Turn, about: Sequence[str] = ()) -> bool | None: ...


# ---------------------------------------------------------------- what on and off mean

Call = tuple[str, Mapping[str, Any]]                    # service and data
Chooser = Callable[[Entity], Call | None]               # None: this device cannot


@dataclass(frozen=True)
class Row:
    """What to call on a kind of device, and how that is told."""

    phrase: Phrase
    call: str | Chooser                                 # a service without data, or what chooses one for the device


class LastModes:
    """The mode each thermostat ran in before it was off, as far as this process has seen it."""

    def __init__(self) -> None:
        self._homes: WeakKeyDictionary[Home, dict[str, str]] = WeakKeyDictionary()

    def of(self, home: Home) -> dict[str, str]:
        """Entity id -> mode. The first call begins the watching."""
        modes = self._homes.get(home)
        if modes is None:
            modes = self._homes[home] = {}
            self._watch(home, modes)
        return modes

    @staticmethod
    def _watch(home: Home, modes: dict[str, str]) -> None:
        def note(entity: Entity, before: str | None) -> None:
            for state in (before, entity.state):
                if entity.domain in MODED and runs_in(state):
                    modes[entity.entity_id] = str(state)

        for entity in home.entities.values():
            note(entity, None)
        home.listen(note)


MODED: Final = frozenset({"climate", "water_heater"})
PREFERRED_MODES: Final = ("heat_cool", "auto", "heat", "cool", "eco")
last_modes: Final = LastModes()


def runs_in(state: str | None) -> bool:
    return state not in (None, "off", "unknown", "unavailable")


def modes_of(entity: Entity) -> list[str]:
    """The running modes of a thermostat or water heater, "off" among them where it has that."""
    key = "hvac_modes" if entity.domain == "climate" else "operation_list"
    return [str(mode) for mode in entity.attributes.get(key) or ()]


def _mode_call(entity: Entity, mode: str) -> Call:
    if entity.domain == "climate":
        return "set_hvac_mode", {"hvac_mode": mode}
    return "set_operation_mode", {"operation_mode": mode}


def _run_call(home: Home, entity: Entity) -> Call | None:
    """On: the mode it runs in, else the one it ran in last, else the most general it has."""
    modes = [mode for mode in modes_of(entity) if mode != "off"]
    if not modes:
        return "turn_on", {}
    wishes = (entity.state, last_modes.of(home).get(entity.entity_id), *PREFERRED_MODES, modes[0])
    return _mode_call(entity, next(mode for mode in wishes if mode in modes))


def _rest_call(entity: Entity) -> Call:
    return _mode_call(entity, "off") if "off" in modes_of(entity) else ("turn_off", {})


def _play_call(entity: Entity) -> Call | None:
    return _first_feature(entity, {"turn_on": "turn_on", "play": "media_play"})


def _quiet_call(entity: Entity) -> Call | None:
    return _first_feature(entity, {"turn_off": "turn_off", "stop": "media_stop", "pause": "media_pause"})


def _first_feature(entity: Entity, services: Mapping[str, str]) -> Call | None:
    return next(((service, {}) for feature, service in services.items() if feature in entity.features), None)


def _start_call(entity: Entity) -> Call | None:
    return _first_feature(entity, {"start": "start", "turn_on": "turn_on"})


def _return_call(entity: Entity) -> Call | None:
    return _first_feature(entity, {"return_to_base": "return_to_base", "turn_off": "turn_off", "stop": "stop"})


TURNED_ON: Final = Phrase("turned on {}", "turn on", "on", "be turned on")
TURNED_OFF: Final = Phrase("turned off {}", "turn off", "off", "be turned off")
OPENED: Final = Phrase("opened {}", "open", "open", "be opened", going="opening {}")
CLOSED: Final = Phrase("closed {}", "close", "closed", "be closed", going="closing {}")
LOCKED: Final = Phrase("locked {}", "lock", "locked", "be locked", going="locking {}")
UNLOCKED: Final = Phrase("unlocked {}", "unlock", "unlocked", "be unlocked", going="unlocking {}")
CLEANS: Final = Phrase("started {}", "start", "cleaning", "be started")
MOWS: Final = Phrase("started {}", "start", "mowing", "be started")
DOCKED: Final = Phrase("sent {} back to the dock", "go back to the dock", "docked", "be sent back")
PRESSED: Final = Phrase("pressed {}", "press", "pressed", "be pressed", shows=False)
ARMED: Final = Phrase("armed {}", "arm", "armed", "be armed")
ACTIVATED: Final = Phrase("activated {}", "start", "active", "be activated", shows=False)

ON: Final[dict[str, Row]] = {
    "light": Row(TURNED_ON, "turn_on"),
    "switch": Row(TURNED_ON, "turn_on"),
    "fan": Row(TURNED_ON, "turn_on"),
    "humidifier": Row(TURNED_ON, "turn_on"),
    "siren": Row(TURNED_ON, "turn_on"),
    "automation": Row(TURNED_ON, "turn_on"),
    "media_player": Row(TURNED_ON, _play_call),
    "cover": Row(OPENED, "open_cover"),
    "valve": Row(OPENED, "open_valve"),
    "lock": Row(LOCKED, "lock"),
    "vacuum": Row(CLEANS, _start_call),
    "lawn_mower": Row(MOWS, "start_mowing"),
    "button": Row(PRESSED, "press"),
    "scene": Row(ACTIVATED, "turn_on"),
    "script": Row(ACTIVATED, "turn_on"),
    "alarm_control_panel": Row(ARMED, lambda entity: ("alarm_arm_away", with_code(entity, None, "code_arm_required"))),
}
OFF: Final[dict[str, Row]] = {
    "light": Row(TURNED_OFF, "turn_off"),
    "switch": Row(TURNED_OFF, "turn_off"),
    "fan": Row(TURNED_OFF, "turn_off"),
    "humidifier": Row(TURNED_OFF, "turn_off"),
    "siren": Row(TURNED_OFF, "turn_off"),
    "automation": Row(TURNED_OFF, "turn_off"),
    "media_player": Row(TURNED_OFF, _quiet_call),
    "climate": Row(TURNED_OFF, _rest_call),
    "water_heater": Row(TURNED_OFF, _rest_call),
    "cover": Row(CLOSED, "close_cover"),
    "valve": Row(CLOSED, "close_valve"),
    "lock": Row(UNLOCKED, "unlock"),
    "vacuum": Row(DOCKED, _return_call),
    "lawn_mower": Row(DOCKED, "dock"),
    "script": Row(TURNED_OFF, "turn_off"),
    "alarm_control_panel": Row(
        DISARMED, lambda entity: ("alarm_disarm", with_code(entity, None, "code_disarm_required"))
    ),
}
IS_ON: Final = frozenset(
    {"on", "open", "opening", "locked", "cleaning", "mowing", "playing", "idle", "paused", "buffering"}
)
NEVER: Final[dict[str, str]] = {  # kinds that have no on or off, so that the reply can say so
    "select": "be turned on or off",
    "number": "be turned on or off",
    "text": "be turned on or off",
    "update": "be turned on or off",
    "scene": "be turned off",
    "button": "be turned off",
}

# A lock or alarm comes after all else of its name; "everything" is what is switched, never what shuts the house.
SWITCHED: Final = frozenset({"light", "switch", "fan", "media_player", "humidifier"})
RUN_ONCE: Final = frozenset({"scene", "script", "button"})
SAID_ONLY: Final = frozenset({"lock", "alarm_control_panel"})
BY_NAME: Final = (frozenset(ON) | MODED | frozenset(NEVER)) - SAID_ONLY


def domains_meant(said: Said) -> frozenset[str]:
    """The kinds that on and off may mean, from what was said."""
    if said.domain in RUN_ONCE:
        return RUN_ONCE
    if said.domain is not None:
        return BY_NAME | {said.domain} if said.name is not None else frozenset({said.domain, "switch"})
    return SWITCHED if says_all(said.name) and said.device_class is None else BY_NAME


def switch(home: Home, entity: Entity, on: bool) -> Act:
    """Turn a device on or off, in the sense of its kind."""
    if on and entity.domain in MODED:
        row = Row(TURNED_ON, lambda device: _run_call(home, device))
    else:
        found = (ON if on else OFF).get(entity.domain)
        if found is None:
            return cannot(entity, NEVER.get(entity.domain, f"be turned {'on' if on else 'off'}"))
        row = found
    call: Call | None = (row.call, {}) if isinstance(row.call, str) else row.call(entity)
    if call is None:
        return cannot(entity, row.phrase.cannot)
    return Act(entity=entity, phrase=row.phrase, service=call[0], data=dict(call[1]))


def is_on(entity: Entity) -> bool | None:
    """Whether it is on, open, locked, running; None: it has not said."""
    if entity.state is None or entity.state in ("unknown", "unavailable"):
        return None
    if entity.domain == "alarm_control_panel":
        return entity.state.startswith("armed")
    return runs_in(entity.state) if entity.domain in MODED else entity.state in IS_ON


# ---------------------------------------------------------------- the skills


@dataclass(frozen=True, kw_only=True)
class SwitchSlots(Where):
    if_: str | None = None
    for_: str | None = None


class Switching:
    """What turning on and turning off share."""

    on: bool
    back: str                           # the intent that undoes it
    Slots = SwitchSlots

    async def handle(self, slots: SwitchSlots, turn: Turn) -> Done:
        duration_s = length_of(slots.for_)
        last_modes.of(turn.home)
        target = devices_meant(slots, turn, "Turn what on?" if self.on else "Turn what off?")
        acts = [switch(turn.home, entity, self.on) for entity in target.entities]
        later = self._later(turn, acts) if duration_s is not None else None
        await hold(slots.if_, turn, [entity.entity_id for entity in target.entities])
        done = await carry_out(turn, target, acts)
        if later is None or duration_s is None:
            return done
        due = turn.now.astimezone(UTC) + timedelta(seconds=duration_s)
        for act in acts:
            later.add(self.back, only(act.entity, turn), due.astimezone(turn.now.tzinfo), turn)
        return replace(done, reply=f"{done.reply.removesuffix('.')}, for {spoken_duration(duration_s)}.")

    def _later(self, turn: Turn, acts: list[Act]) -> LaterStore:
        """What will undo the acts. Raises: Unclear: nothing can; half a promise is not begun."""
        later: LaterStore | None = turn.services.get("later")
        if later is None:
            raise Unclear("Timing it is beyond me so far, so nothing was changed. Shall it be without an end?")
        if any(switch(turn.home, act.entity, not self.on).service is None for act in acts):
            raise Unclear("That cannot be undone after a while, so nothing was changed.")
        return later


def only(entity: Entity, turn: Turn) -> Meant:
    """This device and no other; what was confirmed is not asked about again when nobody is there."""
    slots = {"name": "it", "domain": entity.domain}
    return Meant(slots=slots, recent=(entity.entity_id,), via="text" if turn.confirmed else turn.via)


@skill
class TurnOn(Switching):
    """Turn on, open, lock, start, activate, press. "open the bedroom blinds" -> "Opened the bedroom blinds." """

    intent = "HassTurnOn"
    on, back = True, "HassTurnOff"


@skill
class TurnOff(Switching):
    """Turn off, close, unlock, send home. "turn off the kitchen lights" -> "Turned off the kitchen lights." """

    intent = "HassTurnOff"
    on, back = False, "HassTurnOn"


@skill
class Toggle:
    """The other of on and off, device by device. "toggle the desk lamp" -> "Turned on the desk lamp." """

    intent = "HassToggle"

    @dataclass(frozen=True, kw_only=True)
    class Slots(Where):
        pass

    async def handle(self, slots: Slots, turn: Turn) -> Done:
        last_modes.of(turn.home)
        target = devices_meant(slots, turn, "Toggle what?")
        return await carry_out(turn, target, [self._other(turn, entity) for entity in target.entities])

    @staticmethod
    def _other(turn: Turn, entity: Entity) -> Act:
        """Raises: Unclear: a lock that has not said how it is, as the wrong guess would open the house."""
        on = is_on(entity)
        if on is None and entity.domain == "lock":
            raise Unclear("Lock it, or unlock it?", choices=[entity.entity_id])
        return switch(turn.home, entity, not on or entity.domain in RUN_ONCE)


def devices_meant(slots: Where, turn: Turn, question: str) -> Target:
    """Raises: Unclear: nothing was said, and neither room nor last mention tells; or as `find`."""
    said = slots.said()
    if said.name is not None and said.domain is None and not says_all(said.name):
        return _by_name(turn, said)
    if not nothing_said(turn, said):
        return find(turn, said, domains_meant(said))
    if turn.context.recent:
        return find(turn, Said(name="it"), BY_NAME)
    if has_context(turn):
        return find(turn, Said(domain="light"), frozenset({"light"}))
    raise Unclear(question)


def _by_name(turn: Turn, said: Said) -> Target:
    """A name without a kind: what is switched or opened first; a lock or alarm where nothing else bears the name."""
    try:
        return find(turn, said, BY_NAME)
    except Unclear as unclear:
        try:
            return find(turn, said, SAID_ONLY)
        except Unclear:
            raise unclear from None


def length_of(said: str | None) -> float | None:
    """Seconds. Raises: Unclear: the words are no length of time."""
    if said is None:
        return None
    seconds = read_duration_s(said)
    if seconds is None or seconds <= 0:
        raise Unclear("For how long?")
    return float(seconds)


async def hold(condition: str | None, turn: Turn, about: Sequence[str] = ()) -> None:
    """Raises: Unclear: the condition is not met, or cannot be told."""
    if condition is None:
        return
    conditions: Conditions | None = turn.services.get("conditions")
    holds = await conditions.holds(condition, turn, about) if conditions is not None else None
    if holds is None:
        raise Unclear(f'Whether "{condition}" is beyond me so far, so nothing was changed.')
    if not holds:
        raise Unclear(f'Nothing was changed: not so that "{condition}".')
