"""Players: transport, volume, and playing something."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar, Final

from ..api import Done, Turn, Unclear, skill
from ..home.model import Entity
from ..recall import asked_before, refers_back
from ..registry import Step
from ..wording import Phrase
from .acting import Act, cannot, carry_out
from .targets import Player, Target, find, in_area, nothing_said, of_domains
from .units import clamp, number, stepped

PLAYERS: Final = frozenset({"media_player"})
VOLUME_STEP: Final = 10                 # percent, for "louder"
ACTIVE: Final = frozenset({"playing", "buffering"})
AWAKE: Final = frozenset({"playing", "buffering", "paused", "idle", "on"})


def player(turn: Turn, slots: Player, states: frozenset[str]) -> Target:
    """The player meant. "pause" alone means what plays: here, else the only one that does. Raises: Unclear."""
    said = slots.said()
    if nothing_said(turn, said):
        players = of_domains(turn, PLAYERS)
        fitting = tuple(entity for entity in players if entity.state in states)
        here = in_area(turn, fitting)
        if here or len(fitting) == 1:
            return Target(here or fitting)
    return find(turn, said, PLAYERS)


class _OnPlayer:
    """One feature, one service, one phrase, on the player meant."""

    Slots: ClassVar[type] = Player
    states: ClassVar[frozenset[str]] = ACTIVE
    feature: ClassVar[str]
    service: ClassVar[str]
    data: ClassVar[Mapping[str, Any]] = {}
    phrase: ClassVar[Phrase]

    async def handle(self, slots: Player, turn: Turn) -> Done:
        target = player(turn, slots, self.states)
        return await carry_out(turn, target, [self._act(entity) for entity in target.entities])

    def _act(self, entity: Entity) -> Act:
        if self.feature not in entity.features:
            return cannot(entity, self.phrase.cannot)
        return Act(entity=entity, phrase=self.phrase, service=self.service, data=dict(self.data))


@skill
class MediaPause(_OnPlayer):
    """ "pause the music" -> "Paused the speaker." """

    intent = "HassMediaPause"
    feature, service = "pause", "media_pause"
    phrase = Phrase("paused {}", "pause", "paused", "be paused")


@skill
class MediaUnpause(_OnPlayer):
    """ "carry on playing" -> "Resumed the speaker." """

    intent = "HassMediaUnpause"
    states = frozenset({"paused"})
    feature, service = "play", "media_play"
    phrase = Phrase("resumed {}", "play", "playing", "be resumed")


@skill
class MediaNext(_OnPlayer):
    """ "next song" -> "Skipped to the next on the speaker." """

    intent = "HassMediaNext"
    feature, service = "next", "media_next_track"
    phrase = Phrase("skipped to the next on {}", "skip", "at the next", "skip", shows=False)


@skill
class MediaPrevious(_OnPlayer):
    """ "go back a track" -> "Went back to the previous on the speaker." """

    intent = "HassMediaPrevious"
    feature, service = "previous", "media_previous_track"
    phrase = Phrase("went back to the previous on {}", "go back", "at the previous", "go back", shows=False)


@skill
class Mute(_OnPlayer):
    """ "mute the telly" -> "Muted the TV." """

    intent = "HassMediaPlayerMute"
    states = AWAKE
    feature, service, data = "volume_mute", "volume_mute", {"is_volume_muted": True}
    phrase = Phrase("muted {}", "be quiet", "muted", "be muted")


@skill
class Unmute(_OnPlayer):
    """ "sound back on" -> "Unmuted the TV." """

    intent = "HassMediaPlayerUnmute"
    states = AWAKE
    feature, service, data = "volume_mute", "volume_mute", {"is_volume_muted": False}
    phrase = Phrase("unmuted {}", "sound again", "unmuted", "be unmuted")


@skill
class SetVolume:
    """ "set the volume to 30" -> "Set the volume of the speaker to 30%." """

    intent = "HassSetVolume"

    @dataclass(frozen=True, kw_only=True)
    class Slots(Player):
        volume_level: int | float | None = None     # 0..100

    async def handle(self, slots: Slots, turn: Turn) -> Done:
        level = slots.volume_level
        if level is None:
            raise Unclear("How loud, from 0 to 100?")
        target = player(turn, slots, AWAKE)
        return await carry_out(turn, target, [set_volume(entity, level) for entity in target.entities])


@skill
class SetVolumeRelative:
    """ "turn it up" -> "Set the volume of the speaker to 40%." """

    intent = "HassSetVolumeRelative"

    @dataclass(frozen=True, kw_only=True)
    class Slots(Player):
        volume_step: Step | None = None

    async def handle(self, slots: Slots, turn: Turn) -> Done:
        step = slots.volume_step
        if step is None:
            raise Unclear("Louder, or quieter?")
        target = player(turn, slots, AWAKE)
        return await carry_out(turn, target, [self._act(entity, step) for entity in target.entities])

    @staticmethod
    def _act(entity: Entity, step: Step) -> Act:
        now = number(entity.attributes.get("volume_level"))
        if now is None:
            return cannot(entity, "go louder or quieter by a step, as it doesn't report its volume")
        return set_volume(entity, clamp(now * 100 + stepped(step, VOLUME_STEP), 0, 100))


@skill
class SearchAndPlay:
    """ "play some jazz in the kitchen" -> "Asked the kitchen speaker to play jazz." """

    intent = "HassMediaSearchAndPlay"

    @dataclass(frozen=True, kw_only=True)
    class Slots(Player):
        search_query: str | None = None
        media_class: str | None = None

    async def handle(self, slots: Slots, turn: Turn) -> Done:
        meant = self._asked_for_before(slots, turn) if refers_back(turn.text) else slots
        if meant.search_query is None:
            raise Unclear("Play what?")
        target = player(turn, slots, AWAKE)
        acts = [play(entity, meant.search_query, meant.media_class or "music") for entity in target.entities]
        return replace(await carry_out(turn, target, acts), slots=asdict(meant))

    def _asked_for_before(self, slots: Slots, turn: Turn) -> Slots:
        """ "the song I asked for this morning": as it was asked for then. Raises: Unclear: nothing was."""
        before = asked_before(turn, self.intent, "search_query")
        if before is None:
            raise Unclear("I have no note of you asking for that. What should I play?")
        return replace(slots, search_query=str(before["search_query"]), media_class=before.get("media_class"))


def set_volume(entity: Entity, percent: float) -> Act:
    if "volume_set" not in entity.features:
        return cannot(entity, "change its volume")
    what = f"{round(percent)}%"
    phrase = Phrase(f"set the volume of {{}} to {what}", f"play at {what}", f"at {what}", "change its volume")
    data = {"volume_level": round(percent / 100, 2)}
    return Act(entity=entity, phrase=phrase, service="volume_set", data=data)


def play(entity: Entity, query: str, media_type: str) -> Act:
    """Ask the player to find and play something: it knows its own catalogue."""
    if "play_media" not in entity.features:
        return cannot(entity, "look for something to play")
    what = query.replace("{}", "")
    phrase = Phrase(f"asked {{}} to play {what}", f"play {what}", f"playing {what}", "play that", shows=False)
    data = {"media_content_id": query, "media_content_type": media_type}
    return Act(entity=entity, phrase=phrase, service="play_media", data=data)
