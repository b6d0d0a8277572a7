"""Lists: a store on disk, and the skills that add to them, tick off, remove, read and clear.

Service `turn.services["lists"]`: a `ListStore`. The app opens it on the skills' database with the lists of config.yaml, and
mirrors `on_change(list)`, retained, on `ingle/list/<slug>` (`HouseList.as_json()`; `store.all()` at the start):

    store = ListStore(open_database(path), ["Shopping", "To-do"], on_change=publish)
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from rapidfuzz import fuzz, process

from .api import Done, NeedsConfirmation, Turn, Unclear, skill
from .slots import spoken_list
from .storage import transaction
from .wording import sentence
from .words import fold, singular

MAX_ITEMS = 500          # on one list
MAX_SUMMARY_CHARS = 200
LIST_SCORE = 75          # 0..100: a list's name said with slips
ITEM_SCORE = 80          # 0..100: an item's
READ_AT_ONCE = 12        # more than this are counted, not read
OPEN, COMPLETED = "needs_action", "completed"

_FRAME = frozenset({"the", "my", "our", "a", "an", "list", "lists", "on", "to", "of"})
_SHOPPING = frozenset({"shopping", "grocery", "groceries", "supermarket"})  # one list under several names


@dataclass(frozen=True)
class Item:
    summary: str
    status: str                      # "needs_action", "completed"


@dataclass(frozen=True)
class HouseList:
    slug: str                        # "to-do": part of its topic
    name: str                        # "To-do"
    items: tuple[Item, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """What is mirrored on `ingle/list/<slug>`."""
        items = [{"summary": item.summary, "status": item.status} for item in self.items]
        return {"name": self.name, "items": items}

    @property
    def open(self) -> list[str]:
        return [item.summary for item in self.items if item.status == OPEN]

    @property
    def label(self) -> str:
        """In a sentence: "the shopping list"."""
        name = self.name if re.search(r"['’]s\b", self.name) else f"the {self.name[:1].lower()}{self.name[1:]}"
        return name if fold(name)[-1:] == ("list",) else f"{name} list"


def slug(name: str) -> str:
    """What a list is called in its topic: "To-do" -> "to-do", "Anna's bits" -> "anna-s-bits"; never empty."""
    return re.sub(r"[^a-z0-9]+", "-", name.casefold()).strip("-") or "list"


def list_key(name: str) -> str:
    """What the names of one list have in common: "to do list", "todo", "the To-do" -> "todo"."""
    words = fold(name)
    if _SHOPPING & set(words):
        return "shopping"
    return "".join(word for word in words if word not in _FRAME) or "".join(words)


def item_key(summary: str) -> str:
    """What ways to say one item have in common: "the eggs", "Egg" -> "egg"."""
    words = [singular(word) for word in fold(summary) if word not in ("the", "some", "a", "an")]
    return " ".join(words) or summary.casefold().strip()


class ListStore:
    """The household's lists, on disk. Those of `names` always exist; others stay while something is on them."""

    def __init__(
        self, database: sqlite3.Connection, names: Iterable[str], *,
        on_change: Callable[[HouseList], None] = lambda house_list: None,
    ) -> None:
        self._database = database
        self._on_change = on_change
        wanted = {slug(name): name for name in names}
        with transaction(database):
            database.execute("DELETE FROM lists WHERE slug NOT IN (SELECT list FROM list_items)")
            database.execute("UPDATE lists SET position = ?", (len(wanted),))
            for position, (key, name) in enumerate(wanted.items()):
                database.execute(
                    "INSERT INTO lists (slug, name, position) VALUES (?, ?, ?)"
                    " ON CONFLICT (slug) DO UPDATE SET name = excluded.name, position = excluded.position",
                    (key, name, position))

    def all(self) -> list[HouseList]:
        """Every list, in the order of the configuration."""
        rows = self._database.execute("SELECT slug, name FROM lists ORDER BY position, slug").fetchall()
        return [HouseList(row["slug"], row["name"], self._items(row["slug"])) for row in rows]

    def find(self, said: str) -> HouseList | None:
        """The list that is meant, spelling slips included; None when no name is near."""
        lists = {list_key(each.name): each for each in self.all()} | {each.slug: each for each in self.all()}
        key = list_key(said)
        if said.removeprefix("list.") in lists or key in lists:
            return lists.get(said.removeprefix("list.")) or lists[key]
        best = process.extractOne(key, lists.keys(), scorer=fuzz.ratio, score_cutoff=LIST_SCORE)
        return lists[best[0]] if best else None

    def add(self, house_list: HouseList, summary: str) -> bool:
        """Put an item on a list, or open it again; False when it was there already. Raises: Full."""
        there = next((item for item in house_list.items if item_key(item.summary) == item_key(summary)), None)
        if there is not None and there.status == OPEN:
            return False
        if there is not None:
            self._change("UPDATE list_items SET status = ? WHERE list = ? AND summary = ?",
                         (OPEN, house_list.slug, there.summary))
            return True
        if len(house_list.items) >= MAX_ITEMS:
            raise Full(f"{house_list.label} is full")
        self._change("INSERT INTO list_items (list, summary, status) VALUES (?, ?, ?)",
                     (house_list.slug, summary[:MAX_SUMMARY_CHARS], OPEN))
        return True

    def complete(self, house_list: HouseList, summary: str) -> None:
        """Tick an item off; `summary` is the item's own."""
        self._change("UPDATE list_items SET status = ? WHERE list = ? AND summary = ?",
                     (COMPLETED, house_list.slug, summary))

    def remove(self, house_list: HouseList, summary: str) -> None:
        self._change("DELETE FROM list_items WHERE list = ? AND summary = ?", (house_list.slug, summary))

    def move(self, source: HouseList, target: HouseList, summary: str) -> None:
        """From one list to another, as it is there: to do, if it was. Raises: Full."""
        there = next((item for item in self._items(target.slug) if item_key(item.summary) == item_key(summary)), None)
        if there is None and len(self._items(target.slug)) >= MAX_ITEMS:
            raise Full(f"{target.label} is full")
        with transaction(self._database):
            if there is not None:
                self._database.execute("DELETE FROM list_items WHERE list = ? AND summary = ?", (source.slug, summary))
                self._database.execute("UPDATE list_items SET status = ? WHERE list = ? AND summary = ?",
                                       (OPEN, target.slug, there.summary))
            else:
                self._database.execute("UPDATE list_items SET list = ?, status = ? WHERE list = ? AND summary = ?",
                                       (target.slug, OPEN, source.slug, summary))

    def put_back(self, house_list: HouseList) -> HouseList:
        """Make a list hold exactly these items again; the callback is told."""
        with transaction(self._database):
            self._database.execute("DELETE FROM list_items WHERE list = ?", (house_list.slug,))
            self._database.executemany("INSERT INTO list_items (list, summary, status) VALUES (?, ?, ?)",
                                       [(house_list.slug, item.summary, item.status) for item in house_list.items])
        return self.tell(house_list)

    def clear(self, house_list: HouseList) -> None:
        """Take everything off, ticked or not."""
        self._change("DELETE FROM list_items WHERE list = ?", (house_list.slug,))

    def tell(self, house_list: HouseList) -> HouseList:
        """The list as it is now, which the callback is told of."""
        now = HouseList(house_list.slug, house_list.name, self._items(house_list.slug))
        self._on_change(now)
        return now

    def _change(self, statement: str, values: Sequence[str]) -> None:
        with transaction(self._database):
            self._database.execute(statement, tuple(values))

    def _items(self, key: str) -> tuple[Item, ...]:
        rows = self._database.execute("SELECT summary, status FROM list_items WHERE list = ? ORDER BY id", (key,))
        return tuple(Item(row["summary"], row["status"]) for row in rows)


