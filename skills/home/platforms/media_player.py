"""Media players, which Home Assistant's own MQTT lacks: the community's mqtt_media_player schema.

A topic a property (`state_volume_topic`, …) and a topic a command (`command_play_topic`, …) with a payload each.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..model import Publish
from ..payload import compact_json
from .base import NONE, Platform, reported_number, wanted

_PRESSES = {  # service: (name in the keys, default payload, our feature)
    "media_play": ("play", "Play", "play"),
    "media_pause": ("pause", "Pause", "pause"),
    "media_stop": ("stop", "Stop", "stop"),
    "media_next_track": ("next", "Next", "next"),
    "media_previous_track": ("previous", "Previous", "previous"),
    "turn_on": ("turn_on", "on", "turn_on"),
    "turn_off": ("turn_off", "off", "turn_off"),
}
_ATTRIBUTES = {"title": "media_title", "artist": "media_artist", "album": "media_album_name", "source": "source",
               "mediatype": "media_content_type", "duration": "media_duration", "position": "media_position"}
_PLAY_MEDIA = ("command_playmedia_topic", "command_play_media_topic")
_SOURCE = ("command_source_topic", "command_select_source_topic")
_STATES = {"stopped": "idle", "stop": "idle", "play": "playing", "pause": "paused", "standby": "standby"}


class MediaPlayer(Platform):
    component = "media_player"
    state_topic_keys = ("state_state_topic", "state_volume_topic", "state_mute_topic", "state_source_topic")

    __slots__ = ("percent",)

    def set_up(self) -> None:
        self.percent = False            # volume in 0..100 on the bus: known from the first report above 1
        for name, _, feature in _PRESSES.values():
            if self.config.has(f"command_{name}_topic"):
                self.feature(feature)
        if self.config.has("command_playpause_topic"):
            self.feature("play", "pause")
        if self.config.has("command_volume_topic"):
            self.feature("volume_set")
        if self.config.has("command_mute_topic"):
            self.feature("volume_mute")
        if self.first_of(_PLAY_MEDIA):
            self.feature("play_media")
        if self.first_of(_SOURCE):
            self.feature("select_source")
            self.option("source_list", self.config.texts("source_list"))
        self.follow_all()

    def follow_all(self) -> None:
        self.follow("state_state_topic", "state_state_template", self.heard_state)
        self.follow("state_volume_topic", "state_volume_template", self.heard_volume)
        self.follow("state_mute_topic", "state_mute_template", self.heard_mute)
        for name, attribute in _ATTRIBUTES.items():
            self.follow(f"state_{name}_topic", f"state_{name}_template", self.text_attribute(attribute))

    def first_of(self, keys: tuple[str, ...]) -> str | None:
        return next((key for key in keys if self.config.has(key)), None)

    def messages(self, service: str, data: Mapping[str, Any]) -> list[Publish]:
        press = _PRESSES.get(service)
        if press is None:
            return super().messages(service, data)
        name, default, _ = press
        if name in ("play", "pause") and not self.config.has(f"command_{name}_topic"):
            return self.toggle_to("playing" if name == "play" else "paused")
        return [self.press(name, default)]

    def toggle_to(self, state: str) -> list[Publish]:
        """By the one topic that toggles: not pressed where that would do the opposite."""
        return [] if self.entity.state == state else [self.press("playpause", "PlayPause")]

    def press(self, name: str, default: str) -> Publish:
        return self.send(f"command_{name}_topic", self.config.word(f"command_{name}_payload", default))

    def do_toggle(self, data: Mapping[str, Any]) -> list[Publish]:
        return self.messages("turn_on" if self.entity.state == "off" else "turn_off", data)

    def do_media_play_pause(self, data: Mapping[str, Any]) -> list[Publish]:
        if self.config.has("command_playpause_topic"):
            return [self.press("playpause", "PlayPause")]
        return self.messages("media_pause" if self.entity.state == "playing" else "media_play", data)

    def do_volume_set(self, data: Mapping[str, Any]) -> list[Publish]:
        level = round(float(wanted(data, "volume_level")), 2)
        return [self.send("command_volume_topic", round(level * 100) if self.percent else level, "command_volume_template")]

    def do_volume_mute(self, data: Mapping[str, Any]) -> list[Publish]:
        if wanted(data, "is_volume_muted"):
            payload = self.config.word("command_mute_on_payload", "mute")
        else:
            payload = self.config.word("command_mute_off_payload", "unmute")
        return [self.send("command_mute_topic", payload)]

    def do_play_media(self, data: Mapping[str, Any]) -> list[Publish]:
        media = {"media_type": data.get("media_content_type", "music"), "media_id": wanted(data, "media_content_id")}
        return [self.send(self.first_of(_PLAY_MEDIA) or _PLAY_MEDIA[0], compact_json(media))]

    def do_select_source(self, data: Mapping[str, Any]) -> list[Publish]:
        return [self.send(self.first_of(_SOURCE) or _SOURCE[0], wanted(data, "source"))]

    def heard_state(self, text: str) -> bool:
        if text == "":
            return False
        word = text.strip().lower()
        self.entity.state = None if text == NONE else _STATES.get(word, word)
        return True

    def heard_volume(self, text: str) -> bool:
        if text in ("", NONE):
            return False
        level = reported_number(text)
        self.percent = self.percent or level > 1
        self.set("volume_level", max(0.0, min(1.0, level / 100 if self.percent else float(level))))
        return True

    def heard_mute(self, text: str) -> bool:
        word = text.strip().lower()
        if word in ("mute", "muted", "on", "true", "1", self.config.word("command_mute_on_payload", "mute").lower()):
            self.set("is_volume_muted", True)
        elif word in ("unmute", "unmuted", "off", "false", "0",
                      self.config.word("command_mute_off_payload", "unmute").lower()):
            self.set("is_volume_muted", False)
        else:
            return False
        return True
