"""A turn's story as text: what was read and written, which devices were considered, what was done, and when. Pure drawing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from textual.content import Content

from ..events import IntentRecord, TurnRecord
from ..inside import Acted, Considering, Looked, Piece, Resolved, Span, TurnTrace, Understood, Vitals
from .safe_text import fit, padded

QUIET: Final = "$foreground 55%"
SURE: Final = 0.9               # a piece written with so much probability is nothing to look at
DOUBTFUL: Final = 0.5
NAME_CELLS: Final = 16
BAR_CELLS: Final = 8
BLOCKS: Final = "▁▂▃▄▅▆▇█"
_KINDS: Final = {"I": "bold", "S": QUIET, "V": "$text-primary"}      # of control pieces: intents, slots, values
STATUS: Final[Mapping[str, tuple[str, str, str]]] = {
    "confirmed": ("✓", "$text-success", "confirmed"), "already": ("✓", "$text-success", "was so already"),
    "sent": ("→", "$foreground", "sent; it cannot confirm"), "silent": ("✗", "$text-error", "did not answer"),
    "offline": ("✗", "$text-error", "is offline"), "unsupported": ("✗", "$text-warning", "cannot do that"),
}
ROUTES: Final = {"local": "success", "knowledge": "primary", "cloud": "warning", "none": "secondary"}


def story(record: TurnRecord, trace: TurnTrace | None, cells: int) -> Content:
    """All of a turn, `cells` wide; without a trace what the record itself tells."""
    parts = [[Content.assemble(("› ", "$text-primary bold"), (fit(record.text), "bold"))], _route(record, trace)]
    if trace is not None:
        for understood in trace.understood:
            parts.append([_title("Understood"), *_understood(understood, cells)])
    else:
        parts.append([_title("Understood"), *(_intent(each) for each in record.intents)])
    if trace is not None and trace.resolved:
        parts.append([_title("Devices considered"), *(line for each in trace.resolved for line in _resolved(each, cells))])
    if record.commands:
        parts.append([_title("Sent"), *(Content.styled(f"→ {fit(each.topic, at_most=40)} {fit(each.payload, at_most=60)}", QUIET)
                                        for each in record.commands)])
    if trace is not None and trace.acted:
        parts.append([_title("Came back"), *(_acted(each) for each in trace.acted)])
    parts.append([_title("Said"), Content(fit(record.reply) or "nothing")])
    if record.sources:
        parts.append([_title("From"), *(Content(fit(source)) for source in record.sources)])
    if trace is not None and trace.spans:
        parts.append([_title("Time"), *waterfall(trace.spans, trace.total_ms, cells)])
    elif record.timing_ms:
        parts.append([_title("Time"), *(_took(name, ms) for name, ms in record.timing_ms.items())])
    return Content("\n\n").join(Content("\n").join(lines) for lines in parts if lines)


def _title(text: str) -> Content:
    return Content.styled(text, "bold $text-primary")


def _route(record: TurnRecord, trace: TurnTrace | None) -> list[Content]:
    color = ROUTES[record.route]
    reason = fit(record.reason)
    lines = [Content.assemble(Content.styled(f" {record.route} ", f"$text-{color} on ${color}-muted"), f"  {reason}")]
    if trace is not None and trace.considered is not None:
        lines += _considered(trace.considered)
    return lines


def _considered(considered: Considering) -> Iterator[Content]:
    """The rule that decided whether to ask outside, and what it went by."""
    reason = f", by {fit(considered.reason)}"
    yield Content.assemble(("Outside the house: ", QUIET), (fit(considered.do), "bold"), (reason, QUIET))
    held = [fit(name.replace("_", " ")) for name, value in considered.conditions.items() if value]
    others = [fit(name.replace("_", " ")) for name, value in considered.conditions.items() if not value]
    yield Content.assemble(("  yes  ", "$text-success"), ", ".join(held) or "–")
    yield Content.assemble(("  no   ", "$text-error"), (", ".join(others) or "–", QUIET))
    signals = {name: value for name, value in considered.signals.items() if value not in (None, "")}
    facts = [f"{fit(name.replace('_', ' '))} {fit(value)}" for name, value in signals.items()]
    yield Content.assemble(("  with ", QUIET), (", ".join(facts), QUIET))


# understanding

def _understood(what: Understood, cells: int) -> Iterator[Content]:
    if what.pieces:
        yield from _wrapped([_piece(piece) for piece in what.pieces], cells)
    for intent in what.intents:
        yield _intent(intent)
    if not what.intents:
        yield Content.styled("nothing that is for Ingle", QUIET)
    if what.pieces:
        forced = f", {what.n_forced} of them forced by the grammar" if what.n_forced else ""
        yield Content.styled(f"{what.n_prompt} tokens read, {what.n_written} written{forced}", QUIET)
    elif what.intents:
        yield Content.styled("one of the household's own sentences: the model was not asked", QUIET)
    for note in what.notes:
        yield Content.styled(fit(note), "$text-warning")


def _piece(piece: Piece) -> Content:
    """A piece of the parse with its probability, where that is not as good as one."""
    text = fit(piece.text.replace("▁", " ")) or "▁"
    kind, colon, name = text.strip("<>").partition(":")
    control = text.startswith("<") and text.endswith(">")
    named = (name, _KINDS.get(kind, "")) if control and colon else (text.strip("<>"), QUIET) if control else (text, "")
    color = "$text-success" if piece.p >= SURE else "$text-warning" if piece.p >= DOUBTFUL else "$text-error"
    share = "" if piece.p >= 0.995 else f"{min(99.0, piece.p * 100):.0f}"
    return Content.assemble(named, (_raised(share), color))


def _raised(digits: str) -> str:
    return digits.translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))


def _wrapped(words: Iterable[Content], cells: int) -> Iterator[Content]:
    line: list[Content] = []
    length = 0
    for word in words:
        if line and length + word.cell_length + 2 > cells:
            yield Content("  ").join(line)
            line, length = [], 0
        line.append(word)
        length += word.cell_length + 2
    if line:
        yield Content("  ").join(line)


def _intent(intent: IntentRecord) -> Content:
    slots = [part for name, value in intent.slots.items() for part in ((f" {fit(name)}=", QUIET), _value(value))]
    return Content.assemble(("• ", "$text-accent"), (fit(intent.intent), "bold"), (f" {intent.confidence:.0%} ", QUIET), *slots)


def _value(value: Any) -> str:
    return fit(", ".join(map(str, value)) if isinstance(value, list | tuple) else value, at_most=40)


# devices

def _resolved(what: Resolved, cells: int) -> Iterator[Content]:
    chosen = set(what.entities)
    for each in what.looked_at:
        yield _looked(each, each.entity_id in chosen, cells)
    for entity_id in what.entities:
        if entity_id not in {each.entity_id for each in what.looked_at}:
            yield Content.assemble(("● ", "$text-success"), (fit(entity_id), "bold"))
    if what.question:
        yield Content.assemble(("? ", "$text-warning bold"), fit(what.question))
    if what.reason:
        yield Content.styled(f"  {fit(what.reason)}", QUIET)


def _looked(each: Looked, chosen: bool, cells: int) -> Content:
    score = min(1.0, max(0.0, each.score))
    head = Content.assemble(("● ", "$text-success") if chosen else ("○ ", QUIET),
                            (padded(each.entity_id, 26), "bold" if chosen else ""), " ", bar(score, BAR_CELLS), f" {score:.2f} ")
    return Content.assemble(head, (fit(each.why, at_most=max(8, cells - head.cell_length)), QUIET))


def _acted(each: Acted) -> Content:
    mark, style, words = STATUS.get(each.status, ("·", "", each.status))
    return Content.assemble((f"{mark} ", style), (fit(each.entity_id), "bold"), (f" {fit(each.service)}  ", QUIET),
                            (fit(words), style))


# time and other figures

def waterfall(spans: Sequence[Span], total_ms: float, cells: int) -> list[Content]:
    """One line a step: when it began and how long it took, on one axis from 0 to the whole turn."""
    end_ms = max([total_ms, *(span.start_ms + span.took_ms for span in spans), 0.1])
    axis = max(10, cells - NAME_CELLS - 11)
    lines = []
    for span in spans:
        at = min(axis - 1, int(max(0.0, span.start_ms) / end_ms * axis))
        length = min(axis - at, max(1, round(max(0.0, span.took_ms) / end_ms * axis)))
        style = "$text-primary" if span.name.startswith(" ") else "$text-accent"
        name = span.name if span.name.startswith(" ") else fit(span.name)
        lines.append(Content.assemble(_named(name), (" " * at, ""), ("━" * length, style), " " * (axis - at - length),
                                      f" {span.took_ms:7.1f} ms"))
    lines.append(Content.assemble(_named("in all"), " " * axis, (f" {total_ms:7.1f} ms", "bold")))
    return lines


def _named(name: str) -> str:
    indent = len(name) - len(name.lstrip(" "))
    return " " * indent + padded(name.strip(), NAME_CELLS - indent)


def _took(name: str, ms: float) -> Content:
    return Content.assemble(padded(name.replace("_", " "), NAME_CELLS), f" {ms:7.1f} ms")


def bar(share: float, cells: int, style: str = "$text-accent") -> Content:
    full = round(min(1.0, max(0.0, share)) * cells)
    return Content.assemble(("━" * full, style), ("━" * (cells - full), "$foreground 20%"))


def sparkline(values: Sequence[float], cells: int) -> str:
    """The newest values, one a cell, from 0 to the largest."""
    newest = [value for value in values if value == value][-cells:]
    most = max([*newest, 1e-9])
    return "".join(BLOCKS[min(7, int(max(0.0, value) / most * 7.999))] for value in newest)


def vitals(now: Vitals | None, records: Sequence[TurnRecord], trace: TurnTrace | None, memory_mb: Sequence[float],
           cells: int) -> Content:
    """How Ingle is doing, `cells` wide."""
    took = [record.timing_ms["total"] for record in records if "total" in record.timing_ms]
    understood = next((each for each in reversed(trace.understood) if each.n_ctx), None) if trace is not None else None
    parts = [_context(understood, cells), _series("Latency", took, "ms", cells), _series("Memory", memory_mb, "MB", cells)]
    if now is not None:
        parts += [_device(now, cells), _budget(now, cells)]
    return Content("\n\n").join(part for part in parts if part)


def _context(what: Understood | None, cells: int) -> Content:
    """The model's room: the sentence and its parse; it is rewound for each sentence, so nothing is ever summed up."""
    if what is None:
        return Content("")
    used = what.n_prompt + what.n_written
    read, written = (max(1, round(n / what.n_ctx * cells)) if n else 0 for n in (what.n_prompt, what.n_written))
    meter = Content.assemble(("█" * read, "$text-primary"), ("█" * written, "$text-accent"),
                             ("░" * max(0, cells - read - written), "$foreground 20%"))
    told = Content.assemble(("read ", "$text-primary"), f"{what.n_prompt}  ", ("written ", "$text-accent"), f"{what.n_written}")
    return Content("\n").join([_head("Context", f"{used} of {what.n_ctx}", cells), meter, told])


