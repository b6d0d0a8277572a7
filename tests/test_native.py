"""The C core as a whole: what numpy computes, from any file, with any number of threads; and how it is chosen."""

from __future__ import annotations

import logging
import multiprocessing
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ingle.engine import backend, gguf, native
from ingle.engine.backend import BackendError, choose
from ingle.engine.gguf import TensorInfo
from ingle.engine.interpreter import MODEL, Interpretation, Interpreter
from ingle.engine.model import DenseWeight, Model
from ingle.engine.native import Native, NativeError, NoLibrary
from ingle.engine.quant import BLOCK, F32, DType, dequantize, quantize
from ingle.engine.reference import ContextFull, Reference, State
from ingle.skills.schema import load_schema
from tests.test_kernels import VARIANTS, int8_activations
from tests.tiny import METADATA, SENTENCES, tensors, write_model

# As a part of the largest logit. The oracle is `Reference` with activations, keys and values rounded as the kernels round
# them. Where nothing is rounded to int8, what is left is the order of sums; where it is, a last bit may tip a value on
# the edge between two steps to the other side, and that tips others after it.
FLOAT_REL_TOL = 1e-3
LOGITS_REL_TOL = 0.02
# A cache of int8 against one of float16.
INT8_CACHE_REL_TOL = 0.05
# Against `Reference` with float32 activations: what int8 activations cost on a small random model.
INT8_REL_TOL = 0.06
TOKENS = [1, 300, 12, 270, 5, 299, 12, 77, 78, 79, 80, 1, 2, 3, 400, 401, 402, 17, 18, 19, 20, 21, 22]


class Int8Weight(DenseWeight):
    """A weight that sees activations as the kernels do: int8 where it has blocks itself."""

    def __call__(self, x: F32) -> F32:
        return super().__call__(int8_activations(x) if self.tensor.dtype.block_weights == BLOCK else x)


class RoundedReference(Reference):
    """numpy with what the C core keeps: int8 activations, float16 keys and values."""

    def __init__(self, path: Path) -> None:
        super().__init__(Model.open(path, Int8Weight))

    def state(self, n_ctx: int | None = None, *, int8: bool = False) -> State:
        state = super().state(n_ctx, int8=int8)
        if int8:
            return state
        halves: Any = (state.k.astype(np.float16), state.v.astype(np.float16))
        state.k, state.v = halves
        return state


def retyped(path: Path, dtype: str) -> Path:
    """The tiny model with every matrix in one data type."""
    items = []
    for name, old, shape, data in tensors():
        if len(shape) == 1:
            items.append((name, old, shape, data))
        else:
            items.append((name, dtype, shape, quantize(dequantize(data, old, shape), dtype)))
    gguf.write(path, METADATA, items)
    return path


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("model") / "tiny.gguf")


@pytest.fixture(scope="module")
def run(path: Path) -> Iterator[Native]:
    engine = Native(Model.open(path), 2)
    yield engine
    engine.close()


def logits_of(engine: Native | Reference, tokens: list[int] = TOKENS, *, int8: bool = False) -> F32:
    state: Any = engine.state(int8=int8)
    return engine.logits(engine.prefill(tokens, state))


def close(found: F32, wanted: F32, rel_tol: float) -> None:
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found, wanted, rtol=0, atol=rel_tol * float(np.abs(wanted).max()))


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("dtype", [dtype.name for dtype in DType])
def test_logits_are_those_of_numpy(tmp_path: Path, variant: str, dtype: str) -> None:
    path = retyped(tmp_path / "model.gguf", dtype)
    found = logits_of(Native(Model.open(path), 1, variant=variant))
    blocked = DType[dtype].block_weights == BLOCK
    close(found, logits_of(RoundedReference(path)), LOGITS_REL_TOL if blocked else FLOAT_REL_TOL)
    close(found, logits_of(Reference(Model.open(path))), INT8_REL_TOL if blocked else FLOAT_REL_TOL)


@pytest.mark.parametrize("variant", VARIANTS)
def test_mixed_types_and_an_output_of_its_own(tmp_path: Path, variant: str) -> None:
    path = write_model(tmp_path / "untied.gguf", untied=True)
    found = logits_of(Native(Model.open(path), 1, variant=variant))
    close(found, logits_of(RoundedReference(path)), LOGITS_REL_TOL)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("dtype", ["F32", "Q8_0"])
def test_keys_and_values_in_half_the_room(tmp_path: Path, variant: str, dtype: str) -> None:
    path = retyped(tmp_path / "model.gguf", dtype)
    engine = Native(Model.open(path), 2, variant=variant)
    found = logits_of(engine, int8=True)
    close(found, logits_of(RoundedReference(path), int8=True), LOGITS_REL_TOL)
    close(found, logits_of(engine), INT8_CACHE_REL_TOL)
    np.testing.assert_array_equal(logits_of(Native(Model.open(path), 1, variant=variant), int8=True), found)
    small, usual = engine.state(64, int8=True), engine.state(64)
    assert small.n_bytes < 0.7 * usual.n_bytes          # a head here is only 16 wide, and each has a scale


