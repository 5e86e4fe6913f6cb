"""docs/benchmarks.svg: throughput and p99 by number of tenants, through the gateway.

Drawn by hand, so that it needs no library, and follows the reader's light or dark.
"""

import math
from collections.abc import Callable, Sequence
from html import escape
from typing import Final, NamedTuple

from tests.bench.plan import KINDS, P99_MS
from tests.bench.results import Result

WIDTH: Final = 860
HEIGHT: Final = 380
_TOP: Final = 92
_BOTTOM: Final = 328
_PANELS: Final = ((64, 408), (500, 844))

_STYLE: Final = """
  svg { --ink: #1f2328; --faint: #59636e; --line: #d1d9e0; --paper: #ffffff;
        --c0: #0550ae; --c1: #bc4c00; --c2: #116329; --c3: #8250df; --c4: #a40e26; }
  @media (prefers-color-scheme: dark) {
    svg { --ink: #f0f6fc; --faint: #9198a1; --line: #3d444d; --paper: #0d1117;
          --c0: #79c0ff; --c1: #ffa657; --c2: #7ee787; --c3: #d2a8ff; --c4: #ff7b72; }
  }
  text { font: 12px system-ui, sans-serif; fill: var(--faint); }
  .title { font-size: 14px; font-weight: 600; fill: var(--ink); }
  .grid { stroke: var(--line); stroke-width: 1; }
  .aim { stroke: var(--faint); stroke-width: 1; stroke-dasharray: 4 4; }
  .series { fill: none; stroke-width: 2; }
"""


class _Line(NamedTuple):
    name: str
    points: list[tuple[int, float]]


class _Panel(NamedTuple):
    title: str
    read: Callable[[Result], float]
    aim: float | None


def draw(results: Sequence[Result]) -> str:
    """The SVG. With the most token processes that were measured."""
    shown = [
        result for result in results if result.path == "gateway" and KINDS[result.work].service == "token"
    ]
    workers = max((result.workers for result in shown), default=1)
    shown = [result for result in shown if result.workers == workers]
    works = list(dict.fromkeys(result.work for result in shown))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"'
        ' aria-labelledby="title description">',
        '<title id="title">Throughput and p99 latency by number of tenants</title>',
        f'<desc id="description">{escape(_description(shown))}</desc>',
        f"<style>{_STYLE}</style>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="var(--paper)"/>',
        *_legend(works, workers),
    ]
    panels = (
        _Panel("Requests a second", lambda result: result.throughput.median, None),
        _Panel("p99, milliseconds", lambda result: result.p99_ms, P99_MS),
    )
    for panel, edges in zip(panels, _PANELS, strict=True):
        lines = [
            _Line(work, [(each.tenants, panel.read(each)) for each in shown if each.work == work])
            for work in works
        ]
        parts += _panel(panel, lines, *edges)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _legend(works: Sequence[str], workers: int) -> list[str]:
    parts = [
        f'<text class="title" x="16" y="26">Through the gateway, {workers} token '
        f"process{'es' if workers > 1 else ''}, 32 connections</text>"
    ]
    x = 16
    for place, work in enumerate(works):
        parts.append(f'<circle cx="{x + 5}" cy="46" r="5" fill="var(--c{place % 5})"/>')
        parts.append(f'<text x="{x + 15}" y="50">{escape(work)}</text>')
        x += 34 + 7 * len(work)
    return parts


def _panel(panel: _Panel, lines: Sequence[_Line], left: int, right: int) -> list[str]:
    tenants = sorted({at for line in lines for at, _ in line.points})
    top = _nice(max([value for line in lines for _, value in line.points] + [panel.aim or 0, 1]))

    def x(at: int) -> float:
        if len(tenants) < 2:
            return (left + right) / 2
        low, high = math.log(tenants[0]), math.log(tenants[-1])
        return left + 24 + (right - left - 48) * (math.log(at) - low) / (high - low)

    def y(value: float) -> float:
        return _BOTTOM - (_BOTTOM - _TOP) * value / top

    parts = [f'<text class="title" x="{left}" y="{_TOP - 14}">{panel.title}</text>']
    for step in range(5):
        value = top * step / 4
        parts.append(
            f'<line class="grid" x1="{left}" x2="{right}" y1="{y(value):.1f}" y2="{y(value):.1f}"/>'
            f'<text x="{left - 8}" y="{y(value) + 4:.1f}" text-anchor="end">{value:,g}</text>'
        )
    if panel.aim is not None:
        parts.append(
            f'<line class="aim" x1="{left}" x2="{right}" y1="{y(panel.aim):.1f}" y2="{y(panel.aim):.1f}"/>'
            f'<text x="{right}" y="{_TOP - 14}" text-anchor="end">dashed: the aim, below {panel.aim:g}</text>'
        )
    parts += [
        f'<text x="{x(at):.1f}" y="{_BOTTOM + 20}" text-anchor="middle">{at:,}</text>' for at in tenants
    ]
    parts.append(f'<text x="{(left + right) / 2}" y="{_BOTTOM + 40}" text-anchor="middle">tenants</text>')
    for place, line in enumerate(lines):
        colour = f"var(--c{place % 5})"
        path = " ".join(f"{x(at):.1f},{y(value):.1f}" for at, value in line.points)
        parts.append(f'<polyline class="series" stroke="{colour}" points="{path}"/>')
        parts += [
            f'<circle cx="{x(at):.1f}" cy="{y(value):.1f}" r="4" fill="{colour}">'
            f"<title>{escape(line.name)}, {at:,} tenants: {value:,g}</title></circle>"
            for at, value in line.points
        ]
    return parts


def _nice(value: float) -> float:
    """The next 1, 2, 4 or 8 times a power of ten: four even steps."""
    power = 10.0 ** math.floor(math.log10(value))
    steps = [step * power for step in (1, 2, 4, 8, 10)]
    return min(step for step in steps if step >= value)


def _description(results: Sequence[Result]) -> str:
    return "; ".join(
        f"{result.work} with {result.tenants:,} tenants: {result.throughput.median:,g} requests a second, "
        f"p99 {result.p99_ms:g} ms"
        for result in results
    )
