"""The simulated home as a whole: announces its devices, obeys its command topics, records what it was told.

It is an independent world: nothing here knows how Ingle reads discovery, so a mistake there is not repeated here.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ..bus import Bus
from ..config import Config
from . import kinds, wire
from .device import Device
from .home_file import EntitySpec, HomeFile, HomeFileError, load_home
from .wire import Channel

log = logging.getLogger(__name__)

Publish = Callable[[str, str, bool], Awaitable[None]]   # (topic, payload, retain)

BRIDGE: Final = ("zigbee2mqtt/bridge/state", json.dumps({"state": "online"}))
NOT_COMMANDS: Final = ("ingle/", "$")                   # topics of others that are no business of a device


@dataclass(frozen=True)
class Command:
    """One message that somebody sent to the devices of this home, or to none."""

    topic: str
    payload: str


class Simulator:
    """A home of simulated MQTT devices.

    Args:
        publish: sends a message; retained ones must come back after a broker's restart (`Bus.keep`).
        time_scale: seconds of this world in one of ours: 0.01 makes a cover a hundred times faster.
    Raises: HomeFileError.
    """

    def __init__(
        self, home: HomeFile, publish: Publish, *, prefix: str = "homeassistant", time_scale: float = 1.0
    ) -> None:
        self.home = home
        self.prefix = prefix
        self.commands: list[Command] = []           # all that were heard, in order
        self.refused: list[str] = []                # those a device could make nothing of, and why
        self._publish_now = publish
        self._time_scale = time_scale
        self._published: dict[str, bool] = {}       # topic: retained
        self._tasks: set[asyncio.Task[None]] = set()
        self.devices = {device.spec.entity_id: device for device in _make_devices(home.entities)}
        self._at_base: dict[str, list[Device]] = _grouped(self.devices.values(), lambda device: device.base)
        self._listeners: dict[str, tuple[Device, Channel]] = {}
        for device in self.devices.values():
            self._listen(device)
        _refuse_clashes(self._at_base)

    # the life of the world

    async def start(self) -> None:
        """Announce every device, that it is there, and its state."""
        if any(device.style.name == "zigbee2mqtt" for device in self.devices.values()):
            await self._publish(*BRIDGE)
        for topic, announcement in self.announcements().items():
            await self._publish(topic, json.dumps(announcement, ensure_ascii=False))
        await self._publish_availability()
        await self.report_all()

    async def close(self) -> None:
        """Stop what moves. Nothing is withdrawn."""
        for task in tuple(self._tasks):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def withdraw(self) -> None:
        """Clear everything this home has left retained, discovery first."""
        retained = [topic for topic, kept in self._published.items() if kept]
        for topic in sorted(retained, key=lambda topic: not topic.startswith(f"{self.prefix}/")):
            await self._publish_now(topic, "", True)
        self._published.clear()

    # what comes in

    async def handle(self, topic: str, payload: str, *, retain: bool = False) -> None:
        """Take any message of the bus. Retained ones are old news and ignored."""
        if topic == f"{self.prefix}/status":
            if payload == "online":  # Home Assistant's birth message: devices say again how they are
                await self.report_all()
            return
        if retain or not self._is_command(topic):
            return
        self.commands.append(Command(topic, payload))
        listener = self._listeners.get(topic)
        if listener is None:
            return
        device, channel = listener
        if not device.online or device.spec.deaf:
            return
        if device.spec.slow_s > 0:
            self._after(device.spec.slow_s, lambda: self._obey(device, channel, payload), device)
        else:
            self._obey(device, channel, payload)
            await self.report(device)

    def listens(self, topic: str) -> str | None:
        """Return the entity that obeys this topic, if any does."""
        listener = self._listeners.get(topic)
        return None if listener is None else listener[0].spec.entity_id

    def take_commands(self) -> list[Command]:
        """Return what was heard since the last call."""
        taken, self.commands = self.commands, []
        return taken

    # what somebody in the house does

    async def set(self, entity_id: str, changes: Mapping[str, Any]) -> None:
        """Change a device by hand: `state` and attributes in Home Assistant's words. Raises: HomeFileError."""
        device = self.device(entity_id)
        device.set(changes)
        await self.report(device)

    async def restore(self) -> None:
        """Put every device back to how HOME.yaml has it; those that were otherwise say so."""
        for device in self.devices.values():
            if device.restore():
                await self.report(device)

    async def set_online(self, entity_id: str, online: bool) -> None:
        """Cut a device off, or bring it back. Raises: HomeFileError."""
        self.device(entity_id).online = online
        await self._publish_availability()

    async def remove(self, entity_id: str) -> None:
        """Take an entity out of the house: its discovery is cleared. Raises: HomeFileError."""
        device = self.device(entity_id)
        before = self.announcements()
        del self.devices[entity_id]
        self._at_base[device.base].remove(device)
        self._listeners = {topic: who for topic, who in self._listeners.items() if who[0] is not device}
        after = self.announcements()
        for topic in before:
            await self._publish(topic, json.dumps(after[topic]) if topic in after else "")

    def device(self, entity_id: str) -> Device:
        if entity_id not in self.devices:
            raise HomeFileError(f"{self.home.name}: there is no {entity_id} to do that to")
        return self.devices[entity_id]

    # what goes out

    def announcements(self) -> dict[str, dict[str, Any]]:
        """Return the discovery messages by topic."""
        messages: dict[str, dict[str, Any]] = {}
        for device in self.devices.values():
            topic = device.style.config_topic(self.prefix, device.spec)
            if topic.startswith(f"{self.prefix}/device/"):
                whole = messages.setdefault(topic, _device_announcement(device))
                whole["cmps"][device.spec.object_id] = {"p": device.domain} | _short(device, device.config())
            else:
                payload = device.config() | device.availability() | {"device": device.style.device(device.spec)}
                messages[topic] = _short(device, payload)
        return messages

    async def report(self, device: Device) -> None:
        """Publish the state of a device, as its firmware does. One that is cut off says nothing."""
        if not device.online:
            return
        members = self._at_base[device.base]
        channels = [channel for member in members for channel in member.channels]
        for topic, payload in device.style.state_messages(device.base, channels):
            await self._publish(topic, payload, retain=device.spec.retain and device.retains)

    async def report_all(self) -> None:
        for members in self._at_base.values():
            if members:
                await self.report(members[0])

    async def _publish_availability(self) -> None:
        by_topic = _grouped(self.devices.values(), lambda device: device.style.availability_topic(device.base))
        for topic, members in by_topic.items():
            online = all(member.online for member in members)
            await self._publish(topic, members[0].style.availability_payload(online))

    async def _publish(self, topic: str, payload: str, *, retain: bool = True) -> None:
        self._published[topic] = retain
        await self._publish_now(topic, payload, retain)

    def _is_command(self, topic: str) -> bool:
        ours = topic in self._published
        return not ours and not topic.startswith((f"{self.prefix}/", *NOT_COMMANDS))

    # obeying

    def _listen(self, device: Device) -> None:
        for topic, channel in device.command_topics().items():
            self._listeners.setdefault(topic, (device, channel))
        device.later = lambda delay_s, act: self._after(delay_s * self._time_scale, act, device)

    def _obey(self, device: Device, channel: Channel, payload: str) -> None:
        try:
            for part, value in self._parts(device, channel, payload):
                device.obey(part, value)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            self.refused.append(f"{device.spec.entity_id}: {payload!r}: {error}")
            log.warning("%s cannot do %r: %s", device.spec.entity_id, payload, error)

    def _parts(self, device: Device, channel: Channel, payload: str) -> list[tuple[Channel, str]]:
        """Split a JSON command for several properties where the firmware takes such; else it is one command."""
        by_name = {each.name: each for each in device.channels if each.obey is not None}
        wanted = _json_object(payload) if device.style.json_commands and not channel.whole else None
        if wanted is None or not wanted.keys() & by_name.keys():
            return [(channel, payload)]
        return [(by_name[name], str(value)) for name, value in wanted.items() if name in by_name]

    def _after(self, delay_s: float, act: Callable[[], None], device: Device) -> None:
        async def wait_then_act() -> None:
            await asyncio.sleep(delay_s)
            act()
            await self.report(device)

        task = asyncio.create_task(wait_then_act())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def bus_publisher(bus: Bus) -> Publish:
    """Return how a simulator speaks over a bus: what is retained is said again after a broker's restart."""

    async def publish(topic: str, payload: str, retain: bool) -> None:
        if retain:
            await bus.keep(topic, payload)
        else:
            await bus.publish(topic, payload)

    return publish


