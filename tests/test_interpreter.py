"""The interpreter: a real file, a tiny model; where the words matter, a model with a script."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingle.engine import gguf, text
from ingle.engine.gguf import ModelFileError
from ingle.engine.interpreter import MAX_WORDS, MODEL, Intent, Interpretation, Interpreter
from ingle.engine.model import Model
from ingle.engine.quant import F32
from ingle.engine.reference import Reference, State, softmax
from ingle.engine.tokenizer import Tokenizer
from ingle.skills.schema import load_schema
from tests.tiny import CONTROL, METADATA, tensors, train_vocabulary, write_model

SCHEMA = load_schema()


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("model") / "tiny.gguf")


@pytest.fixture(scope="module")
def interpreter(path: Path) -> Interpreter:
    return Interpreter(Model.open(path), SCHEMA)


class Script(Reference):
    """A model that always wants the next token of its script, three times as much as any other."""

    row: list[int]              # the script
    written: int                # tokens of it that were fed
    fed: list[list[int]]        # what each call to `prefill` brought

    def state(self, n_ctx: int | None = None) -> State:
        self.fed = []
        return super().state(n_ctx)

    def logits(self, output: F32, ids: Any = None) -> F32:
        scores = np.zeros(len(ids), np.float32)
        scores[list(ids).index(self.row[self.written])] = math.log(3)
        return scores

    def prefill(self, tokens: Any, state: State) -> F32:
        self.written = 0 if not state.n_past else self.written + len(tokens)
        self.fed.append(list(tokens))
        state.n_past += len(tokens)
        return np.zeros(1, np.float32)

    def plays(self, tokenizer: Tokenizer, parse: str) -> None:
        self.row = []
        for part in parse.split():
            token = tokenizer.id(part)
            self.row += [token] if token is not None and part.startswith("<") else tokenizer.encode(part)


def played(path: Path, said: str, parse: str) -> tuple[Interpretation, list[list[int]]]:
    interpreter = Interpreter(Model.open(path), SCHEMA, run=Script)
    script = interpreter._run
    assert isinstance(script, Script)
    script.plays(interpreter.tokenizer, parse)
    return interpreter.interpret(said), script.fed


@pytest.mark.parametrize(
    ("said", "parse", "intents"),
    [
        ("Turn off the  Kitchen LIGHTS, please!", "<I:HassTurnOff> <S:area> kitchen <S:domain> <V:light> <end>",
         [("HassTurnOff", {"area": "Kitchen", "domain": "light"})]),
        ("Lamp in the Living-Room on", "<I:HassTurnOn> <S:name> lamp <S:area> living room <end>",
         [("HassTurnOn", {"name": "Lamp", "area": "Living-Room"})]),
        ("dim Anna's lamp by 10%", "<I:HassLightSet> <S:name> anna 's lamp <S:brightness_step> <down> 10 <end>",
         [("HassLightSet", {"name": "Anna's lamp", "brightness_step": "down 10"})]),
        ("brighter, by Two", "<I:HassLightSet> <S:brightness_step> <up> two <end>",
         [("HassLightSet", {"brightness_step": "up Two"})]),
        ("dim it", "<I:HassLightSet> <S:name> it <S:brightness_step> <down> <end>",
         [("HassLightSet", {"name": "it", "brightness_step": "down"})]),
        ("the hall to half", "<I:HassLightSet> <S:area> hall <S:brightness> 50 <end>",
         [("HassLightSet", {"area": "hall", "brightness": "50"})]),
        ("add Milk and eggs", "<I:HassShoppingListAddItem> <S:item> milk <S:item> eggs <end>",
         [("HassShoppingListAddItem", {"item": ["Milk", "eggs"]})]),
        ("add Milk", "<I:HassShoppingListAddItem> <S:item> milk <end>", [("HassShoppingListAddItem", {"item": ["Milk"]})]),
        ("all lights off and lock up", "<I:HassTurnOff> <S:name> <V:all> <I:HassTurnOn> <S:domain> <V:lock> <end>",
         [("HassTurnOff", {"name": "all"}), ("HassTurnOn", {"domain": "lock"})]),
        ("the weather was nice", "<I:Chat> <end>", [("Chat", {})]),
    ],
)  # fmt: skip
def test_slots_are_what_was_said(path: Path, said: str, parse: str, intents: list[tuple[str, dict[str, Any]]]) -> None:
    found, _ = played(path, said, parse)
    assert [(intent.intent, intent.slots) for intent in found.intents] == intents


def test_confidence_is_the_product_among_what_was_allowed(path: Path) -> None:
    found, fed = played(path, "kitchen", "<I:HassVacuumStart> <S:area> kitchen <I:HassGetCurrentTime> <end>")
    by_piece = dict(found.trace.pieces)
    assert by_piece["<I:HassVacuumStart>"] == pytest.approx(3 / (len(SCHEMA["intents"]) + 2))
    first, second = found.intents
    assert first.confidence == pytest.approx(by_piece["<I:HassVacuumStart>"] * by_piece["<S:area>"])
    assert second.confidence == pytest.approx(by_piece["<I:HassGetCurrentTime>"] * by_piece["<end>"])
    assert found.confidence == pytest.approx(first.confidence * second.confidence)
    word = [piece for piece, p in found.trace.pieces if p == 1.0]
    assert "".join(word) == "▁kitchen"      # there was no choice: forced, and fed in one go with what led there
    assert found.trace.forced == len(word)
    assert len(fed) == 4                    # the sentence, the intent, the slot with its word, the second intent
    assert len(fed[2]) == 1 + len(word)


def test_probabilities_are_those_of_reading_it_all_anew(path: Path, interpreter: Interpreter) -> None:
    """What is fed in parts, with forced tokens in batches, gives the same as one pass over everything before."""
    reference = Reference(Model.open(path))
    grammar, tokenizer = interpreter.grammar, interpreter.tokenizer
    for said in ("turn on the kitchen lights", "50", "hall"):
        found = interpreter.interpret(said)
        words = said.split()
        cursor = grammar.start(words, tokenizer.encode_words(words))
        assert tokenizer.bos is not None
        row = [tokenizer.bos, *tokenizer.encode(said), grammar.parse]
        for piece, probability in found.trace.pieces:
            token = tokenizer.id(piece)
            assert token is not None
            allowed = cursor.allowed().tolist()
            output = reference.prefill(row, reference.state())
            scores = softmax(reference.logits(output)[allowed])
            assert scores[allowed.index(token)] == pytest.approx(probability, rel=1e-3)
            assert probability == pytest.approx(scores.max(), rel=1e-3)
            cursor.advance(token)
            row.append(token)
        assert cursor.done


@pytest.mark.parametrize("said", ["", "   ", "\n\t", "-", "(“”)", "\ud800"])
def test_nothing_said_is_nothing_understood(interpreter: Interpreter, said: str) -> None:
    found = interpreter.interpret(said)
    assert (found.intents, found.confidence) == ((), 0.0)


@settings(max_examples=100, deadline=None)
@given(said=st.text(max_size=200) | st.lists(st.sampled_from(["turn", "on", "Hall", "50", ",", "💡", "\u202e"])).map(" ".join))
def test_any_text_is_survived(said: str) -> None:
    found = any_interpreter().interpret(said)
    assert 0 <= found.confidence <= 1
    assert bool(found.intents) == bool(text.words(said))
    for intent in found.intents:
        assert intent.intent in SCHEMA["intents"]
        assert found.confidence <= intent.confidence <= 1
        for slot, value in intent.slots.items():
            check_slot(slot, value, said)


def check_slot(slot: str, value: str | list[str], said: str) -> None:
    spec = SCHEMA["slots"][slot]
    assert isinstance(value, list) == spec["many"]
    if spec["kind"] == "span":
        for span in value if isinstance(value, list) else [value]:
            assert span in said or span in spec["also"]
    if spec["kind"] == "enum":
        assert value in spec["values"]


_opened: list[Interpreter] = []


def any_interpreter() -> Interpreter:
    if not _opened:
        import tempfile

        with tempfile.TemporaryDirectory() as folder:  # the mapping outlives the file
            _opened.append(Interpreter.open(write_model(Path(folder) / "tiny.gguf", seed=11), schema=SCHEMA))
    return _opened[0]


@pytest.mark.parametrize("said", ["turn on the light " * 250, "x" * 100_000, "hall " * 5 + "ÿ" * 7000])
def test_a_long_text_is_cut_with_a_note(interpreter: Interpreter, said: str) -> None:
    found = interpreter.interpret(said)
    assert found.notes
    assert found.notes[0].startswith("cut after")
    assert found.timing.prompt_tokens <= 512
    n_words = int(found.notes[0].split()[2])
    assert n_words <= MAX_WORDS
    assert interpreter.interpret("turn on the light").notes == ()


def test_an_open_question_goes_before_the_sentence(interpreter: Interpreter) -> None:
    plain, asked = interpreter.interpret("the left one"), interpreter.interpret("the left one", asked=True)
    assert asked.timing.prompt_tokens == plain.timing.prompt_tokens + 1
    assert asked.trace != plain.trace


def test_threads_take_turns(interpreter: Interpreter) -> None:
    said = ["turn on the hall", "is the attic window open ?", "50", "thanks"] * 5
    one_by_one = [interpreter.interpret(sentence).trace for sentence in said]
    with ThreadPoolExecutor(4) as pool:
        assert [found.trace for found in pool.map(interpreter.interpret, said)] == one_by_one


def test_no_model_is_said_with_the_cure(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"absent.gguf: there is no model file; train one"):
        Interpreter.open(tmp_path / "absent.gguf", schema=SCHEMA)


def test_a_model_of_another_purpose_is_refused(tmp_path: Path) -> None:
    vocabulary = train_vocabulary([piece for piece in CONTROL if piece != "<parse>"])
    n_vocab = len(vocabulary["tokenizer.ggml.tokens"])
    gguf.write(tmp_path / "chat.gguf", {**METADATA, **vocabulary}, tensors(n_vocab=n_vocab))
    with pytest.raises(ModelFileError, match=r"chat.gguf: tokenizer.ggml.tokens: has no piece <parse>"):
        Interpreter.open(tmp_path / "chat.gguf", schema=SCHEMA)
    gguf.write(tmp_path / "short.gguf", {**METADATA, "llama.context_length": 16}, tensors())
    with pytest.raises(ModelFileError, match=r"short.gguf: llama.context_length: 16 tokens"):
        Interpreter.open(tmp_path / "short.gguf", schema=SCHEMA)


def test_broken_weights_are_said_to_be_so(tmp_path: Path) -> None:
    embedding, *others = tensors()
    name, dtype, shape, data = embedding
    gguf.write(tmp_path / "nan.gguf", METADATA, [(name, dtype, shape, b"\xff\x7f" * (len(data) // 2)), *others])
    interpreter = Interpreter.open(tmp_path / "nan.gguf", schema=SCHEMA)
    with pytest.raises(ModelFileError, match="no numbers"), np.errstate(all="ignore"):
        interpreter.interpret("turn on the hall")


@pytest.mark.skipif(not MODEL.exists(), reason="no trained model in engine/models yet")
def test_the_model_that_ships() -> None:
    interpreter = Interpreter.open(schema=SCHEMA)
    found = interpreter.interpret("Turn off the Kitchen lights")
    assert found.intents == (Intent("HassTurnOff", {"area": "Kitchen", "domain": "light"}, found.intents[0].confidence),)
    assert interpreter.interpret("turn off the kitchen lights and lock the front door").intents[1].intent == "HassTurnOn"
    assert interpreter.interpret("is the back door locked?").intents[0].intent == "HassGetState"
