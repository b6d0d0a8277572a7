"""The knowledge store on disk: whole documents or none, only what changed is embedded, what is deleted is gone."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingle.engine.encoder import Encoder
from ingle.knowledge.embedding import open_encoder
from ingle.knowledge.errors import KnowledgeError, StoreError, Unreadable, WrongModel
from ingle.knowledge.household import Knowledge, reindex
from ingle.knowledge.store import MIGRATIONS, Store
from ingle.knowledge.vectors import VectorIndex, cosines, fewest_differing, to_bits, to_int8

from .knowledge.kills import Killed


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return open_encoder()


@pytest.fixture
def store(tmp_path: Path, encoder: Encoder) -> Iterator[Knowledge]:
    with Knowledge.open(tmp_path / "knowledge.db", encoder) as knowledge:
        yield knowledge


MANUAL = "# Kettle\nThe kettle holds two litres.\n## Care\nDescale it every month with citric acid.\n"


def changes(knowledge: Knowledge, path: Path) -> list[tuple[str, str, int]]:
    return [(done.title, done.change, done.embedded) for done in knowledge.add(path)]


def test_only_what_changed_is_embedded_again(store: Knowledge, tmp_path: Path) -> None:
    manual = tmp_path / "kettle.md"
    manual.write_text(MANUAL)
    assert changes(store, manual) == [("Kettle", "added", 2)]
    assert changes(store, manual) == [("Kettle", "unchanged", 0)]
    manual.write_text(MANUAL.replace("every month", "every week"))
    assert changes(store, manual) == [("Kettle", "changed", 1)]
    assert "every week" in store.ask("how often do I descale the kettle?").reply
    assert "every month" not in str([passage.text for passage in store.search("descale the kettle")])


def test_a_folder_is_kept_in_step(store: Knowledge, tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.txt").write_text("The ladder hangs in the garage.")
    (folder / "sub" / "b.md").write_text("The bins go out on Tuesday.")
    (folder / ".hidden.md").write_text("nothing")
    (folder / "bad.pdf").write_bytes(b"%PDF-1.4 broken")
    assert [(title, change) for title, change, _ in changes(store, folder)] == [
        ("A", "added"), ("bad.pdf", "unreadable"), ("B", "added")]
    (folder / "a.txt").unlink()
    assert [(title, change) for title, change, _ in changes(store, folder)] == [
        ("bad.pdf", "unreadable"), ("B", "unchanged"), ("A", "removed")]
    assert not store.ask("where is the ladder?").found
    for file in (folder / "sub" / "b.md", folder / "bad.pdf"):
        file.unlink()
    assert changes(store, folder) == []         # an empty folder may be a disk that is not there
    assert [document.title for document in store.documents()] == ["B"]


def test_every_passage_knows_where_it_is_from(store: Knowledge, tmp_path: Path) -> None:
    manual = tmp_path / "kettle.md"
    manual.write_text(MANUAL)
    list(store.add(manual, area="Kitchen", private=True))
    (passage, *_) = store.search("descale", with_private=True)
    source = passage.source
    assert (source.kind, source.title, source.heading, source.location) == ("file", "Kettle", "Kettle › Care", str(manual))
    assert (source.area, source.private, source.page) == ("Kitchen", True, None)
    assert source.modified_at == manual.stat().st_mtime
    note = store.remember("the spare key is at number 14", speaker="Anna", area="Hall", now=1000.0)
    assert (note.speaker, note.area, note.modified_at, note.text) == ("Anna", "Hall", 1000.0, "The spare key is at number 14.")


def test_a_note_said_twice_is_kept_once(store: Knowledge) -> None:
    first = store.remember("the spare key is at number 14", now=1000.0)
    again = store.remember("The spare key is at number 14!", now=2000.0)
    assert (again.id, again.modified_at, len(store.documents())) == (first.id, 2000.0, 1)


def test_what_is_forgotten_leaves_no_trace_in_the_file(tmp_path: Path, encoder: Encoder) -> None:
    file = tmp_path / "knowledge.db"
    with Knowledge.open(file, encoder) as knowledge:
        note = knowledge.remember("the safe opens with xylophonist 4711")
        knowledge.remember("bin day is Tuesday")
        assert knowledge.forget([note.id]) == 1
        assert knowledge.forget([note.id]) == 0
        assert not knowledge.ask("what opens the safe?").found
    for each in tmp_path.iterdir():
        assert b"xylophonist" not in each.read_bytes(), each.name


def test_another_process_is_seen(tmp_path: Path, encoder: Encoder) -> None:
    file = tmp_path / "knowledge.db"
    with Knowledge.open(file, encoder) as here, Knowledge.open(file, encoder) as there:
        assert not here.ask("where is the ladder?").found
        there.remember("the ladder is in the garage")
        assert here.ask("where is the ladder?").reply == "The ladder is in the garage."
        there.forget(document.id for document in there.documents())
        assert not here.ask("where is the ladder?").found


def test_export_and_import(store: Knowledge, tmp_path: Path, encoder: Encoder) -> None:
    manual = tmp_path / "kettle.md"
    manual.write_text(MANUAL)
    list(store.add(manual, private=True))
    store.remember("the ladder is in the garage", speaker="Anna", now=5.0)
    lines = list(store.export())
    with Knowledge.open(":memory:", encoder) as other:
        assert len(list(other.import_(lines))) == 2
        assert list(other.export()) == lines
        assert [(one.title, one.private, one.speaker) for one in other.documents()] == [
            (one.title, one.private, one.speaker) for one in store.documents()]


@pytest.mark.parametrize("line", ["no json", "[]", '{"format": "other"}', "{}"])
def test_what_is_no_export_is_refused(store: Knowledge, line: str) -> None:
    with pytest.raises(KnowledgeError, match=r"line 1: not an export of the knowledge store"):
        list(store.import_([line]))


def test_another_encoder_is_refused_until_reindexed(tmp_path: Path, encoder: Encoder) -> None:
    file = tmp_path / "knowledge.db"
    with Knowledge.open(file, encoder) as knowledge:
        knowledge.remember("the ladder is in the garage")
    with pytest.raises(WrongModel, match="was embedded by all-MiniLM-L6-v2, the encoder here is other"):
        Store(file, model="other", n_embd=384, reader="1")
    assert reindex(file, encoder) == 1
    with Knowledge.open(file, encoder) as knowledge:
        assert knowledge.ask("where is the ladder?").found


def test_missing_vectors_and_words_are_mended(tmp_path: Path, encoder: Encoder) -> None:
    file = tmp_path / "knowledge.db"
    with Knowledge.open(file, encoder) as knowledge:
        knowledge.remember("the ladder is in the garage")
    raw = sqlite3.connect(file)
    raw.execute("DELETE FROM codes")
    raw.execute("UPDATE vectors SET vector = x'00'")
    raw.execute("INSERT INTO words (words) VALUES ('delete-all')")
    raw.commit()
    raw.close()
    with Knowledge.open(file, encoder) as knowledge:
        assert knowledge.repair() == ["the word index was built anew"]      # the vectors: at the start
        assert knowledge.ask("where is the ladder?").found
        assert knowledge.repair() == []


def test_files_that_are_none_of_ours_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "knowledge.db"
    file.write_bytes(b"this is not a database" * 100)
    with pytest.raises(StoreError, match=r"cannot be used: file is not a database\. Move it away"):
        Store(file, model="m", n_embd=384, reader="1")
    newer = tmp_path / "newer.db"
    raw = sqlite3.connect(newer)
    raw.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    raw.close()
    with pytest.raises(StoreError, match="newer version of Ingle"):
        Store(newer, model="m", n_embd=384, reader="1")


def test_nothing_to_remember_and_too_much(store: Knowledge) -> None:
    for said, problem in (("  ,. ", "nothing to remember"), ("word " * 600, "too long")):
        with pytest.raises(KnowledgeError, match=problem):
            store.remember(said)


def test_a_file_that_is_not_there(store: Knowledge, tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match=r"missing\.md: no such file"):
        list(store.add(tmp_path / "missing.md"))
    with pytest.raises(Unreadable, match=r"files of the kind '\.exe' are not read"):
        list(store.add(tmp_path / "virus.exe"))


def test_what_was_acknowledged_survives_kills(tmp_path: Path, encoder: Encoder) -> None:
    killed = Killed(tmp_path, encoder)
    kills = 0                           # `python -m tests.knowledge.kills` does it 500 times
    while kills < 3 or not killed.notes:        # on a busy machine a process may be killed before it has said anything
        assert killed.kill_once() == []
        kills += 1
        assert kills < 30


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 300), st.integers(1, 50), st.integers(0, 2**32 - 1))
def test_the_nearest_by_signs_are_the_nearest_by_signs(n: int, k: int, seed: int) -> None:
    vectors = np.random.default_rng(seed).normal(size=(n, 128)).astype(np.float32)
    bits, query = to_bits(vectors), to_bits(vectors[0])
    differing = ((vectors > 0) != (vectors[0] > 0)).sum(axis=1)
    found = fewest_differing(np.ascontiguousarray(bits.T), query, k)
    assert len(found) == min(n, k)
    assert sorted(differing[found]) == sorted(differing)[: min(n, k)]


def test_signs_and_exact_agree_and_private_rows_stay_out() -> None:
    from ingle.knowledge.store import Codes

    rng = np.random.default_rng(3)
    vectors = rng.normal(size=(2000, 384)).astype(np.float32)
    stored = to_int8(vectors)
    private = np.arange(2000) % 2 == 0
    codes = Codes(np.arange(2000), to_bits(vectors), private)
    query = vectors[7] + rng.normal(size=384).astype(np.float32) * 0.5
    query /= np.linalg.norm(query)
    exact = VectorIndex(codes, lambda ids: stored[list(ids)])
    coded = VectorIndex(codes, lambda ids: stored[list(ids)], exact_below=0)
    assert coded.n_bytes < exact.n_bytes / 5
    assert coded.nearest(query, 1, with_private=True)[0] == exact.nearest(query, 1, with_private=True)[0]
    assert all(passage_id % 2 for passage_id, _ in coded.nearest(query, 50, with_private=False))
    assert np.allclose(cosines(stored[:5], query), vectors[:5] @ query / np.linalg.norm(vectors[:5], axis=1), atol=0.01)
