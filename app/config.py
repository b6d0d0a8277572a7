"""The household's configuration: `config.yaml` as dataclasses. `ConfigError` names the key, the file and the cure."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo

import yaml

from .cloud import Endpoint, Price, fault_in_url
from .governor import Limits
from .people import GuestsConfig, PersonConfig, person_problems
from .policy import DEFAULT, Rule
from .policy import fault as fault_in_policy
from .privacy import PrivacyConfig
from .topics import fault_in_topic
from .typed import Mismatch, build, suggestion
from .voice.settings import VoiceConfig, voice_problems

MAX_CONFIG_BYTES: Final = 1_000_000
SCHEMES: Final = {"mqtt": 1883, "mqtts": 8883}
EMBEDDED_PORT: Final = 1883


class ConfigError(Exception):
    """Something in the configuration that its owner can mend: one line with file, key and cure."""


@dataclass(frozen=True, kw_only=True)
class Tls:
    """For `mqtts://`. Paths are relative to the configuration file."""

    ca: str | None = None               # PEM file; None: the system's certificate authorities
    cert: str | None = None             # PEM file with Ingle's own certificate, if the broker wants one
    key: str | None = None
    insecure: bool = False              # do not check whom we talk to: for a first try at home only


@dataclass(frozen=True, kw_only=True)
class Mqtt:
    url: str = "embedded"               # embedded, embedded:PORT, mqtt://user:password@host:1883, mqtts://host
    discovery_prefix: str = "homeassistant"
    username: str | None = None
    password: str | None = None
    tls: Tls = field(default_factory=Tls)
    client_id: str | None = None        # None: one is made up at every start
    shared: bool = False                # several Ingles on this broker share the requests
    heard_together_ms: float = 0.0      # how long to wait whether another room heard the same sentence better; 0: not at all

    @property
    def embedded_port(self) -> int | None:
        """The port of the broker that Ingle runs itself (0: any free one); None with a broker elsewhere."""
        kind, _, port = self.url.partition(":")
        return (int(port) if port else EMBEDDED_PORT) if kind == "embedded" else None

    @property
    def address(self) -> BrokerAddress:
        """Where the broker is. With `embedded`: on loopback."""
        if self.embedded_port is not None:
            return BrokerAddress(host="127.0.0.1", port=self.embedded_port, client_id=self.client_id)
        parts = urlsplit(self.url)
        return BrokerAddress(
            host=parts.hostname or "",
            port=parts.port or SCHEMES[parts.scheme],
            username=self.username or (unquote(parts.username) if parts.username else None),
            password=self.password or (unquote(parts.password) if parts.password else None),
            tls=self.tls if parts.scheme == "mqtts" else None,
            client_id=self.client_id,
        )


@dataclass(frozen=True, kw_only=True)
class BrokerAddress:
    """All that is needed to connect to a broker."""

    host: str = "127.0.0.1"
    port: int = 1883
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: Tls | None = None              # None: in the clear
    client_id: str | None = None

    def __str__(self) -> str:
        """As a URL without credentials, for logs and errors."""
        return f"{'mqtts' if self.tls else 'mqtt'}://{self.host}:{self.port}"


@dataclass(frozen=True, kw_only=True)
class FloorConfig:
    name: str
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class AreaConfig:
    name: str
    aliases: tuple[str, ...] = ()
    floor: str | None = None            # a floor's name


@dataclass(frozen=True, kw_only=True)
class DeviceConfig:
    """What the household knows better than the device's own announcement."""

    entity: str                         # an entity id, "light.kitchen_light"
    name: str | None = None
    area: str | None = None             # an area's name
    aliases: tuple[str, ...] = ()
    hidden: bool = False                # never acted on or answered about


@dataclass(frozen=True, kw_only=True)
class HomeConfig:
    floors: tuple[FloorConfig, ...] = ()
    areas: tuple[AreaConfig, ...] = ()
    devices: tuple[DeviceConfig, ...] = ()


SensitiveAct = Literal["unlock", "open_door", "open_garage", "open_gate", "open_valve", "disarm", "siren"]


