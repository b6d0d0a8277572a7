"""A kept beginning is as good as one just read, and a wrong one is never used."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from ingle.engine import native, prefix
from ingle.engine.chat import Chat
from ingle.engine.model import Model
from ingle.engine.native import Native
from ingle.engine.reference import ContextFull, Reference
from tests.tiny import write_model

try:
    native.library()
except native.NoLibrary as error:
    pytest.skip(f"the C core is not there: {error}", allow_module_level=True)

BEGINNING = [1, 300, 12, 270, 5, 299, 12, 77, 78, 79, 80, 1, 2, 3, 400, 401, 402, 17, 18]
REST = [19, 20, 21]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_model(tmp_path / "tiny.gguf")


def kept(model: Path) -> list[Path]:
    return sorted(model.parent.glob("*.prefix*"))


@pytest.mark.parametrize("int8", [False, True])
@pytest.mark.parametrize(("first_room", "room"), [(64, 64), (19, 200), (200, 22)])
def test_a_kept_beginning_is_as_good_as_one_read(model: Path, int8: bool, first_room: int, room: int) -> None:
    engine = Native(Model.open(model), 1)
    wanted_state = engine.state(64, int8=int8)
    engine.prefill(BEGINNING, wanted_state)
    wanted = engine.prefill(REST, wanted_state)
    assert not prefix.hold(engine, engine.state(first_room, int8=int8), BEGINNING, model)
    state = engine.state(room, int8=int8)
    assert prefix.hold(Native(Model.open(model), 2), state, BEGINNING, model)
    assert state.n_past == len(BEGINNING)
    np.testing.assert_array_equal(engine.prefill(REST, state), wanted)


def test_each_beginning_and_kind_of_cache_has_its_own(model: Path) -> None:
    engine = Native(Model.open(model), 1)
    assert not prefix.hold(engine, engine.state(64), BEGINNING, model)
    assert not prefix.hold(engine, engine.state(64), BEGINNING[:-1], model)
    assert not prefix.hold(engine, engine.state(64, int8=True), BEGINNING, model)
    assert prefix.hold(engine, engine.state(64), BEGINNING, model)
    for index in range(2 * prefix.KEPT):
        prefix.hold(engine, engine.state(64), [index, 1], model)
    assert len(kept(model)) == prefix.KEPT


def test_another_model_in_its_place_is_noticed(model: Path) -> None:
    engine = Native(Model.open(model), 1)
    prefix.hold(engine, engine.state(64), BEGINNING, model)
    write_model(model, seed=4)
    other = Native(Model.open(model), 1)
    state = other.state(64)
    assert not prefix.hold(other, state, BEGINNING, model)
    fresh = other.state(64)
    other.prefill(BEGINNING, fresh)
    np.testing.assert_array_equal(other.prefill(REST, state), other.prefill(REST, fresh))
    assert prefix.hold(other, other.state(64), BEGINNING, model)


@pytest.mark.parametrize("damage", ["cut", "empty", "head", "data", "long"])
def test_a_damaged_file_is_computed_anew(model: Path, damage: str) -> None:
    engine = Native(Model.open(model), 1)
    prefix.hold(engine, engine.state(64), BEGINNING, model)
    (file,) = kept(model)
    content = bytearray(file.read_bytes())
    if damage in ("head", "data"):
        content[9 if damage == "head" else 500] ^= 1
    file.write_bytes({"cut": content[:100], "empty": b"", "long": content + b"x"}.get(damage, content))
    assert not prefix.hold(engine, engine.state(64), BEGINNING, model)
    assert prefix.hold(engine, engine.state(64), BEGINNING, model)


def test_where_nothing_can_be_written_all_works(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Native(Model.open(model), 1)
    (model.parent / prefix._file(model, BEGINNING, int8=False).name).mkdir()    # even root cannot replace a folder by a file
    state = engine.state(64)
    assert not prefix.hold(engine, state, BEGINNING, model)
    assert state.n_past == len(BEGINNING)
    assert not [path for path in os.listdir(model.parent) if path.endswith(".part")]


def test_numpy_reads_it_each_time(model: Path) -> None:
    engine = Reference(Model.open(model))
    state = engine.state(64)
    assert not prefix.hold(engine, state, BEGINNING, model)
    assert state.n_past == len(BEGINNING)
    assert kept(model) == []
    with pytest.raises(ValueError, match="already"):
        prefix.hold(engine, state, BEGINNING, model)


def test_what_has_no_room_is_refused(model: Path) -> None:
    engine = Native(Model.open(model), 1)
    prefix.hold(engine, engine.state(64), BEGINNING, model)
    with pytest.raises(ContextFull):
        prefix.hold(engine, engine.state(8), BEGINNING, model)


def test_a_talk_begins_with_it(tmp_path: Path) -> None:
    pytest.importorskip("tokenizers")
    from tests.test_bpe import write_chat_model

    model = write_chat_model(tmp_path / "chat.gguf")
    first = "".join(Chat.open(model).say("light", max_tokens=5))
    assert len(kept(model)) == 1
    assert "".join(Chat.open(model).say("light", max_tokens=5)) == first
    assert len(kept(model)) == 1
