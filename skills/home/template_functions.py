"""Home Assistant's template filters, functions and tests that make sense for an MQTT message.

Each takes what a message may hold and raises ValueError with a short reason; `templates` turns that into its own error.
A number filter without a `default` fails on what is not a number, as Home Assistant's do.
"""

from __future__ import annotations

import base64
import json
import math
import re
import statistics
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from .bounded_regex import compiled

_MISSING: Any = object()
MAX_CHARS = 65_536


def _number_or(default: Any, what: str, value: Any, make: Callable[[], Any]) -> Any:
    try:
        return make()
    except (ValueError, TypeError, OverflowError, ZeroDivisionError):
        if default is _MISSING:
            raise ValueError(f"{what} got {str(value)[:40]!r} and no default") from None
        return default


def to_int(value: Any, default: Any = _MISSING, base: int = 10) -> Any:
    def make() -> int:
        if isinstance(value, str) and base != 10:
            return int(value, base)
        try:
            return int(value)
        except ValueError:
            return int(float(value))

    return _number_or(default, "int", value, make)


def to_float(value: Any, default: Any = _MISSING) -> Any:
    return _number_or(default, "float", value, lambda: float(value))


def to_bool(value: Any, default: Any = _MISSING) -> Any:
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if text in {"1", "true", "yes", "on", "enable"}:
        return True
    if text in {"0", "false", "no", "off", "disable"}:
        return False
    if default is _MISSING:
        raise ValueError(f"bool got {str(value)[:40]!r} and no default")
    return default


def round_(value: Any, precision: int = 0, method: str = "common", default: Any = _MISSING) -> Any:
    def make() -> Any:
        number = float(value)
        scale = float(10**precision)
        if method == "ceil":
            rounded = math.ceil(number * scale) / scale
        elif method == "floor":
            rounded = math.floor(number * scale) / scale
        elif method == "half":
            rounded = round(number * 2) / 2
        else:
            rounded = round(number, precision)
        return int(rounded) if precision == 0 and method != "half" else rounded

    return _number_or(default, "round", value, make)


def multiply(value: Any, amount: Any, default: Any = _MISSING) -> Any:
    return _number_or(default, "multiply", value, lambda: float(value) * amount)


def add(value: Any, amount: Any, default: Any = _MISSING) -> Any:
    return _number_or(default, "add", value, lambda: float(value) + amount)


def log(value: Any, base: float = math.e, default: Any = _MISSING) -> Any:
    return _number_or(default, "log", value, lambda: math.log(float(value), base))


def _real(name: str, function: Callable[[float], float]) -> Callable[..., Any]:
    def apply(value: Any, default: Any = _MISSING) -> Any:
        return _number_or(default, name, value, lambda: function(float(value)))

    return apply


def is_number(value: Any) -> bool:
    try:
        return math.isfinite(float(value))
    except (ValueError, TypeError, OverflowError):
        return False


def _numbers(values: tuple[Any, ...]) -> list[Any]:
    found = list(values[0]) if len(values) == 1 and isinstance(values[0], list | tuple) else list(values)
    if not found:
        raise ValueError("no values")
    return found


def smallest(*values: Any) -> Any:
    return min(_numbers(values))


def largest(*values: Any) -> Any:
    return max(_numbers(values))


def average(*values: Any) -> Any:
    return statistics.fmean(_numbers(values))


def median(*values: Any) -> Any:
    return statistics.median(_numbers(values))


def absolute(value: Any) -> Any:
    return abs(value if isinstance(value, int | float) else float(value))


def clamp(value: Any, low: float, high: float) -> Any:
    return max(low, min(high, value if isinstance(value, int | float) else float(value)))


def bitwise_and(first: int, second: int) -> int:
    return int(first) & int(second)


def bitwise_or(first: int, second: int) -> int:
    return int(first) | int(second)


def bitwise_xor(first: int, second: int) -> int:
    return int(first) ^ int(second)


def iif(value: Any, if_true: Any = True, if_false: Any = False, if_none: Any = _MISSING) -> Any:
    if value is None and if_none is not _MISSING:
        return if_none
    return if_true if value else if_false


def regex_match(value: Any, find: str = "", ignorecase: bool = False) -> bool:
    text = str(value)
    return compiled(find, text, ignore_case=ignorecase).match(text) is not None


def regex_search(value: Any, find: str = "", ignorecase: bool = False) -> bool:
    text = str(value)
    return compiled(find, text, ignore_case=ignorecase).search(text) is not None


def regex_replace(value: Any, find: str = "", replace: str = "", ignorecase: bool = False) -> str:
    text = str(value)
    if (len(text) + 1) * (len(replace) + 1) > MAX_CHARS * 16:
        raise ValueError("the result could be too long")
    return compiled(find, text, ignore_case=ignorecase).sub(replace, text)


def regex_findall(value: Any, find: str = "", ignorecase: bool = False) -> list[Any]:
    text = str(value)
    return compiled(find, text, ignore_case=ignorecase).findall(text)


def regex_findall_index(value: Any, find: str = "", index: int = 0, ignorecase: bool = False) -> Any:
    try:
        return regex_findall(value, find, ignorecase)[index]
    except IndexError:
        raise ValueError(f"{find!r} was found fewer than {index + 1} times") from None


def from_json(value: Any, default: Any = _MISSING) -> Any:
    try:
        return json.loads(value)
    except (ValueError, TypeError, RecursionError):
        if default is _MISSING:
            raise ValueError(f"from_json got {str(value)[:40]!r}") from None
        return default