@dataclass(frozen=True, kw_only=True)
class Sensitive:
    """Acts that want a yes, or a PIN, before they are done."""

    acts: tuple[SensitiveAct, ...] = ("unlock", "open_door", "open_garage", "open_gate", "disarm", "siren")
    via: tuple[Literal["voice", "text"], ...] = ("voice",)  # how it must have been asked to want one
    pin: str | None = None              # digits; None: "yes" is enough


@dataclass(frozen=True, kw_only=True)
class KnowledgeConfig:
    """The household's documents and notes. Private ones are told only where this allows it."""

    folders: tuple[str, ...] = ()       # watched: what changes in them is taken in; relative to the configuration file
    private_via: tuple[Literal["voice", "text"], ...] = ("text",)   # how one may ask for private passages in any room
    private_areas: tuple[str, ...] = ()     # rooms in which they may be told whatever the way


@dataclass(frozen=True, kw_only=True)
class HistoryConfig:
    """What is kept of what happened and of what was asked: whichever bound comes first."""

    days: float = 30.0
    max_mb: float = 64.0                # of the file, in 10^6 bytes


@dataclass(frozen=True, kw_only=True)
class CloudConfig:
    """Where to ask what this house does not know, when that may be, and what of it leaves. Without `url`: nothing ever does."""

    url: str | None = None              # of an OpenAI-compatible API: https://api.example.com/v1, http://big-box.lan:8000/v1
    model: str = ""                     # as the API calls it
    key_file: str | None = None         # else the environment's INGLE_CLOUD_KEY, else the system's keyring
    ca: str | None = None               # PEM file, for a server of the household's own
    privacy: PrivacyConfig = field(default_factory=PrivacyConfig)
    policy: tuple[Rule, ...] = DEFAULT
    quick_ms: float = 400.0             # the longest round trip to the endpoint that counts as quick
    requests_per_day: int = 100
    money_per_day: float = 1.0          # counts only where `price` says what tokens cost
    price: Price = field(default_factory=Price)
    max_tokens: int = 600               # of an answer
    max_reply_chars: int = 2_000
    connect_s: float = 3.0
    first_token_s: float = 15.0
    total_s: float = 60.0


@dataclass(frozen=True, kw_only=True)
class Signals:
    """Topics on which something else tells what Ingle cannot measure: on or off, retained."""

    charging_topic: str | None = None   # whether this device has mains power
    connected_topic: str | None = None  # whether the house is online


@dataclass(frozen=True, kw_only=True)
class UpdatesConfig:
    """Where new models come from, and how they are kept."""

    url: str | None = None              # the maker's repository: https://…, or a folder (a USB stick)
    root: str | None = None             # the maker's root.json, got by a trusted way; relative to the configuration file
    automatic: bool = False             # look once a day, and when one is announced on the bus
    encrypt: bool = False               # keep models encrypted on this device's disk
    key_stores: tuple[Literal["keyring", "tpm", "file"], ...] = ("keyring", "tpm", "file")  # for its key: the first usable


@dataclass(frozen=True, kw_only=True)
class TelemetryConfig:
    """Numbers about how Ingle does. Off: nothing leaves this process but for `ingle doctor --health`."""

    mqtt: bool = False                  # as Home Assistant sensors on the household's own broker
    prometheus_port: int | None = None  # http://127.0.0.1:PORT/metrics
    otlp: str | None = None             # OTLP/HTTP: http://collector.lan:4318/v1/metrics
    interval_s: float = 900.0
    epsilon: float = 1.0                # of differential privacy: what an export can say of one turn
    sample: float = 0.5                 # the share of the turns that are counted

    @property
    def exports(self) -> bool:
        return self.mqtt or self.prometheus_port is not None or self.otlp is not None