class Full(Exception):
    """There are `MAX_ITEMS` on the list already."""


def item_on(house_list: HouseList, said: str, *, open_only: bool) -> str | None:
    """The item meant, as it stands on the list: the same words, else the nearest."""
    items = [item for item in house_list.items if item.status == OPEN or not open_only]
    keys = {item_key(item.summary): item.summary for item in reversed(items)}
    key = item_key(said)
    if key in keys:
        return keys[key]
    within = [own for own in keys if set(key.split()) <= set(own.split())]  # "milk" for "oat milk", if nothing else fits
    if len(within) == 1 and key:
        return keys[within[0]]
    best = process.extractOne(key, keys.keys(), scorer=fuzz.ratio, score_cutoff=ITEM_SCORE)
    return keys[best[0]] if best else None


# --- skills

@dataclass(frozen=True)
class ShoppingItems:
    item: tuple[str, ...] = ()


@dataclass(frozen=True)
class ListItems(ShoppingItems):
    name: str | None = None


@skill
class AddItem:
    """Put things on a list. "add milk and eggs to the shopping list" -> "Added milk and eggs to the shopping list." """

    intents = ("HassShoppingListAddItem", "HassListAddItem")
    Slots: ClassVar[dict[str, type]] = {"HassShoppingListAddItem": ShoppingItems, "HassListAddItem": ListItems}

    async def handle(self, slots: ShoppingItems, turn: Turn) -> Done:
        store, house_list = _list_of(slots, turn)
        items = _wanted(slots, "What should I add?")
        added: list[str] = []
        there: list[str] = []
        try:
            for item in items:
                (added if store.add(store.find(house_list.slug) or house_list, item) else there).append(item)
        except Full:
            return Done(reply=f"{sentence(house_list.label)} is full.", facts=(store.tell(house_list),))
        return Done(reply=_added(added, there, house_list.label), facts=(store.tell(house_list),))