def _series(name: str, values: Sequence[float], unit: str, cells: int) -> Content:
    if not values:
        return Content("")
    return Content("\n").join([_head(name, f"{values[-1]:.0f} {unit}", cells),
                               Content.styled(sparkline(values, cells), "$text-accent"),
                               Content.styled(f"at most {max(values):.0f} {unit} in the last {len(values)}", QUIET)])


def _device(now: Vitals, cells: int) -> Content:
    lines = [_head("Power", "mains" if now.charging else "battery", cells)]
    if now.battery_percent is not None:
        level = bar(now.battery_percent / 100, cells - 6, "$text-success")
        lines.append(Content.assemble(level, f" {now.battery_percent:4.0f}%"))
    if now.temperature_c is not None:
        share = now.temperature_c / now.temperature_limit_c if now.temperature_limit_c else 0.0
        style = "$text-error" if share >= 1 else "$text-warning"
        lines.append(_head("Temperature", f"{now.temperature_c:.0f} °C", cells))
        lines.append(bar(share, cells, style))
    return Content("\n").join(lines)


def _budget(now: Vitals, cells: int) -> Content:
    left = max(0.0, now.compute_left_s)
    lines = [_head("Compute left", f"{left:.0f} of {now.compute_s:.0f} s", cells),
             bar(left / now.compute_s if now.compute_s else 0.0, cells, "$text-success")]
    if now.cloud:
        lines.append(_head("Asked outside", f"{now.requests_today} of {now.requests_per_day}", cells))
        lines.append(bar(now.requests_today / now.requests_per_day if now.requests_per_day else 0.0, cells))
    else:
        lines.append(_head("Cloud", "off", cells))
    return Content("\n").join(lines)


def _head(name: str, figure: str, cells: int) -> Content:
    return Content.assemble((name, QUIET), " " * max(1, cells - len(name) - len(figure)), (figure, "bold"))