@dataclass(frozen=True, kw_only=True)
class Config:
    mqtt: Mqtt = field(default_factory=Mqtt)
    home: HomeConfig = field(default_factory=HomeConfig)
    lists: tuple[str, ...] = ("Shopping", "To-do")
    custom_sentences: str | Mapping[str, Any] | None = None  # a folder, a file, or the mapping itself
    timezone: str | None = None         # "Europe/London"; None: the system's
    temperature_unit: Literal["celsius", "fahrenheit"] = "celsius"
    sensitive: Sensitive = field(default_factory=Sensitive)
    knowledge: KnowledgeConfig = field(default_factory=KnowledgeConfig)
    history: HistoryConfig = field(default_factory=HistoryConfig)
    people: tuple[PersonConfig, ...] = ()
    guests: GuestsConfig = field(default_factory=GuestsConfig)
    cloud: CloudConfig = field(default_factory=CloudConfig)
    signals: Signals = field(default_factory=Signals)
    limits: Limits = field(default_factory=Limits)
    voice: VoiceConfig = field(default_factory=VoiceConfig)
    updates: UpdatesConfig = field(default_factory=UpdatesConfig)
    telemetry: TelemetryConfig = field(default_factory=TelemetryConfig)
    confirm_s: float = 2.0              # how long a device may take to report what it did
    question_s: float = 60.0            # how long a question back waits for its answer
    undo_s: float = 900.0               # how long what was done can be undone
    brief: bool = False                 # spoken to: what is seen to be done in the room gets a tone instead of words
    model: str | None = None            # a GGUF file; None: the one that ships with Ingle
    profile: Literal["auto", "low", "mid", "high"] = "auto"
    data_dir: str | None = None         # None: the platform's place for a user's data
    file: Path | None = None            # where this came from; not a key of the file

    @property
    def mqtt_address(self) -> BrokerAddress:
        """The broker's address, with the paths of certificates resolved."""
        address = self.mqtt.address
        if address.tls is None:
            return address
        files = (address.tls.ca, address.tls.cert, address.tls.key)
        ca, cert, key = (str(self.resolved(file)) if file else None for file in files)
        return replace(address, tls=replace(address.tls, ca=ca, cert=cert, key=key))

    @property
    def cloud_endpoint(self) -> Endpoint | None:
        """Where the cloud is, if one is set up."""
        cloud = self.cloud
        if cloud.url is None:
            return None
        return Endpoint(
            url=cloud.url, model=cloud.model, ca=str(self.resolved(cloud.ca)) if cloud.ca else None, max_tokens=cloud.max_tokens,
            max_reply_chars=cloud.max_reply_chars, connect_s=cloud.connect_s, first_token_s=cloud.first_token_s,
            total_s=cloud.total_s,
        )

    @property
    def data_path(self) -> Path:
        """Where all state lives. The environment's INGLE_DATA_DIR wins."""
        given = os.environ.get("INGLE_DATA_DIR") or self.data_dir
        if given:
            return self.resolved(given)
        import platformdirs

        return Path(platformdirs.user_data_dir("ingle", appauthor=False))

    def resolved(self, path: str) -> Path:
        """A path from the configuration: relative to its file, `~` expanded."""
        base = self.file.parent if self.file else Path.cwd()
        return base / Path(path).expanduser()


def load(file: str | Path | None = None) -> Config:
    """Read the configuration. Raises: ConfigError.

    Without `file`: ./config.yaml, else the user's own (as the platform has it), else the defaults.
    """
    path = Path(file) if file is not None else _found()
    if path is None:
        return Config()
    return parse(_read(path), path)


def parse(text: str, path: Path = Path("config.yaml")) -> Config:
    """The configuration in `text`, read from `path`. Raises: ConfigError."""
    try:
        data = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        raise ConfigError(f"{path}: not valid YAML: {_one_line(error)}") from None
    data = {} if data is None else data
    if isinstance(data, Mapping) and "file" in data:
        raise ConfigError(f"{path}: `file` is not a known key: remove it.")
    try:
        config = replace(build(Config, data), file=path.absolute())
    except Mismatch as mismatch:
        raise ConfigError(f"{path}: `{mismatch.path}` {mismatch.problem}." if mismatch.path
                          else f"{path}: {mismatch.problem}.") from None
    _check(config, path)
    return config


