"""Conversations with a model that was trained for them, in the ChatML form (`<|im_start|>role … <|im_end|>`).

    chat = Chat.open("SmolLM2-135M-Instruct.Q4_1.gguf")
    for piece in chat.say("What is a hearth?"):
        print(piece, end="", flush=True)

`python -m ingle.engine.chat FILE` is that on the terminal. Roles are control pieces, looked up by name, and what is said
is read as plain text, so nobody can speak in another's role. A talk may go on for ever: when the
room is full, the model sums up the older half in a sentence, which then stands for it (`context`).
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Protocol, Self

from . import prefix
from .backend import Engine, choose
from .bpe import BytePairs
from .context import Context, by_text
from .generate import Sampling, generate
from .gguf import ModelFileError
from .model import Model
from .tokenizer import Tokenizer

BEGIN: Final = "<|im_start|>"
END: Final = "<|im_end|>"
SYSTEM: Final = "You are a helpful assistant in a home. Answer in one or two short sentences."
N_CTX: Final = 1024             # tokens that are kept of a talk
MAX_TOKENS: Final = 256         # of an answer
SUMMARY_TOKENS: Final = 64      # of what stands for the older half of a talk
SUM_UP: Final = "Sum up in one sentence what we have said so far."
SAID_BEFORE: Final = "Said before:"


class Vocabulary(Protocol):
    """What both kinds of tokenizer can do."""

    bos: int | None

    def id(self, piece: str) -> int | None: ...

    def encode(self, text: str) -> list[int]: ...

    def decode(self, tokens: Sequence[int]) -> str: ...


def vocabulary(metadata: Mapping[str, Any]) -> Vocabulary:
    """The tokenizer of a GGUF file, of either kind. Raises: ModelFileError."""
    if metadata.get("tokenizer.ggml.model") == "gpt2":
        return BytePairs.from_metadata(metadata)
    return Tokenizer.from_metadata(metadata)


def written(tokenizer: Vocabulary, tokens: Iterable[int]) -> Iterator[str]:
    """The text of tokens as they come; a character of several tokens is held back until it is whole."""
    held: list[int] = []        # the last token that was told, for what it does to the next, and those since
    told = ""
    for token in tokens:
        held.append(token)
        text = tokenizer.decode(held)
        if text.endswith("\ufffd") and len(held) < 8:
            continue
        yield text[len(told) :]
        held, told = [token], tokenizer.decode([token])
    if len(held) > 1:
        yield tokenizer.decode(held)[len(told) :]


class _Form:
    """ChatML in the tokens of one vocabulary."""

    def __init__(self, tokenizer: Vocabulary) -> None:
        """Raises: ModelFileError: the vocabulary has no pieces for roles."""
        begin, end = (tokenizer.id(piece) for piece in (BEGIN, END))
        if begin is None or end is None:
            raise ModelFileError("tokenizer.ggml.tokens", f"has no {BEGIN} and {END}", "use a model made for chat in ChatML")
        self.begin, self.end = begin, end
        self._tokenizer = tokenizer

    def turn(self, role: str, text: str) -> list[int]:
        """What is in the text is read as text, roles too."""
        return [self.begin, *self._tokenizer.encode(f"{role}\n{text}"), self.end, *self._tokenizer.encode("\n")]

    def answer(self) -> list[int]:
        """The beginning of the model's own turn."""
        return [self.begin, *self._tokenizer.encode("assistant\n")]


