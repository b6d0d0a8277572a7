"""Which profile a machine gets, on simulated machines."""

from pathlib import Path

import pytest

from ingle.app.profile import Machine, choose

MACHINES = {
    "a microcontroller's Linux board": (Machine(memory_mib=32, cores=1), "low", "commands only"),
    "OpenWrt router": (Machine(memory_mib=121, cores=2), "low", "commands only"),
    "256 MB board": (Machine(memory_mib=228, cores=4), "mid", "no room"),
    "Raspberry Pi Zero 2 W": (Machine(memory_mib=416, cores=4), "mid", "no room"),
    "1 GB board": (Machine(memory_mib=921, cores=4), "high", "room and power"),
    "small virtual machine": (Machine(memory_mib=2048, cores=1), "mid", "one core"),
    "laptop on battery": (Machine(memory_mib=16_000, cores=8, battery_percent=71), "mid", "on battery"),
    "laptop on mains": (Machine(memory_mib=16_000, cores=8), "high", "room and power"),
}


@pytest.mark.parametrize(("machine", "profile", "why"), MACHINES.values(), ids=MACHINES)
def test_the_largest_profile_that_it_carries(machine: Machine, profile: str, why: str) -> None:
    choice = choose(machine)
    assert choice.profile == profile
    assert why in choice.why


@pytest.mark.parametrize("name", ["memory.max", "memory/memory.limit_in_bytes"])
def test_a_container_s_share_counts_not_the_machine_s_memory(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"{256 << 20}\n")
    machine = Machine.here(cgroup=tmp_path)
    assert (machine.memory_mib, machine.limited) == (256, True)
    assert "256 MiB of a container's share of memory" in str(machine)
    assert choose(machine).profile == "mid"


def test_without_a_limit_the_machine_s_memory_counts(tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text("max\n")
    assert not Machine.here(cgroup=tmp_path).limited
