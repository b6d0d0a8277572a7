"""Brightness, colour, warmth and effects of lamps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from ..api import Done, Turn, Unclear, skill
from ..home.model import Entity
from ..registry import Step
from ..slots import spoken_list
from ..wording import Phrase
from ..words import CSS_COLORS
from .acting import Act, cannot, carry_out
from .options import best_option
from .power import TURNED_OFF, TURNED_ON
from .targets import Where, find, names_a_kind
from .units import brightness_percent, clamp, kelvin_range, number, stepped

BRIGHTNESS_STEP: Final = 20             # percent, for "brighter"
KELVIN_STEP: Final = 500                # for "warmer"
FAINTEST: Final = 1                     # percent: "dimmer" never means off
LIGHT: Final = frozenset({"light"})


@dataclass(frozen=True, kw_only=True)
class LightSlots(Where):
    brightness: int | float | None = None       # 0..100
    brightness_step: Step | None = None
    color: str | None = None                    # a CSS name, or as said
    temperature: int | float | None = None      # kelvin
    temperature_step: Step | None = None        # up is whiter
    effect: str | None = None

    @property
    def wishes(self) -> tuple[object, ...]:
        return (self.brightness, self.brightness_step, self.color, self.temperature, self.temperature_step, self.effect)


@dataclass
class Setting:
    """What one lamp shall become: one service call, as bulbs handle one message better than three."""

    data: dict[str, Any] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)      # "40%", "red"
    cannot: list[str] = field(default_factory=list)     # "change colour"

    def wish(self, words: str, **data: Any) -> None:
        self.words.append(words)
        self.data.update(data)


@skill
class LightSet:
    """Brightness, colour, warmth, effect. "set the desk lamp to red" -> "Set the desk lamp to red." """

    intent = "HassLightSet"
    Slots = LightSlots

    async def handle(self, slots: LightSlots, turn: Turn) -> Done:
        if all(wish is None for wish in slots.wishes):
            raise Unclear("How should the light be?")
        target = find(turn, slots.said(), LIGHT)
        entities = target.entities
        if slots.color is not None and slots.color not in CSS_COLORS:
            slots = as_effect(slots, slots.color, entities)
        if slots.brightness_step is not None and names_a_kind(slots.said()):
            entities = lit(entities)
        acts = told_alike([act for entity in entities for act in lamp_acts(entity, slots)], slots)
        whole = target.whole if len(entities) == len(target.entities) else None
        return await carry_out(turn, replace(target, whole=whole), acts)


def as_effect(slots: LightSlots, color: str, entities: Sequence[Entity]) -> LightSlots:
    """"Rainbow" is no colour, but what these lamps can do. Raises: Unclear: it is neither."""
    effects = [effect for entity in entities for effect in entity.attributes.get("effect_list") or ()]
    if slots.effect is not None or color.casefold() not in {str(effect).casefold() for effect in effects}:
        raise Unclear(f"Which colour is {color}?")
    return replace(slots, color=None, effect=color)


def lit(entities: Sequence[Entity]) -> tuple[Entity, ...]:
    """ "dim the lights" means those that are on; all of them where none is."""
    return tuple(entity for entity in entities if entity.state == "on") or tuple(entities)


def told_alike(acts: list[Act], slots: LightSlots) -> list[Act]:
    """Lamps dimmed by a step from different levels: "Dimmed the kitchen lights", not a number for each."""
    phrases = {act.phrase for act in acts if act.service == "turn_on"}
    if slots.brightness_step is None or len(phrases) < 2:
        return acts
    verb, done = ("brighten", "brightened") if stepped(slots.brightness_step, 1) > 0 else ("dim", "dimmed")
    phrase = Phrase(f"{done} {{}}", verb, f"as far {'up' if verb == 'brighten' else 'down'} as it goes", "be dimmed")
    return [replace(act, phrase=phrase) if act.service == "turn_on" else act for act in acts]


def lamp_acts(entity: Entity, slots: LightSlots) -> list[Act]:
    """One act for what the lamp can, and one that says what it cannot."""
    if (plain := _switched(entity, slots)) is not None:
        return [plain]
    setting = Setting()
    _brightness(entity, slots, setting)
    _color(entity, slots, setting)
    _temperature(entity, slots, setting)
    _effect(entity, slots, setting)
    acts = []
    if setting.data:
        acts.append(Act(entity=entity, phrase=_phrase(setting.words), service="turn_on", data=setting.data))
    if setting.cannot:
        acts.append(cannot(entity, spoken_list(setting.cannot, joint="or")))
    return acts


def _switched(entity: Entity, slots: LightSlots) -> Act | None:
    """Nought percent is off; a lamp that cannot be dimmed takes nought and a hundred; a lamp that is off stays so."""
    alone = sum(wish is not None for wish in slots.wishes) == 1
    if slots.brightness == 0:
        return Act(entity=entity, phrase=TURNED_OFF, service="turn_off")
    if alone and slots.brightness == 100 and "brightness" not in entity.features:
        return Act(entity=entity, phrase=TURNED_ON, service="turn_on")
    if alone and slots.brightness_step is not None and stepped(slots.brightness_step, 1) < 0 and entity.state == "off":
        return Act(entity=entity, phrase=TURNED_OFF, status="already")
    return None


def _brightness(entity: Entity, slots: LightSlots, setting: Setting) -> None:
    if slots.brightness is None and slots.brightness_step is None:
        return
    if "brightness" not in entity.features:
        setting.cannot.append("be dimmed")
    elif slots.brightness is not None:
        _wish_percent(setting, slots.brightness)
    elif (now := brightness_percent(entity)) is None:
        setting.cannot.append("be dimmed by a step, as it doesn't report its brightness")
    else:
        _wish_percent(setting, clamp(now + stepped(slots.brightness_step or 0, BRIGHTNESS_STEP), FAINTEST, 100))


def _wish_percent(setting: Setting, percent: float) -> None:
    setting.wish(f"{round(percent)}%", brightness_pct=round(percent))


def _color(entity: Entity, slots: LightSlots, setting: Setting) -> None:
    if slots.color is None:
        return
    if "color" in entity.features:
        setting.wish(slots.color, color_name=slots.color)
    else:
        setting.cannot.append("change colour")


def _temperature(entity: Entity, slots: LightSlots, setting: Setting) -> None:
    if slots.temperature is None and slots.temperature_step is None:
        return
    if not {"color_temp", "color"} & entity.features:
        setting.cannot.append("change its colour temperature")
        return
    wanted = slots.temperature
    if wanted is None:
        now = number(entity.attributes.get("color_temp_kelvin"))
        if now is None:
            setting.cannot.append("be made warmer or cooler by a step, as it doesn't report how warm it is")
            return
        wanted = now + stepped(slots.temperature_step or 0, KELVIN_STEP)
    low, high = kelvin_range(entity)
    kelvin = round(clamp(wanted, low, high))
    limit = ", as warm as it gets" if kelvin > wanted else ", as cool as it gets" if kelvin < wanted else ""
    setting.wish(f"{kelvin} K{limit}", color_temp_kelvin=kelvin)


def _effect(entity: Entity, slots: LightSlots, setting: Setting) -> None:
    if slots.effect is None:
        return
    found = best_option(slots.effect, [str(effect) for effect in entity.attributes.get("effect_list") or ()])
    if found is None:
        setting.cannot.append(f'do "{slots.effect}"')
    else:
        setting.wish(found[0].replace("_", " "), effect=found[0])


def _phrase(words: list[str]) -> Phrase:
    what = spoken_list(words)
    return Phrase(f"set {{}} to {what}", f"go to {what}", f"at {what}", f"be set to {what}")
