"""What a household's own intents do: Home Assistant's `intent_script` beside the sentences of a file.

    intent_script:
      MakeCoffee:
        action:                         # one or several, in order
          - action: mqtt.publish
            data: {topic: coffee/brew, payload: {size: "{{ size | default('medium') }}", shots: "{{ shots | default(1) }}"}}
          - action: switch.turn_on
            target: {entity_id: switch.coffee_machine}
        speech: "A {{ size | default('medium') }} coffee is on its way."

Slots are the templates' variables. A payload that is a mapping is sent as JSON, each of its texts rendered by itself, so that
what was said cannot change its form; a template that renders to a number becomes one. Without `speech`, the file's `responses`
serve as they do in Home Assistant.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, NoReturn

from .api import Done, Turn, Unclear
from .home.model import Entity, Outcome, Publish, ServiceCall
from .home.templates import Template, TemplateError, Templates
from .schema import load_schema
from .sensitive import check
from .sentences import RESPONSE, Sentences, SentencesError
from .slots import spoken_list
from .wording import noun_of, sentence

PUBLISH: Final = "mqtt.publish"
NO_ACTION: Final = "Nothing is set up for that yet."
MAX_ACTIONS: Final = 20
GOOD: Final = frozenset({"confirmed", "already", "sent"})

PublishAll = Callable[[Sequence[Publish]], Awaitable[None]]


@dataclass(frozen=True)
class Rendered:
    """A value of the file in which every text is a template."""

    value: Any

    def with_(self, slots: Mapping[str, Any]) -> Any:
        """The value for these slots. Raises: TemplateError."""
        return _render(self.value, {**slots, "slots": dict(slots)})


@dataclass(frozen=True)
class Action:
    """One step: a message (`mqtt.publish`), or a service of entities."""

    service: str                        # "mqtt.publish", "light.turn_on"
    data: Rendered
    entities: Rendered


@dataclass(frozen=True)
class Own:
    """What one intent does and says. `speech` by response key; "" is said whatever the key."""

    intent: str
    actions: tuple[Action, ...] = ()
    speech: Mapping[str, Rendered] = field(default_factory=dict)


class OwnSkill:
    """A household's own intent: its actions, then its words. One for each of `intent_script`."""

    intents: ClassVar[tuple[str, ...]] = ()

    @dataclass(frozen=True)
    class Slots:
        rest: Mapping[str, Any] = field(default_factory=dict)

    def __init__(self, own: Own) -> None:
        self._own = own

    async def handle(self, slots: Slots, turn: Turn) -> Done:
        """Do it. Raises: Unclear: a device is not there, or a template fails on what was said; nothing was done."""
        said = {name: value for name, value in slots.rest.items() if name != RESPONSE}
        try:
            steps = [self._step(action, said, turn) for action in self._own.actions]
            speech = self._speech(str(slots.rest.get(RESPONSE, "default")), said)
        except TemplateError as error:
            raise Unclear(f"I can't do that with what you said: {error}.") from None
        calls = [call for step in steps for call in step if isinstance(call, ServiceCall)]
        check(turn, [(turn.home.entities[call.entity_id], call) for call in calls])
        outcomes = [outcome for step in steps for outcome in await _do(step, turn)]
        return Done(reply=_reply(turn, outcomes, speech if steps or speech else NO_ACTION), slots=said, facts=tuple(outcomes),
                    entities=tuple(dict.fromkeys(call.entity_id for call in calls)))

    def _step(self, action: Action, said: Mapping[str, Any], turn: Turn) -> tuple[Publish | ServiceCall, ...]:
        data = action.data.with_(said) or {}
        if action.service == PUBLISH:
            return (_message(data),)
        domain, _, service = action.service.partition(".")
        entities = [_entity(turn, str(one), domain) for one in _several(action.entities.with_(said))]
        return tuple(ServiceCall(entity_id=entity.entity_id, service=service, data=data) for entity in entities)

    def _speech(self, key: str, said: Mapping[str, Any]) -> str:
        speech = self._own.speech.get("") or self._own.speech.get(key) or self._own.speech.get("default")
        return "" if speech is None else " ".join(str(speech.with_(said)).split())


async def _do(step: Sequence[Publish | ServiceCall], turn: Turn) -> list[Outcome]:
    calls = [one for one in step if isinstance(one, ServiceCall)]
    messages = [one for one in step if isinstance(one, Publish)]
    if messages:
        publish: PublishAll | None = turn.services.get("publish")
        if publish is None:
            raise Unclear("I am not connected to a bus.")
        await publish(messages)
    return await turn.perform(calls) if calls else []


def _reply(turn: Turn, outcomes: Sequence[Outcome], speech: str) -> str:
    """What was to be said, if it is true; else which devices did not follow."""
    failed = dict.fromkeys(one.call.entity_id for one in outcomes if one.status not in GOOD)
    if failed:
        return sentence(f"{spoken_list([noun_of(turn.home.entities[one]).text for one in failed])} didn't answer.")
    return speech or "Done."


def _entity(turn: Turn, entity_id: str, domain: str) -> Entity:
    entity = turn.home.entities.get(entity_id)
    if entity is None:
        raise Unclear(f"There is no {entity_id} in this home, so I did nothing.")
    if domain not in ("homeassistant", entity.domain):
        raise Unclear(f"{entity_id} is no {domain}, so I did nothing.")
    return entity


