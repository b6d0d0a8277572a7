"""Where this device's private key lies: in the system's key store, sealed by its TPM, or in a file only its owner can read."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
from pathlib import Path
from typing import Final, Literal, Protocol

from .disk import Disk
from .errors import UpdateError

SERVICE: Final = "ingle"
NAME: Final = "model key"
FILE: Final = "device.key"
KEY_BYTES: Final = 32
TPM_TIMEOUT_S: Final = 30.0

StoreName = Literal["keyring", "tpm", "file"]


class Store(Protocol):
    """A place for one secret of 32 bytes."""

    def usable(self) -> bool: ...

    def load(self) -> bytes | None: ...

    def save(self, secret: bytes) -> None: ...


class Keyring:
    """The desktop's key store (Secret Service, KWallet, Keychain), through the package `keyring`."""

    def usable(self) -> bool:
        try:
            import keyring
            from keyring.errors import KeyringError
        except ImportError:
            return False
        try:
            return keyring.get_keyring().priority >= 1      # a backend that fails or keeps nothing is below
        except (KeyringError, RuntimeError):
            return False

    def load(self) -> bytes | None:
        import keyring

        found = keyring.get_password(SERVICE, NAME)
        return None if found is None else base64.b64decode(found)

    def save(self, secret: bytes) -> None:
        import keyring

        keyring.set_password(SERVICE, NAME, base64.b64encode(secret).decode())


class Tpm:
    """A file that only this machine's TPM can open, through systemd-creds."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / f"{FILE}.tpm"

    def usable(self) -> bool:
        return shutil.which("systemd-creds") is not None and Path("/dev/tpmrm0").exists()

    def load(self) -> bytes | None:
        return self._run("decrypt", self._file.read_bytes()) if self._file.exists() else None

    def save(self, secret: bytes) -> None:
        Disk().write_whole(self._file, self._run("encrypt", secret, "--with-key=tpm2"))

    def _run(self, action: str, data: bytes, *options: str) -> bytes:
        command = ["systemd-creds", action, f"--name={SERVICE}", *options, "-", "-"]
        done = subprocess.run(command, input=data, capture_output=True, timeout=TPM_TIMEOUT_S, check=False)
        if done.returncode:
            raise UpdateError(f"the TPM does not {action} the device's key: {done.stderr.decode(errors='replace').strip()}")
        return done.stdout


class File:
    """A file with mode 0600."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / FILE

    def usable(self) -> bool:
        return True

    def load(self) -> bytes | None:
        if not self._file.exists():
            return None
        if self._file.stat().st_mode & 0o077:
            raise UpdateError(f"{self._file}: others can read this device's key: chmod 600 it")
        return self._file.read_bytes()

    def save(self, secret: bytes) -> None:
        Disk().write_whole(self._file, secret)      # Disk makes files with mode 0600


def device_key(folder: Path, order: tuple[StoreName, ...] = ("keyring", "tpm", "file")) -> bytes:
    """This device's X25519 private key, 32 bytes: found, or made in the first usable store. Raises: UpdateError, OSError."""
    stores: dict[StoreName, Store] = {"keyring": Keyring(), "tpm": Tpm(folder), "file": File(folder)}
    usable = [stores[name] for name in order if stores[name].usable()]
    if not usable:
        raise UpdateError(f"none of the key stores {', '.join(order)} can be used: add `file` to updates.key_stores")
    for store in usable:
        found = store.load()
        if found is not None:
            if len(found) != KEY_BYTES:
                raise UpdateError("the device's key is damaged: delete it; packages encrypted for it must be made anew")
            return found
    secret = os.urandom(KEY_BYTES)
    usable[0].save(secret)
    return secret
