"""Encrypted files: in chunks, each authenticated in its place, so that no chunk is used before it is known to be right.

    "INGLSEAL"  u8 version  u8 cipher  7 bytes nonce prefix  u32 chunk size  u64 plain size  32 bytes context
    chunks of the plain text, each encrypted with a tag of 16 bytes
STREAM (Hoang, Reyhanitabar, Rogaway, Vizár 2015): a chunk's nonce is prefix ‖ number ‖ whether it is the last, so chunks
cannot be moved, dropped or added; the header is their associated data. The context says what the file is (a hash), so one
file cannot stand for another. A file's key is random and used for nothing else; `wrap` hands it to a device: X25519 with a
fresh key, HKDF-SHA256, ChaCha20-Poly1305.
"""

from __future__ import annotations

import base64
import hashlib
import os
import struct
from collections.abc import Iterable, Iterator
from enum import IntEnum
from pathlib import Path
from typing import BinaryIO, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from .errors import Damaged, UpdateError

MAGIC: Final = b"INGLSEAL\1"
CHUNK: Final = 1 << 20
TAG: Final = 16
KEY: Final = 32
MAX_CHUNK: Final = 1 << 22
_HEADER = struct.Struct("<9sB7sIQ32s")


class Cipher(IntEnum):
    AES_256_GCM = 1         # where the processor has AES instructions
    CHACHA20_POLY1305 = 2   # elsewhere: a Cortex-A53 without them


class Writer:
    """Encrypts a plain text of known size, chunk by chunk."""

    def __init__(self, key: bytes, *, size: int, context: str, cipher: Cipher = Cipher.AES_256_GCM, chunk: int = CHUNK) -> None:
        """`context`: 64 hex digits that say what this is."""
        self.header = _HEADER.pack(MAGIC, cipher, os.urandom(7), chunk, size, bytes.fromhex(context))
        self._frame = _Frame(self.header)
        self._aead = _aead(cipher, key)

    def chunk(self, index: int, plain: bytes | memoryview) -> bytes:
        return self._aead.encrypt(self._frame.nonce(index), bytes(plain), self.header)

    def offset(self, index: int) -> int:
        """Where in the file a chunk goes."""
        return self._frame.offset(index)


class Reader:
    """Decrypts chunks in any order. `size`: of the plain text."""

    def __init__(self, file: BinaryIO, key: bytes, *, context: str) -> None:
        """Raises: Damaged: not such a file, or not the one of this context."""
        self._file = file
        self._header = file.read(_HEADER.size)
        self._frame = _Frame(self._header)
        if self._frame.context != context:
            raise Damaged("the encrypted file: it is another file than its name says")
        self.size = self._frame.size
        self.n_chunks = self._frame.n_chunks
        self._aead = _aead(self._frame.cipher, key)
        self._held: tuple[int, bytes] = (-1, b"")

    def chunk(self, index: int) -> bytes:
        """Raises: Damaged: altered, cut off, or another key."""
        if self._held[0] == index:
            return self._held[1]
        self._file.seek(self._frame.offset(index))
        data = self._file.read(self._frame.plain_size(index) + TAG)
        try:
            plain = self._aead.decrypt(self._frame.nonce(index), data, self._header)
        except InvalidTag:
            raise Damaged(f"the encrypted file: chunk {index} was altered, or the key is another") from None
        self._held = (index, plain)
        return plain

    def read(self, offset: int, n_bytes: int) -> bytes:
        """Some of the plain text; fewer bytes at its end. Raises: Damaged."""
        parts = []
        end = min(offset + n_bytes, self.size)
        while offset < end:
            index, within = divmod(offset, self._frame.chunk)
            part = self.chunk(index)[within : within + end - offset]
            parts.append(part)
            offset += len(part)
        return b"".join(parts)

    def chunks(self, first: int = 0) -> Iterator[bytes]:
        return (self.chunk(index) for index in range(first, self.n_chunks))