def _message(data: Mapping[str, Any]) -> Publish:
    """Raises: TemplateError: what was said makes a topic that is none."""
    topic, payload = str(data["topic"]), data.get("payload", "")
    if not topic or set(topic) & set("+#\0"):
        raise TemplateError(f"{topic!r} is no topic to publish to")
    text = payload if isinstance(payload, str) else json.dumps(_numbers(payload), ensure_ascii=False)
    return Publish(topic=topic, payload=text, qos=int(data.get("qos", 1)), retain=bool(data.get("retain", False)))


def _numbers(value: Any) -> Any:
    """A template gives text: in JSON, "2" becomes 2, as in Home Assistant."""
    if isinstance(value, Mapping):
        return {key: _numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_numbers(item) for item in value]
    if isinstance(value, str) and re.fullmatch(r"-?(?:0|[1-9]\d*)(?:\.\d+)?", value):
        return float(value) if "." in value else int(value)
    return value


def _render(value: Any, context: Mapping[str, Any]) -> Any:
    if isinstance(value, Template):
        return value.render_with(context)
    if isinstance(value, Mapping):
        return {key: _render(item, context) for key, item in value.items()}
    if isinstance(value, list):
        return [_render(item, context) for item in value]
    return value


# --- reading `intent_script`

def own_skills(sentences: Sentences) -> dict[str, OwnSkill]:
    """The skills of the intents that are the household's own. Raises: SentencesError."""
    scripts = sentences.data.get("intent_script") or {}
    responses = (sentences.data.get("responses") or {}).get("intents") or {}
    templates = Templates()
    catalogue = load_schema()["intents"]
    for name in scripts:
        if name in catalogue:
            _fail(sentences, str(name), "is Ingle's own: give your intent another name")
        if name not in sentences.intents:
            _fail(sentences, str(name), "no sentence in `intents` leads to it")
    return {
        name: OwnSkill(_Reader(sentences, name, templates).read(scripts.get(name) or {}, responses.get(name) or {}))
        for name in sentences.intents if name not in catalogue
    }


@dataclass(frozen=True)
class _Reader:
    """Reads one intent's part; every fault is told with its place."""

    sentences: Sentences
    intent: str
    templates: Templates

    def read(self, script: Any, responses: Any) -> Own:
        if not isinstance(script, Mapping):
            self._fail("", "must be a mapping with `action` and `speech`")
        for key in script:
            if key not in ("action", "speech"):
                self._fail(str(key), "is not a key of an intent (known: action, speech)")
        actions = _several(script.get("action") or [])
        if len(actions) > MAX_ACTIONS:
            self._fail("action", f"has {len(actions)} steps, {MAX_ACTIONS} are allowed")
        return Own(self.intent, tuple(self._action(one, f"action[{n}]") for n, one in enumerate(actions)),
                   dict(self._speech(script.get("speech"), responses)))

    def _action(self, action: Any, place: str) -> Action:
        if not isinstance(action, Mapping):
            self._fail(place, "must be a mapping with `action`")
        service = action.get("action") or action.get("service")
        if not isinstance(service, str) or not re.fullmatch(r"[a-z_]+\.[a-z_]+", service):
            self._fail(place, f"needs `action`, like mqtt.publish or light.turn_on, not {service!r}")
        data, target = action.get("data") or {}, action.get("target") or {}
        if not isinstance(data, Mapping) or not isinstance(target, Mapping):
            self._fail(place, "`data` and `target` must be mappings")
        if service == PUBLISH and not data.get("topic"):
            self._fail(f"{place}.data", "needs a `topic`")
        rest = {key: value for key, value in data.items() if key != "entity_id"}
        entities = target.get("entity_id") or data.get("entity_id")
        if service != PUBLISH and not entities:
            self._fail(place, "needs `target: {entity_id: …}`")
        return Action(str(service), self._compiled(rest, f"{place}.data"), self._compiled(entities, f"{place}.target"))

    def _speech(self, speech: Any, responses: Any) -> Iterator[tuple[str, Rendered]]:
        text = speech.get("text") if isinstance(speech, Mapping) else speech
        if text is not None:
            if not isinstance(text, str):
                self._fail("speech", "must be a text, or {text: …}")
            yield "", self._compiled(text, "speech")
        for key, value in (responses.items() if isinstance(responses, Mapping) else ()):
            yield str(key), self._compiled(str(value), f"responses.{key}")

    def _compiled(self, value: Any, place: str) -> Rendered:
        return Rendered(self._templates_in(value, place))

    def _templates_in(self, value: Any, place: str) -> Any:
        if isinstance(value, Mapping):
            return {str(key): self._templates_in(item, f"{place}.{key}") for key, item in value.items()}
        if isinstance(value, list):
            return [self._templates_in(item, place) for item in value]
        if not isinstance(value, str):
            return value
        try:
            return self.templates.compile(value)
        except TemplateError as error:
            self._fail(place, f"is not a template: {error}")

    def _fail(self, place: str, problem: str) -> NoReturn:
        _fail(self.sentences, f"{self.intent}.{place}".rstrip("."), problem)


def _fail(sentences: Sentences, place: str, problem: str) -> NoReturn:
    raise SentencesError(f"{sentences.origin}: intent_script.{place}: {problem}")


def _several(value: Any) -> list[Any]:
    return [] if value is None else list(value) if isinstance(value, list | tuple) else [value]