def with_plan_of(config: Config, simulated: Path | None) -> Config:
    """A household that says nothing of its rooms gets those of the simulated home: floors and aliases are not announced."""
    home = config.home
    if simulated is None or home.floors or home.areas or home.devices:
        return config
    from .simulator import load_home  # only where something is simulated

    return replace(config, home=build(HomeConfig, load_home(simulated).config()["home"]))


def _found() -> Path | None:
    import platformdirs

    places = [Path("config.yaml"), Path(platformdirs.user_config_dir("ingle", appauthor=False), "config.yaml")]
    return next((place for place in places if place.is_file()), None)


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_CONFIG_BYTES:
            raise ConfigError(f"{path}: larger than {MAX_CONFIG_BYTES} bytes: this is not a configuration.")
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: not UTF-8 text: save it as UTF-8.") from None
    except OSError as error:
        problem = (error.strerror or "cannot be read").lower()
        raise ConfigError(f"{path}: {problem}: give the right file with --config.") from None


def _check(config: Config, path: Path) -> None:
    """What types cannot say. Raises: ConfigError."""
    for key, problem in _problems(config):
        raise ConfigError(f"{path}: `{key}` {problem}")


def _problems(config: Config) -> Iterable[tuple[str, str]]:
    yield from _mqtt_problems(config.mqtt)
    yield from _home_problems(config.home)
    yield from _list_problems(config.lists)
    yield from voice_problems(config.voice)
    yield from person_problems(config.people)
    if config.timezone is not None and not _is_zone(config.timezone):
        yield "timezone", f"{config.timezone!r} is not known: use a name like Europe/London, or leave it out."
    if config.sensitive.pin is not None and not re.fullmatch("[0-9]{3,12}", config.sensitive.pin):
        yield "sensitive.pin", 'must be 3 to 12 digits in quotes, like "4711".'
    yield from _cloud_problems(config.cloud)
    yield from _limit_problems(config.limits)
    for key, topic in (("charging_topic", config.signals.charging_topic), ("connected_topic", config.signals.connected_topic)):
        if topic is not None and (fault := fault_in_topic(topic)):
            yield f"signals.{key}", f"{fault}: use one like house/ups/online."
    limits = (
        ("confirm_s", config.confirm_s, 0.1, 60, "seconds"), ("question_s", config.question_s, 5, 3600, "seconds"),
        ("undo_s", config.undo_s, 1, 86400, "seconds"),
        ("history.days", config.history.days, 0.01, 3660, "days"), ("history.max_mb", config.history.max_mb, 1, 10_000, "MB"),
        ("telemetry.interval_s", config.telemetry.interval_s, 60, 86_400, "seconds"),
        ("telemetry.epsilon", config.telemetry.epsilon, 0.01, 10, "(ε)"),
        ("telemetry.sample", config.telemetry.sample, 0.01, 1, "(a share)"),
    )  # fmt: skip
    yield from _care_problems(config)
    for key, value, least, most, unit in limits:
        if not least <= value <= most:  # also false for NaN
            yield key, f"must be between {least} and {most} {unit}, not {value}."


def _mqtt_problems(mqtt: Mqtt) -> Iterable[tuple[str, str]]:
    if fault := _url_fault(mqtt.url):
        yield "mqtt.url", f"{fault}: use embedded, mqtt://host:1883 or mqtts://host:8883."
    if not mqtt.discovery_prefix or set(mqtt.discovery_prefix) & set("+#\0") or mqtt.discovery_prefix.strip("/") == "":
        yield "mqtt.discovery_prefix", "must be a topic without wildcards, like homeassistant."
    if mqtt.shared and mqtt.embedded_port is not None:
        yield "mqtt.shared", "needs a broker that all of them use, and one that speaks MQTT 5: set `mqtt.url`."
    if not 0 <= mqtt.heard_together_ms <= 2_000:
        yield "mqtt.heard_together_ms", f"must be from 0 to 2000, not {mqtt.heard_together_ms}."
    if bool(mqtt.tls.cert) != bool(mqtt.tls.key):
        yield "mqtt.tls", "needs both `cert` and `key`, or neither."


