"""From nothing to a model file: vocabulary, student cut from the teacher, training, export. Every step can be resumed."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from . import vocabulary
from .corpus.forms import Schema
from .corpus.generate import Corpus
from .export import export
from .run import Encoder, Plan, Run, batches, load
from .student import Shape, Student, cut

LAYERS = (0, 1, 2, 3, 8, 14, 20, 27, 28, 29)  # of SmolLM2-135M's 30: both ends, and a few between
N_VOCAB = 7168
# For devices of a few megabytes: 3.1 M parameters, taught from nothing.
SMALL = Shape(n_vocab=4096, n_layer=6, n_embd=192, n_head=6, n_head_kv=2, n_ff=512, n_ctx=512)
Tell = Callable[[dict[str, Any]], None]


def train(schema: Schema, *, data: Path | None, teacher: Path | None, folder: Path, plan: Plan, device: str, tell: Tell) -> None:
    """Train in `folder`, or go on where its checkpoint stopped.

    Args:
        data: folder of the development data (hwu64, CLINC150); None: patterns and templates only.
        teacher: a Llama-architecture GGUF with a BPE vocabulary (SmolLM2-135M-Instruct); None: the small model, from nothing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    pieces = _vocabulary(schema, data, folder, N_VOCAB if teacher else SMALL.n_vocab)
    run = Run(folder, plan, cut(teacher, pieces, LAYERS) if teacher else _fresh(), device)
    resumed = run.resume()
    (folder / "run.json").write_text(json.dumps(_about(plan, data) | {"resumed_at_step": run.step if resumed else 0}, indent=1))
    for block in run.student.blk:
        block.compile(dynamic=True)  # rows come in many lengths: one graph for all of them
    corpus = Corpus(schema, data=data, seed=plan.seed + run.step)
    run.train(batches(iter(corpus), Encoder(pieces.processor()), plan, random.Random(run.step)), tell=tell)


def _fresh() -> Student:
    """The small model before it has learned anything."""
    student = Student(SMALL)
    torch.nn.init.normal_(student.token_embd.weight, std=0.02)  # tied to the output: wider, and the first losses are above 50
    return student


def write(folder: Path, path: Path) -> None:
    """The checkpoint in `folder` as a model file."""
    about = {"general.name": "Ingle", "general.license": "apache-2.0", "general.description":
             "Understands what is asked of a home: sentence in, intents with slots out."}  # fmt: skip
    export(load(folder / "checkpoint.pt"), _read_vocabulary(folder), path, about=about)


def _vocabulary(schema: Schema, data: Path | None, folder: Path, size: int) -> vocabulary.Vocabulary:
    path = folder / "vocabulary.model"
    if not path.exists():
        learned = vocabulary.learn(Corpus(schema, data=data, seed=1), schema, size=size, sentences=60_000)
        path.write_bytes(learned.proto)
    return _read_vocabulary(folder)


def _read_vocabulary(folder: Path) -> vocabulary.Vocabulary:
    return vocabulary.of_proto((folder / "vocabulary.model").read_bytes())


def _about(plan: Plan, data: Path | None) -> dict[str, Any]:
    """What a run log must say to be repeated: plan, torch, and a hash of everything the corpus reads."""
    digest = hashlib.sha256()
    for path in sorted((Path(__file__).parent / "corpus").rglob("*.*")):
        if path.suffix in (".txt", ".jsonl", ".py"):
            digest.update(path.read_bytes())
    if data is not None:
        for name in ("hwu64_train.jsonl", "clinc_oos_dev.jsonl"):
            digest.update((data / name).read_bytes())
    return {"plan": asdict(plan), "torch": torch.__version__, "corpus_sha256": digest.hexdigest()}
