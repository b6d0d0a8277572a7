"""Training: an endless corpus, a budget of steps, a checkpoint every few minutes; a stopped run goes on where it was.

The learning rate follows the share of the budget that is spent (steps, not time: a shared machine's speed is not known);
in the last part the weights are rounded as the shipped file rounds them (quantisation-aware training).
"""

from __future__ import annotations

import json
import math
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import sentencepiece
import torch
from torch import Tensor
from torch.nn import functional as F

from .corpus.forms import Example
from .student import Shape, Student


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How to train."""

    steps: int                          # in all, over every run of this plan; may be changed between runs
    batch_tokens: int = 2048            # sentence and answer together
    peak_rate: float = 8e-4
    warmup: float = 0.02                # share of the steps
    quantise_from: float = 0.75         # share of the steps from which weights are rounded
    weight_decay: float = 0.05
    checkpoint_s: float = 240
    seed: int = 0


class Encoder:
    """Examples as token rows: `<bos> sentence <parse> answer`, and which of them are the answer."""

    def __init__(self, sp: sentencepiece.SentencePieceProcessor) -> None:
        self.sp, self.bos, self.parse, self.asked = sp, sp.bos_id(), sp.piece_to_id("<parse>"), sp.piece_to_id("<asked>")

    def encode(self, example: Example) -> tuple[list[int], int]:
        """Returns: (tokens, place of the first token of the answer)."""
        head = [self.bos, *([self.asked] if example.asked else []), *self.sp.encode(example.text), self.parse]
        return head + self._target(example), len(head)

    def _target(self, example: Example) -> list[int]:
        """The answer: control pieces by name, words by the same pieces as in the sentence."""
        tokens: list[int] = []
        run: list[str] = []
        for part in [*example.target().split(), ""]:
            control = self.sp.piece_to_id(part) if part.startswith("<") and part.endswith(">") else 0
            if (control or not part) and run:
                tokens += self.sp.encode(" ".join(run))
                run = []
            if control:
                tokens.append(control)
            elif part:
                run.append(part)
        return tokens


def batches(examples: Iterator[Example], encoder: Encoder, plan: Plan, rng: random.Random) -> Iterator[tuple[Tensor, Tensor]]:
    """Rows of like length, padded: tokens (batch, length) and whether each is learned (batch, length)."""
    while True:
        rows = sorted((encoder.encode(next(examples)) for _ in range(1200)), key=lambda row: len(row[0]))
        rows = [row for row in rows if len(row[0]) <= 160]
        cuts, start = [], 0
        while start < len(rows):
            end = start + 1
            while end < len(rows) and (end - start + 1) * len(rows[end][0]) <= plan.batch_tokens:
                end += 1
            cuts.append((start, end))
            start = end
        rng.shuffle(cuts)
        for start, end in cuts:
            yield _padded(rows[start:end])


def _padded(rows: list[tuple[list[int], int]]) -> tuple[Tensor, Tensor]:
    length = max(len(tokens) for tokens, _ in rows)
    tokens = torch.zeros(len(rows), length, dtype=torch.long)
    learned = torch.zeros(len(rows), length, dtype=torch.bool)
    for row, (ids, answer) in enumerate(rows):
        tokens[row, : len(ids)] = torch.tensor(ids)
        learned[row, answer : len(ids)] = True
    return tokens, learned


def loss_of(student: Student, tokens: Tensor, learned: Tensor) -> Tensor:
    """Mean cross entropy of the answers' tokens; logits are computed only there."""
    chosen = learned[:, 1:]
    logits = student.logits(student(tokens[:, :-1])[chosen])
    return F.cross_entropy(logits.float(), tokens[:, 1:][chosen])


class Run:
    """One training run in a folder: `checkpoint.pt`, `log.jsonl`."""

    def __init__(self, folder: Path, plan: Plan, student: Student, device: str = "cpu") -> None:
        self.folder, self.plan, self.student, self.device = folder, plan, student.to(device), device
        decayed = [p for p in student.parameters() if p.ndim > 1]
        others = [p for p in student.parameters() if p.ndim <= 1]
        self.optimizer = torch.optim.AdamW(
            [{"params": decayed, "weight_decay": plan.weight_decay}, {"params": others, "weight_decay": 0.0}],
            lr=plan.peak_rate, betas=(0.9, 0.98), fused=True,
        )  # fmt: skip
        self.spent_s, self.step, self.seen_tokens = 0.0, 0, 0

    def resume(self) -> bool:
        """Take up the last checkpoint, if there is one."""
        path = self.folder / "checkpoint.pt"
        if not path.exists():
            return False
        state = torch.load(path, map_location=self.device, weights_only=True)
        self.student.load_state_dict(state["student"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.spent_s, self.step, self.seen_tokens = state["spent_s"], state["step"], state["seen_tokens"]
        return True

    def save(self) -> None:
        """Write the checkpoint, whole or not at all."""
        state = {"student": self.student.state_dict(), "optimizer": self.optimizer.state_dict(), "spent_s": self.spent_s,
                 "step": self.step, "seen_tokens": self.seen_tokens, "shape": self.student.shape.asdict(),
                 "plan": asdict(self.plan)}  # fmt: skip
        part = self.folder / "checkpoint.pt.part"
        torch.save(state, part)
        part.replace(self.folder / "checkpoint.pt")

    @property
    def share(self) -> float:
        """How much of the budget is spent, 0..1."""
        return min(self.step / self.plan.steps, 1.0)

    def train(self, stream: Iterator[tuple[Tensor, Tensor]], *, tell: Callable[[dict[str, Any]], None]) -> None:
        """Train until the budget is spent; `tell` hears a line of figures every 50 steps."""
        self.folder.mkdir(parents=True, exist_ok=True)
        saved_s, losses = self.spent_s, []
        while self.share < 1:
            begun = time.monotonic()
            self.student.fake_quant = self.share >= self.plan.quantise_from
            losses.append(self._step(*next(stream)))
            self.spent_s += time.monotonic() - begun
            if self.step % 50 == 0:
                tell(self._log(sum(losses) / len(losses)))
                losses = []
            if self.spent_s - saved_s > self.plan.checkpoint_s:
                self.save()
                saved_s = self.spent_s
        self.save()

    def _step(self, tokens: Tensor, learned: Tensor) -> float:
        for group in self.optimizer.param_groups:
            group["lr"] = self._rate()
        with torch.autocast(self.device, dtype=torch.bfloat16):
            loss = loss_of(self.student, tokens.to(self.device), learned.to(self.device))
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.student.parameters(), 1.0)
        self.optimizer.step()
        self.step += 1
        self.seen_tokens += tokens.numel()
        return float(loss.detach())

    def _rate(self) -> float:
        if self.share < self.plan.warmup:
            return self.plan.peak_rate * max(self.share / self.plan.warmup, 0.01)
        done = (self.share - self.plan.warmup) / (1 - self.plan.warmup)
        return self.plan.peak_rate * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * done)))

    def _log(self, loss: float) -> dict[str, Any]:
        line = {"step": self.step, "share": round(self.share, 4), "loss": round(loss, 4), "rate": round(self._rate(), 7),
                "tokens": self.seen_tokens, "spent_s": round(self.spent_s)}  # fmt: skip
        with (self.folder / "log.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        return line


def load(checkpoint: Path) -> Student:
    """The student of a checkpoint."""
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    student = Student(Shape(**state["shape"]))
    student.load_state_dict(state["student"])
    return student
