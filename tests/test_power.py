"""Signals: the kernel's files as simulated trees, topics that speak for them, and a real socket for the way out."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from ingle.app.power import Fixed, Link, Power, Reach, SysfsDraw, SysfsPower, SysfsThermal, Told, machine_power


def tree(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")
    return root


BATTERY = {"BAT0/type": "Battery", "BAT0/present": "1", "BAT0/capacity": "40"}


@pytest.mark.parametrize(("files", "power"), [
    ({}, Power(charging=True)),                                             # a board without any of it
    ({"AC/type": "Mains", "AC/online": "1"}, Power(charging=True)),
    ({"AC/type": "Mains", "AC/online": "0"}, Power(charging=True)),         # no battery: it runs, so it is fed
    ({**BATTERY, "BAT0/status": "Discharging"}, Power(charging=False, percent=40)),
    ({**BATTERY, "BAT0/status": "Charging"}, Power(charging=True, percent=40)),
    ({**BATTERY, "BAT0/status": "Full"}, Power(charging=True, percent=40)),
    ({**BATTERY, "BAT0/status": "Not charging", "AC/type": "Mains", "AC/online": "1"}, Power(charging=True, percent=40)),
    ({**BATTERY, "BAT0/status": "Not charging", "AC/type": "Mains", "AC/online": "0"}, Power(charging=False, percent=40)),
    ({**BATTERY, "BAT0/status": "Unknown", "usb/type": "USB", "usb/online": "1"}, Power(charging=True, percent=40)),
    ({**BATTERY, "BAT0/status": "Discharging", "BAT1/type": "Battery", "BAT1/capacity": "80"}, Power(charging=False, percent=60)),
    ({"mouse/type": "Battery", "mouse/scope": "Device", "mouse/status": "Discharging"}, Power(charging=True)),
    ({"BAT0/type": "Battery", "BAT0/present": "0"}, Power(charging=True)),
    ({**BATTERY, "BAT0/capacity": "no number", "BAT0/status": "Discharging"}, Power(charging=False)),
])  # fmt: skip
def test_power_as_the_kernel_tells(tmp_path: Path, files: dict[str, str], power: Power) -> None:
    assert SysfsPower(tree(tmp_path, files)).read() == power


def test_a_battery_pulled_and_plugged_is_noticed(tmp_path: Path) -> None:
    root = tree(tmp_path / "class" / "power_supply", {**BATTERY, "BAT0/status": "Discharging"})
    source = machine_power(tmp_path)
    assert not source.read().charging
    tree(root, {"BAT0/status": "Charging"})
    assert source.read().charging


def test_the_warmest_plausible_zone_counts(tmp_path: Path) -> None:
    root = tmp_path / "class" / "thermal"
    assert SysfsThermal(tmp_path).read() is None
    tree(root, {"thermal_zone0/temp": "45000", "thermal_zone1/temp": "61500", "thermal_zone2/temp": "-273000",
                "thermal_zone3/temp": "900000", "thermal_zone4/temp": "broken", "cooling_device0/temp": "99000"})  # fmt: skip
    assert SysfsThermal(tmp_path).read() == 61.5


def test_what_the_machine_draws(tmp_path: Path) -> None:
    now = [0.0]
    draw = SysfsDraw(tmp_path, clock=lambda: now[0])
    assert draw.read() is None
    tree(tmp_path / "class" / "powercap", {"intel-rapl:0/energy_uj": "1000000", "intel-rapl:0:0/energy_uj": "7"})
    assert draw.read() is None
    now[0] = 2.0
    tree(tmp_path / "class" / "powercap", {"intel-rapl:0/energy_uj": "7000000"})
    assert draw.read() == 3.0
    now[0] = 3.0
    tree(tmp_path / "class" / "powercap", {"intel-rapl:0/energy_uj": "5"})      # the counter began anew
    assert draw.read() is None


def test_a_discharging_battery_tells_its_draw(tmp_path: Path) -> None:
    tree(tmp_path / "class" / "power_supply", {"BAT0/status": "Discharging", "BAT0/power_now": "4200000"})
    assert SysfsDraw(tmp_path).read() == 4.2


@pytest.mark.parametrize(("payload", "charging"), [
    (b"on", True), (b"OFF", False), (b"true", True), (b'"battery"', False), (b"1", True), (b" discharging ", False),
    (b"perhaps", False), (b"\xff\xfe", False), (b"", False),
])  # fmt: skip
def test_a_topic_may_speak_for_the_machine(payload: bytes, charging: bool) -> None:
    told = Told(Fixed(Power(charging=False, percent=9)), lambda own, said: Power(charging=said, percent=own.percent))
    told.hear(payload)
    assert told.read() == Power(charging=charging, percent=9)


def test_a_cleared_topic_leaves_it_to_the_machine() -> None:
    told = Told(Fixed(Power(charging=False)), lambda own, said: Power(charging=said))
    told.hear(b"on")
    told.hear(b"")
    assert not told.read().charging


async def test_an_endpoint_that_listens_is_reached_and_sent_nothing() -> None:
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read())
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    link = Link("127.0.0.1", server.sockets[0].getsockname()[1], metered=_paid)
    assert not link.read().connected
    await link.refresh()
    reach = link.read()
    assert reach.connected
    assert reach.metered
    assert reach.round_trip_ms is not None
    await link.refresh()                # known for a while: not tried again
    link.failed()
    await link.refresh()
    async with asyncio.timeout(5):
        while len(heard) < 2:   # noqa: ASYNC110  # the server's own tasks fill it
            await asyncio.sleep(0.01)
    assert heard == [b"", b""]
    server.close()


async def test_an_endpoint_that_does_not_listen_is_told_so() -> None:
    link = Link("127.0.0.1", 9, timeout_s=0.5)
    await link.refresh()
    assert link.read() == Reach(connected=False, problem=link.read().problem)
    assert link.read().problem


async def _paid() -> bool:
    return True
