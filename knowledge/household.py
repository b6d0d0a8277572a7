"""The household's knowledge: what the family's documents and notes say, with sources, or that they say nothing.

    with Knowledge.open(data_dir / "knowledge.db") as knowledge:
        knowledge.remember("the water shut-off is behind the washing machine", speaker="Anna")
        print(knowledge.ask("where do I turn off the water?").reply)

Everything stays in one file on this machine. Text in documents is only ever searched and quoted: nothing here acts on it.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import numpy as np

from . import ranking, reader, wording, words
from .chunks import chunks
from .embedding import Embeds, open_encoder, vectors_of
from .errors import KnowledgeError, Unreadable
from .passages import Answer, Chunk, DocumentInfo, Ingested, Kind, Passage, Section
from .ranking import Features, Forms, Question
from .reader import Asking, Span, open_reader
from .readers import SUFFIXES, read_bytes, sections_of, title_of
from .spelling import Spelling
from .store import COUNTED, Changed, NewDocument, NewPassage, Store, Vectors, drop_vectors
from .vectors import EXACT_BELOW, VectorIndex, cosines

POOL: Final = 60                # candidates from the vectors, and as many from the words
JUDGED: Final = 16              # of them looked at sentence by sentence
READ: Final = 6                 # of them read, word by word
MAX_NOTE_CHARS: Final = 2_000
MAX_QUESTION_CHARS: Final = 500
FORMAT: Final = "ingle-knowledge-1"

_NO_TOKENS: Final = np.zeros((0, reader.D), np.int8)

Progress = Callable[[int, int], None]       # passages embedded, of how many


def _no_progress(done: int, total: int) -> None:
    pass


@dataclass(frozen=True)
class Judged:
    """A passage with what its sentences were judged by."""

    passage: Passage
    features: list[Features]    # of each sentence
    sentences: list[str]
    context: str                # what stood above the passage when it was embedded
    best: int                   # the sentence that answers best
    answers: tuple[Span, ...] | None = None     # of each sentence the likeliest answer, a place in the text; None: not read


class Knowledge:
    """The store, its index and its encoder. Threads may share it: calls wait for one another."""

    def __init__(self, path: Path | str, encoder: Embeds, *, exact_below: int = EXACT_BELOW) -> None:
        """Raises: StoreError, WrongModel."""
        self._encoder = encoder
        self._reader = open_reader()
        self._store = Store(path, model=encoder.name, n_embd=encoder.n_embd, reader=self._reader.version)
        self._exact_below = exact_below
        self._index: VectorIndex | None = None
        self._indexed: tuple[int, int] | None = None
        self._lock = threading.RLock()

    @classmethod
    def open(cls, path: Path | str, encoder: Embeds | None = None) -> Self:
        """Open or create the file, and mend what is missing. Raises: StoreError, WrongModel, ModelFileError."""
        knowledge = cls(path, encoder or open_encoder())
        knowledge.repair(thorough=False)
        return knowledge

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._store.close()

    # putting in

    def add(
        self, path: Path | str, *, private: bool | None = None, area: str | None = None, progress: Progress = _no_progress,
    ) -> Iterator[Ingested]:
        """Take in a file, or all of a folder; what has not changed is left alone, what is gone from the folder goes here too.

        Args: private: None: as it was, at first not.
        Yields: what became of each document, as it is done. An unreadable one in a folder is told, not raised.
        Raises: Unreadable: the one file, or the folder itself.
        """
        path = Path(path).absolute()
        if not path.is_dir():
            yield self._add_file(path, private, area, progress)
            return
        files = list(_files(path))
        for file in files:
            try:
                yield self._add_file(file, private, area, progress)
            except Unreadable as error:
                yield Ingested(title=file.name, location=str(file), change="unreadable", problem=str(error))
        yield from self._remove_missing(path, set(map(str, files)))

    def _add_file(self, path: Path, private: bool | None, area: str | None, progress: Progress) -> Ingested:
        data, modified_at = read_bytes(path)
        digest = hashlib.sha256(data).hexdigest()
        with self._lock:
            known = self._store.known(str(path))
            if known is not None and known.digest == digest:
                if private is not None and private != known.private:
                    self._store.set_private(known.id, private)
                return Ingested(title=title_of(path), location=str(path), change="unchanged")
        sections = sections_of(path, data)
        document = NewDocument(
            kind="file", title=title_of(path), location=str(path), digest=digest, modified_at=modified_at,
            area=area, private=known.private if private is None and known is not None else bool(private),
        )
        n_passages, n_embedded = self._put(document, sections, progress)
        return Ingested(title=document.title, location=str(path), change="added" if known is None else "changed",
                        passages=n_passages, embedded=n_embedded)

    def _remove_missing(self, folder: Path, present: set[str]) -> Iterator[Ingested]:
        """An empty folder may be a disk that is not there: it removes nothing."""
        if not present:
            return
        gone = [document for document in self.documents() if document.kind == "file"
                and Path(document.location).is_relative_to(folder) and document.location not in present]
        if gone:
            self.forget(document.id for document in gone)
        for document in gone:
            yield Ingested(title=document.title, location=document.location, change="removed")

    def _put(self, document: NewDocument, sections: Iterable[Section], progress: Progress = _no_progress) -> tuple[int, int]:
        """Store a document. Returns: (passages, of them newly embedded)."""
        cut = list(chunks(sections))
        while True:
            with self._lock:
                known = self._store.known(document.location)
                there = self._store.keys(known.id) if known is not None else {}
            passages = self._prepared(document, cut, there, progress)
            try:
                with self._lock:
                    self._store.put(document, passages, was=None if known is None else known.digest, now=time.time())
            except Changed:
                continue
            return len(passages), sum(passage.id is None for passage in passages)

    def _prepared(
        self, document: NewDocument, cut: Sequence[Chunk], there: dict[str, list[int]], progress: Progress,
    ) -> list[NewPassage]:
        """The passages to store: those that are there already by their id, the others embedded."""
        left = {key: list(ids) for key, ids in there.items()}
        title = "" if document.kind == "note" else document.title
        found = []
        for chunk in cut:
            key = chunk.key(title)
            same = left.get(key)
            context = _context(title, chunk.heading)
            found.append(NewPassage(chunk=chunk, key=key, context=context, id=same.pop(0) if same else None))
        new = [place for place, passage in enumerate(found) if passage.id is None]
        made = vectors_of(self._encoder, [(found[place].context, found[place].chunk.text) for place in new])
        for done, (place, vectors) in enumerate(zip(new, made, strict=True), start=1):
            passage = found[place]
            found[place] = NewPassage(chunk=passage.chunk, key=passage.key, context=passage.context, vectors=vectors)
            progress(done, len(new))
        return found

    def remember(
        self, said: str, *, speaker: str | None = None, area: str | None = None, private: bool = False, now: float | None = None,
    ) -> DocumentInfo:
        """Keep what somebody said as a note. Said again, it is kept once, with the newer date.

        Raises: KnowledgeError: there is nothing to remember, or too much.
        """
        text = wording.sentence(said)
        if not words.words(text):
            raise KnowledgeError("There is nothing to remember in that.")
        if len(text) > MAX_NOTE_CHARS:
            raise KnowledgeError(f"That is too long for a note: more than {MAX_NOTE_CHARS} characters.")
        digest = hashlib.sha256(" ".join(words.words(text)).encode()).hexdigest()
        location = f"note:{digest[:16]}"
        document = NewDocument(kind="note", title=text[:60], location=location, digest=digest, area=area, speaker=speaker,
                               modified_at=time.time() if now is None else now, private=private)
        self._put(document, [Section(text=text)])
        return next(each for each in self.documents("note") if each.location == location)

    # taking out

    def forget(self, document_ids: Iterable[int]) -> int:
        """Delete documents and notes for good. Returns: how many there were. Raises: StoreError."""
        with self._lock:
            return self._store.remove(list(document_ids))

    def notes_about(self, said: str) -> list[DocumentInfo]:
        """The notes that "what I said about …" may mean, best first: all that have all its telling words, else those that
        mean the same."""
        notes = {note.id: note for note in self.documents("note")}
        if not notes:
            return []
        question = self._question(said, None, frozenset())
        asked = set(map(words.stem, words.content(said)))
        literal = [note for note in notes.values() if asked and asked <= words.stems(note.text)]
        if literal:
            return literal
        judged = self._judge(question, with_private=True)
        near = [each.passage.source.document_id for each in judged
                if each.passage.source.document_id in notes and each.passage.score >= ranking.THRESHOLD]
        return [notes[each] for each in dict.fromkeys(near)]

    # asking

    def ask(
        self, question: str, *, area: str | None = None, devices: Iterable[str] = (), with_private: bool = False, k: int = 3,
    ) -> Answer:
        """Answer from the household's own words, or say that there are none.

        Args:
            area: the room it was asked in; devices: names of what stands there. Both only break ties.
            with_private: whether private passages may be told here.
        """
        with self._lock:
            asked = self._question(question, area, frozenset(word for name in devices for word in words.content(name)))
            judged = self._judge(asked, with_private=True)
            open_ones = [each for each in judged if with_private or not each.passage.source.private]
            best = self._best(open_ones)
            score = sum(each.passage.score for each in open_ones)
            if best is None or score < ranking.THRESHOLD:
                hidden = bool(judged) and judged[0].passage.source.private and not with_private
                withheld = hidden and judged[0].passage.score >= ranking.THRESHOLD
                return Answer(reply=wording.WITHHELD if withheld else wording.NOTHING, score=score, withheld=withheld)
        quoted = wording.quote(asked, best.sentences, best.best)
        rest = [each.passage for each in open_ones if each is not best][: k - 1]
        return Answer(reply=wording.reply(quoted, best.passage.source), text=quoted, short=_short(best),
                      passages=(best.passage, *rest), score=score)

    def search(self, query: str, *, k: int = 5, area: str | None = None, with_private: bool = False) -> list[Passage]:
        """At most `k` passages, best first, each with its source and its score."""
        with self._lock:
            judged = self._judge(self._question(query, area, frozenset()), with_private=with_private)
        return [each.passage for each in judged[:k]]

    def _question(self, text: str, area: str | None, devices: frozenset[str]) -> Question:
        text = text[:MAX_QUESTION_CHARS]
        counts, also = Spelling(self._store).terms(words.content(text))
        wanted = words.wanted(text)
        terms = ranking.weigh(counts, max(1, self._current_index().n_passages), wanted)
        unknown = frozenset(term for term, count in counts.items() if not count)
        common = frozenset(term for term, count in counts.items() if count >= COUNTED)
        forms = {term: Forms.of(term, also.get(term, ())) for term in terms}
        return Question(text=text, terms=terms, also=also, unknown=unknown, common=common, forms=forms, wanted=wanted,
                        area=area, devices=devices)

    def _judge(self, question: Question, *, with_private: bool) -> list[Judged]:
        """The candidates, best first, each with its score and what it was given for."""
        if not question.terms:
            return []
        encoded = next(iter(self._encoder.encode([question.text])))
        query = encoded.vector()
        near = self._current_index().nearest(query, POOL, with_private=with_private)
        worded = self._store.by_words(_match(question), POOL, with_private=with_private)
        fused = ranking.fuse([each for each, _ in near], [each for each, _ in worded])[:JUDGED]
        passages = self._store.passages(fused)
        fused = [each for each in fused if each in passages]
        of_passages = cosines(self._store.vectors(fused), query)
        of_sentences = self._store.sentence_vectors(fused)
        looks = []
        for rank, (passage_id, cosine) in enumerate(zip(fused, of_passages.tolist(), strict=True), start=1):
            rows = of_sentences.get(passage_id)
            by_sentence: list[float] = [] if rows is None else cosines(rows, query).tolist()
            looks.append(_look(question, _scored(passages[passage_id], cosine, 0.0), by_sentence, rank))
        ranked = [look for look, _ in _strongest(looks, ranking.FOUND)]
        read = self._read(question, reader.asking(question.text, encoded.states, encoded.spans), ranked[:READ])
        return [*_with_scores(_strongest(read, ranking.READ)), *ranked[READ:]]

    def _read(self, question: Question, asked: Asking, looks: Sequence[Judged]) -> list[Judged]:
        """The same passages, with what the reader thinks of their sentences."""
        tokens = self._store.tokens([look.passage.id for look in looks], reader.D)
        pages = [reader.page(
            question, asked, context=look.context, text=look.passage.text, tokens=tokens.get(look.passage.id, _NO_TOKENS),
            spans=self._encoder.tokenizer.encode(f"{look.context}\n{look.passage.text}", limit=reader.MAX_TOKENS).spans,
            features=look.features, quotable=[bool(sentence) for sentence in look.sentences],
        ) for look in looks]
        readings = self._reader.read(asked, pages)
        features = ranking.with_reader([look.features for look in looks], [reading.odds for reading in readings])
        return [replace(look, features=each, answers=reading.answers)
                for look, each, reading in zip(looks, features, readings, strict=True)]

    def _best(self, judged: Sequence[Judged]) -> Judged | None:
        """The best; of notes that say nearly the same, the newest."""
        notes = [each.passage.id for each in judged if each.passage.source.kind == "note"]
        if not judged or judged[0].passage.source.kind != "note" or len(notes) < 2:
            return judged[0] if judged else None
        vectors = self._store.vectors(notes)
        first = cosines(vectors, _unit(vectors[0]))
        alike = {(notes[0], other): float(cosine) for other, cosine in zip(notes, first, strict=True)}
        passage = ranking.newest_first((each.passage for each in judged), alike)[0]
        return next(each for each in judged if each.passage.id == passage.id)

    def _current_index(self) -> VectorIndex:
        """The index of what is stored now, read anew when that changed."""
        version = self._store.version
        if self._index is None or version != self._indexed:
            self._index = VectorIndex(self._store.codes(), self._store.vectors, exact_below=self._exact_below)
            self._indexed = version
        return self._index

    # parts of the search, for measuring it

    def question(self, text: str) -> Question:
        """What a question is searched by."""
        with self._lock:
            return self._question(text, None, frozenset())

    def judged(self, text: str) -> list[Judged]:
        """All candidates for a question, with what each was judged by."""
        with self._lock:
            return self._judge(self._question(text, None, frozenset()), with_private=True)

    def only_words(self, text: str, k: int) -> list[Passage]:
        """By BM25 alone."""
        with self._lock:
            question = self._question(text, None, frozenset())
            return self._fetched([each for each, _ in self._store.by_words(_match(question), k, with_private=True)])

    def only_vectors(self, text: str, k: int) -> list[Passage]:
        """By the vectors alone."""
        with self._lock:
            query = self._encoder.embed([text])[0]
            return self._fetched([each for each, _ in self._current_index().nearest(query, k, with_private=True)])

    def _fetched(self, ids: Sequence[int]) -> list[Passage]:
        found = self._store.passages(ids)
        return [found[each] for each in ids if each in found]

    def everything(self) -> list[Passage]:
        """All passages, in no order."""
        with self._lock:
            return self._fetched(self._store.codes().ids.tolist())

    def use_codes(self) -> None:
        """Search by signs from now on, however few passages there are."""
        with self._lock:
            self._exact_below, self._index = 0, None

    # looking after it

    def documents(self, kind: Kind | None = None) -> list[DocumentInfo]:
        """What is in the store, newest first."""
        with self._lock:
            return self._store.documents(kind=kind)

    @property
    def n_passages(self) -> int:
        with self._lock:
            return self._store.n_passages

    @property
    def index_bytes(self) -> int:
        """Memory held by the index."""
        with self._lock:
            return self._current_index().n_bytes

    def repair(self, *, thorough: bool = True, progress: Progress = _no_progress) -> list[str]:
        """Make missing vectors again and, when thorough, check the whole file. Returns: what was mended.

        Raises: StoreError: the file itself is damaged.
        """
        from .errors import StoreError

        mended = []
        with self._lock:
            damage = self._store.damage() if thorough else []
            if "the word index does not match the passages" in damage:
                damage.remove("the word index does not match the passages")
                self._store.rebuild_words()
                mended.append("the word index was built anew")
            if damage:
                raise StoreError(f"{self._store.path} is damaged ({damage[0]}): restore a backup, or import an export")
            missing = self._store.without_vectors()
        made: dict[int, Vectors] = {}
        for (passage_id, _, _), vectors in zip(missing, vectors_of(self._encoder, [each[1:] for each in missing]), strict=True):
            made[passage_id] = vectors
            progress(len(made), len(missing))
        if made:
            with self._lock:
                self._store.put_vectors(made)
            mended.append(f"{len(made)} passages were embedded again")
        return mended

    def export(self) -> Iterator[str]:
        """The whole store as JSON lines: a head, then one document a line, without vectors."""
        yield json.dumps({"format": FORMAT, "model": self._encoder.name})
        for document in reversed(self.documents()):
            with self._lock:
                cut = self._store.passages_of(document.id)
                known = self._store.known(document.location)
            if known is None:
                continue
            yield json.dumps({
                "kind": document.kind, "title": document.title, "location": document.location, "digest": known.digest,
                "area": document.area, "speaker": document.speaker, "private": document.private,
                "modified_at": document.modified_at,
                "passages": [{"text": chunk.text, "heading": chunk.heading, "page": chunk.page} for chunk in cut],
            }, ensure_ascii=False)

    def import_(self, lines: Iterable[str], *, progress: Progress = _no_progress) -> Iterator[Ingested]:
        """Take in an export; what is there from the same place is replaced. Raises: KnowledgeError: the line that is wrong."""
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                data = json.loads(line)
                if number == 1:
                    if data["format"] != FORMAT:
                        raise ValueError(f"the format {data['format']!r} is not {FORMAT}")
                    continue
                document, cut = _imported(data)
            except (ValueError, KeyError, TypeError, RecursionError) as error:
                raise KnowledgeError(f"line {number}: not an export of the knowledge store ({error})") from None
            n_passages, n_embedded = self._put_chunks(document, cut, progress)
            yield Ingested(title=document.title, location=document.location, change="added", passages=n_passages,
                           embedded=n_embedded)

    def _put_chunks(self, document: NewDocument, cut: Sequence[Chunk], progress: Progress) -> tuple[int, int]:
        return self._put(document, [Section(text=chunk.text, heading=chunk.heading, page=chunk.page) for chunk in cut], progress)


def reindex(path: Path | str, encoder: Embeds | None = None, *, progress: Progress = _no_progress) -> int:
    """Embed everything anew, for another encoder. Returns: passages embedded. Raises: StoreError, ModelFileError."""
    drop_vectors(path)
    with Knowledge(path, encoder or open_encoder()) as knowledge:
        knowledge.repair(thorough=False, progress=progress)
        return knowledge.n_passages


def _files(folder: Path) -> Iterator[Path]:
    """Documents under a folder, in order; hidden ones and links out of it are left out. Raises: Unreadable."""
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise Unreadable(f"{folder}: {(error.strerror or 'cannot be read').lower()}") from None
    for entry in entries:
        if entry.name.startswith((".", "~$")) or entry.is_symlink():
            continue
        if entry.is_dir():
            yield from _files(entry)
        elif entry.suffix.lower() in SUFFIXES and entry.is_file():
            yield entry


def _context(title: str, heading: str) -> str:
    """What stands above a passage: it is embedded and searched with it."""
    return " › ".join(part for part in (title, heading) if part)


def _match(question: Question) -> str:
    """An FTS5 query: any of the words that are not common. Words are quoted, so that none is an operator."""
    rare = [term for term in question.terms if term not in question.common] or question.terms
    said = {form for term in rare for form in (term, *question.also.get(term, ()))}
    return " OR ".join(f'"{word[:-1]}" *' if word.endswith("*") else f'"{word}"' for word in sorted(said))


def _look(question: Question, passage: Passage, near: Sequence[float], rank: int) -> Judged:
    """A passage, not yet compared with the others. `near`: the cosine of each sentence; where it is missing, the passage's."""
    sentences = ["" if words.speaks_to_assistant(each) else each for each in passage.text.split("\n")]
    near = [*near, *[passage.cosine] * len(sentences)][: len(sentences)]
    source = passage.source
    title = "" if source.kind == "note" else source.title
    context = " ".join((title, source.heading))
    looks = ranking.features(question, passage, sentences=sentences, context=context, near=near, rank=rank)
    strengths = [ranking.strength(look, ranking.FOUND) for look in looks]
    return Judged(passage, looks, sentences, _context(title, source.heading), strengths.index(max(strengths)))


