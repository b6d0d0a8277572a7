"""What things and places of a home are called, indexed: from words to scored entities, areas and floors.

Built once for each version of the home; looking a name up touches only what shares a word with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from heapq import nlargest
from itertools import pairwise
from math import log
from weakref import WeakKeyDictionary

from rapidfuzz import fuzz, process

from ..words import (
    FILLERS,
    QUANTITY_ALL,
    RELATED_FLOORS,
    RELATED_ROOMS,
    content,
    fold,
    kind_words,
    kinds_of,
    numbered,
    numeral,
    phonetic,
    singular,
    stems,
    synonyms,
)
from .kinds import fits_kind, is_switched
from .model import Entity, Home

ALIKE = 0.76  # two words this alike may be one word misspelt or misheard
MENDED = 0.82  # a word this alike to a known one, and to no other as much, is that one misspelt
SAME_PLACE = 0.78  # a place scored below this is not the place said
SCORED_AT_MOST = 120  # names looked at closely for one search
KEPT_LOOKUPS = 64  # words looked up lately, whose findings are kept
_GENERIC = frozenset({"room", "floor", "area", "level", "storey", "zone", "space"})


@dataclass(frozen=True, slots=True)
class Label:
    """One way to call an entity."""

    entity_id: str
    words: tuple[str, ...]
    stems: tuple[str, ...]  # the words in the singular
    how: str  # "name", "alias", …
    weight: float  # 1 for its own names, less for what is derived


@dataclass(frozen=True)
class Match:
    """An entity found by a name."""

    entity_id: str
    score: float
    why: str
    exact: bool = False  # its own name or alias, word for word
    stems_only: bool = False  # the same but for singular and plural
    beside_area: bool = False  # its own name with its area's before it


@dataclass(frozen=True)
class PlaceMatch:
    """An area or floor found by a name."""

    name: str
    is_floor: bool
    score: float
    why: str


@dataclass(frozen=True)
class _LookedUp:
    """What some words share with the labels of a home."""

    similar: dict[str, dict[str, float]]  # by word said: words of the home's names, with how alike they are
    likeliest: list[int]  # labels, the best first
    scores: dict[int, Match | None] = field(default_factory=dict)  # by label, as far as they were needed


@lru_cache(maxsize=50_000)
def alike(said: str, known: str) -> float:
    """How likely two singular words are one: 1 the same, 0.95 a synonym, then by spelling and sound; 0 when not."""
    if said == known:
        return 1.0
    if known in synonyms(said):
        return 0.95
    if min(len(said), len(known)) <= 2 or said[0].isdigit() or known[0].isdigit():
        return 0.0
    ratio = fuzz.ratio(said, known) / 100
    if ratio >= 0.5 and min(len(said), len(known)) > 3 and phonetic(said) == phonetic(known):
        ratio = max(ratio, 0.86)
    if sorted(said) == sorted(known) and said[0] == known[0]:
        ratio = max(ratio, 0.88)  # letters in the wrong order
    needed = ALIKE if min(len(said), len(known)) > 4 else 0.85
    return min(ratio, 0.94) if ratio >= needed else 0.0


class Names:
    """The index of one version of a home."""

    def __init__(self, home: Home) -> None:
        self.entities = {entity.entity_id: entity for entity in home.entities.values() if entity.exposed}
        self.areas = _place_labels(home.areas, _area_names(home))
        self.floors = _place_labels(home.floors, _floor_names(home))
        self.floor_of_area = {area.name: area.floor for area in home.areas.values()}
        self._beside: dict[str, frozenset[str]] = {}
        self._mended: dict[str, str] = {}
        self._lookups: dict[tuple[str, ...], _LookedUp] = {}
        self._places_found: dict[tuple[str, bool], list[PlaceMatch]] = {}
        self.labels = [label for entity in self.entities.values() for label in self._labels_of(entity)]
        self.by_stem = _by_key(self.labels, lambda label: {*label.stems})
        self.by_joined = _by_key(self.labels, lambda label: {"".join(label.stems)})

    # ------------------------------------------------------------ building

    def _labels_of(self, entity: Entity) -> Iterator[Label]:
        """Every way to call an entity, the best first, none twice."""
        seen: set[tuple[str, ...]] = set()
        for text, how, weight in self._ways(entity):
            words = fold(text) if isinstance(text, str) else text
            words = (tuple(word for word in words if word != "the") or words) if "the" in words else words
            words = numbered(words)
            if words and words not in seen:
                seen.add(words)
                roots = stems(words)
                yield Label(entity.entity_id, words, words if roots == words else roots, how, weight)

    def _ways(self, entity: Entity) -> Iterator[tuple[str | tuple[str, ...], str, float]]:
        own = [(entity.name, "name"), *((alias, "alias") for alias in entity.aliases)]
        for text, how in own:
            yield text, how, 1.0
        area_words = [fold(name) for name in self.areas.get(entity.area or "", ())] or [fold(entity.area or "")]
        for text, how in own:
            words = fold(text)
            for place in filter(None, area_words):
                rest = _without(words, place)
                if rest is None:
                    yield (*place, *words), f"{how} with its area", 0.99
                elif content(rest) and rest:
                    yield rest, f"{how} without its area", 0.96
        if entity.device_name and entity.device_name != entity.name:
            yield entity.device_name, "device name", 0.93

    @cached_property
    def _vocabulary(self) -> list[str]:
        return list(self.by_stem)

    # ------------------------------------------------------------ entities

    def area_of(self, entity: Entity) -> str | None:
        """Its area; where it was announced without one, the area that its name tells ("Kitchen Light 2")."""
        return entity.area if entity.area is not None else self.area_by_name.get(entity.entity_id)

    @cached_property
    def area_by_name(self) -> dict[str, str]:
        """The area in the name of entities that were announced without one, by entity id."""
        known = sorted(
            ((stems(fold(text)), name) for name, texts in self.areas.items() for text in texts),
            key=lambda item: -len(item[0]),
        )
        homeless = (entity for entity in self.entities.values() if entity.area is None)
        told = ((entity, stems(fold(f"{entity.name} {entity.device_name or ''}"))) for entity in homeless)
        found = (
            (entity, next((name for area, name in known if _without(words, area) is not None), None))
            for entity, words in told
        )
        return {entity.entity_id: name for entity, name in found if name is not None}

    def called_after(self, words: Sequence[str], fits: Callable[[Entity], bool]) -> frozenset[str]:
        """Ids of the entities that have all these words in a name of their own: what is in a room nobody announced."""
        wanted = set(stems(content(self.repaired(words))))
        indexes = self.by_stem.get(next(iter(wanted), ""), ())
        labels = (self.labels[index] for index in indexes)
        return frozenset(
            label.entity_id
            for label in labels
            if label.weight == 1.0 and wanted <= set(label.stems) and fits(self.entities[label.entity_id])
        )

    def exact(self, words: Sequence[str], fits: Callable[[Entity], bool]) -> list[Match]:
        """Entities one of whose own names or aliases, its area before it or not, is these words."""
        said = content(self._counted(words))
        said_stems = stems(said)
        found = []
        for index in self.by_joined.get("".join(said_stems), ()):
            label = self.labels[index]
            if label.weight >= 0.99 and fits(self.entities[label.entity_id]):
                same = content(label.words) == said or "".join(label.words) == "".join(said)
                score = label.weight if same else label.weight - 0.015
                why = f"{label.how} '{' '.join(label.words)}'"
                beside = label.weight < 1.0
                found.append(Match(label.entity_id, score, why, exact=same, stems_only=not same, beside_area=beside))
        return _best_each(found)

    def search(self, words: Sequence[str], fits: Callable[[Entity], bool]) -> list[Match]:
        """Entities whose names are like these words, best first. `fits` says which entities are looked at."""
        said = self._respelt(stems(content(self.repaired(words))))
        found = self.exact(words, fits)
        fitting: dict[str, bool] = {}
        scored = 0
        looked_up = self._looked_up(said)
        for index in looked_up.likeliest:
            label = self.labels[index]
            if label.entity_id not in fitting:
                fitting[label.entity_id] = fits(self.entities[label.entity_id])
            if fitting[label.entity_id]:
                if index not in looked_up.scores:
                    looked_up.scores[index] = self._score(said, label, looked_up.similar)
                match = looked_up.scores[index]
                found += [match] if match is not None else []
                scored += 1
                if scored == SCORED_AT_MOST:
                    break
        if not any(match.score >= 0.7 for match in found):
            found += self._alike_in_whole("".join(said), fits)
        return _best_each(found)

    def _looked_up(self, said: tuple[str, ...]) -> _LookedUp:
        """What these words share with the labels; kept, as one sentence looks the same words up several times."""
        if said not in self._lookups:
            similar = {word: self._similar(word) for word in dict.fromkeys(said)}
            self._lookups[said] = _LookedUp(similar, self._likeliest(similar))
            if len(self._lookups) > KEPT_LOOKUPS:
                del self._lookups[next(iter(self._lookups))]
        return self._lookups[said]

    def _alike_in_whole(self, joined: str, fits: Callable[[Entity], bool]) -> list[Match]:
        """Names that read like the whole of what was said, though no word of it is theirs: "bedroom laep"."""
        near = process.extract(joined, self._joined, scorer=fuzz.ratio, score_cutoff=84, limit=8)
        return [
            Match(
                label.entity_id,
                round(ratio / 100 * label.weight, 3),
                f"'{joined}' ~ {label.how} '{' '.join(label.words)}'",
            )
            for known, ratio, _ in near
            if _digits(known) == _digits(joined)
            for label in (self.labels[index] for index in self.by_joined[known])
            if fits(self.entities[label.entity_id])
        ]

    @cached_property
    def _joined(self) -> list[str]:
        return list(self.by_joined)

    def _likeliest(self, similar: dict[str, dict[str, float]]) -> list[int]:
        """Labels that share words with what was said, those that share the rarest first."""
        worth: dict[int, float] = {}
        rare_first = sorted(similar.values(), key=self._spread)
        for rank, known in enumerate(rare_first):
            spread = self._spread(known)
            if not spread:
                continue
            value = log(1 + len(self.labels) / spread)
            opens = rank < 2 or not worth or spread < SCORED_AT_MOST  # a common word alone opens no search
            for stem, likeness in known.items():
                for index in self.by_stem.get(stem, ()):
                    if opens or index in worth:
                        worth[index] = worth.get(index, 0.0) + value * likeness
        if len(worth) > 4 * SCORED_AT_MOST:
            return nlargest(
                4 * SCORED_AT_MOST, worth, key=lambda index: worth[index] - len(self.labels[index].stems) * 1e-3
            )
        return sorted(worth, key=lambda index: len(self.labels[index].stems) * 1e-3 - worth[index])

    def _spread(self, known: dict[str, float]) -> int:
        return sum(len(self.by_stem.get(stem, ())) for stem in known)

    def _similar(self, word: str) -> dict[str, float]:
        """Words of this home's names that may be `word`, with how alike they are."""
        found = {known: alike(word, known) for known in synonyms(word) if known in self.by_stem}
        if len(word) > 2 and (word not in self.by_stem or word not in kind_words()):
            near = process.extract(word, self._vocabulary, scorer=fuzz.ratio, score_cutoff=50, limit=40)
            for known, _, _ in near:
                likeness = alike(word, known)
                if likeness and (word not in self.by_stem or likeness > 0.9):
                    found[known] = max(likeness, found.get(known, 0.0))
        return found

    def _respelt(self, words: tuple[str, ...]) -> tuple[str, ...]:
        """Compounds as this home writes them: "bed room" -> "bedroom", "desklamp" -> "desk lamp"."""
        out: list[str] = []
        for word in words:
            if out and out[-1] + word in self.by_stem and not (out[-1] in self.by_stem and word in self.by_stem):
                out[-1] += word
            elif word in self.by_stem or len(word) < 6:
                out.append(word)
            else:
                out.extend(self._split(word))
        return tuple(out)

    def repaired(self, words: Sequence[str]) -> tuple[str, ...]:
        """The words with slips mended by what is known here: "bedrom ligths" -> "bedroom lights"; known words stay."""
        return self._counted(tuple(self._repaired(word) for word in words))

    def _counted(self, words: Sequence[str]) -> tuple[str, ...]:
        """Number words as digits where something here is called so: "dorm one" is Dorm 1, "the left one" no number."""
        pairs = zip(("", *words), words, strict=False)
        return tuple(numeral(word) if (singular(before), numeral(word)) in self._numbered_pairs else word
                     for before, word in pairs)

    @cached_property
    def _numbered_pairs(self) -> frozenset[tuple[str, str]]:
        """Every word with the number that stands behind it in a name of this home."""
        texts = (*(label.stems for label in self.labels), *(words for _, _, _, words in self._places))
        return frozenset(pair for words in texts for pair in pairwise(words) if pair[1].isdecimal())

    def _repaired(self, word: str) -> str:
        stem = singular(word)
        if len(stem) < 4 or stem in self._known_words or word in FILLERS or word in self._known_words:
            return word
        if word not in self._mended:
            near = process.extract(stem, self._known_list, scorer=fuzz.ratio, score_cutoff=60, limit=12)
            likeness = sorted(((alike(stem, known), known) for known, _, _ in near), reverse=True)
            clear = likeness and likeness[0][0] >= MENDED and (len(likeness) == 1 or likeness[1][0] < likeness[0][0])
            mended = likeness[0][1] if clear else stem
            plural = f"{mended}s" if mended in kind_words() and word.endswith("s") else mended
            self._mended[word] = plural if clear else word
        return self._mended[word]

    @cached_property
    def _known_words(self) -> frozenset[str]:
        places = {word for _, _, _, words in self._places for word in words}
        return frozenset({*self.by_stem, *places, *kind_words(), *QUANTITY_ALL})

    @cached_property
    def _known_list(self) -> list[str]:
        return [word for word in self._known_words if len(word) > 3]

    def _split(self, word: str) -> tuple[str, ...]:
        for cut in range(3, len(word) - 2):
            if word[:cut] in self.by_stem and word[cut:] in self.by_stem:
                return word[:cut], word[cut:]
        return (word,)

    def _score(self, said: tuple[str, ...], label: Label, similar: dict[str, dict[str, float]]) -> Match | None:
        """How well the said words fit a label: each must be in it, or in its place or kind; missing ones cost little."""
        entity = self.entities[label.entity_id]
        beside = self.beside(entity)
        left = list(label.stems)
        heard = total = 0.0
        for word in said:
            best = max(left, key=lambda stem, word=word: similar[word].get(stem, 0.0), default="")  # type: ignore[misc]
            likeness = similar[word].get(best, 0.0)
            weight = 0.4 if word in kind_words() else 1.0
            if likeness:
                left.remove(best)
                if likeness < 1.0 and word in kind_words():
                    likeness = min(likeness, 0.8)  # a lamp is rather the one called a lamp than a light
            elif word in beside or fits_kind((word,), entity):
                likeness, weight = 0.97, 0.2
            elif is_switched((word,), entity):
                likeness, weight = 0.8, 0.4  # "porch light" of a wall switch called "Porch"
            elif word in kind_words():
                weight = 1.0  # "desk lamp" is not the desk's fan
            heard, total = heard + likeness * weight, total + weight
        if left == list(label.stems):
            return None
        missing = sum(0.12 if stem in beside or fits_kind((stem,), entity) else 0.5 for stem in left)
        share = len(label.stems) / (len(label.stems) + missing)
        score = label.weight * (heard / total) ** 1.5 * (0.7 + 0.3 * share)
        if score < 0.4:
            return None
        return Match(
            label.entity_id, round(min(score, 0.97), 3), f"'{' '.join(said)}' ~ {label.how} '{' '.join(label.words)}'"
        )

    def is_plain(self, entity: Entity) -> bool:
        """Whether its name tells its place and kind and nothing else: "Bedroom Fan", not "Desk Fan"."""
        places = (entity.area or "", *self.areas.get(entity.area or "", ()))
        return set(stems(fold(entity.name))) <= {*kind_words(), *(stem for place in places for stem in stems(fold(place)))}

    def beside(self, entity: Entity) -> frozenset[str]:
        """Words that may be said with an entity's name without being part of it: its area's and floor's."""
        return self._beside_area(entity.area) if entity.area is not None else frozenset()

    def _beside_area(self, area: str) -> frozenset[str]:
        if area not in self._beside:
            names = (*self.areas.get(area, (area,)), *self.floors.get(self.floor_of_area.get(area) or "", ()))
            self._beside[area] = frozenset(stem for name in names for stem in stems(numbered(fold(name)))) - _GENERIC
        return self._beside[area]

    # ------------------------------------------------------------ places

    def places(self, text: str, *, floors_first: bool = False) -> list[PlaceMatch]:
        """The areas and floors that `text` may name, the best kind of match only; [] for a place unknown here.

        Several come back when nothing chooses between them ("bedroom" of a home with a kids' and a guest bedroom).
        """
        key = (text, floors_first)
        if key not in self._places_found:
            self._places_found[key] = self._find_places(text, floors_first)
            if len(self._places_found) > KEPT_LOOKUPS:
                del self._places_found[next(iter(self._places_found))]
        return list(self._places_found[key])

    def _find_places(self, text: str, floors_first: bool) -> list[PlaceMatch]:
        said = stems(content(self.repaired(fold(text))))
        for way in (self._place_exact, self._place_alike, self._place_on_floor, self._place_part, self._place_related):
            found = way(said)
            if found:
                found.sort(key=lambda match: (-match.score, match.is_floor != floors_first))
                best = [match for match in found if match.score >= found[0].score - 0.03]
                best = [match for match in best if fold(match.name) == fold(text)] or best  # "Grounds", not "Ground"
                return [match for match in best if match.is_floor == best[0].is_floor]
        return []

    @cached_property
    def _places(self) -> list[tuple[str, bool, str, tuple[str, ...]]]:
        """(own name, is it a floor, name or alias, its words) of every area and floor."""
        return [
            (name, is_floor, text, stems(content(numbered(fold(text)))))
            for table, is_floor in ((self.areas, False), (self.floors, True))
            for name, texts in table.items()
            for text in texts
        ]

    def is_of_place(self, stem: str) -> bool:
        """Whether a place's name has this word."""
        return any(stem in words for _, _, _, words in self._places)

    @cached_property
    def _place_by_joined(self) -> dict[str, list[PlaceMatch]]:
        found: dict[str, list[PlaceMatch]] = {}
        for name, is_floor, text, words in self._places:
            found.setdefault("".join(words), []).append(PlaceMatch(name, is_floor, 1.0, f"'{text}'"))
        return found

    def places_called(self, words: Sequence[str]) -> list[PlaceMatch]:
        """The areas and floors that are called exactly this."""
        return self._place_exact(stems(content(self._counted(words))))

    def _place_exact(self, said: tuple[str, ...]) -> list[PlaceMatch]:
        return _best_places(self._place_by_joined.get("".join(said), ()))

    def _place_alike(self, said: tuple[str, ...]) -> list[PlaceMatch]:
        def score(words: tuple[str, ...]) -> float:
            if len(words) == len(said):
                weights = [0.3 if word in _GENERIC else 1.0 for word in words]
                likeness = [alike(one, other) for one, other in zip(said, words, strict=True)]
                if all(likeness):
                    return sum(w * s for w, s in zip(weights, likeness, strict=True)) / sum(weights)
            one, other = "".join(said), "".join(words)
            near = abs(len(one) - len(other)) <= 2 and _digits(one) == _digits(other)
            joined = fuzz.ratio(one, other) / 100 if near else 0.0
            return joined if joined >= (0.9 if len(said) == len(words) else 0.85) else 0.0

        scored = ((name, is_floor, text, score(words)) for name, is_floor, text, words in self._places)
        return _best_places(
            PlaceMatch(name, is_floor, round(value, 3), f"'{' '.join(said)}' ~ '{text}'")
            for name, is_floor, text, value in scored
            if value >= SAME_PLACE
        )

    def _place_on_floor(self, said: tuple[str, ...]) -> list[PlaceMatch]:
        """ "upstairs bathroom": an area's name beside its floor's."""
        found = []
        for floor, texts in self.floors.items():
            for text in texts:
                rest = _without(said, stems(content(fold(text))))
                if rest:
                    inner = self._place_exact(rest) or self._place_alike(rest) or self._place_part(rest)
                    found += [
                        match for match in inner if not match.is_floor and self.floor_of_area.get(match.name) == floor
                    ]
        return _best_places(found)

    def _place_part(self, said: tuple[str, ...]) -> list[PlaceMatch]:
        """ "bedroom" of "Master Bedroom": all that was said is in the name."""
        telling = [word for word in said if word not in _GENERIC]
        for parts in (telling, ["".join(said)]):
            found = [
                PlaceMatch(name, is_floor, 0.8, f"'{' '.join(said)}' is part of '{text}'")
                for name, is_floor, text, words in self._places
                if parts and all(any(alike(word, known) >= 0.86 for known in words) for word in parts)
            ]
            if found:
                return _best_places(found)
        return []

    def _place_related(self, said: tuple[str, ...]) -> list[PlaceMatch]:
        """ "garden" of a home that has a "Front Yard"; "upstairs" of one with a "First Floor"."""
        phrase = " ".join(said)
        by_phrase: dict[str, list[tuple[str, bool, str]]] = {}
        for name, is_floor, text, words in self._places:
            by_phrase.setdefault(" ".join(words), []).append((name, is_floor, text))
        for other in RELATED_FLOORS.get(phrase, ()):
            for name, is_floor, text in by_phrase.get(" ".join(stems(fold(other))), ()):
                return [PlaceMatch(name, is_floor, 0.7, f"'{phrase}' is near to '{text}'")]
        related = {" ".join(stems(fold(other))) for row in _related_rows() if phrase in row for other in row}
        return _best_places(
            PlaceMatch(name, is_floor, 0.7, f"'{phrase}' is near to '{text}'")
            for other in related
            for name, is_floor, text in by_phrase.get(other, ())
        )

    def _names_all_kinds(self, match: PlaceMatch, run: Sequence[str]) -> bool:
        """Whether no kind word of the run is lost in the place: "living oom tv" is not just the Living Room."""
        texts = (self.floors if match.is_floor else self.areas)[match.name]
        known = {stem for text in texts for stem in stems(fold(text))}
        return not (set(run) & kind_words()) - known

    def nearest_place(self, text: str) -> str | None:
        """The area that sounds most like `text`, to ask about; None when none is near."""
        said = "".join(stems(content(fold(text))))
        spelt = {"".join(words): name for name, _, _, words in self._places}
        near = process.extractOne(said, list(spelt), scorer=fuzz.ratio, score_cutoff=66)
        return spelt[near[0]] if near else None

    # ------------------------------------------------------------ areas inside a name

    def split_place(self, words: Sequence[str]) -> list[tuple[PlaceMatch, tuple[str, ...]]]:
        """Every way to see a place in `words` and the words beside it: "bedroom blinds" -> (Bedroom, ("blinds",))."""
        words = self._counted(words)
        said = stems(words)
        for way in (self._place_exact, self._place_alike):
            for length in range(len(words), 0, -1):
                found: list[tuple[PlaceMatch, tuple[str, ...]]] = []
                for start in range(len(words) - length + 1):
                    run = said[start : start + length]
                    if not all(word in FILLERS for word in run):
                        rest = (*words[:start], *words[start + length :])
                        found += [(match, rest) for match in way(content(run)) if self._names_all_kinds(match, run)]
                if found:
                    return found
        return []

    def split_near_place(self, words: Sequence[str]) -> tuple[list[PlaceMatch], tuple[str, ...]] | None:
        """Part of a place's name, or a word near to one, beside a kind: "bedroom lights" of a home with two bedrooms.

        None also where something of that kind has the word in its own name: "tv light" is the TV Backlight, not the
        lights of the TV Room.
        """
        said = stems(words)
        for way in (self._place_part, self._place_related):
            for length in range(len(words) - 1, 0, -1):
                for start in range(len(words) - length + 1):
                    run = content(said[start : start + length])
                    rest = (*words[:start], *words[start + length :])
                    if kinds_of(content(rest)) and not kinds_of(run) and not set(run) <= FILLERS:
                        matches = way(run)
                        if matches:
                            return None if self._in_own_name(run, content(rest)) else (matches, rest)
        return None

    def _in_own_name(self, run: Sequence[str], kind_said: Sequence[str]) -> bool:
        labels = (self.labels[index] for index in self.by_stem.get(run[0], ()))
        named = (
            self.entities[label.entity_id] for label in labels if label.weight == 1.0 and set(run) <= set(label.stems)
        )
        return any(fits_kind(kind_said, entity) or is_switched(kind_said, entity) for entity in named)