def _added(added: Sequence[str], there: Sequence[str], label: str) -> str:
    already = f"{spoken_list(there)} {'was' if len(there) == 1 else 'were'} there already"
    if not there:
        return f"Added {spoken_list(added)} to {label}."
    if not added:
        return f"{sentence(spoken_list(there))} {'is' if len(there) == 1 else 'are'} already on {label}."
    return f"Added {spoken_list(added)} to {label}; {already}."


class _OnItems:
    """What ticking off and removing share: find each item, change it, and say which were not there."""

    done = ""                        # "Ticked off {} on {}."
    open_only = True

    async def handle(self, slots: ShoppingItems, turn: Turn) -> Done:
        wanted = _wanted(slots, "Which item?")
        store, house_list = self._list_with(wanted, slots, turn)
        found, missing = [], []
        for said in wanted:
            summary = item_on(house_list, said, open_only=self.open_only)
            if summary is None:
                missing.append(said)
            elif summary not in found:
                self.change(store, house_list, summary)
                found.append(summary)
        parts = [self.done.format(spoken_list(found), house_list.label)] if found else []
        if missing:
            verb = "isn't" if len(missing) == 1 else "aren't"
            parts.append(f"{sentence(spoken_list(missing))} {verb} on {house_list.label if not found else 'it'}.")
        return Done(reply=" ".join(parts), facts=(store.tell(house_list),))

    def _list_with(self, wanted: Sequence[str], slots: ShoppingItems, turn: Turn) -> tuple[ListStore, HouseList]:
        """The list that is named, else the only one with such things on it. Raises: Unclear."""
        store = _store(turn)
        if getattr(slots, "name", "") is None:
            having = [each for each in store.all()
                      if any(item_on(each, said, open_only=self.open_only) is not None for said in wanted)]
            if len(having) == 1:
                return store, having[0]
        return _list_of(slots, turn)

    def change(self, store: ListStore, house_list: HouseList, summary: str) -> None:
        raise NotImplementedError


@skill
class CompleteItem(_OnItems):
    """Tick things off. "I've got the bread" -> "Ticked off bread on the shopping list." """

    intents = ("HassShoppingListCompleteItem", "HassListCompleteItem")
    Slots: ClassVar[dict[str, type]] = {
        "HassShoppingListCompleteItem": ShoppingItems, "HassListCompleteItem": ListItems}
    done = "Ticked off {} on {}."

    def change(self, store: ListStore, house_list: HouseList, summary: str) -> None:
        store.complete(house_list, summary)


