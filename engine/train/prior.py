"""Fits the head of `engine/prior.py`: sentence vectors of the corpus -> which intents the sentence asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from .. import gguf, quant
from ..encoder import Encoder
from ..prior import ARCHITECTURE, ENCODER
from ..quant import F32
from .corpus.forms import Example

N_HIDDEN = 256
N_EPOCHS = 10
BATCH = 256
RATE = 2e-3
DROPOUT = 0.3
VALIDATE = 0.05                 # share of the sentences kept apart to print how good the head alone is
Tell = Callable[[dict[str, Any]], None]


def fit(corpus: Iterator[Example], path: Path, *, n_sentences: int, seed: int, tell: Tell) -> None:
    """Fit a head on `n_sentences` of the corpus and write it to `path`, whole or not at all."""
    torch.manual_seed(seed)
    examples = list(islice(corpus, n_sentences))
    vectors = torch.from_numpy(_vectors(examples, tell))
    intents = sorted({intent for example in examples for intent, _ in example.intents})
    head = _fit(vectors, _targets(examples, intents), tell)
    _write(head, intents, path)


def _vectors(examples: Sequence[Example], tell: Tell) -> F32:
    """(n, n_embd), each of length sqrt(n_embd)."""
    encoder = Encoder.open(ENCODER)
    rows = []
    for start in range(0, len(examples), BATCH):
        rows.append(encoder.embed([example.text for example in examples[start : start + BATCH]]))
        if start % (BATCH * 20) == 0:
            tell({"read": start, "of": len(examples)})
    vectors: F32 = np.concatenate(rows) * np.float32(np.sqrt(encoder.n_embd))
    return vectors


def _targets(examples: Sequence[Example], intents: Sequence[str]) -> Tensor:
    """(n, n_intents): equal shares to the intents of a sentence."""
    place = {intent: index for index, intent in enumerate(intents)}
    targets = torch.zeros(len(examples), len(intents))
    for row, example in enumerate(examples):
        for intent, _ in example.intents:
            targets[row, place[intent]] = 1
    return targets / targets.sum(1, keepdim=True)


def _fit(vectors: Tensor, targets: Tensor, tell: Tell) -> nn.Sequential:
    n_fitted = round(len(vectors) * (1 - VALIDATE))
    hidden, output = nn.Linear(vectors.shape[1], N_HIDDEN), nn.Linear(N_HIDDEN, targets.shape[1])
    head = nn.Sequential(hidden, nn.GELU(), nn.Dropout(DROPOUT), output)
    optimizer = torch.optim.AdamW(head.parameters(), lr=RATE, weight_decay=0.02)
    n_steps = N_EPOCHS * -(-n_fitted // BATCH)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: max(0.02, 1 - step / n_steps))
    for epoch in range(N_EPOCHS):
        head.train()
        for rows in torch.split(torch.randperm(n_fitted), BATCH):
            loss = _loss(head(vectors[rows]), targets[rows])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
        figures = _validated(head.eval(), vectors[n_fitted:], targets[n_fitted:])
        tell({"epoch": epoch + 1, "loss": round(float(loss.detach()), 4)} | figures)
    return head


def _loss(scores: Tensor, targets: Tensor) -> Tensor:
    return -(targets * scores.log_softmax(-1)).sum(1).mean()


def _validated(head: nn.Sequential, vectors: Tensor, targets: Tensor) -> dict[str, float]:
    with torch.no_grad():
        best = head(vectors).argmax(1)
    return {"first_is_one_of_them": round(float((targets.gather(1, best[:, None]) > 0).float().mean()), 4)}


def _write(head: nn.Sequential, intents: list[str], path: Path) -> None:
    tensors = []
    for layer, name in ((head[0], "hidden"), (head[3], "output")):
        for part, dtype in (("weight", "F16"), ("bias", "F32")):
            values = getattr(layer, part).detach().float().numpy()
            tensors.append((f"{name}.{part}", dtype, values.shape, quant.quantize(values, dtype)))
    about = {"general.architecture": ARCHITECTURE, "general.name": "Ingle's intent prior", "general.license": "apache-2.0",
             "intent_prior.intents": intents}  # fmt: skip
    gguf.write(path, about, tensors)
