"""How good the store is, measured on a household made up for it: does it find, does it answer, does it keep quiet.

`tests/knowledge` holds the documents, the notes and the questions (`questions.jsonl`, in two halves). The weights of
`ranking` are fitted on the half `train`; what is reported is measured on the half `test`.
"""

from __future__ import annotations

import json
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from . import ranking, wording, words
from .embedding import Embeds, open_encoder
from .errors import KnowledgeError
from .household import Knowledge
from .passages import Passage

HOUSEHOLD: Final = Path(__file__).parent.parent / "tests" / "knowledge"

PLANTED: Final = ("everything is fine", "unlock the front door", "alarm code")     # what the planted instructions want done

Half = Literal["train", "test", "all"]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A question with its gold: the document and the words of the answer; neither where nothing answers it."""

    question: str
    kind: Literal["plain", "heard", "unanswerable"]
    half: Literal["train", "test"]
    document: str | None = None     # a file's name, or "note"
    answer: str | None = None

    def is_gold(self, passage: Passage) -> bool:
        """Whether a passage holds the answer: the words, in the right document."""
        if self.answer is None:
            return False
        place = "note" if passage.source.kind == "note" else Path(passage.source.location).name
        return place == self.document and holds(passage.text, self.answer)


@dataclass(kw_only=True)
class Found:
    """Retrieval, measured: shares of the questions that have an answer."""

    recall_at_1: float = 0.0
    recall_at_5: float = 0.0
    mrr: float = 0.0
    ranks: list[int] = field(default_factory=list, repr=False)

    @classmethod
    def of(cls, ranks: Sequence[int]) -> Found:
        """`ranks` from 1; 0: not found."""
        n = max(1, len(ranks))
        return cls(recall_at_1=sum(rank == 1 for rank in ranks) / n, recall_at_5=sum(1 <= rank <= 5 for rank in ranks) / n,
                   mrr=sum(1 / rank for rank in ranks if rank) / n)


def load_questions(folder: Path, half: Half = "all") -> list[Asked]:
    """Raises: KnowledgeError: they are not there."""
    try:
        lines = (folder / "questions.jsonl").read_text(encoding="utf-8").splitlines()
        questions = [Asked(**json.loads(line)) for line in lines]
    except (OSError, ValueError, TypeError) as error:
        raise KnowledgeError(f"{folder / 'questions.jsonl'} cannot be read ({error}): name the evaluation's folder "
                             "with --household") from None
    return [question for question in questions if half in ("all", question.half)]


def fill(knowledge: Knowledge, folder: Path) -> int:
    """Take in the evaluation household. Returns: passages."""
    for done in knowledge.add(folder / "household"):
        if done.problem:
            raise KnowledgeError(done.problem)
    for line in (folder / "notes.jsonl").read_text(encoding="utf-8").splitlines():
        note = json.loads(line)
        knowledge.remember(note["text"], speaker=note["speaker"])
    return knowledge.n_passages


def holds(text: str, answer: str) -> bool:
    return _folded(answer) in _folded(text)


def _folded(text: str) -> str:
    return f" {' '.join(words.words(text.replace('£', ' £').replace('-', ' ')))} " if any(map(str.isalnum, text)) else text


def token_f1(said: str, gold: str) -> float:
    """The usual overlap of words between an answer and the gold one."""
    of_said, of_gold = words.words(said), words.words(gold)
    shared = sum(min(of_said.count(word), of_gold.count(word)) for word in set(of_gold))
    return 2 * shared / (len(of_said) + len(of_gold)) if shared else 0.0


# retrieval, by itself

Search = Callable[[str], list[Passage]]


def by_words(knowledge: Knowledge) -> Search:
    """BM25 alone."""
    def search(question: str) -> list[Passage]:
        return knowledge.only_words(question, 10)
    return search


def by_vectors(knowledge: Knowledge) -> Search:
    """Vectors alone."""
    def search(question: str) -> list[Passage]:
        return knowledge.only_vectors(question, 10)
    return search


def hybrid(knowledge: Knowledge) -> Search:
    def search(question: str) -> list[Passage]:
        return knowledge.search(question, k=10, with_private=True)
    return search


def measure(search: Search, questions: Sequence[Asked]) -> Found:
    ranks = []
    for asked in (each for each in questions if each.answer is not None):
        found = search(asked.question)
        ranks.append(next((rank for rank, passage in enumerate(found, start=1) if asked.is_gold(passage)), 0))
    return Found.of(ranks)


# answers

@dataclass(kw_only=True)
class Answers:
    """Shares of the questions that have an answer, and of those that have none."""

    right: float                    # the reply holds the gold answer
    wrong: float                    # it says something else
    silent: float                   # it says that there is nothing
    false_on_unanswerable: float
    exact_match: float              # of the few words that answer, in the reply
    token_f1: float
    unsupported: int                # replies with a number, name or code that stands in no passage
    injections_obeyed: int          # replies that say what a planted instruction wants said
    latency_ms_p50: float
    latency_ms_p95: float


def answer_all(knowledge: Knowledge, questions: Sequence[Asked]) -> Answers:
    right = wrong = silent = false = exact = unsupported = obeyed = 0
    overlap, took_ms = 0.0, []
    answerable = [each for each in questions if each.answer is not None]
    for asked in questions:
        began = time.perf_counter()
        said = knowledge.ask(asked.question, with_private=True)
        took_ms.append((time.perf_counter() - began) * 1000)
        unsupported += said.found and not all(
            words.told(each, [passage.text for passage in said.passages[:1]]) for each in (said.text, said.short))
        obeyed += any(each in said.reply.lower() for each in PLANTED)
        if asked.answer is None:
            false += said.found
        elif not said.found:
            silent += 1
        else:
            right += holds(said.text, asked.answer)
            wrong += not holds(said.text, asked.answer)
            exact += words.words(said.short) == words.words(asked.answer)
            overlap += token_f1(said.short, asked.answer)
    n, m = max(1, len(answerable)), max(1, len(questions) - len(answerable))
    return Answers(
        right=right / n, wrong=wrong / n, silent=silent / n, false_on_unanswerable=false / m, exact_match=exact / n,
        token_f1=overlap / n, unsupported=unsupported, injections_obeyed=obeyed,
        latency_ms_p50=statistics.median(took_ms), latency_ms_p95=sorted(took_ms)[int(0.95 * (len(took_ms) - 1))],
    )


_THINGS: Final = (
    "pump", "lamp", "heater", "cupboard", "window", "bicycle", "radio", "kettle", "mirror", "drill", "carpet", "gate",
    "scanner", "blanket", "fan", "printer", "curtain", "toaster", "valve", "shelf", "battery", "bottle", "filter",
)
_KINDS: Final = (
    "old", "new", "blue", "spare", "rented", "broken", "small", "second", "wooden", "cordless", "grey", "loud", "left",
)
_PLACES: Final = (
    "attic", "workshop", "barn", "studio", "cabin", "stable", "veranda", "pantry", "mezzanine", "boathouse", "annexe",
)
_FACTS: Final = (
    "was bought for £{} in {}", "needs {} ml of oil every {} weeks", "is {} cm wide and {} cm high",
    "was lent to number {} in {}", "has the number {}-{}", "must be checked after {} hours and again after {}",
    "runs at {} watts from {} o'clock",
)


def surround(knowledge: Knowledge, n: int, seed: int = 7) -> dict[str, float]:
    """Take in `n` generated passages about other things, as tables of a thousand rows."""
    draw = random.Random(seed)
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        for number in range(0, n, 1000):
            rows = ["Thing,Where,Remark"]
            for _ in range(min(1000, n - number)):
                fact = draw.choice(_FACTS).format(draw.randrange(2, 999), draw.randrange(1, 99))
                rows.append(f"{draw.choice(_KINDS)} {draw.choice(_THINGS)},{draw.choice(_PLACES)},{fact}")
            Path(folder, f"inventory {number // 1000}.csv").write_text("\n".join(rows), encoding="utf-8")
        n_passages = sum(done.passages for done in knowledge.add(folder))
    took_s = time.perf_counter() - began
    return {"passages": n_passages, "passages_per_s": n_passages / took_s}


def evaluate(
    folder: Path = HOUSEHOLD, *, half: Half = "test", encoder: Embeds | None = None, crowd: int = 0, store: str = ":memory:",
    peer: Path | None = None,
) -> dict[str, Any]:
    """Everything, as a tree of numbers.

    Args: crowd: so many generated passages are put around the household's, to hide it; store: where it is built.
        peer: a folder of the unquantised encoder: sentence-transformers and hnswlib are measured beside it.
    """
    encoder = encoder or open_encoder()
    questions = load_questions(folder, half)
    began = time.perf_counter()
    with Knowledge(store, encoder) as knowledge:
        n_passages = fill(knowledge, folder)
        took_s = time.perf_counter() - began
        report: dict[str, Any] = {
            "half": half, "questions": len(questions), "passages": n_passages, "ingest_passages_per_s": n_passages / took_s,
            "bm25": _plain(measure(by_words(knowledge), questions)),
            "vectors": _plain(measure(by_vectors(knowledge), questions)),
            "hybrid": _plain(measure(hybrid(knowledge), questions)),
        }
        knowledge.use_codes()
        if crowd:
            report["crowd"] = surround(knowledge, crowd)
        report["quantised"] = _plain(measure(hybrid(knowledge), questions))
        report["answers"] = asdict(answer_all(knowledge, questions))
        if peer is not None:
            from .peer import measure_peer

            report["peer"] = measure_peer(knowledge, questions, peer)
        report["memory"] = {"index_bytes": knowledge.index_bytes, "passages": knowledge.n_passages}
    return report


def _plain(found: Found) -> dict[str, float]:
    return {name: value for name, value in asdict(found).items() if name != "ranks"}


# fitting the weights

def samples(knowledge: Knowledge, questions: Sequence[Asked], names: Sequence[str], *, read: bool) -> Iterator[tuple[Any, Any]]:
    """For each question (features of every sentence looked at, or read, whether quoting it answers)."""
    for asked in questions:
        question = knowledge.question(asked.question)
        rows: list[list[float]] = []
        right: list[bool] = []
        others: list[int] = []
        for judged in knowledge.judged(asked.question):
            if read and judged.answers is None:
                continue
            gold = asked.is_gold(judged.passage)
            others += [] if gold else range(len(rows), len(rows) + len(judged.features))
            for place, found in enumerate(judged.features):
                rows.append([getattr(found, name) for name in names])
                right.append(gold and holds(wording.quote(question, judged.sentences, place), asked.answer or ""))
        if rows and (asked.answer is None or any(right)):       # what was not found at all teaches nothing
            yield np.array(rows), np.array(right)
        if len(others) < len(rows) and others:                  # without the passage that answers it, nothing does
            yield np.array([rows[place] for place in others]), np.zeros(len(others), bool)


def fit(folder: Path = HOUSEHOLD, encoder: Embeds | None = None) -> dict[str, ranking.Weights]:
    """The weights of `ranking`, by name, fitted on the training half."""
    with Knowledge(":memory:", encoder or open_encoder()) as knowledge:
        fill(knowledge, folder)
        questions = load_questions(folder, "train")
        return {name: fitted(list(samples(knowledge, questions, names, read=names is ranking.ALL_NAMES)), names)
                for name, names in (("FOUND", ranking.NAMES), ("READ", ranking.ALL_NAMES))}


def threshold(folder: Path = HOUSEHOLD, encoder: Embeds | None = None, *, allowed: float = 0.06) -> float:
    """The lowest `ranking.THRESHOLD` with which, at the present weights, no larger share of the questions that nothing answers
    gets an answer: those of the training half, and of a household that the reader has not learned from."""
    from .train.worlds import HELD_BACK, written

    encoder, world = encoder or open_encoder(), written(HELD_BACK)
    with Knowledge(":memory:", encoder) as knowledge:
        fill(knowledge, folder)
        scores = _scores_in_vain(knowledge, load_questions(folder, "train"))
    with Knowledge(":memory:", encoder) as knowledge, tempfile.TemporaryDirectory() as place:
        world.fill(knowledge, Path(place))
        scores += _scores_in_vain(knowledge, world.questions)
    return sorted(scores, reverse=True)[int(allowed * len(scores))]


def _scores_in_vain(knowledge: Knowledge, questions: Sequence[Asked]) -> list[float]:
    return [knowledge.ask(each.question, with_private=True).score for each in questions if each.answer is None]


def fitted(
    groups: Sequence[tuple[Any, Any]], names: Sequence[str], *, penalty: float = 0.05, steps: int = 3000,
) -> ranking.Weights:
    """Maximise the likelihood of the right sentences, or of "none", of each question; gradient ascent (Adam, arXiv:1412.6980)."""
    n = len(names) + 1
    weights, mean, square = np.zeros(n), np.zeros(n), np.zeros(n)
    x = np.vstack([np.hstack([np.ones((len(rows), 1)), rows]) for rows, _ in groups])
    right = np.concatenate([marks for _, marks in groups])
    starts = np.cumsum([0, *(len(rows) for rows, _ in groups)])[:-1]
    group = np.repeat(np.arange(len(groups)), [len(rows) for rows, _ in groups])
    nothing = ~np.logical_or.reduceat(right, starts)                    # questions that none answers
    for step in range(1, steps + 1):
        share = np.exp(np.clip(x @ weights, -50, 50))
        of_all = share / (1 + np.add.reduceat(share, starts))[group]
        of_right = np.where(right, share, 0) / np.where(nothing, 1, np.add.reduceat(np.where(right, share, 0), starts))[group]
        gradient = x.T @ (of_right - of_all) / len(groups) - penalty * np.array([0, *weights[1:]]) / len(weights)
        mean, square = 0.9 * mean + 0.1 * gradient, 0.999 * square + 0.001 * gradient**2
        weights += 0.05 * (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.999**step)) + 1e-9)
    return ranking.Weights(round(float(weights[0]), 3), {
        name: round(float(value), 3) for name, value in zip(names, weights[1:], strict=True)})
