"""The way of a spoken turn: wake word, end of speech, reply, interruptions, mute, a microphone that goes away."""

from __future__ import annotations

import asyncio

import pytest

from ingle.app.voice import pipeline as module

from .voice.scripted import ECHO, SILENCE, SPEECH, WAKE, Source, Speaker, World, command, frames, settle, until


async def test_a_command_is_heard_asked_and_its_reply_spoken_sentence_by_sentence() -> None:
    world = World(["turn on the light"], ["Turned on the light. It was off before."], area="Kitchen")
    await world.hear(command())
    assert [(asked.text, asked.via, asked.area) for asked in world.asked] == [("turn on the light", "voice", "Kitchen")]
    assert world.voice.said == ["Turned on the light.", "It was off before."]
    assert world.states == ["listening", "answering", "asleep"]


async def test_without_the_wake_word_nothing_is_listened_to() -> None:
    world = World(["turn on the light"])
    await world.hear(frames(SPEECH, 3.0), frames(SILENCE, 2.0))
    assert world.ears.got == []
    assert world.states == []


async def test_what_is_listened_to_ends_with_a_pause() -> None:
    world = World(["one", "two"])
    await world.hear(command(0.6), frames(SPEECH, 1.0))
    assert [kinds.count(SPEECH) for kinds in world.ears.got] == [len(frames(SPEECH, 0.6))]


async def test_a_wake_word_and_then_nothing_is_no_turn() -> None:
    world = World(["never"])
    await world.hear(frames(WAKE), frames(SILENCE, 6.0))
    assert world.asked == []
    assert world.states == ["listening", "asleep"]
    await world.hear(command())             # and it is not stuck
    assert [asked.text for asked in world.asked] == ["never"]


async def test_what_was_not_understood_asks_nothing() -> None:
    world = World([""])
    await world.hear(command())
    assert world.asked == []
    assert world.turns[0].record is None
    assert world.pipeline.state == "asleep"


async def test_the_wake_word_stops_the_reply() -> None:
    world = World(["tell me a story", "stop"], ["A long story. It goes on."], speaker=Speaker(holds=True))
    await world.hear(command())
    assert world.pipeline.state == "answering"
    await world.hear(frames(WAKE))
    assert world.speaker.stopped == 1
    assert world.pipeline.state == "listening"
    world.speaker.go_on()
    await world.hear(command()[1:])
    assert [asked.text for asked in world.asked] == ["tell me a story", "stop"]


async def test_speech_over_the_reply_stops_it_and_is_heard_from_its_first_word() -> None:
    world = World(["tell me a story", "enough"], ["A long story."], speaker=Speaker(holds=True))
    await world.hear(command(), frames(ECHO, 0.5), frames(SPEECH, 0.6))
    assert world.speaker.stopped == 1
    world.speaker.go_on()
    await world.hear(frames(SILENCE, 0.8))
    assert [asked.text for asked in world.asked] == ["tell me a story", "enough"]
    assert world.ears.got[1].count(SPEECH) >= len(frames(SPEECH, 0.6)) - 1


async def test_its_own_reply_in_the_microphone_stops_nothing() -> None:
    world = World(["tell me a story"], ["A long story."], speaker=Speaker(holds=True))
    await world.hear(command(), frames(ECHO, 4.0))
    assert world.speaker.stopped == 0


@pytest.mark.parametrize("barge_in", ["wake_word", "off"])
async def test_speech_over_the_reply_is_passed_over_where_the_household_wants_it(barge_in: str) -> None:
    world = World(["tell me a story"], ["A long story."], speaker=Speaker(holds=True), barge_in=barge_in)
    await world.hear(command(), frames(ECHO, 0.5), frames(SPEECH, 2.0))
    assert world.speaker.stopped == 0


async def test_a_question_is_answered_without_the_wake_word() -> None:
    world = World(["unlock the door", "yes"], ["Unlock the front door? Say yes, or no.", "Unlocked it."])
    await world.hear(command(), frames(SPEECH, 0.4), frames(SILENCE, 0.8))
    assert [asked.text for asked in world.asked] == ["unlock the door", "yes"]
    await world.hear(frames(SPEECH, 0.4), frames(SILENCE, 0.8))         # no question was asked: it sleeps
    assert len(world.asked) == 2


async def test_a_question_nobody_answers_is_let_go() -> None:
    world = World(["unlock the door"], ["Unlock the front door? Say yes, or no."], follow_up_s=2.0)
    await world.hear(command(), frames(SILENCE, 3.0))
    assert world.pipeline.state == "asleep"


async def test_mute_closes_the_microphone_and_drops_what_was_being_said() -> None:
    world, source = World(["never"]), Source([*frames(WAKE), *frames(SPEECH, 0.5)], forever=True)
    running = asyncio.create_task(world.pipeline.run(source))
    await until(lambda: world.pipeline.state == "listening")
    await world.pipeline.mute()
    async with asyncio.timeout(5):
        await world.pipeline.closed()
    assert not source.is_open
    assert world.pipeline.state == "muted"
    taken = world.pipeline.frames_taken
    await asyncio.sleep(0.01)
    assert world.pipeline.frames_taken == taken
    world.pipeline.unmute()
    await until(lambda: source.is_open)
    assert world.asked == []
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_microphone_that_is_unplugged_is_opened_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REOPEN_S", (0.0,))
    world = World(["turn on the light"])
    source = Source([*frames(WAKE), *frames(SPEECH, 0.3), *command()], breaks=5)
    async with asyncio.timeout(10):
        await world.pipeline.run(source)
    assert source.opened == 2
    assert "no microphone" in world.states
    assert [asked.text for asked in world.asked] == ["turn on the light"]


async def test_a_command_at_the_end_of_the_sound_is_still_answered() -> None:
    world = World(["turn on the light"])
    async with asyncio.timeout(10):
        await world.pipeline.run(Source([*frames(WAKE), *frames(SPEECH, 0.6)]))
    assert [asked.text for asked in world.asked] == ["turn on the light"]


async def test_many_turns_leave_nothing_behind() -> None:
    """Short for `python -m tests.voice.soak`."""
    n = 50
    world = World(["turn on the light"] * n)
    for _ in range(n):
        await world.hear(command(0.2, 0.7))
    await settle()
    assert len(world.asked) == n
    assert world.pipeline.state == "asleep"
    assert len(asyncio.all_tasks()) == 1
