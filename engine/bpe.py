"""GPT-2's kind of vocabulary in a GGUF file (`tokenizer.ggml.model = gpt2`), run by the `tokenizers` package.

Text is bytes, each written as one letter; letters are joined by the file's list of merges (arXiv:1508.07909). As in
`tokenizer`, control pieces such as `<|im_start|>` are looked up by their string and never read out of text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Self

from .gguf import ModelFileError
from .tokenizer import PieceType, clean, column, pieces_of, special

if TYPE_CHECKING:
    import tokenizers

EXTRA: Final = "ingle[bpe]"

# `tokenizer.ggml.pre`: how text falls apart before anything is joined. Words, runs of digits or other signs, space.
_GPT2: Final = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
_LLAMA3: Final = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_SPLITS: Final[Mapping[str, tuple[str, ...]]] = {
    "default": (_GPT2,), "gpt-2": (_GPT2,), "smollm": (r"\p{N}", _GPT2), "llama-bpe": (_LLAMA3,), "llama3": (_LLAMA3,),
}  # fmt: skip
_WHOLE_PIECES_FIRST: Final = frozenset({"llama-bpe", "llama3"})   # a word that is a piece is never put together from others


class MissingPackage(ModelFileError):
    """The file needs a package that is not installed."""


class BytePairs:
    """Text to token ids and back. Safe to use from several threads."""

    def __init__(
        self, pieces: Sequence[str], merges: Sequence[tuple[str, str]], types: Sequence[int], *, pre: str,
        bos: int | None, eos: int | None,
    ) -> None:
        """Raises: ModelFileError: the vocabulary does not hang together; MissingPackage."""
        self.pieces = tuple(pieces)
        self.bos, self.eos = bos, eos
        self._ids = {piece: index for index, piece in enumerate(self.pieces)}
        said = {piece: index for piece, index in self._ids.items() if types[index] == PieceType.NORMAL}
        self._bpe = _machine(said, merges, pre)
        self._bytes = {letter: byte for byte, letter in enumerate(_letters())}

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, Any]) -> Self:
        """From a GGUF file's metadata. Raises: ModelFileError: a key is missing or wrong; MissingPackage."""
        pieces = pieces_of(metadata)
        types = column(metadata, "tokenizer.ggml.token_type", len(pieces))
        bos, eos = (special(metadata, name, len(pieces)) for name in ("bos", "eos"))
        pre = str(metadata.get("tokenizer.ggml.pre", "default"))
        if pre not in _SPLITS:
            raise ModelFileError("tokenizer.ggml.pre", f"{pre!r} is not read here", f"use one of {', '.join(_SPLITS)}")
        return cls(pieces, _merges(metadata, set(pieces)), types.tolist(), pre=pre, bos=bos, eos=eos)

    @property
    def n_vocab(self) -> int:
        return len(self.pieces)

    def id(self, piece: str) -> int | None:
        """The id of a piece by its string, None where the vocabulary lacks it."""
        return self._ids.get(piece)

    def piece(self, token: int) -> str:
        return self.pieces[token]

    def encode(self, text: str) -> list[int]:
        """Tokens of `text`, without a bos. Lone surrogates, which are no text, read as "?"."""
        return list(self._bpe.encode(clean(text), add_special_tokens=False).ids)

    def encode_words(self, words: Iterable[str]) -> list[list[int]]:
        """Tokens of each word; joined, they are those of the words with a space between."""
        return [self.encode(" " * bool(index) + word) for index, word in enumerate(words)]

    def decode(self, tokens: Sequence[int]) -> str:
        """The text; a character cut off at an end reads as U+FFFD."""
        data = b"".join(self.bytes_of(token) for token in tokens)
        return data.decode("utf-8", "replace")

    def bytes_of(self, token: int) -> bytes:
        """What a token adds to the text; for a control piece, its name."""
        piece = self.pieces[token]
        known = [self._bytes.get(letter) for letter in piece]
        return piece.encode() if None in known else bytes(byte for byte in known if byte is not None)


def _machine(said: Mapping[str, int], merges: Sequence[tuple[str, str]], pre: str) -> tokenizers.Tokenizer:
    try:
        from tokenizers import Regex, Tokenizer, models, pre_tokenizers
    except ImportError:
        problem = "its vocabulary is run by the package `tokenizers`, which is not installed"
        raise MissingPackage("tokenizer.ggml.model", problem, f"pip install '{EXTRA}'") from None
    try:
        model = models.BPE(dict(said), list(merges), ignore_merges=pre in _WHOLE_PIECES_FIRST)
    except Exception as error:  # the package raises nothing narrower
        raise ModelFileError("tokenizer.ggml.merges", f"do not fit the pieces ({error})") from None
    splits = [pre_tokenizers.Split(Regex(pattern), "isolated") for pattern in _SPLITS[pre]]
    machine = Tokenizer(model)
    last = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    machine.pre_tokenizer = pre_tokenizers.Sequence([*splits, last])  # type: ignore[assignment,unused-ignore]
    return machine


def _merges(metadata: Mapping[str, Any], pieces: set[str]) -> list[tuple[str, str]]:
    key = "tokenizer.ggml.merges"
    lines = metadata.get(key)
    if not isinstance(lines, list) or len(lines) > len(pieces) * 8:
        raise ModelFileError(key, "is not a list of pairs of pieces", "export the model with its vocabulary")
    pairs = [tuple(line.split(" ")) for line in lines]
    for index, pair in enumerate(pairs):
        if len(pair) != 2 or not {*pair, "".join(pair)} <= pieces:
            raise ModelFileError(key, f"number {index}, {lines[index]!r}, is no pair of pieces that makes a piece")
    return [(pair[0], pair[1]) for pair in pairs]


def _letters() -> list[str]:
    """The letter that each byte is written as: itself where it can be seen, else the next free one from U+0100."""
    seen = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    hidden = [byte for byte in range(256) if byte not in seen]
    return [chr(byte) if byte in seen else chr(0x100 + hidden.index(byte)) for byte in range(256)]


__all__ = ["BytePairs", "MissingPackage"]