@skill
class RemoveItem(_OnItems):
    """Take things off a list. "take olive oil off my to-do list" -> "Took olive oil off the to-do list." """

    intents = ("HassListRemoveItem",)
    Slots = ListItems
    done = "Took {} off {}."
    open_only = False

    async def handle(self, slots: ShoppingItems, turn: Turn) -> Done:
        moved = moving(turn.text)
        return self._move(slots, moved, turn) if moved is not None else await super().handle(slots, turn)

    def change(self, store: ListStore, house_list: HouseList, summary: str) -> None:
        store.remove(house_list, summary)

    def _move(self, slots: ShoppingItems, moved: Moving, turn: Turn) -> Done:
        """Taken off one list and put on another, both or neither."""
        store = _store(turn)
        target = store.find(moved.target)
        source = store.find(moved.source) if moved.source else None
        if target is None or (moved.source and source is None):
            raise _which_list(turn, moved.target if target is None else moved.source)
        from_lists = [source] if source is not None else [each for each in store.all() if each.slug != target.slug]
        found, missing = [], []
        for said in moved.items or _wanted(slots, "Which item?"):
            place = next(((each, summary) for each in from_lists
                          if (summary := item_on(each, said, open_only=False)) is not None), None)
            if place is None:
                missing.append(said)
                continue
            try:
                store.move(place[0], target, place[1])
            except Full:
                return Done(reply=f"{sentence(target.label)} is full.", facts=(store.tell(target),))
            found.append(place[1])
        told = [store.tell(each) for each in (*from_lists, target)]
        parts = [f"Moved {spoken_list(found)} to {target.label}."] if found else []
        if missing:
            where = source.label if source is not None else "any other list"
            parts.append(f"{sentence(spoken_list(missing))} {'is' if len(missing) == 1 else 'are'}n't on {where}.")
        return Done(reply=" ".join(parts), facts=tuple(told))


@dataclass(frozen=True)
class Moving:
    """Which things go from which list to which, as said. `source`: None where it was not said."""

    items: tuple[str, ...]
    source: str | None
    target: str


_LIST_SAID = r"(?:the |my |our )?(?P<{0}>[\w' -]+?)(?: list)?"
_MOVING = (
    re.compile(rf"\b(?:move|transfer|shift|switch)\b (?P<items>.+?) from {_LIST_SAID.format('source')} "
               rf"(?:over )?(?:to|onto|into) {_LIST_SAID.format('target')}(?: please)?[.!]?$", re.IGNORECASE),
    re.compile(rf"\b(?:move|transfer|shift|switch)\b (?P<items>.+?) (?:over )?(?:to|onto|into) {_LIST_SAID.format('target')}"
               r"(?: please)?[.!]?$", re.IGNORECASE),
)


def moving(text: str) -> Moving | None:
    """"move milk from the shopping list to the to-do list": the catalogue has one list a sentence, so the words say the rest."""
    match = next((match for pattern in _MOVING if (match := pattern.search(text.strip()))), None)
    if match is None:
        return None
    items = tuple(item for part in re.split(r",\s*|\s+and\s+", match["items"])
                  if (item := re.sub(r"^(?:and |the |my )+", "", part.strip())))
    return Moving(items, match.groupdict().get("source"), match["target"])


