"""Draws a packed model's graph as SVG, without Graphviz.

Boxes stand in layers, top to bottom: a box lies one layer below the lowest box that it reads. An edge to the
next layer runs through the gap between the two; an edge that skips layers, a residual for example, runs down
a lane beside the boxes. All lines are horizontal or vertical and cross no box.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

from bmx.commands.support.graph import Box, boxes_of, count, size, totals_of

CHARACTER, LINE, PADDING = 7.3, 16, 10  # of the text in a box, in pixels
BETWEEN_BOXES, BETWEEN_TRACKS, GAP, MARGIN = 28, 9, 26, 24
PORT = 14  # between the ends of lines at a box
FILL = {"input": "#ffffff", "output": "#ffffff", "binary": "#cfe3ff", "float": "#ffe2c4", "none": "#ededed"}
LEGEND = [("binary", "products of bits"), ("float", "float products"), ("none", "no multiplications")]
# By dtype of the value; others are gray.
STROKE = dict.fromkeys(("bits", *(f"u{bits}" for bits in range(1, 9))), "#1f5fbf")
STYLE = """
  text { font: 12px "DejaVu Sans Mono", Menlo, Consolas, monospace; fill: #222 }
  .title { font-weight: bold }
  rect { stroke: #666 }
  polyline { fill: none; stroke-width: 1.5; stroke-linejoin: round }
"""


@dataclass
class Place:
    """The place of a box in the drawing."""

    layer: int
    width: float
    height: float
    x: float = 0.0  # of the left edge
    y: float = 0.0

    @property
    def center(self) -> float:
        """Horizontal middle of the box."""
        return self.x + self.width / 2

    @property
    def right(self) -> float:
        """Right edge of the box."""
        return self.x + self.width

    @property
    def bottom(self) -> float:
        """Lower edge of the box."""
        return self.y + self.height


@dataclass
class Edge:
    """A line from a box to a box; `lane` if it skips layers."""

    source: int
    target: int
    dtype: str
    lane: int | None = None
    out_x: float = 0.0  # of its ends
    in_x: float = 0.0


def to_svg(description: dict[str, Any]) -> str:
    """The graph of `Model.info()` as an SVG document; readable for some hundreds of nodes."""
    boxes = boxes_of(description)
    places = _places(boxes)
    edges = [Edge(source, target, dtype) for target, box in enumerate(boxes) for source, dtype in box.sources]
    _assign_lanes(edges, places)
    _set_ports(edges, places)
    left, right = min(place.x for place in places), max(place.right for place in places)
    lanes = 1 + max((edge.lane for edge in edges if edge.lane is not None), default=-1)
    lane_x = [right + BETWEEN_BOXES + lane * BETWEEN_TRACKS for lane in range(lanes)]
    tracks = _tracks(edges, places, lane_x)
    bottom = _set_rows(places, tracks)
    body = [
        *(_line(edge, index, places, lane_x, tracks) for index, edge in enumerate(edges)),
        *(_rectangle(box, place) for box, place in zip(boxes, places)),
    ]
    return _document(description, body, left, max([right, *lane_x]), bottom)


def _places(boxes: list[Box]) -> list[Place]:
    """Layers, sizes and horizontal positions."""
    layers = _layers(boxes)
    places = []
    for box, layer in zip(boxes, layers):
        width = CHARACTER * max(map(len, box.lines)) + 2 * PADDING
        places.append(Place(layer, width, LINE * len(box.lines) + PADDING))
    rows: dict[int, list[int]] = defaultdict(list)
    for index, layer in enumerate(layers):
        rows[layer].append(index)
    for layer in sorted(rows):
        row = rows[layer]
        row.sort(key=lambda index: _barycenter(boxes[index], places))
        x = -(sum(places[index].width for index in row) + BETWEEN_BOXES * (len(row) - 1)) / 2
        for index in row:
            places[index].x = x
            x += places[index].width + BETWEEN_BOXES
    return places


def _layers(boxes: list[Box]) -> list[int]:
    """The length of the longest path to each box."""
    layers = [0] * len(boxes)
    waiting = [len(box.sources) for box in boxes]
    readers: dict[int, list[int]] = defaultdict(list)
    for index, box in enumerate(boxes):
        for source, _ in box.sources:
            readers[source].append(index)
    ready = [index for index, left in enumerate(waiting) if left == 0]
    while ready:
        source = ready.pop()
        for index in readers[source]:
            layers[index] = max(layers[index], layers[source] + 1)
            waiting[index] -= 1
            if waiting[index] == 0:
                ready.append(index)
    return layers


def _barycenter(box: Box, places: list[Place]) -> float:
    """The mean position of what it reads, so that lines cross little."""
    return sum(places[source].center for source, _ in box.sources) / max(len(box.sources), 1)


def _assign_lanes(edges: list[Edge], places: list[Place]) -> None:
    """Short edges get the inner lanes; edges of one lane do not overlap."""
    taken: list[list[tuple[int, int]]] = []

    def span(edge: Edge) -> int:
        return places[edge.target].layer - places[edge.source].layer

    for edge in sorted(edges, key=span):
        if span(edge) < 2:
            continue
        begin, end = places[edge.source].layer, places[edge.target].layer
        edge.lane = _first_free(taken, begin, end)


def _first_free(taken: list[list[Any]], begin: Any, end: Any) -> int:
    """The first list in which nothing touches [begin, end]; enters it there."""
    for index, ranges in enumerate(taken):
        if all(other[1] < begin or end < other[0] for other in ranges):
            ranges.append((begin, end))
            return index
    taken.append([(begin, end)])
    return len(taken) - 1


def _set_ports(edges: list[Edge], places: list[Place]) -> None:
    """Lines of lanes end at the right of a box, others around its middle, in the order of their far ends."""
    leaving: dict[int, list[Edge]] = defaultdict(list)
    entering: dict[int, list[Edge]] = defaultdict(list)
    for edge in edges:
        leaving[edge.source].append(edge)
        entering[edge.target].append(edge)
    for index, group in leaving.items():
        group.sort(key=lambda edge: (edge.lane is not None, edge.lane or 0, places[edge.target].center))
        for edge, x in zip(group, _ports(places[index], group)):
            edge.out_x = x
    for index, group in entering.items():
        group.sort(key=lambda edge: (edge.lane is not None, edge.lane or 0, places[edge.source].center))
        for edge, x in zip(group, _ports(places[index], group)):
            edge.in_x = x


def _ports(place: Place, group: list[Edge]) -> list[float]:
    near = sum(edge.lane is None for edge in group)
    far = len(group) - near
    step = min(PORT, place.width / (len(group) + 1))
    middle = [place.center + (i - (near - 1) / 2) * step for i in range(near)]
    aside = [place.right - step * (far - i) for i in range(far)]
    return middle + aside


def _tracks(
    edges: list[Edge], places: list[Place], lane_x: list[float]
) -> dict[int, dict[tuple[int, str], int]]:
    """By gap (the one below a layer): the track of each horizontal line; lines of a track do not overlap."""
    tracks: dict[int, dict[tuple[int, str], int]] = defaultdict(dict)
    taken: dict[int, list[list[tuple[float, float]]]] = defaultdict(list)
    for index, edge in enumerate(edges):
        above, below = places[edge.source].layer, places[edge.target].layer - 1
        if edge.lane is None:
            lines = [("whole", above, edge.out_x, edge.in_x)] if abs(edge.out_x - edge.in_x) > 1 else []
        else:
            lines = [
                ("out", above, edge.out_x, lane_x[edge.lane]),
                ("in", below, edge.in_x, lane_x[edge.lane]),
            ]
        for end, gap, a, b in lines:
            tracks[gap][index, end] = _first_free(taken[gap], min(a, b), max(a, b))
    return tracks


def _set_rows(places: list[Place], tracks: dict[int, dict[tuple[int, str], int]]) -> float:
    """Vertical positions; returns the lower edge of the drawing."""
    y = 0.0
    for layer in range(1 + max(place.layer for place in places)):
        row = [place for place in places if place.layer == layer]
        for place in row:
            place.y = y
        y = max(place.bottom for place in row)
        y += GAP + BETWEEN_TRACKS * (1 + max(tracks[layer].values(), default=-1))
    return y - GAP


def _track_y(layer: int, track: int, places: list[Place]) -> float:
    return max(p.bottom for p in places if p.layer == layer) + 8 + BETWEEN_TRACKS * track


def _line(
    edge: Edge,
    index: int,
    places: list[Place],
    lane_x: list[float],
    tracks: dict[int, dict[tuple[int, str], int]],
) -> str:
    source, target = places[edge.source], places[edge.target]
    points = [(edge.out_x, source.bottom)]
    if edge.lane is not None:
        y = _track_y(source.layer, tracks[source.layer][index, "out"], places)
        points += [(edge.out_x, y), (lane_x[edge.lane], y)]
        y = _track_y(target.layer - 1, tracks[target.layer - 1][index, "in"], places)
        points += [(lane_x[edge.lane], y), (edge.in_x, y)]
    elif (index, "whole") in tracks[source.layer]:
        y = _track_y(source.layer, tracks[source.layer][index, "whole"], places)
        points += [(edge.out_x, y), (edge.in_x, y)]
    points.append((edge.in_x, target.y))
    text = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    color = STROKE.get(edge.dtype, "#777777")
    arrow = "bits" if edge.dtype in STROKE else "numbers"
    return f'<polyline points="{text}" stroke="{color}" marker-end="url(#{arrow})"/>'


def _rectangle(box: Box, place: Place) -> str:
    corner = 10 if box.kind in ("input", "output") else 3
    parts = [
        f'<g><title>{escape(chr(10).join(box.details or box.lines))}</title><rect x="{place.x:.1f}" '
        f'y="{place.y:.1f}" width="{place.width:.1f}" height="{place.height:.1f}" rx="{corner}" '
        f'fill="{FILL[box.kind]}"/>'
    ]
    for number, line in enumerate(box.lines):
        y = place.y + PADDING / 2 + LINE * number + 12
        style = ' class="title"' if number == 0 else ""
        parts.append(f'<text x="{place.x + PADDING:.1f}" y="{y:.1f}"{style}>{escape(line)}</text>')
    return "".join([*parts, "</g>"])


def _document(description: dict[str, Any], body: list[str], left: float, right: float, bottom: float) -> str:
    totals = totals_of(description["nodes"])
    heading = (
        f"{description['name']}: {size(totals['weight_bytes'])} of weights, "
        f"{count(totals['macs']['binary'])} binary and {count(totals['macs']['float'])} float MACs"
    )
    header = 64
    # The heading and the legend may be wider than the graph.
    width = max(right - left, CHARACTER * max(len(heading) + 2, 66)) + 2 * MARGIN
    height = bottom + header + 2 * MARGIN
    markers = "".join(
        f'<marker id="{name}" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" '
        'orient="auto">'
        f'<path d="M0,0 L8,4 L0,8 z" fill="{color}"/></marker>'
        for name, color in (("bits", STROKE["bits"]), ("numbers", "#777777"))
    )
    legend = []
    for number, (kind, text) in enumerate(LEGEND):
        x = number * 160
        legend.append(f'<rect x="{x}" y="14" width="12" height="12" fill="{FILL[kind]}"/>')
        legend.append(f'<text x="{x + 18}" y="24">{text}</text>')
    legend.append(f'<polyline points="0,42 24,42" stroke="{STROKE["bits"]}" marker-end="url(#bits)"/>')
    legend.append('<text x="32" y="46">bits</text>')
    legend.append('<polyline points="80,42 104,42" stroke="#777777" marker-end="url(#numbers)"/>')
    legend.append('<text x="112" y="46">numbers</text>')
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
            f'viewBox="0 0 {width:.0f} {height:.0f}">',
            f"<style>{STYLE}</style><defs>{markers}</defs>",
            '<rect width="100%" height="100%" fill="#ffffff" style="stroke: none"/>',
            f'<g transform="translate({MARGIN},{MARGIN})"><text class="title" y="4">{escape(heading)}</text>',
            *legend,
            "</g>",
            f'<g transform="translate({MARGIN - left:.1f},{MARGIN + header})">',
            *body,
            "</g>",
            "</svg>",
            "",
        ]
    )
