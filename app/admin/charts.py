"""Draws the charts as SVG on the server, so that the page needs no script and no other origin."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, log10

from markupsafe import Markup

from app.admin.overview import Bucket

WIDTH, HEIGHT = 720, 200
LEFT, RIGHT, TOP, BOTTOM = 48, 8, 12, 24
LABELS = 6


@dataclass(frozen=True, slots=True)
class Series:
    """One series of numbers: its name in the buckets, and its title."""

    name: str
    title: str


def bars(buckets: Sequence[Bucket], series: Sequence[Series], when: str) -> Markup:
    """A stacked bar chart of counts."""
    top = _nice(max((sum(bucket.values[one.name] for one in series) for bucket in buckets), default=0))
    step = (WIDTH - LEFT - RIGHT) / max(1, len(buckets))
    drawn = []
    for index, bucket in enumerate(buckets):
        level = float(HEIGHT - BOTTOM)
        for one in series:
            height = _scaled(bucket.values[one.name], top)
            level -= height
            if height:
                drawn.append(
                    Markup('<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" rx="1"/>').format(
                        one.name, LEFT + index * step + step * 0.1, level, step * 0.8, height
                    )
                )
        told = ", ".join(f"{bucket.values[one.name]:,.0f} {one.title}" for one in series)
        drawn.append(_hover(index, step, f"{bucket.at.strftime(when)}: {told}"))
    return _chart(drawn, buckets, top, when, step, "")


def lines(buckets: Sequence[Bucket], series: Sequence[Series], when: str) -> Markup:
    """A line chart of seconds."""
    top = _nice(max((value for bucket in buckets for value in bucket.values.values()), default=0))
    step = (WIDTH - LEFT - RIGHT) / max(1, len(buckets))
    drawn = []
    for one in series:
        points = [
            (LEFT + (index + 0.5) * step, HEIGHT - BOTTOM - _scaled(bucket.values[one.name], top))
            for index, bucket in enumerate(buckets)
            if one.name in bucket.values
        ]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        drawn.append(Markup('<polyline class="line {}" points="{}"/>').format(one.name, path))
        drawn += [Markup('<circle class="{}" cx="{:.1f}" cy="{:.1f}" r="2.5"/>').format(one.name, *at) for at in points]
    for index, bucket in enumerate(buckets):
        told = ", ".join(
            f"{one.title} {_seconds(bucket.values[one.name])}" for one in series if one.name in bucket.values
        )
        drawn.append(_hover(index, step, f"{bucket.at.strftime(when)}: {told or 'nothing'}"))
    return _chart(drawn, buckets, top, when, step, " s")


def _chart(drawn: list[Markup], buckets: Sequence[Bucket], top: float, when: str, step: float, unit: str) -> Markup:
    scale = []
    for share in (0, 0.5, 1):
        y = HEIGHT - BOTTOM - _scaled(top * share, top)
        scale.append(
            Markup('<line class="grid" x1="{}" y1="{:.1f}" x2="{}" y2="{:.1f}"/>').format(LEFT, y, WIDTH - RIGHT, y)
        )
        scale.append(
            Markup('<text x="{}" y="{:.1f}" class="left">{:g}{}</text>').format(LEFT - 6, y + 4, top * share, unit)
        )
    every = max(1, ceil(len(buckets) / LABELS))
    for index in range(0, len(buckets), every):
        x = LEFT + (index + 0.5) * step
        scale.append(
            Markup('<text x="{:.1f}" y="{}">{}</text>').format(x, HEIGHT - 6, buckets[index].at.strftime(when))
        )
    return Markup('<svg viewBox="0 0 {} {}" role="img">{}{}</svg>').format(
        WIDTH, HEIGHT, Markup("").join(scale), Markup("").join(drawn)
    )


def _hover(index: int, step: float, told: str) -> Markup:
    return Markup('<rect class="hover" x="{:.1f}" y="{}" width="{:.1f}" height="{}"><title>{}</title></rect>').format(
        LEFT + index * step, TOP, step, HEIGHT - TOP - BOTTOM, told
    )


def _scaled(value: float, top: float) -> float:
    return (HEIGHT - TOP - BOTTOM) * value / top


def _nice(largest: float) -> float:
    """The next round number at or above `largest`."""
    if largest <= 0:
        return 1
    power = 10 ** int(log10(largest) // 1)
    return float(next(factor * power for factor in (1, 2, 4, 5, 10) if factor * power >= largest))


def _seconds(value: float) -> str:
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:,.1f} s"
