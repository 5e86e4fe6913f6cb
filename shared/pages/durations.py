"""Durations as people write them."""

import re
from typing import Final

_UNITS: Final = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))
_WRITTEN: Final = re.compile(r"([0-9]{1,9})\s*([a-z]*)", re.ASCII)


def say_duration(seconds: int) -> str:
    """604800 → 7 days; what is no whole number of a unit is said in the next smaller one."""
    for unit, size in _UNITS:
        if seconds >= size and seconds % size == 0:
            count = seconds // size
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return "0 seconds"


def parse_duration(text: str) -> int | None:
    """`7 days`, `36h`, `90 min` → seconds; a number alone is seconds. None where it is not a duration."""
    written = _WRITTEN.fullmatch(text.strip().lower())
    if written is None:
        return None
    unit = written[2].removesuffix("s") or "second"
    sizes = (size for name, size in _UNITS if name.startswith(unit))
    size = next(sizes, None)
    return None if size is None else int(written[1]) * size
