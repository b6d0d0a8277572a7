"""Lists: finding them by any of their names, what is on them, and that nothing is lost or cleared by mistake."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingle.skills.api import NeedsConfirmation, Unclear
from ingle.skills.lists import Full, HouseList, Item, ListStore, slug
from ingle.skills.storage import open_database

from .turns import World


@pytest.fixture
def world() -> World:
    world = World()
    told = world.services["told"] = []
    world.services["lists"] = ListStore(world.database, ["Shopping", "To-do", "Anna's bits"], on_change=told.append)
    return world


def on(world: World, name: str) -> list[str]:
    found = world.services["lists"].find(name)
    return [f"{item.summary}{' (done)' if item.status == 'completed' else ''}" for item in found.items]


async def reply(world: World, intent: str, slots: dict[str, Any] | None = None, **turn: Any) -> str:
    return (await world.ask(intent, slots, **turn)).reply


async def test_several_items_are_added_and_mirrored(world: World) -> None:
    slots = {"item": ["milk", "a dozen eggs"]}
    assert await reply(world, "HassShoppingListAddItem", slots) == "Added milk and a dozen eggs to the shopping list."
    assert world.services["told"][-1].as_json() == {"name": "Shopping", "items": [
        {"summary": "milk", "status": "needs_action"}, {"summary": "a dozen eggs", "status": "needs_action"}]}


async def test_what_is_there_is_said_and_not_added_twice(world: World) -> None:
    await world.ask("HassShoppingListAddItem", {"item": ["milk"]})
    assert await reply(world, "HassShoppingListAddItem", {"item": ["Milk"]}) == "Milk is already on the shopping list."
    assert await reply(world, "HassShoppingListAddItem", {"item": ["bread", "the milk", "bread"]}) == (
        "Added bread to the shopping list; the milk and bread were there already.")
    assert on(world, "shopping") == ["milk", "bread"]


@pytest.mark.parametrize("said", ["to-do", "todo", "to do", "To Do list", "my to-do list", "toodo", "list.to-do"])
async def test_a_list_goes_by_any_of_its_names(world: World, said: str) -> None:
    assert await reply(world, "HassListAddItem", {"item": ["call mum"], "name": said}) == "Added call mum to the to-do list."


@pytest.mark.parametrize("said", ["shoping", "groceries", "the grocery list", "shopping list"])
def test_the_shopping_list_goes_by_its_other_names(world: World, said: str) -> None:
    assert world.services["lists"].find(said).slug == "shopping"


async def test_an_unknown_list_is_asked_for_and_the_choice_answers(world: World) -> None:
    with pytest.raises(Unclear, match=r"There is no camping list\. Which list: Shopping, To-do or Anna's bits\?") as asked:
        await world.ask("HassListAddItem", {"item": ["tent"], "name": "the camping list"})
    assert on(world, "shopping") == []
    await world.ask("HassListAddItem", {"item": ["tent"], "name": asked.value.choices[2]})
    assert on(world, "annas bits") == ["tent"]


async def test_ticking_off_and_taking_off(world: World) -> None:
    await world.ask("HassShoppingListAddItem", {"item": ["oat milk", "eggs", "bananas"]})
    assert await reply(world, "HassShoppingListCompleteItem", {"item": ["the milk", "bannanas"]}) == (
        "Ticked off oat milk and bananas on the shopping list.")
    assert await reply(world, "HassListCompleteItem", {"item": ["egg", "ham"], "name": "shopping"}) == (
        "Ticked off eggs on the shopping list. Ham isn't on it.")
    assert await reply(world, "HassListRemoveItem", {"item": ["eggs"], "name": "shopping"}) == (
        "Took eggs off the shopping list.")
    assert on(world, "shopping") == ["oat milk (done)", "bananas (done)"]
    assert await reply(world, "HassShoppingListAddItem", {"item": ["bananas"]}) == "Added bananas to the shopping list."
    assert on(world, "shopping") == ["oat milk (done)", "bananas"]


async def test_reading(world: World) -> None:
    assert await reply(world, "ListRead", {"name": "shopping"}) == "The shopping list is empty."
    await world.ask("HassShoppingListAddItem", {"item": ["milk", "eggs", "bread"]})
    assert await reply(world, "ListRead", {"name": "groceries"}) == "On the shopping list: milk, eggs and bread."
    assert await reply(world, "ListRead", {"item": ["milk"]}) == "Yes, milk is on the shopping list."
    assert await reply(world, "ListRead", {"item": ["ham"], "name": "todo"}) == "No, ham isn't on the to-do list."
    await world.ask("HassShoppingListCompleteItem", {"item": ["milk", "eggs", "bread"]})
    assert await reply(world, "ListRead", {"name": "shopping"}) == "Nothing is left on the shopping list."
    await world.ask("HassShoppingListAddItem", {"item": [f"thing {number}" for number in range(20)]})
    assert (await reply(world, "ListRead", {"name": "shopping"})).endswith("thing 11 and 8 more.")


async def test_clearing_wants_a_yes(world: World) -> None:
    await world.ask("HassShoppingListAddItem", {"item": ["milk", "eggs"]})
    await world.ask("HassListAddItem", {"item": ["call mum"], "name": "todo"})
    with pytest.raises(NeedsConfirmation, match=r"Clear the shopping list\? It has 2 items\."):
        await world.ask("ListClear", {"name": "shopping"})
    assert on(world, "shopping") == ["milk", "eggs"]
    slots = {"name": "all", "except_name": ["the todo list"]}
    assert await reply(world, "ListClear", slots, confirmed=True) == "Cleared the shopping list."
    assert (on(world, "shopping"), on(world, "todo")) == ([], ["call mum"])
    assert await reply(world, "ListClear", {"name": "shopping"}) == "The shopping list is already empty."


def test_lists_outlive_the_process_and_the_configuration(tmp_path: Path) -> None:
    before = ListStore(open_database(tmp_path / "skills.sqlite"), ["Shopping", "Camping", "Chores"])
    camping = before.find("camping")
    assert camping
    before.add(camping, "tent")  # the process is killed: nothing is closed
    after = ListStore(open_database(tmp_path / "skills.sqlite"), ["To-do", "Shopping"])
    assert [(each.name, each.open) for each in after.all()] == [("To-do", []), ("Shopping", []), ("Camping", ["tent"])]


def test_a_list_is_bounded() -> None:
    store = ListStore(open_database(":memory:"), ["Shopping"])
    full = HouseList("shopping", "Shopping", tuple(Item(f"thing {number}", "completed") for number in range(500)))
    with pytest.raises(Full):
        store.add(full, "one more")


@settings(deadline=None)
@given(st.text(max_size=60))
def test_a_slug_is_one_level_of_a_topic(name: str) -> None:
    made = slug(name)
    assert made
    assert not set(made) & set("/+#$ ")
    assert slug(made) == made


@settings(deadline=None, max_examples=30)
@given(st.lists(st.text(min_size=1, max_size=30), max_size=8))
def test_whatever_is_added_is_on_the_list_once(items: list[str]) -> None:
    store = ListStore(open_database(":memory:"), ["Shopping"])
    for item in items + items:
        found = store.find("shopping")
        assert found
        store.add(found, item)
    found = store.find("shopping")
    assert found
    assert len(found.items) == len(set(found.items)) <= len(items)