@lru_cache(maxsize=1)
def _related_rows() -> tuple[frozenset[str], ...]:
    return tuple(frozenset(" ".join(stems(fold(name))) for name in row) for row in RELATED_ROOMS)


def _digits(text: str) -> str:
    return "".join(char for char in text if char.isdecimal())


def _area_names(home: Home) -> set[str]:
    return {*home.areas, *(entity.area for entity in home.entities.values() if entity.area)}


def _floor_names(home: Home) -> set[str]:
    return {*home.floors, *(area.floor for area in home.areas.values() if area.floor)}


def _place_labels(known: object, names: set[str]) -> dict[str, tuple[str, ...]]:
    aliases = {name: getattr(place, "aliases", ()) for name, place in getattr(known, "items", dict)()}
    return {name: (name, *aliases.get(name, ())) for name in sorted(names)}


def _without(words: tuple[str, ...], part: tuple[str, ...]) -> tuple[str, ...] | None:
    """`words` without the run `part`; None when it is not in them."""
    if not part:
        return None
    ours, theirs = stems(words), stems(part)
    for start in range(len(words) - len(part) + 1):
        if ours[start : start + len(part)] == theirs:
            return (*words[:start], *words[start + len(part) :])
    return None


def _by_key(labels: Sequence[Label], keys: Callable[[Label], Iterable[str]]) -> dict[str, tuple[int, ...]]:
    """The places of the labels that have each key."""
    found: dict[str, list[int]] = {}
    for index, label in enumerate(labels):
        for key in keys(label):
            found.setdefault(key, []).append(index)
    return {key: tuple(indexes) for key, indexes in found.items()}


def _best_each(matches: Iterable[Match]) -> list[Match]:
    best: dict[str, Match] = {}
    for match in matches:
        if match.entity_id not in best or match.score > best[match.entity_id].score:
            best[match.entity_id] = match
    return sorted(best.values(), key=lambda match: (-match.score, match.entity_id))


def _best_places(matches: Iterable[PlaceMatch]) -> list[PlaceMatch]:
    best: dict[tuple[str, bool], PlaceMatch] = {}
    for match in matches:
        key = (match.name, match.is_floor)
        if key not in best or match.score > best[key].score:
            best[key] = match
    return list(best.values())


_built: WeakKeyDictionary[Home, tuple[object, Names]] = WeakKeyDictionary()


def names_of(home: Home) -> Names:
    """The index of the home as it is now; built again only after something was added or removed."""
    stamp = (home.version, len(home.entities), tuple(home.areas.values()), tuple(home.floors.values()))
    built = _built.get(home)
    if built is None or built[0] != stamp:
        built = (stamp, Names(home))
        _built[home] = built
    return built[1]
