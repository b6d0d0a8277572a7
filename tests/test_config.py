"""The configuration: what ships works, mistakes are named with key, file and cure."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ingle.app.config import BrokerAddress, Config, ConfigError, load, parse

_KEYS = st.sampled_from(["mqtt", "home", "url", "areas", "name", "lists", "x"])
SHIPPED = Path(__file__).parent.parent / "config.yaml"


def test_the_shipped_file_says_the_defaults() -> None:
    shipped = load(SHIPPED)
    assert shipped == Config(file=SHIPPED)


def test_its_commented_examples_hold_too() -> None:
    lines = [re.sub(r"^( *)# (?=( *)(- \{|[a-z_]+: ))", r"\1", line) for line in SHIPPED.read_text().splitlines()]
    text = "\n".join(line for line in lines if not re.fullmatch(r"\s+(floors|areas|devices): \[\]", line))
    for key, first in (("floors", "Upstairs"), ("areas", "Kitchen"), ("devices", "light.kitchen_light")):
        text = re.sub(rf"^( +)(- .*{first})", rf"  {key}:\n\1\2", text, count=1, flags=re.M)
    config = parse(text, SHIPPED)
    assert config.home.areas[0].floor == "Downstairs"
    assert config.home.devices[2].hidden
    assert config.sensitive.pin == "4711"
    assert config.mqtt.tls.ca == "ca.pem"


def test_empty_file_and_empty_keys_are_the_defaults() -> None:
    assert parse("").mqtt.url == "embedded"
    assert parse("mqtt:\nhome:\n  areas:\nlists: []").lists == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mqt: {}", "`mqt` is not a known key (did you mean `mqtt`?)"),
        ("mqtt: {urll: x}", "`mqtt.urll` is not a known key (did you mean `url`?)"),
        ("mqtt: {url: 5}", "`mqtt.url` must be a string, not a whole number."),
        ("mqtt: {url: 'http://x'}", "`mqtt.url` is not an MQTT broker's address"),
        ("mqtt: {url: 'mqtt://x:99999'}", "`mqtt.url` is not a URL"),
        ("mqtt: {url: 'embedded:x'}", "`mqtt.url` has no port"),
        ("mqtt: {discovery_prefix: 'a/#'}", "`mqtt.discovery_prefix` must be a topic without wildcards"),
        ("mqtt: {tls: {cert: a}}", "`mqtt.tls` needs both"),
        ("home: {areas: [{nme: x}]}", "`home.areas[0].nme` is not a known key (did you mean `name`?)"),
        ("home: {areas: [{aliases: []}]}", "`home.areas[0].name` is missing."),
        ("home: {areas: [{name: a}, {name: a}]}", "`home.areas` has 'a' twice"),
        ("home: {floors: [{name: Up}], areas: [{name: a, floor: Upp}]}", "(did you mean `Up`?): add it to home.floors"),
        ("home: {devices: [{entity: lamp}]}", "`home.devices[0].entity` must be like light.kitchen"),
        ("lists: Shopping", "`lists` must be a list, not a string."),
        ("lists: ['']", "`lists` has an empty name"),
        ("timezone: Mars/Olympus", "`timezone` 'Mars/Olympus' is not known"),
        ("temperature_unit: kelvin", "`temperature_unit` must be one of celsius, fahrenheit"),
        ("sensitive: {pin: 4711}", "`sensitive.pin` must be a string, not a whole number."),
        ("sensitive: {pin: abc}", "`sensitive.pin` must be 3 to 12 digits in quotes"),
        ("confirm_s: true", "`confirm_s` must be a number, not true or false."),
        ("confirm_s: 900", "`confirm_s` must be between"),
        ("file: x", "`file` is not a known key"),
        ("- a", "must be a mapping, not a list."),
        ("a: [", "not valid YAML"),
    ],
)
def test_mistakes_are_named(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as mistake:
        parse(text, Path("house.yaml"))
    assert message in str(mistake.value)
    assert str(mistake.value).startswith("house.yaml: ")
    assert "\n" not in str(mistake.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        load(tmp_path / "none.yaml")
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="not UTF-8"):
        load(tmp_path / "binary.yaml")


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("embedded", BrokerAddress(port=1883)),
        ("embedded:1884", BrokerAddress(port=1884)),
        ("mqtt://broker", BrokerAddress(host="broker")),
        ("mqtt://ann:p%40ss@broker:1999", BrokerAddress(host="broker", port=1999, username="ann", password="p@ss")),
        ("mqtt://[::1]:1883", BrokerAddress(host="::1")),
    ],
)
def test_broker_addresses(url: str, address: BrokerAddress) -> None:
    assert parse(yaml.safe_dump({"mqtt": {"url": url}})).mqtt.address == address


def test_tls_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    file = tmp_path / "house.yaml"
    file.write_text("mqtt: {url: 'mqtts://broker', tls: {ca: ca.pem}}")
    address = load(file).mqtt_address
    assert (address.port, address.tls and address.tls.ca) == (8883, str(tmp_path / "ca.pem"))
    assert str(address) == "mqtts://broker:8883"


def test_passwords_are_not_shown() -> None:
    address = parse("mqtt: {url: 'mqtt://ann:secret@broker'}").mqtt.address
    assert "secret" not in repr(address) + str(address)
    with pytest.raises(ConfigError) as mistake:
        parse("mqtt: {url: 'mqtt://ann:secret@broker:port'}")
    assert "secret" not in str(mistake.value)


def test_data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "house.yaml").write_text("data_dir: state")
    assert load(tmp_path / "house.yaml").data_path == tmp_path / "data"     # the environment wins
    monkeypatch.delenv("INGLE_DATA_DIR")
    assert load(tmp_path / "house.yaml").data_path == tmp_path / "state"
    assert Config().data_path.name == "ingle"


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3),
                    max_leaves=8,
                    ))
def test_any_yaml_is_a_configuration_or_a_named_mistake(data: object) -> None:
    with contextlib.suppress(ConfigError):
        assert isinstance(parse(yaml.safe_dump(data)), Config)