def _care_problems(config: Config) -> Iterable[tuple[str, str]]:
    updates, telemetry = config.updates, config.telemetry
    if updates.url is not None and updates.root is None:
        yield "updates.root", "is missing: give the maker's root.json, which updates are checked against."
    if not updates.key_stores:
        yield "updates.key_stores", "is empty: use keyring, tpm or file."
    if telemetry.prometheus_port is not None and not 0 <= telemetry.prometheus_port < 65536:
        yield "telemetry.prometheus_port", f"must be a port, not {telemetry.prometheus_port}."
    if telemetry.otlp is not None and urlsplit(telemetry.otlp).scheme not in ("http", "https"):
        yield "telemetry.otlp", "must be an http:// or https:// address like http://collector.lan:4318/v1/metrics."


def _url_fault(url: str) -> str | None:
    kind, _, port = url.partition(":")
    if kind == "embedded":
        good = not port or (port.isdigit() and int(port) < 65536)
        return None if good else f"has no port in {url!r}"
    try:
        parts = urlsplit(url)
        number = parts.port
    except ValueError:
        return "is not a URL"       # the URL itself may hold a password: do not print it
    if parts.scheme not in SCHEMES or not parts.hostname:
        return "is not an MQTT broker's address"
    return "has port 0" if number == 0 else None


def _cloud_problems(cloud: CloudConfig) -> Iterable[tuple[str, str]]:
    if cloud.url is not None and (fault := fault_in_url(cloud.url)):
        yield "cloud.url", f"{fault}."
    if cloud.url is not None and not cloud.model:
        yield "cloud.model", "is missing: the name that the API has for the model to ask."
    if fault := fault_in_policy(cloud.policy):
        yield "cloud.policy", fault
    known = {"fresh", "long", "exact", "unknown_here"}
    for topic in cloud.privacy.topics:
        if topic not in known:
            yield "cloud.privacy.topics", f"has {topic!r}{suggestion(topic, list(known))}."
    for key in ("quick_ms", "connect_s", "first_token_s", "total_s", "max_tokens", "max_reply_chars"):
        if not 0 < getattr(cloud, key) < 1e6:
            yield f"cloud.{key}", f"must be more than 0, not {getattr(cloud, key)}."
    if cloud.requests_per_day < 0 or not cloud.money_per_day >= 0 or not min(cloud.price.input, cloud.price.output) >= 0:
        yield "cloud", "has a budget or price below 0."


def _limit_problems(limits: Limits) -> Iterable[tuple[str, str]]:
    if limits.turns < 1 or limits.tokens < 1 or not limits.compute_s_per_minute > 0:
        yield "limits", "needs at least one turn, one token and some compute."
    if not 0 <= limits.reserve < 1:
        yield "limits.reserve", f"must be from 0 to less than 1, not {limits.reserve}."


def _home_problems(home: HomeConfig) -> Iterable[tuple[str, str]]:
    floors = {floor.name for floor in home.floors}
    yield from _twice("home.floors", [floor.name for floor in home.floors])
    yield from _twice("home.areas", [area.name for area in home.areas])
    yield from _twice("home.devices", [device.entity for device in home.devices])
    for place, area in enumerate(home.areas):
        if floors and area.floor is not None and area.floor not in floors:
            hint = suggestion(area.floor, list(floors))
            yield f"home.areas[{place}].floor", f"names {area.floor!r}{hint}: add it to home.floors."
    for place, device in enumerate(home.devices):
        if "." not in device.entity:
            yield f"home.devices[{place}].entity", f"must be like light.kitchen, not {device.entity!r}."


def _list_problems(lists: tuple[str, ...]) -> Iterable[tuple[str, str]]:
    yield from _twice("lists", list(lists))
    if any(not name.strip() for name in lists):
        yield "lists", "has an empty name: remove it."


def _twice(key: str, names: list[str]) -> Iterable[tuple[str, str]]:
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield key, f"has {name!r} twice: remove one."


def _is_zone(name: str) -> bool:
    try:
        return bool(ZoneInfo(name))
    except (ValueError, OSError, KeyError):     # ZoneInfoNotFoundError is a KeyError
        return False


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())
