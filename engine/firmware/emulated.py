"""The firmware in QEMU, sentence by sentence, and what it takes of flash, memory and instructions.

    make -C engine/firmware PACK=ingle.pack BUILD=build
    python -m ingle.engine.firmware.emulated build/ingle.elf "turn off the kitchen lights"
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

TOOLS: Final = {"arm-none-eabi-gcc": "gcc-arm-none-eabi libnewlib-arm-none-eabi", "qemu-system-arm": "qemu-system-arm"}
CLOCK_HZ: Final = 25_000_000            # of the emulated board; with -icount an instruction takes a nanosecond
INSTRUCTIONS_PER_TICK: Final = 1_000_000_000 // CLOCK_HZ
CYCLES_PER_INSTRUCTION: Final = (1.3, 2.0)      # a Cortex-M4's loads and branches; the upper end with slow flash
MHZ: Final = (80, 168, 240, 480, 600)


class Emulated:
    """A board that was just switched on. A context manager: it is switched off at the end."""

    def __init__(self, elf: Path) -> None:
        machine = ["-M", "mps2-an386", "-kernel", str(elf), "-icount", "shift=0"]
        quiet = ["-display", "none", "-monitor", "none", "-serial", "stdio"]
        self._qemu = subprocess.Popen(["qemu-system-arm", *machine, *quiet], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.opened = self._read()      # the status that it tells once it is ready

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._qemu.kill()
        self._qemu.communicate()

    def ask(self, line: bytes | str) -> dict[str, Any]:
        """One line in, its answer out. Raises: EOFError: the board stopped."""
        assert self._qemu.stdin is not None
        self._qemu.stdin.write((line if isinstance(line, bytes) else line.encode()) + b"\n")
        self._qemu.stdin.flush()
        return self._read()

    def _read(self) -> dict[str, Any]:
        assert self._qemu.stdout is not None
        line = self._qemu.stdout.readline()
        if not line:
            raise EOFError("the emulated board stopped")
        answer: dict[str, Any] = json.loads(line)
        return answer


def sections(elf: Path) -> dict[str, int]:
    """Bytes of each section that is on the board."""
    said = subprocess.run(["arm-none-eabi-size", "-A", str(elf)], capture_output=True, text=True, check=True).stdout
    rows = (line.split() for line in said.splitlines() if line.startswith("."))
    return {name: int(size) for name, size, _ in rows if name in (".text", ".ARM.exidx", ".pack", ".data", ".bss", ".stack")}


def report(elf: Path, sentences: list[str]) -> str:
    found = sections(elf)
    flash = sum(found.get(name, 0) for name in (".text", ".ARM.exidx", ".pack", ".data"))
    lines = [f"flash  {flash:,} bytes: " + ", ".join(f"{name} {found[name]:,}" for name in (".text", ".pack", ".data"))]
    with Emulated(elf) as board:
        for sentence in sentences:
            answer = board.ask(sentence)
            n = board.ask("@status")["ticks"] * INSTRUCTIONS_PER_TICK
            names = ", ".join(intent["intent"] for intent in answer.get("intents", [])) or "nothing"
            lines.append(f"{n / 1e6:7.1f} million instructions  {sentence!r} → {names}")
            lines.append(f"        estimated: {_estimate(n)}")
        status = board.ask("@status")
    used = found[".data"] + found[".bss"] + status["stack_peak"]
    memory = f"memory {used:,} bytes: .data {found['.data']:,}, .bss {found['.bss']:,} (the arena {status['arena_bytes']:,})"
    lines.insert(1, f"{memory}, stack {status['stack_peak']:,} at its peak of {status['stack_bytes']:,}")
    return "\n".join(lines)


def _estimate(instructions: int) -> str:
    """Not measured: instructions times cycles that such a processor usually takes for one."""
    least, most = CYCLES_PER_INSTRUCTION
    return ", ".join(f"{mhz} MHz {instructions * least / mhz / 1e6:.2f}-{instructions * most / mhz / 1e6:.2f} s" for mhz in MHZ)


def missing() -> str | None:
    """Debian packages of the tools that are not here."""
    packages = [package for tool, package in TOOLS.items() if shutil.which(tool) is None]
    return " ".join(packages) or None


if __name__ == "__main__":
    print(report(Path(sys.argv[1]), sys.argv[2:] or ["turn off the kitchen lights"]))