def test_a_text_goes_on_for_ever_in_half_the_room(run: Native) -> None:
    """What slides is turned and rounded once more, which may cost a little."""
    states = [run.state(64, int8=int8) for int8 in (False, True)]
    for state in states:
        for index in range(300):
            if state.n_past == state.n_ctx:
                run.slide(state, 4, 30)
            output = run.step(TOKENS[index % len(TOKENS)], state)
        state.output = run.logits(output)  # type: ignore[attr-defined]
    close(states[1].output, states[0].output, 4 * INT8_CACHE_REL_TOL)  # type: ignore[attr-defined]


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("n_threads", [1, 2, 3, 7])
def test_threads_change_nothing(path: Path, variant: str, n_threads: int) -> None:
    alone, together = (Native(Model.open(path), n, variant=variant) for n in (1, n_threads))
    long = TOKENS * 6                                       # several batches
    np.testing.assert_array_equal(logits_of(together, long), logits_of(alone, long))


@pytest.mark.parametrize("cut", [1, 2, 3, 8, len(TOKENS) - 1])
def test_in_one_go_or_in_parts_is_the_same(run: Native, cut: int) -> None:
    state = run.state()
    run.prefill(TOKENS[:cut], state)
    in_parts = run.logits(run.prefill(TOKENS[cut:], state))
    close(in_parts, logits_of(run), LOGITS_REL_TOL)


def test_rewinding_forgets(run: Native) -> None:
    state = run.state()
    run.prefill(TOKENS[:3], state)
    expected = run.step(4, state)
    run.prefill([9, 9, 9], state)
    state.rewind(3)
    np.testing.assert_array_equal(run.step(4, state), expected)


def test_states_live_side_by_side(run: Native) -> None:
    first, second = run.state(), run.state()
    run.prefill(TOKENS[:5], first)
    run.prefill([9, 8, 7], second)
    np.testing.assert_array_equal(run.logits(run.prefill(TOKENS[5:], first)), run.logits(run.prefill(TOKENS[5:], first_of(run))))


def first_of(run: Native) -> Any:
    state = run.state()
    run.prefill(TOKENS[:5], state)
    return state


