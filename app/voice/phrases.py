"""This home's own words, for recognition to lean towards: devices, rooms, lists, people, options, own sentences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final

from ...skills.home.model import Area, Entity, Floor, Home
from ...skills.sentences import Sentences
from .types import Phrases

ACTED_ON: Final = (                     # the kinds that are named most often, in this order; others come after them
    "light", "switch", "media_player", "climate", "cover", "fan", "scene", "vacuum", "lock", "humidifier", "lawn_mower",
    "script", "valve", "water_heater", "select", "number", "button", "siren", "alarm_control_panel",
)  # fmt: skip
PEOPLE: Final = ("person", "device_tracker")
OPTION_LISTS: Final = (
    "options", "preset_modes", "effect_list", "source_list", "hvac_modes", "fan_modes", "available_modes", "swing_modes",
)  # fmt: skip
MAX_VALUE_FORMS: Final = 8              # ways in which one value of a list can be said
MAX_OPTIONS: Final = 40                 # of one entity: a lamp may have hundreds of effects


def home_phrases(home: Home, lists: Iterable[str] = (), own: Sequence[Sentences] = ()) -> Phrases:
    """What is called by a name here.

    Args:
        lists: names of the household's lists.
        own: the household's own sentences, whose values and words are said here.
    """
    exposed = [entity for entity in home.entities.values() if entity.exposed and entity.category is None]
    exposed.sort(key=lambda entity: ACTED_ON.index(entity.domain) if entity.domain in ACTED_ON else len(ACTED_ON))
    people = [entity for entity in exposed if entity.domain in PEOPLE]
    things = [entity for entity in exposed if entity.domain not in PEOPLE]
    places: tuple[Area | Floor, ...] = (*home.areas.values(), *home.floors.values())
    named = [list_name if "list" in list_name.lower() else f"{list_name} list" for list_name in lists]
    return Phrases(
        names=_once(name for entity in things for name in (entity.name, *entity.aliases)) + _once(named),
        areas=_once(name for place in places for name in (place.name, *place.aliases)),
        people=_once(name for entity in people for name in (entity.name, *entity.aliases)),
        values=_once((*(form for each in own for form in _values(each)),
                      *(option for entity in exposed for option in _options(entity)))),
        vocabulary=_once(word for each in own for word in each.words),
    )


def _options(entity: Entity) -> Iterator[str]:
    for attribute in OPTION_LISTS:
        options = entity.attributes.get(attribute)
        if isinstance(options, (list, tuple)):
            yield from (one for one in options[:MAX_OPTIONS] if isinstance(one, str))


def _values(own: Sentences) -> Iterator[str]:
    """Every way to say the values of their lists: "dark roast"."""
    from hassil import Intents
    from hassil.sample import sample_expression

    compiled = Intents.from_dict(dict(own.data))
    for slot_list in compiled.slot_lists.values():
        for value in getattr(slot_list, "values", ()):      # a range of numbers has none
            forms = sample_expression(value.text_in, {}, compiled.expansion_rules)
            yield from (" ".join(form.split()) for form in islice(forms, MAX_VALUE_FORMS))


def _once(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(" ".join(name.split()) for name in names if name.strip()))