@skill
class ReadList:
    """Read a list, or whether something is on one. "what's on my to-do list?" -> "On the to-do list: call mum." """

    intent = "ListRead"
    Slots = ListItems

    async def handle(self, slots: ListItems, turn: Turn) -> Done:
        if slots.item:
            return self._is_on(slots, turn)
        _, house_list = _list_of(slots, turn)
        todo = house_list.open
        if not house_list.items:
            return Done(reply=f"{sentence(house_list.label)} is empty.", facts=(house_list,))
        if not todo:
            return Done(reply=f"Nothing is left on {house_list.label}.", facts=(house_list,))
        more = len(todo) - READ_AT_ONCE
        read = [*todo[:READ_AT_ONCE], f"{more} more"] if more > 0 else todo
        return Done(reply=f"On {house_list.label}: {spoken_list(read)}.", facts=(house_list,))

    def _is_on(self, slots: ListItems, turn: Turn) -> Done:
        """"is milk on the list?"; without a list named, all are looked through."""
        lists = [_list_of(slots, turn)[1]] if slots.name else _store(turn).all()
        answers = []
        for said in slots.item:
            on = [each for each in lists if item_on(each, said, open_only=True)]
            where = spoken_list([each.label for each in on]) if on else lists[0].label if slots.name else "any list"
            answers.append(f"{said} is on {where}" if on else f"{said} isn't on {where}")
        yes_no = ("Yes, " if " is on " in answers[0] else "No, ") if len(answers) == 1 else ""
        return Done(reply=sentence(f"{yes_no}{spoken_list(answers)}."), facts=tuple(lists))


@skill
class ClearList:
    """Empty a list, after a yes. "clear the shopping list" -> "Clear the shopping list? It has 3 items." """

    intent = "ListClear"

    @dataclass(frozen=True)
    class Slots:
        name: str | None = None
        except_name: tuple[str, ...] = ()

    async def handle(self, slots: Slots, turn: Turn) -> Done:
        store = _store(turn)
        chosen = self._chosen(slots, turn)
        full = [house_list for house_list in chosen if house_list.items]
        if not full:
            one = f"{sentence(chosen[0].label)} is already empty." if len(chosen) == 1 else ""
            return Done(reply=one or "There is nothing to clear.")
        labels = spoken_list([house_list.label for house_list in full])
        if not turn.confirmed:
            count = sum(len(house_list.items) for house_list in full)
            raise NeedsConfirmation(
                f"Clear {labels}? {'It has' if len(full) == 1 else 'They have'} {count} item{'' if count == 1 else 's'}.")
        for house_list in full:
            store.clear(house_list)
        return Done(reply=f"Cleared {labels}.", facts=tuple(store.tell(house_list) for house_list in full))

    def _chosen(self, slots: Slots, turn: Turn) -> list[HouseList]:
        if slots.name != "all" and not slots.except_name:
            return [_list_of(slots, turn)[1]]
        kept = {found.slug for said in slots.except_name if (found := _store(turn).find(said))}
        if len(kept) < len(slots.except_name):
            raise _which_list(turn, spoken_list(slots.except_name))
        return [house_list for house_list in _store(turn).all() if house_list.slug not in kept]


def _store(turn: Turn) -> ListStore:
    store: ListStore = turn.services["lists"]
    return store


def _list_of(slots: Any, turn: Turn) -> tuple[ListStore, HouseList]:
    """The list that is meant. Raises: Unclear: none is named and there are several, or no name is near."""
    store = _store(turn)
    said = getattr(slots, "name", "shopping")
    if said is None:
        lists = store.all()
        if len(lists) == 1:
            return store, lists[0]
        raise _which_list(turn, None)
    found = store.find(said)
    if found is None:
        raise _which_list(turn, said)
    return store, found


def _which_list(turn: Turn, said: str | None) -> Unclear:
    lists = _store(turn).all()
    choices = [f"list.{house_list.slug}" for house_list in lists]
    labels = [house_list.name for house_list in lists]
    missing = f"There is no {' '.join(word for word in said.split() if word.lower() not in _FRAME)} list. " if said else ""
    if not lists:
        return Unclear("There are no lists; name some under `lists` in config.yaml.")
    return Unclear(f"{missing}Which list: {spoken_list(labels, joint='or')}?", choices=choices, labels=labels)


def _wanted(slots: ShoppingItems, question: str) -> list[str]:
    items = [" ".join(item.split()) for item in slots.item if item.strip()]
    if not items:
        raise Unclear(question)
    return items
