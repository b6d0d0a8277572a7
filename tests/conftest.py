"""Brokers for tests: amqtt in this process, and a real mosquitto on a free loopback port, stopped by its pid."""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import shutil
import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Protocol

import pytest

from ingle.app.broker import EmbeddedBroker, speaks_mqtt
from ingle.app.config import BrokerAddress

MOSQUITTO = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")


class BrokerUnderTest(Protocol):
    """A broker that can be stopped and started again at the same address, without memory."""

    address: BrokerAddress

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


class Amqtt:
    def __init__(self) -> None:
        self.address = BrokerAddress(port=free_port())
        self._running: EmbeddedBroker | None = None

    async def start(self) -> None:
        self._running = await EmbeddedBroker(self.address.port).__aenter__()

    async def stop(self) -> None:
        if self._running is not None:
            await self._running.__aexit__(None, None, None)
            self._running = None


class Mosquitto:
    """`extra` goes into its configuration file, after the listener."""

    def __init__(self, folder: Path, extra: str = "allow_anonymous true\n") -> None:
        self.address = BrokerAddress(port=free_port())
        self._file = folder / "mosquitto.conf"
        self._file.write_text(
            f"listener {self.address.port} 127.0.0.1\nuser {getpass.getuser()}\n"
            f"persistence false\nlog_type none\n{extra}"
        )
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        assert MOSQUITTO is not None
        self._process = await asyncio.create_subprocess_exec(
            MOSQUITTO, "-c", str(self._file), stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )
        await _listening(self.address.port)

    async def stop(self) -> None:
        """As an accident would: SIGKILL."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
            self._process = None


@pytest.fixture(params=["amqtt", "mosquitto"])
async def broker(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[BrokerUnderTest]:
    """The same test against both."""
    if request.param == "mosquitto" and MOSQUITTO is None:
        pytest.skip("mosquitto is not installed")
    broker: BrokerUnderTest = Amqtt() if request.param == "amqtt" else Mosquitto(tmp_path)
    await broker.start()
    yield broker
    await broker.stop()


@pytest.fixture
async def embedded() -> AsyncIterator[BrokerUnderTest]:
    """The embedded broker alone, for tests that do not depend on which."""
    broker = Amqtt()
    await broker.start()
    yield broker
    await broker.stop()


@pytest.fixture(autouse=True)
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test writes into the data of whoever runs it."""
    monkeypatch.setenv("INGLE_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _listening(port: int) -> None:
    until = time.monotonic() + 10
    while time.monotonic() < until:
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            return
        await asyncio.sleep(0.02)
    raise TimeoutError(f"no broker on port {port}")


__all__ = ["MOSQUITTO", "Amqtt", "BrokerUnderTest", "Mosquitto", "free_port", "speaks_mqtt"]
