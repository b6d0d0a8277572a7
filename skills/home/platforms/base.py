"""What the components of Home Assistant's MQTT integration have in common: topics followed, services turned into messages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, NamedTuple

from ..model import Entity, Publish
from ..payload import BadPayload, Config, Unsupported
from ..templates import Template, TemplateError

NONE = "None"                       # the payload that resets a value, as Jinja writes none

Heard = Callable[[str], "bool | None"]


class Follower(NamedTuple):
    """One topic an entity follows: its text goes through the template, then to `heard`, which may answer False: ignored."""

    topic: str
    template: Template | None
    heard: Heard


class Platform:
    """One entity's behaviour. Subclasses name their component, set the entity up, follow topics and answer services.

    A service is a method `do_<service>(data)` that returns the messages to send. Raises: Unsupported.
    """

    component: ClassVar[str] = ""
    state_topic_keys: ClassVar[tuple[str, ...]] = ("state_topic",)  # none of them there: the state is assumed

    __slots__ = ("config", "entity", "followers")

    def __init__(self, config: Config, entity: Entity) -> None:
        self.config = config
        self.entity = entity
        self.followers: list[Follower] = []
        self.set_up()
        entity.assumed = config.flag("optimistic") or not any(config.has(key) for key in self.state_topic_keys)

    def set_up(self) -> None:
        """Read the config: features, options, topics to follow. Raises: BadPayload."""
        raise NotImplementedError

    # what the config says

    def require(self, key: str) -> None:
        if not self.config.has(key):
            raise BadPayload(f"{key} is missing")

    def follow(self, topic_key: str, template_key: str | None, heard: Heard) -> bool:
        """Follow the topic of that key, if there is one."""
        topic = self.config.topic(topic_key)
        if topic is None:
            return False
        template = self.config.template(template_key) if template_key else None
        self.followers.append(Follower(topic, template, heard))
        return True

    def feature(self, *names: str) -> None:
        self.entity.features |= set(names)

    def option(self, name: str, value: Any) -> None:
        """An attribute the config gives. Empty ones are left out."""
        if value is not None and value != []:
            self.entity.attributes[name] = value

    # what devices report

    def set(self, name: str, value: Any) -> None:
        """A reported attribute; None removes it."""
        if value is None:
            self.entity.attributes.pop(name, None)
        else:
            self.entity.attributes[name] = value

    def text_attribute(self, name: str) -> Heard:
        """A follower's `heard` that keeps the text as attribute `name`."""

        def heard(text: str) -> bool:
            if text == "":
                return False
            self.set(name, None if text == NONE else text)
            return True

        return heard

    def number_attribute(self, name: str) -> Heard:
        def heard(text: str) -> bool:
            if text == "":
                return False
            self.set(name, None if text == NONE else reported_number(text))
            return True

        return heard

    # what is sent

    def messages(self, service: str, data: Mapping[str, Any]) -> list[Publish]:
        """The messages of one service. Raises: Unsupported."""
        method = getattr(self, f"do_{service}", None)
        if method is None:
            raise Unsupported(f"{self.entity.name} has no {service.replace('_', ' ')}")
        sent: list[Publish] = method(data)
        return sent

    def send(self, topic_key: str, payload: Any, template_key: str | None = None, **variables: Any) -> Publish:
        """One message to the topic of that key. The template gets the payload as `value`, and the variables."""
        topic = self.config.topic(topic_key)
        if topic is None:
            raise Unsupported(f"{self.entity.name} has no {topic_key.removesuffix('_topic').replace('_', ' ')}")
        template = self.config.template(template_key) if template_key else None
        if template is None:
            return self.config.publish(topic, str(payload))
        try:
            text = template.render_with({"value": payload, "entity_id": self.entity.entity_id,
                                         "name": self.entity.name, **variables})
        except TemplateError as error:
            raise Unsupported(f"{self.entity.name}: {template_key} does not render: {error}") from None
        return self.config.publish(topic, text)

    def payload(self, key: str, default: str | None) -> str:
        """A payload the config may have set to null: then the entity cannot do that."""
        text = self.config.text(key, default)
        if text is None:
            raise Unsupported(f"{self.entity.name} cannot {key.removeprefix('payload_').replace('_', ' ')}")
        return text


class OnOff(Platform):
    """payload_on / payload_off on command_topic, state_on / state_off on state_topic."""

    __slots__ = ()

    def follow_on_off(self, template_key: str = "value_template") -> None:
        self.follow("state_topic", template_key, self.heard_on_off)

    def heard_on_off(self, text: str) -> bool:
        if text == NONE:
            self.entity.state = None
            return True
        if text == self.config.text("state_on", self.config.text("payload_on", "ON")):
            self.entity.state = "on"
        elif text == self.config.text("state_off", self.config.text("payload_off", "OFF")):
            self.entity.state = "off"
        else:
            return False
        return True

    def do_turn_on(self, data: Mapping[str, Any]) -> list[Publish]:
        return [self.send("command_topic", self.config.word("payload_on", "ON"), "command_template")]

    def do_turn_off(self, data: Mapping[str, Any]) -> list[Publish]:
        return [self.send("command_topic", self.config.word("payload_off", "OFF"), "command_template")]

    def do_toggle(self, data: Mapping[str, Any]) -> list[Publish]:
        return self.do_turn_off(data) if self.entity.state == "on" else self.do_turn_on(data)


def reported_number(text: str) -> float:
    """A number a device reported; whole ones as int. Raises: BadPayload."""
    from ..payload import as_number

    return as_number("value", text)


def wanted(data: Mapping[str, Any], key: str) -> Any:
    """What a service call must bring. Raises: Unsupported."""
    value = data.get(key)
    if value is None:
        raise Unsupported(f"{key} is missing")
    return value
