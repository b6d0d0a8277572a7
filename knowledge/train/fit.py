"""Fit the reader: collect what the store finds in households to learn from, train the network in torch, write its weights.

    python -m ingle.knowledge.train.fit --out knowledge/reader.npz
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

from .. import reader
from ..embedding import open_encoder
from ..evaluate import Asked
from ..household import Judged, Knowledge
from ..reader import MAX_TOKENS, N_HEAD, N_LAYER, N_RELATION, OF_PASSAGE, OF_QUESTION, Asking, D, Page
from .worlds import WRITTEN, World, made_up, written

READ: Final = 6                 # passages a question is trained with
N_EMBD: Final = 384


@dataclass(frozen=True)
class Example:
    """A question with what was found for it. `answers`: of each page the (first, last) tokens of what answers; often none."""

    asked: Asking
    pages: tuple[Page, ...]
    answers: tuple[tuple[tuple[int, int], ...], ...]


def collect(households: Iterable[World], encoder: Any, *, say: Callable[[str], None] = print) -> list[Example]:
    """Ask every question of every household; pages hold the encoder's whole states, not yet projected."""
    found: list[Example] = []
    for number, world in enumerate(households):
        with Knowledge(":memory:", encoder) as knowledge, tempfile.TemporaryDirectory() as folder:
            world.fill(knowledge, Path(folder))
            states: dict[int, Any] = {}
            found += [example for asked in world.questions
                      if (example := _example(knowledge, encoder, states, asked)) is not None]
        say(f"household {number}: {len(found)} questions")
    return found


def _example(knowledge: Knowledge, encoder: Any, states: dict[int, Any], asked: Asked) -> Example | None:
    judged = knowledge.judged(asked.question)
    gold = [each for each in judged if asked.is_gold(each.passage)]
    if asked.answer is not None and not gold:
        return None
    chosen = judged[:READ]
    if gold and not any(each in chosen for each in gold):
        chosen = [*chosen[:-1], gold[0]]
    missing = [each for each in chosen if each.passage.id not in states]
    for each, encoded in zip(missing, encoder.encode([f"{each.context}\n{each.passage.text}" for each in missing]), strict=True):
        states[each.passage.id] = (encoded.states[:MAX_TOKENS].astype(np.float16), encoded.spans[:MAX_TOKENS])
    question = knowledge.question(asked.question)
    encoded = next(iter(encoder.encode([asked.question])))
    asking = reader.asking(asked.question, encoded.states.astype(np.float16), encoded.spans)
    pages = [_page(question, asking, each, *states[each.passage.id]) for each in chosen]
    answers = [_answers(page, each.passage.text, asked.answer) if asked.is_gold(each.passage) else ()
               for page, each in zip(pages, chosen, strict=True)]
    if asked.answer is not None and not any(answers):
        return None
    return Example(asking, tuple(pages), tuple(answers))


def _page(question: Any, asking: Asking, judged: Judged, states: Any, spans: Any) -> Page:
    return reader.page(question, asking, context=judged.context, text=judged.passage.text, tokens=states, spans=spans,
                       features=judged.features, quotable=[bool(each) for each in judged.sentences])


def _answers(page: Page, text: str, answer: str | None) -> tuple[tuple[int, int], ...]:
    """Where the answer stands, as tokens."""
    found = []
    low, wanted = text.lower(), (answer or "").lower()
    begin = low.find(wanted)
    while begin >= 0:
        end = begin + len(wanted)
        inside = [place for place, (first, last) in enumerate(page.spans)
                  if page.sentence[place] >= 0 and first < end and last > begin]
        if inside and page.sentence[inside[0]] == page.sentence[inside[-1]]:
            found.append((inside[0], inside[-1]))
        begin = low.find(wanted, end)
    return tuple(found)