def _strongest(looks: Iterable[Judged], weights: ranking.Weights) -> list[tuple[Judged, list[float]]]:
    """Best first, each with its sentences' strengths."""
    scored = [(look, [ranking.strength(found, weights) for found in look.features]) for look in looks]
    ranked = sorted(scored, key=lambda pair: -max(pair[1]) - ranking.HERE * pair[0].features[0].here)
    return [(replace(look, best=some.index(max(some))), some) for look, some in ranked]


def _with_scores(ranked: Sequence[tuple[Judged, list[float]]]) -> list[Judged]:
    """The passages, each with how likely it answers."""
    shares = iter(ranking.probabilities([each for _, some in ranked for each in some]))
    return [replace(look, passage=replace(look.passage, score=sum(islice(shares, len(some))))) for look, some in ranked]


def _short(judged: Judged) -> str:
    """The words of the best sentence that answer, as they stand there."""
    if judged.answers is None or judged.best >= len(judged.answers):
        return ""
    begin, end = judged.answers[judged.best]
    return judged.passage.text[begin:end]


def _scored(passage: Passage, cosine: float, score: float) -> Passage:
    return Passage(id=passage.id, text=passage.text, source=passage.source, cosine=cosine, score=score)


def _unit(vector: Any) -> Any:
    floats = vector.astype(np.float32)
    return floats / max(1e-9, float(np.linalg.norm(floats)))


def _imported(data: dict[str, Any]) -> tuple[NewDocument, list[Chunk]]:
    """Raises: ValueError, KeyError, TypeError."""
    if data["kind"] not in ("file", "note"):
        raise ValueError(f"kind {data['kind']!r}")
    texts = {name: data[name] for name in ("title", "location", "digest")}
    optional = {name: data.get(name) for name in ("area", "speaker")}
    if not all(isinstance(value, str) for value in texts.values()):
        raise TypeError("title, location and digest must be texts")
    if not all(value is None or isinstance(value, str) for value in optional.values()):
        raise TypeError("area and speaker must be texts")
    cut = [Chunk(text=str(each["text"]), heading=str(each.get("heading") or ""),
                 page=None if each.get("page") is None else int(each["page"])) for each in data["passages"]]
    document = NewDocument(
        kind=data["kind"], title=texts["title"], location=texts["location"], digest=texts["digest"], area=optional["area"],
        speaker=optional["speaker"], private=bool(data.get("private")), modified_at=float(data["modified_at"]))
    return document, cut