class _Frame:
    """What a header says, checked: where chunks lie and what their nonces are."""

    def __init__(self, header: bytes) -> None:
        if len(header) < _HEADER.size or not header.startswith(MAGIC):
            raise Damaged("the encrypted file: not one that this version reads")
        self._prefix: bytes
        self.chunk: int
        self.size: int
        _, cipher, self._prefix, self.chunk, self.size, context = _HEADER.unpack(header)
        if cipher not in Cipher.__members__.values() or not 0 < self.chunk <= MAX_CHUNK or not 0 < self.size < self.chunk << 32:
            raise Damaged("the encrypted file: its header is not possible")
        self.cipher = Cipher(cipher)
        self.context: str = context.hex()
        self.n_chunks = -(-self.size // self.chunk)

    def nonce(self, index: int) -> bytes:
        return self._prefix + struct.pack(">IB", index, index == self.n_chunks - 1)

    def offset(self, index: int) -> int:
        return _HEADER.size + index * (self.chunk + TAG)

    def plain_size(self, index: int) -> int:
        return min(self.chunk, self.size - index * self.chunk)


def stored_size(size: int, chunk: int = CHUNK) -> int:
    """Bytes of the encrypted file."""
    return _HEADER.size + size + TAG * -(-size // chunk)


def seal(source: Path, target: Path, key: bytes, *, context: str, cipher: Cipher = Cipher.AES_256_GCM) -> None:
    """Encrypt a file. Raises: OSError."""
    writer = Writer(key, size=source.stat().st_size, context=context, cipher=cipher)
    with source.open("rb") as plain, target.open("wb") as file:
        file.write(writer.header)
        for index, chunk in enumerate(iter(lambda: plain.read(CHUNK), b"")):
            file.write(writer.chunk(index, chunk))


def unsealed(chunks: Iterable[bytes], name: str) -> int:
    """Chunks as a file in memory that nobody can change any more. Returns: its descriptor, read as /proc/self/fd/N."""
    import fcntl

    descriptor = os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        for chunk in chunks:
            view = memoryview(chunk)
            while view:
                view = view[os.write(descriptor, view):]
        seals = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, seals)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def wrap(key: bytes, recipient: bytes, *, context: str) -> str:
    """A file's key for whoever has the private half of `recipient` (32 bytes, X25519), as base64."""
    once = X25519PrivateKey.generate()
    public = once.public_key().public_bytes_raw()
    shared = once.exchange(X25519PublicKey.from_public_bytes(recipient))
    sealed = ChaCha20Poly1305(_wrapping(shared, public, recipient)).encrypt(bytes(12), key, context.encode())
    return base64.b64encode(public + sealed).decode()


def unwrap(wrapped: str, private: bytes, *, context: str) -> bytes:
    """Raises: UpdateError: not wrapped for this key, or for another file."""
    device = X25519PrivateKey.from_private_bytes(private)
    try:
        data = base64.b64decode(wrapped, validate=True)
        shared = device.exchange(X25519PublicKey.from_public_bytes(data[:32]))
        aead = ChaCha20Poly1305(_wrapping(shared, data[:32], device.public_key().public_bytes_raw()))
        return aead.decrypt(bytes(12), data[32:], context.encode())
    except (ValueError, InvalidTag):
        raise UpdateError("the package's key is not for this device: have the maker add this device's key") from None


def public_of(private: bytes) -> bytes:
    """The public half of an X25519 key, 32 bytes."""
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def key_id(public: bytes) -> str:
    """What a recipient is called in a release."""
    return hashlib.sha256(public).hexdigest()[:32]


def derived(private: bytes, purpose: str) -> bytes:
    """A key of 32 bytes that only this device can make."""
    return HKDF(algorithm=SHA256(), length=KEY, salt=None, info=f"ingle {purpose}".encode()).derive(private)


def _wrapping(shared: bytes, once: bytes, recipient: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY, salt=once + recipient, info=b"ingle model key").derive(shared)


def _aead(cipher: Cipher, key: bytes) -> AESGCM | ChaCha20Poly1305:
    return AESGCM(key) if cipher == Cipher.AES_256_GCM else ChaCha20Poly1305(key)