def test_threads_of_python_wait_for_each_other(run: Native) -> None:
    wanted, found = logits_of(run), []
    threads = [threading.Thread(target=lambda: found.append(logits_of(run))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    for logits in found:
        np.testing.assert_array_equal(logits, wanted)


def test_some_logits_are_those_of_all(run: Native) -> None:
    output = run.prefill(TOKENS, run.state())
    for n in (1, 3, 16, 17, 300):
        ids = np.arange(n) * 7 % 700
        np.testing.assert_array_equal(run.logits(output, ids), run.logits(output)[ids])


def test_a_full_state_says_so_and_stays_as_it_was(run: Native) -> None:
    state = run.state(4)
    run.prefill([1, 2, 3], state)
    with pytest.raises(ContextFull, match="of 4"):
        run.prefill([4, 5], state)
    assert state.n_past == 3
    run.step(4, state)


@pytest.mark.parametrize("tokens", [[], [-1], [10**6], [2**40]])
def test_tokens_outside_of_the_vocabulary_are_refused(run: Native, tokens: list[int]) -> None:
    with pytest.raises(ValueError, match="vocabulary"):
        run.prefill(tokens, run.state())
    with pytest.raises(ValueError, match="vocabulary"):
        run.logits(run.prefill([1], run.state()), np.asarray(tokens))


def test_what_slides_is_as_if_the_rest_had_been_read_there(run: Native) -> None:
    """In one layer, keys and values depend on their own tokens alone: dropping some is as if they had never been."""
    state, short = run.state(), run.state()
    run.prefill(TOKENS, state)
    run.prefill(TOKENS[:2] + TOKENS[9:], short)
    run.slide(state, 2, 7)
    assert state.n_past == short.n_past
    n_heads = run.model.config.n_head_kv * (run.state().n_ctx // 16)

    def first_layer(of: Any) -> F32:
        keys = of.k.view(np.float16).reshape(run.model.config.n_layer, n_heads, -1, 16)[0].astype(np.float32)
        values: F32 = keys.reshape(run.model.config.n_head_kv, -1, keys.shape[1], 16).swapaxes(2, 3)
        return values.reshape(run.model.config.n_head_kv, -1, keys.shape[1])[:, : state.n_past]

    np.testing.assert_allclose(first_layer(state), first_layer(short), atol=0.01)
    for wrong in ((-1, 2), (0, -1), (3, state.n_past)):
        with pytest.raises(ValueError, match="dropped"):
            run.slide(state, *wrong)


def test_a_text_goes_on_for_ever_in_the_same_room(run: Native) -> None:
    state = run.state(64)
    for index in range(500):
        if state.n_past == state.n_ctx:
            run.slide(state, 4, 30)
        output = run.step(TOKENS[index % len(TOKENS)], state)
    assert np.isfinite(output).all()


def test_a_head_too_wide_is_refused(tmp_path: Path) -> None:
    metadata = {**METADATA, "llama.attention.key_length": 258, "llama.rope.dimension_count": 16}
    wide = {"attn_q": (4 * 258, 64), "attn_k": (2 * 258, 64), "attn_v": (2 * 258, 64), "attn_output": (64, 4 * 258)}
    changed = []
    for name, dtype, shape, data in tensors():
        rows, cols = wide.get(name.split(".")[-2], (0, 0))
        changed.append((name, "F32", (rows, cols), bytes(4 * rows * cols)) if rows else (name, dtype, shape, data))
    gguf.write(tmp_path / "wide.gguf", metadata, changed)
    model = Model.open(tmp_path / "wide.gguf")
    with pytest.raises(NativeError, match="size"):
        Native(model)
    assert isinstance(choose(model), Reference)


def test_an_unknown_variant_is_refused(path: Path) -> None:
    with pytest.raises(NativeError, match="variant"):
        Native(Model.open(path), variant="cray")


def test_after_closing_nothing_is_computed(path: Path) -> None:
    engine = Native(Model.open(path), 3)
    state = engine.state()
    engine.close()
    engine.close()
    with pytest.raises(NativeError, match="closed"):
        engine.step(1, state)


def _in_child(compute: Callable[[], F32], queue: Any) -> None:
    queue.put(compute())


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_starts_threads_of_its_own(run: Native) -> None:
    wanted = logits_of(run)
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=_in_child, args=(lambda: logits_of(run), queue))
    child.start()
    np.testing.assert_array_equal(queue.get(timeout=20), wanted)
    child.join(20)


def test_weights_are_not_copied(path: Path) -> None:
    model = Model.open(path)
    opened: list[TensorInfo] = [layer.ffn_up.tensor for layer in model.layers]
    engine = Native(model, 1)
    logits_of(engine)
    assert all(getattr(layer.ffn_up, "_dense", None) is None for layer in model.layers)
    assert engine._described.layers[0].ffn_up.data == opened[0].data.ctypes.data


# ---- which engine ----


def test_the_c_core_is_chosen_where_it_is(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(backend.ENVIRONMENT, raising=False)
    assert isinstance(choose(Model.open(path)), Native)


@pytest.mark.parametrize(("value", "kind"), [("numpy", Reference), ("native", Native)])
def test_the_environment_settles_it(path: Path, monkeypatch: pytest.MonkeyPatch, value: str, kind: type) -> None:
    monkeypatch.setenv(backend.ENVIRONMENT, value)
    assert isinstance(choose(Model.open(path)), kind)


def test_an_engine_that_does_not_exist_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(backend.ENVIRONMENT, "gpu")
    with pytest.raises(BackendError, match="native or numpy"):
        choose(Model.open(path))


def test_without_the_library_numpy_computes_and_says_so(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    monkeypatch.delenv(backend.ENVIRONMENT, raising=False)
    monkeypatch.setattr(native, "package_path", [str(tmp_path)])
    native.library.cache_clear()
    try:
        with caplog.at_level(logging.WARNING):
            assert isinstance(choose(Model.open(path)), Reference)
        assert "numpy" in caplog.text
        assert len(caplog.records) == 1
        monkeypatch.setenv(backend.ENVIRONMENT, "native")
        with pytest.raises(BackendError, match="not built"):
            choose(Model.open(path))
        (tmp_path / "libingle_kernels.so").write_bytes(b"no library")
        with pytest.raises(NoLibrary, match="cannot be loaded"):
            native.library()
    finally:
        native.library.cache_clear()


# ---- parses ----


TOSS_UP = 0.6                   # a choice that numpy itself is no surer of may fall to either side


def same_parse(by_c: Interpretation, by_numpy: Interpretation) -> bool:
    for (ours, _), (wanted, p) in zip(by_c.trace.pieces, by_numpy.trace.pieces, strict=False):
        if ours != wanted:
            return p < TOSS_UP
    return len(by_c.trace.pieces) == len(by_numpy.trace.pieces)


def test_the_interpreter_runs_on_it(path: Path) -> None:
    schema = load_schema()
    native_one = Interpreter.open(path, schema=schema, run=Native)
    found = native_one.interpret("turn on the kitchen lights")
    assert found.intents


@pytest.mark.skipif(not MODEL.exists(), reason="no trained model is here")
def test_the_trained_model_writes_the_same_parses() -> None:
    schema = load_schema()
    sentences = SENTENCES[:50]
    by_c, by_numpy = (Interpreter.open(MODEL, schema=schema, run=run) for run in (Native, Reference))
    assert [said for said in sentences if not same_parse(by_c.interpret(said), by_numpy.interpret(said))] == []