class Chat:
    """One conversation."""

    def __init__(
        self, engine: Engine, tokenizer: Vocabulary, *, system: str = SYSTEM, sampling: Sampling | None = None,
        n_ctx: int = N_CTX, int8: bool = False, beside: str | os.PathLike[str] | None = None,
    ) -> None:
        """Args: n_ctx, int8: see `Native.state`. beside: the model's file, beside which the read system turn is kept.

        Raises: ModelFileError: the vocabulary has no pieces for roles.
        """
        self.engine, self.tokenizer, self.sampling = engine, tokenizer, sampling or Sampling()
        self._form = _Form(tokenizer)
        self._context = self._begun(self._form.turn("system", system), engine.state(n_ctx, int8=int8), beside)
        self._unread: list[int] = []

    def _begun(self, turn: Sequence[int], state: Any, beside: str | os.PathLike[str] | None) -> Context:
        if beside is None:
            self.engine.prefill(turn, state)
        else:
            prefix.hold(self.engine, state, turn, beside)
        return Context(self.engine, state, n_pinned=len(turn), compress=by_text(self._sum_up), held=turn)

    @property
    def tokens(self) -> Sequence[int]:
        """What the model has in mind now."""
        return self._context.tokens

    @classmethod
    def open(cls, path: str | os.PathLike[str], **options: Any) -> Self:
        """With options as above. What the system says is read once and kept beside the file (`prefix`).

        Raises: ModelFileError; BackendError, see `backend.choose`.
        """
        model = Model.open(path)
        return cls(choose(model), vocabulary(model.metadata), beside=path, **options)

    def say(self, text: str, *, max_tokens: int = MAX_TOKENS, max_s: float | None = None) -> Iterator[str]:
        """Say something and read the answer as it is written."""
        self._unread += [*self._form.turn("user", text), *self._form.answer()]
        yield from written(self.tokenizer, self._answer(max_tokens, max_s))

    def _answer(self, max_tokens: int, max_s: float | None) -> Iterator[int]:
        newline = self.tokenizer.encode("\n")
        for token in generate(
            self.engine, self._unread, self.sampling, context=self._context, max_tokens=max_tokens, max_s=max_s
        ):
            # What was drawn last is read with what is said next, whoever ends the answer, and when.
            self._unread = [*([] if token == self._form.end else [token]), self._form.end, *newline]
            if token == self._form.end:
                return
            yield token

    def _sum_up(self, state: Any, dropped: Sequence[int]) -> list[int]:
        """What the model itself says about the part of the talk that it is about to forget, as a turn of the system's."""
        prompt = [*self._form.turn("user", SUM_UP), *self._form.answer()]
        room = min(SUMMARY_TOKENS, state.n_ctx - state.n_past - len(prompt), len(dropped) // 4)
        if room < 1:
            return []
        summary = list(generate(self.engine, prompt, state=state, stop={self._form.end}, max_tokens=room))
        return self._form.turn("system", f"{SAID_BEFORE} {self.tokenizer.decode(summary)}")


class Completions:
    """Answers to whole conversations, each for itself: what an OpenAI-compatible server wants. One at a time."""

    def __init__(self, engine: Engine, tokenizer: Vocabulary, *, n_ctx: int = N_CTX) -> None:
        """Raises: ModelFileError: the vocabulary has no pieces for roles."""
        self._engine, self._tokenizer, self._form = engine, tokenizer, _Form(tokenizer)
        self._state = engine.state(n_ctx)

    @classmethod
    def open(cls, path: str | os.PathLike[str], *, n_ctx: int = N_CTX) -> Self:
        """Raises: ModelFileError; BackendError, see `backend.choose`."""
        model = Model.open(path)
        return cls(choose(model), vocabulary(model.metadata), n_ctx=n_ctx)

    def count(self, messages: Sequence[tuple[str, str]]) -> int:
        """How many tokens a conversation is."""
        return len(self._prompt(messages))

    def write(
        self, messages: Sequence[tuple[str, str]], *, max_tokens: int = MAX_TOKENS, max_s: float | None = None,
        temperature: float = 0.0, top_p: float = 1.0, stop: Sequence[str] = (),
    ) -> Iterator[str]:
        """The next turn, as it is written.

        Args: messages: (role, text), oldest first; the text cannot hold roles of its own. stop: texts before which to end.
        Raises: ValueError: there is no room for the conversation.
        """
        prompt = self._prompt(messages)
        room = self._state.n_ctx - len(prompt)
        if room < 1:
            raise ValueError(f"the conversation is {len(prompt)} tokens long, there is room for {self._state.n_ctx}")
        self._state.rewind()
        sampling = Sampling(temperature=temperature, top_p=top_p)
        tokens = generate(self._engine, prompt, sampling, state=self._state, stop={self._form.end},
                          max_tokens=min(max_tokens, room), max_s=max_s)  # fmt: skip
        yield from _until(written(self._tokenizer, tokens), stop)

    def _prompt(self, messages: Sequence[tuple[str, str]]) -> list[int]:
        turns = (self._form.turn(role, text) for role, text in messages)
        return [*(token for turn in turns for token in turn), *self._form.answer()]


def _until(pieces: Iterator[str], stop: Sequence[str]) -> Iterator[str]:
    """Pieces up to the first of some texts; what may be the beginning of one is held back."""
    held = ""
    longest = max(map(len, stop), default=0)
    for piece in pieces:
        held += piece
        found = min((held.find(each) for each in stop if each in held), default=-1)
        if found >= 0:
            yield held[:found]
            return
        safe = len(held) - max(0, longest - 1)
        if safe > 0:
            yield held[:safe]
            held = held[safe:]
    if held:
        yield held


def main(arguments: Sequence[str], read: Callable[[str], str] = input) -> int:
    """Talk on the terminal until the end of input. Returns: the exit status."""
    if len(arguments) != 1 or arguments[0].startswith("-"):
        print("usage: python -m ingle.engine.chat FILE.gguf", file=sys.stderr)
        return 2
    try:
        chat = Chat.open(arguments[0])
    except ModelFileError as error:
        print(error, file=sys.stderr)
        return 1
    while True:
        try:
            text = read("> ")
        except EOFError:
            return 0
        began, n = time.monotonic(), 0
        for piece in chat.say(text):
            n += 1
            print(piece, end="", flush=True)
        print(f"\n  ({n / (time.monotonic() - began):.0f} pieces a second)")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