async def run(config: Config, home_path: Path, *, time_scale: float = 1.0, ready: asyncio.Event | None = None) -> None:
    """Simulate a home on the configured broker until cancelled. Raises: HomeFileError, BusError."""
    home = load_home(home_path)
    async with Bus(config.mqtt_address) as bus:
        simulator = Simulator(home, bus_publisher(bus), prefix=config.mqtt.discovery_prefix, time_scale=time_scale)
        await bus.subscribe("#")
        await simulator.start()
        if ready is not None:
            ready.set()
        try:
            async for message in bus.messages:
                payload = message.payload.decode("utf-8", "replace")
                await simulator.handle(message.topic, payload, retain=message.retain)
        finally:
            await simulator.close()
            await simulator.withdraw()


def _make_devices(specs: tuple[EntitySpec, ...]) -> list[Device]:
    owner: dict[str, str] = {}  # base topic: the physical device
    devices = []
    for spec in specs:
        thing = spec.device or spec.entity_id
        choices = (spec.topic,) if spec.topic else wire.BY_NAME[spec.style].bases(spec)
        base = next((base for base in choices if owner.get(base, thing) == thing), None)
        if base is None or any(character in base for character in "+#\0"):
            raise HomeFileError(
                f"{spec.entity_id}: its topic {choices[0]!r} is another's or has a wildcard: name a `topic:`"
            )
        owner[base] = thing
        devices.append(kinds.make(spec, base))
    return devices


def _refuse_clashes(at_base: Mapping[str, list[Device]]) -> None:
    for base, members in at_base.items():
        seen: set[str] = set()
        for device in members:
            for channel in device.channels:
                key = device.style.key(channel)
                if key in seen:
                    raise HomeFileError(f"{device.spec.entity_id}: a second {key!r} on {base}; use another `device:`")
                seen.add(key)


def _device_announcement(device: Device) -> dict[str, Any]:
    payload = {"device": device.style.device(device.spec), "origin": {"name": "Zigbee2MQTT"}} | device.availability()
    short = _short(device, payload) | {"cmps": {}}
    del short["~"]  # each component has its own
    return short


def _short(device: Device, payload: dict[str, Any]) -> dict[str, Any]:
    return wire.abbreviate(payload, device.base) if device.style.abbreviated else payload


def _grouped(devices: Any, key: Callable[[Device], str]) -> dict[str, list[Device]]:
    groups: dict[str, list[Device]] = defaultdict(list)
    for device in devices:
        groups[key(device)].append(device)
    return dict(groups)


def _json_object(payload: str) -> dict[str, Any] | None:
    try:
        value = json.loads(payload)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