class Network(nn.Module):
    """The same as `reader.Reader`, with gradients."""

    def __init__(self) -> None:
        super().__init__()
        def matrix(n: int, m: int, scale: float = 1.0) -> nn.Parameter:
            return nn.Parameter(torch.randn(n, m) * scale / m**0.5)
        tensors = {
            "passage": matrix(D, N_EMBD), "question": matrix(D, N_EMBD), "of_passage": matrix(D, len(OF_PASSAGE)),
            "of_question": matrix(D, len(OF_QUESTION)), "near_passage": nn.Parameter(torch.randn(D) * 0.5),
            "near_question": nn.Parameter(torch.randn(D) * 0.5), "is_question": nn.Parameter(torch.randn(D) * 0.5),
            "norm": nn.Parameter(torch.ones(D)), "marks": matrix(2, D), "none": matrix(2, D),
            "none.bias": nn.Parameter(torch.zeros(2)),
        }
        tensors["question"].data = tensors["passage"].data.clone()      # so that likeness is seen from the first step
        for layer in range(N_LAYER):
            tensors |= {
                f"{layer}.norm1": nn.Parameter(torch.ones(D)), f"{layer}.norm2": nn.Parameter(torch.ones(D)),
                f"{layer}.qkv": matrix(3 * D, D), f"{layer}.out": matrix(D, D, 0.5),
                f"{layer}.relation": nn.Parameter(torch.zeros(N_HEAD, N_RELATION)),
                f"{layer}.up": matrix(2 * D, D), f"{layer}.up.bias": nn.Parameter(torch.zeros(2 * D)),
                f"{layer}.down": matrix(D, 2 * D, 0.5),
            }
        self.of = nn.ParameterDict({name.replace(".", "_"): value for name, value in tensors.items()})
        self.names = list(tensors)
        self.drop = nn.Dropout(0.1)
        self.drop_states = nn.Dropout(0.1)

    def __getitem__(self, name: str) -> torch.Tensor:
        found: torch.Tensor = self.of[name.replace(".", "_")]
        return found

    def forward(self, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        """(b, 1 + most, 2): "none", then the passage's tokens; begins and ends."""
        question = _rms(self.drop_states(batch["question"]) @ self["question"].T)
        passage = _rms(self.drop_states(batch["passage"]) @ self["passage"].T)
        n_question = question.shape[1]
        group = batch["group"]
        near = passage @ question.transpose(1, 2) / D
        pad_p, pad_q = group[:, n_question:] == -3, group[:, :n_question] == -3
        near_p = near.masked_fill(pad_q[:, None, :], -1.0).amax(2)
        near_q = near.masked_fill(pad_p[:, :, None], -1.0).amax(1)
        asks = (question + batch["of_question"] @ self["of_question"].T + near_q[..., None] * self["near_question"]
                + self["is_question"])
        tells = passage + batch["of_passage"] @ self["of_passage"].T + near_p[..., None] * self["near_passage"]
        x = self.drop(torch.cat([asks, tells], 1))
        mine, other = group[:, :, None], group[:, None, :]
        relation = torch.where(mine == other, 0, torch.where((mine == -2) | (other == -2), 1, 2))
        relation = torch.where(other == -3, N_RELATION, relation)
        for layer in range(N_LAYER):
            x = x + self.drop(self._attend(_rms(x) * self[f"{layer}.norm1"], relation, layer))
            hidden = torch.relu((_rms(x) * self[f"{layer}.norm2"]) @ self[f"{layer}.up"].T + self[f"{layer}.up.bias"])
            x = x + self.drop(hidden) @ self[f"{layer}.down"].T
        x = _rms(x) * self["norm"]
        marks = (x[:, n_question:] @ self["marks"].T).masked_fill((group[:, n_question:] < 0)[..., None], -1e4)
        is_question = (~pad_q).float()[..., None]
        mean = (x[:, :n_question] * is_question).sum(1) / is_question.sum(1)
        return torch.cat([(mean @ self["none"].T + self["none.bias"])[:, None], marks], 1)

    def _attend(self, x: torch.Tensor, relation: torch.Tensor, layer: int) -> torch.Tensor:
        b, n, _ = x.shape
        q, k, v = (x @ self[f"{layer}.qkv"].T).view(b, n, 3, N_HEAD, D // N_HEAD).permute(2, 0, 3, 1, 4)
        bias = torch.cat([self[f"{layer}.relation"], torch.full((N_HEAD, 1), -1e4)], 1)[:, relation].transpose(0, 1)
        weights = (q @ k.transpose(-1, -2) * (D // N_HEAD) ** -0.5 + bias).softmax(-1)
        return (weights @ v).transpose(1, 2).reshape(b, n, D) @ self[f"{layer}.out"].T

    def weights(self) -> dict[str, Any]:
        """As the file holds them."""
        found: dict[str, Any] = {}
        for name in self.names:
            values = self[name].detach().numpy().astype(np.float32)
            if values.ndim < 2 or values.size < 512:
                found[name] = values
                continue
            scale = np.abs(values).max(axis=1) / 127
            found[name] = np.rint(values / scale[:, None]).astype(np.int8)
            found[f"{name}.scale"] = scale.astype(np.float32)
        return found


def _rms(x: torch.Tensor) -> torch.Tensor:
    return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + reader.EPS)


Pair = tuple[Asking, Page, tuple[tuple[int, int], ...]]


def _batch(pairs: Sequence[Pair]) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
    """Padded tensors, (b, 1 + most, 2) marks of what is right."""
    n_question, most = max(len(pair[0].states) for pair in pairs), max(len(pair[1].tokens) for pair in pairs)
    b = len(pairs)
    batch: dict[str, np.ndarray[Any, Any]] = {
        "question": np.zeros((b, n_question, N_EMBD), np.float32),
        "passage": np.zeros((b, most, N_EMBD), np.float32),
        "of_question": np.zeros((b, n_question, len(OF_QUESTION)), np.float32),
        "of_passage": np.zeros((b, most, len(OF_PASSAGE)), np.float32),
        "group": np.full((b, n_question + most), -3, np.int64),
    }
    right = np.zeros((b, 1 + most, 2), np.float32)
    for row, (asked, page, answers) in enumerate(pairs):
        nq, n = len(asked.states), len(page.tokens)
        batch["question"][row, :nq], batch["passage"][row, :n] = asked.states, page.tokens
        batch["of_question"][row, :nq], batch["of_passage"][row, :n] = page.of_question, page.of_tokens
        batch["group"][row, :nq] = -2
        batch["group"][row, n_question : n_question + n] = page.sentence
        right[row, 0] = not answers
        for first, last in answers:
            right[row, 1 + first, 0] = right[row, 1 + last, 1] = 1
    return ({name: torch.from_numpy(values) for name, values in batch.items()}, torch.from_numpy(right))


def _loss(marks: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    """The right places' share of all, begins and ends, as a negative logarithm."""
    return -(marks.masked_fill(right == 0, -1e4).logsumexp(1) - marks.logsumexp(1)).mean()


def train(examples: Sequence[Example], *, epochs: int, seed: int = 1, say: Callable[[str], None] = print,
          check: Callable[[Network], str] | None = None) -> Network:
    """The mean of the weights after each epoch but the first, which does better on other households than the last ones
    (arXiv:1803.05407).

    Args: check: says how good it is, after every epoch.
    """
    torch.manual_seed(seed)
    draw = random.Random(seed)
    network = Network()
    average = AveragedModel(network)
    optimizer = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=0.05)
    n_steps, step, began = 0, 0, time.monotonic()
    for epoch in range(epochs):
        pairs = _pairs(examples, draw)
        batches = [pairs[first : first + 48] for first in range(0, len(pairs), 48)]
        draw.shuffle(batches)
        n_steps = epochs * len(batches)
        total = 0.0
        network.train()
        for batch in batches:
            for group in optimizer.param_groups:
                group["lr"] = 2e-3 * min(1.0, (step + 1) / 200) * max(0.02, 1 - step / n_steps)
            inputs, right = _batch(batch)
            loss = _loss(network(inputs), right)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            total, step = total + float(loss.detach()), step + 1
        if epoch or epochs == 1:
            average.update_parameters(network)
        averaged = cast(Network, average.module.eval())
        checked = check(averaged) if check else ""
        say(f"epoch {epoch + 1}: loss {total / len(batches):.4f}, {time.monotonic() - began:.0f} s {checked}")
    return averaged


def _pairs(examples: Sequence[Example], draw: random.Random) -> list[Pair]:
    """Of each question a page that answers it and some of the likeliest that do not, those of a length side by side."""
    pairs: list[Pair] = []
    for example in examples:
        order = list(range(len(example.pages)))
        gold = [place for place in order if example.answers[place]]
        others = [place for place in order if not example.answers[place]]
        if gold and others:
            chosen = [gold[0], draw.choice(others[:2]), draw.choice(others)]
        else:
            chosen = gold[:1] + draw.sample(others[:3], min(2, len(others)))
        pairs += [(example.asked, example.pages[place], example.answers[place])
                  for place in dict.fromkeys(chosen)]
    draw.shuffle(pairs)
    return sorted(pairs, key=lambda pair: len(pair[1].tokens) // 12)


def main() -> None:
    parser = argparse.ArgumentParser(description="Fit the reader on made-up households and write its weights.")
    parser.add_argument("--out", type=Path, required=True, help="the file, of a new --version where stores must be read anew")
    parser.add_argument("--version", default="1", help="stores made with another one are embedded again (default: 1)")
    parser.add_argument("--households", type=int, default=10, help="put together by chance (default: 10)")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    encoder = open_encoder()
    told, drawn = collect(map(written, WRITTEN), encoder), collect(map(made_up, range(args.households)), encoder)
    examples = [*told, *told, *drawn]       # what people wrote counts twice
    network = train(examples, epochs=args.epochs, seed=args.seed)
    save(network, args.out, args.version)


def save(network: Network, path: Path, version: str) -> None:
    np.savez_compressed(path, allow_pickle=False, version=np.array(version), **network.weights())


if __name__ == "__main__":
    main()