def to_json(value: Any, ensure_ascii: bool = False, pretty_print: bool = False, sort_keys: bool = False) -> str:
    separators = None if pretty_print else (",", ":")
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=2 if pretty_print else None, sort_keys=sort_keys,
                      separators=separators)


def base64_encode(value: Any) -> str:
    return base64.b64encode(value if isinstance(value, bytes) else str(value).encode()).decode()


def base64_decode(value: Any) -> str:
    return base64.b64decode(str(value)).decode("utf-8", "replace")


def ordinal(value: Any) -> str:
    number = int(value)
    suffix = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{suffix}"


def slugify(value: Any, separator: str = "_") -> str:
    return re.sub(r"[^a-z0-9]+", lambda _: separator, str(value).lower()).strip(separator)


def as_datetime(value: Any, default: Any = _MISSING) -> Any:
    """From a timestamp in seconds or an ISO text; a text without zone stays without."""
    try:
        if isinstance(value, datetime):
            return value
        if is_number(value):
            return datetime.fromtimestamp(float(value), UTC)
        return datetime.fromisoformat(str(value))
    except (ValueError, OverflowError, OSError):
        if default is _MISSING:
            raise ValueError(f"as_datetime got {str(value)[:40]!r}") from None
        return default


def as_timestamp(value: Any, default: Any = _MISSING) -> Any:
    """Seconds since 1970."""
    moment = as_datetime(value, None)
    if moment is not None:
        return moment.timestamp()
    if default is _MISSING:
        raise ValueError(f"as_timestamp got {str(value)[:40]!r}")
    return default


def timestamp_custom(value: Any, format_string: str = "%Y-%m-%d %H:%M:%S", local: bool = True, default: Any = _MISSING) -> Any:
    try:
        moment = datetime.fromtimestamp(float(value), UTC)
        return (moment.astimezone() if local else moment).strftime(format_string)
    except (ValueError, TypeError, OverflowError, OSError):
        if default is _MISSING:
            raise ValueError(f"timestamp_custom got {str(value)[:40]!r}") from None
        return default


def timestamp_local(value: Any, default: Any = _MISSING) -> Any:
    return _number_or(default, "timestamp_local", value,
                      lambda: datetime.fromtimestamp(float(value), UTC).astimezone().isoformat())


def timestamp_utc(value: Any, default: Any = _MISSING) -> Any:
    return _number_or(default, "timestamp_utc", value, lambda: datetime.fromtimestamp(float(value), UTC).isoformat())


def strptime(value: Any, format_string: str, default: Any = _MISSING) -> Any:
    try:
        return datetime.strptime(str(value), format_string)
    except (ValueError, TypeError):
        if default is _MISSING:
            raise ValueError(f"strptime got {str(value)[:40]!r}") from None
        return default


def now() -> datetime:
    return datetime.now().astimezone()


def utcnow() -> datetime:
    return datetime.now(UTC)


def is_defined(value: Any) -> Any:
    """Home Assistant's filter: fails on what is missing, so that the message is skipped and the last state stays."""
    if value is None:
        raise ValueError("the value is not defined")
    return value


def contains(value: Any, item: Any) -> bool:
    return item in value


def as_list(value: Any) -> list[Any]:
    return list(value)


def type_name(value: Any) -> str:
    return type(value).__name__


_REAL = {name: _real(name, getattr(math, name)) for name in ("sin", "cos", "tan", "asin", "acos", "atan", "sqrt")}

FILTERS: dict[str, Callable[..., Any]] = {
    "int": to_int, "float": to_float, "bool": to_bool, "round": round_, "multiply": multiply, "add": add, "log": log, **_REAL,
    "is_number": is_number, "min": smallest, "max": largest, "average": average, "median": median, "abs": absolute,
    "clamp": clamp, "bitwise_and": bitwise_and, "bitwise_or": bitwise_or, "bitwise_xor": bitwise_xor, "iif": iif,
    "regex_match": regex_match, "regex_search": regex_search, "regex_replace": regex_replace,
    "regex_findall": regex_findall, "regex_findall_index": regex_findall_index,
    "from_json": from_json, "to_json": to_json, "base64_encode": base64_encode, "base64_decode": base64_decode,
    "ord": ord, "ordinal": ordinal, "slugify": slugify, "as_datetime": as_datetime, "as_timestamp": as_timestamp,
    "timestamp_custom": timestamp_custom, "timestamp_local": timestamp_local, "timestamp_utc": timestamp_utc,
    "strptime": strptime, "is_defined": is_defined, "contains": contains, "typeof": type_name,
}

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "int": to_int, "float": to_float, "bool": to_bool, "is_number": is_number, "iif": iif, "min": smallest, "max": largest,
    "average": average, "median": median, "abs": absolute, "log": log, **_REAL, "now": now, "utcnow": utcnow,
    "as_datetime": as_datetime, "as_timestamp": as_timestamp, "timestamp_custom": timestamp_custom, "strptime": strptime,
    "slugify": slugify, "clamp": clamp, "list": as_list, "typeof": type_name,
}

TESTS: dict[str, Callable[..., Any]] = {
    "is_number": is_number, "match": regex_match, "search": regex_search, "contains": contains,
}

CONSTANTS: dict[str, float] = {"pi": math.pi, "e": math.e, "tau": math.tau}
