"""Draws the charts as SVG on the server, so that the page needs no script and no other origin."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, log10

from markupsafe import Markup

from app.admin.overview import Bucket

WIDTH, HEIGHT = 720, 200
LEFT, RIGHT, TOP, BOTTOM = 48, 8, 12, 24
LABELS = 6
THOUSANDS = ((1e9, "bn"), (1e6, "m"), (1e3, "k"))


@dataclass(frozen=True, slots=True)
class Series:
    """One series of numbers: its name in the buckets, and its title."""

    name: str
    title: str


@dataclass(frozen=True, slots=True)
class Column:
    """A bar of its own: the label below it, its height, and what is told of it."""

    label: str
    value: float
    told: str


@dataclass(frozen=True, slots=True)
class Scale:
    """The vertical scale, from `low` (0 or less) to `top`."""

    top: float
    low: float = 0

    def height(self, value: float) -> float:
        """The height of `value` in pixels."""
        return (HEIGHT - TOP - BOTTOM) * value / (self.top - self.low)

    def y(self, value: float) -> float:
        return HEIGHT - BOTTOM - self.height(value - self.low)


def bars(buckets: Sequence[Bucket], series: Sequence[Series], when: str, title: str) -> Markup:
    """A stacked bar chart of counts."""
    scale = Scale(_nice(max((sum(bucket.values[one.name] for one in series) for bucket in buckets), default=0)))
    step = _step(buckets)
    drawn = []
    for index, bucket in enumerate(buckets):
        level = 0.0
        for one in series:
            value = bucket.values[one.name]
            level += value
            if value:
                drawn.append(_bar(one.name, index, step, scale.y(level), scale.height(value)))
        told = ", ".join(f"{bucket.values[one.name]:,.0f} {one.title}" for one in series)
        drawn.append(_hover(index, step, f"{bucket.at.strftime(when)}: {told}"))
    return _chart(drawn, [bucket.at.strftime(when) for bucket in buckets], scale, title)


def columns(shown: Sequence[Column], name: str, title: str) -> Markup:
    """A bar for each column. Those of values below 0 hang from the line."""
    lowest = min((one.value for one in shown), default=0)
    scale = Scale(_nice(max((one.value for one in shown), default=0)), -_nice(-lowest) if lowest < 0 else 0)
    step = _step(shown)
    drawn = []
    for index, one in enumerate(shown):
        if one.value:
            drawn.append(_bar(name, index, step, scale.y(max(one.value, 0)), scale.height(abs(one.value))))
        drawn.append(_hover(index, step, f"{one.label}: {one.told}"))
    return _chart(drawn, [one.label for one in shown], scale, title)


def lines(buckets: Sequence[Bucket], series: Sequence[Series], when: str, title: str, unit: str = " s") -> Markup:
    """A line chart of times, in seconds or another unit."""
    scale = Scale(_nice(max((value for bucket in buckets for value in bucket.values.values()), default=0)))
    step = _step(buckets)
    drawn = []
    for one in series:
        points = [
            (LEFT + (index + 0.5) * step, scale.y(bucket.values[one.name]))
            for index, bucket in enumerate(buckets)
            if one.name in bucket.values
        ]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        drawn.append(Markup('<polyline class="line {}" points="{}"/>').format(one.name, path))
        drawn += [Markup('<circle class="{}" cx="{:.1f}" cy="{:.1f}" r="2.5"/>').format(one.name, *at) for at in points]
    for index, bucket in enumerate(buckets):
        told = ", ".join(
            f"{one.title} {_time(bucket.values[one.name], unit)}" for one in series if one.name in bucket.values
        )
        drawn.append(_hover(index, step, f"{bucket.at.strftime(when)}: {told or 'nothing'}"))
    return _chart(drawn, [bucket.at.strftime(when) for bucket in buckets], scale, title, unit)


def _chart(drawn: Sequence[Markup], labels: Sequence[str], scale: Scale, title: str, unit: str = "") -> Markup:
    grid = []
    for value in (scale.low, 0, scale.top) if scale.low else (0, scale.top * 0.5, scale.top):
        y = scale.y(value)
        grid.append(
            Markup('<line class="grid" x1="{}" y1="{:.1f}" x2="{}" y2="{:.1f}"/>').format(LEFT, y, WIDTH - RIGHT, y)
        )
        grid.append(
            Markup('<text x="{}" y="{:.1f}" class="left">{}{}</text>').format(LEFT - 6, y + 4, _rounded(value), unit)
        )
    step = _step(labels)
    for index in range(0, len(labels), max(1, ceil(len(labels) / LABELS))):
        x = LEFT + (index + 0.5) * step
        grid.append(Markup('<text x="{:.1f}" y="{}">{}</text>').format(x, HEIGHT - 6, labels[index]))
    return Markup('<svg viewBox="0 0 {} {}" role="img" aria-label="{}">{}{}</svg>').format(
        WIDTH, HEIGHT, title, Markup("").join(grid), Markup("").join(drawn)
    )


def _step(shown: Sequence[object]) -> float:
    return (WIDTH - LEFT - RIGHT) / max(1, len(shown))


def _bar(name: str, index: int, step: float, y: float, height: float) -> Markup:
    return Markup('<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" rx="1"/>').format(
        name, LEFT + index * step + step * 0.1, y, step * 0.8, height
    )


def _hover(index: int, step: float, told: str) -> Markup:
    return Markup('<rect class="hover" x="{:.1f}" y="{}" width="{:.1f}" height="{}"><title>{}</title></rect>').format(
        LEFT + index * step, TOP, step, HEIGHT - TOP - BOTTOM, told
    )


def _nice(largest: float) -> float:
    """The next round number at or above `largest`."""
    if largest <= 0:
        return 1
    power = 10 ** int(log10(largest) // 1)
    return float(next(factor * power for factor in (1, 2, 4, 5, 10) if factor * power >= largest))


def _rounded(value: float) -> str:
    """A round number, short enough to stand beside the chart."""
    divisor, letter = next(((one, letter) for one, letter in THOUSANDS if abs(value) >= one), (1, ""))
    return f"{value / divisor:g}{letter}"


def _time(value: float, unit: str) -> str:
    return f"{value * 1000:.0f} ms" if unit == " s" and value < 1 else f"{value:,.1f}{unit}"
