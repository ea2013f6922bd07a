"""A figure as data: what each panel shows, on which axes and under which words; and the figure again from it.

Read from the drawn figure itself, so that no figure can be without its data. Where a place is not in the units of the axes, `frame` says so
(x and y: data, or a share of the panel).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from osteon.report.figures.style import styled

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DIGITS = 10
Plain = dict[str, Any]


def described(figure: Figure, *, drawn: bool = False) -> Plain:
    """Size in inches, words of the whole figure, and its panels with their axes and series, as plain data without NaN; `drawn` where a file was made of it already."""
    if not drawn:
        figure.draw_without_rendering()
    width, height = figure.get_size_inches()
    whole = {"title": figure.get_suptitle(), "x": figure.get_supxlabel(), "y": figure.get_supylabel(), "stamp": next((t.get_text() for t in figure.texts if t.get_gid() == "stamp"), "")}
    return _finite({"width": width, "height": height, "words": whole, "panels": [_panel(figure, at) for at in figure.axes if at.has_data() or at.texts or at.patches]})


def _panel(figure: Figure, at: Axes) -> Plain:
    place = at.bbox.transformed(figure.transFigure.inverted()).bounds
    axes = {name: {"label": axis.get_label_text(), "limits": getattr(at, f"get_{name}lim")(), "scale": axis.get_scale(), "ticks": _ticks(axis)} for name, axis in (("x", at.xaxis), ("y", at.yaxis))}
    titles = [at.get_title(loc=side) for side in ("left", "center", "right")]
    legend = at.get_legend()
    return {"place": place, "title": next(filter(None, titles), ""), **axes, "frame": bool(at.axison), "equal": at.get_aspect() == 1.0,
            "legend": [t.get_text() for t in legend.get_texts()] if legend else [], "series": list(_series(at))}


def _ticks(axis: Any) -> list[Plain]:
    """Where the ticks within the limits stand and what they say."""
    low, high = sorted(axis.get_view_interval())
    shown = zip(axis.get_ticklocs(), axis.get_ticklabels(), strict=False)
    return [{"at": float(at), "says": label.get_text()} for at, label in shown if low - 1e-9 <= at <= high + 1e-9]


def _series(at: Axes) -> Iterator[Plain]:
    for artist in at.get_children():
        read = next((of for kind, of in _readers().items() if isinstance(artist, kind)), None)
        if read is not None and artist is not at.patch and artist.get_visible() and artist not in at.spines.values():
            found = read(artist, at)
            if found:
                yield {**found, **_common(artist)}


def _common(artist: Artist) -> Plain:
    alpha = artist.get_alpha()
    label = str(artist.get_label())
    return {"order": artist.get_zorder(), **({"alpha": alpha} if alpha is not None else {}), **({"label": label} if label and not label.startswith("_") else {})}


def _frame(artist: Artist, at: Axes) -> Plain:
    """Which of x and y are in data units."""
    within = artist.get_transform().contains_branch_seperately(at.transData)
    return {} if all(within) else {"frame": ["data" if here else "panel" for here in within]}


def _readers() -> dict[type, Callable[[Any, Axes], Plain]]:
    from matplotlib.collections import LineCollection, PathCollection, PolyCollection
    from matplotlib.image import AxesImage
    from matplotlib.lines import Line2D
    from matplotlib.patches import Rectangle
    from matplotlib.text import Annotation, Text

    return {Line2D: _line, PathCollection: _points, LineCollection: _segments, PolyCollection: _area, Rectangle: _box, Annotation: _arrow, Text: _text, AxesImage: _image}


def _line(line: Any, at: Axes) -> Plain:
    """A curve or marks: x, y, and how they look."""
    look = {"colour": _colour(line.get_color()), "width": line.get_linewidth(), "style": _dashes(line), "steps": line.get_drawstyle()}
    mark = {"marker": line.get_marker(), "size": line.get_markersize(), "fill": _colour(line.get_markerfacecolor()), "edge": _colour(line.get_markeredgecolor()), "edge_width": line.get_markeredgewidth()}
    x, y = (np.broadcast_to(np.asarray(v, float), (len(line.get_xdata()),)).tolist() for v in (line.get_xdata(), line.get_ydata()))
    return {"kind": "line", "x": x, "y": y, **_frame(line, at), **look, **(mark if mark["marker"] not in ("None", None, "", " ") else {})}


def _dashes(line: Any) -> Any:
    offset, pattern = line._unscaled_dash_pattern if hasattr(line, "_unscaled_dash_pattern") else (0, None)
    return line.get_linestyle() if pattern is None else [offset, list(pattern)]


def _points(points: Any, at: Axes) -> Plain:
    places = np.ma.getdata(points.get_offsets())
    return {"kind": "points", "x": places[:, 0].tolist(), "y": places[:, 1].tolist(), "fill": _first(points.get_facecolor()), "edge": _first(points.get_edgecolor()),
            "size": float(points.get_sizes()[0]), "edge_width": float(np.atleast_1d(points.get_linewidths())[0]), "shape": points.get_paths()[0].vertices.tolist()}


def _segments(lines: Any, at: Axes) -> Plain:
    return {"kind": "segments", "ends": [s.tolist() for s in lines.get_segments()], "colour": _first(lines.get_color()), "width": float(np.atleast_1d(lines.get_linewidths())[0])}


def _area(area: Any, at: Axes) -> Plain:
    """A band, as the corners of its outline."""
    return {"kind": "area", "corners": [p.vertices.tolist() for p in area.get_paths()], "fill": _first(area.get_facecolor())}


def _box(box: Any, at: Axes) -> Plain:
    x, y = box.get_xy()
    look = {"fill": _colour(box.get_facecolor()), "edge": _colour(box.get_edgecolor()), "edge_width": box.get_linewidth(), **({"hatch": box.get_hatch()} if box.get_hatch() else {})}
    return {"kind": "box", "x": x, "y": y, "width": box.get_width(), "height": box.get_height(), **_box_frame(box, at), **look}


def _box_frame(box: Any, at: Axes) -> Plain:
    within = box.get_data_transform().contains_branch_seperately(at.transData)
    return {} if all(within) else {"frame": ["data" if here else "panel" for here in within]}


def _text(text: Any, at: Axes) -> Plain:
    if not text.get_text() or text in _titles(at):
        return {}
    x, y = text.get_position()
    return {"kind": "text", "x": float(x), "y": float(y), "says": text.get_text(), **_frame(text, at), **_letters(text)}


def _titles(at: Axes) -> tuple[Any, ...]:
    """The three titles of a panel, which matplotlib keeps among its texts."""
    return (at.title, getattr(at, "_left_title", None), getattr(at, "_right_title", None))


def _letters(text: Any) -> Plain:
    return {"colour": _colour(text.get_color()), "size": text.get_fontsize(), "weight": text.get_fontweight(), "across": text.get_horizontalalignment(), "up": text.get_verticalalignment()}


def _arrow(note: Any, at: Axes) -> Plain:
    """A note beside a place, or an arrow to it."""
    x, y = note.xy
    units = {"data": ["data", "data"], "axes fraction": ["panel", "panel"]}
    frame = units.get(note.xycoords) if isinstance(note.xycoords, str) else [units[c][k] for k, c in enumerate(note.xycoords)]
    known = {} if frame == ["data", "data"] else {"frame": frame}
    if note.arrowprops is not None:
        return {"kind": "arrow", "from": [float(v) for v in note.xyann], "to": [float(x), float(y)], **known, "says": note.get_text(), "colour": note.arrowprops.get("color", "black")}
    return {"kind": "note", "x": float(x), "y": float(y), "says": note.get_text(), "off": [float(v) for v in note.xyann], **known, **_letters(note)}


def _image(image: Any, at: Axes) -> Plain:
    return {"kind": "image", "values": np.asarray(image.get_array(), float).tolist(), "extent": [float(v) for v in image.get_extent()]}


def _colour(colour: Any) -> str:
    from matplotlib.colors import to_hex

    return "none" if isinstance(colour, str) and colour == "none" else to_hex(colour, keep_alpha=True)


def _first(colours: Any) -> str:
    return _colour(colours[0]) if len(colours) else "none"


def _finite(data: Any) -> Any:
    """The same in words and numbers that JSON holds; what is not a number is null."""
    if isinstance(data, Mapping):
        return {k: _finite(v) for k, v in data.items()}
    if isinstance(data, (list, tuple)):
        return [_finite(v) for v in data]
    if isinstance(data, (bool, str)) or data is None:
        return data
    value = float(data)
    return (int(value) if value == int(value) and abs(value) < 1e15 else float(f"{value:.{DIGITS}g}")) if math.isfinite(value) else None


@styled
def redrawn(data: Mapping[str, Any]) -> Figure:
    """The figure that `described` read."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(data["width"], data["height"]))
    words = data["words"]
    for way, said in ((figure.suptitle, words["title"]), (figure.supxlabel, words["x"]), (figure.supylabel, words["y"])):
        if said:
            way(said, fontsize=8.5)
    if words["stamp"]:
        figure.text(0.995, 0.01, words["stamp"], ha="right", va="bottom", fontsize=7, gid="stamp")
    for panel in data["panels"]:
        _redraw(figure, panel)
    return figure


def _redraw(figure: Figure, panel: Mapping[str, Any]) -> None:
    at = figure.add_axes(panel["place"])
    for series in panel["series"]:
        _artist(at, {k: _number(v) for k, v in series.items()})
    for name in ("x", "y"):
        axis = panel[name]
        at.set(**{f"{name}scale": axis["scale"], f"{name}lim": axis["limits"], f"{name}label": axis["label"]})
        getattr(at, f"set_{name}ticks")([t["at"] for t in axis["ticks"]], [t["says"] for t in axis["ticks"]])
    at.set_title(panel["title"], loc="left")
    if panel["legend"]:
        at.legend()
    if not panel["frame"]:
        at.set_axis_off()


def _number(value: Any) -> Any:
    """Numbers with NaN for null."""
    return [np.nan if v is None else v for v in value] if isinstance(value, list) else value


def _artist(at: Axes, s: Plain) -> None:
    from matplotlib.collections import LineCollection, PolyCollection
    from matplotlib.patches import Rectangle
    from matplotlib.path import Path

    way = _way(at, s)
    more = {"zorder": s["order"], **({"alpha": s["alpha"]} if "alpha" in s else {}), **({"label": s["label"]} if "label" in s else {})}
    if s["kind"] == "line":
        mark = {"marker": s["marker"], "ms": s["size"], "mfc": s["fill"], "mec": s["edge"], "mew": s["edge_width"]} if "marker" in s else {}
        style = s["style"] if isinstance(s["style"], str) else (s["style"][0], tuple(s["style"][1]))
        at.plot(s["x"], s["y"], color=s["colour"], lw=s["width"], ls=style, drawstyle=s["steps"], transform=way, **mark, **more)
    elif s["kind"] == "points":
        at.scatter(s["x"], s["y"], s=s["size"], facecolor=s["fill"], edgecolor=s["edge"], lw=s["edge_width"], marker=Path(np.asarray(s["shape"])), **more)
    elif s["kind"] == "segments":
        at.add_collection(LineCollection([np.asarray(e, float) for e in s["ends"]], colors=s["colour"], linewidths=s["width"], **more))
    elif s["kind"] == "area":
        at.add_collection(PolyCollection([np.asarray(c, float) for c in s["corners"]], closed=False, facecolors=s["fill"], **more))
    elif s["kind"] == "box":
        at.add_patch(Rectangle((s["x"], s["y"]), s["width"], s["height"], facecolor=s["fill"], edgecolor=s["edge"], lw=s["edge_width"], hatch=s.get("hatch"), transform=way, **more))
    elif s["kind"] == "image":
        at.imshow(np.asarray(s["values"], float), extent=s["extent"], aspect="auto", cmap="Blues", **more)
    else:
        _words(at, s, more)


def _words(at: Axes, s: Plain, more: Plain) -> None:
    frame: Any = tuple({"data": "data", "panel": "axes fraction"}[f] for f in s.get("frame", ("data", "data")))
    if s["kind"] == "arrow":
        at.annotate(s["says"], s["to"], s["from"], xycoords=frame, arrowprops={"arrowstyle": "-|>", "color": s["colour"], "lw": 0.8, "shrinkA": 0, "shrinkB": 0}, **more)
        return
    letters = {"color": s["colour"], "fontsize": s["size"], "weight": s["weight"], "ha": s["across"], "va": s["up"], **more}
    if s["kind"] == "note":
        at.annotate(s["says"], (s["x"], s["y"]), xytext=s["off"], xycoords=frame, textcoords="offset points", **letters)
    else:
        at.text(s["x"], s["y"], s["says"], transform=_way(at, s), **letters)


def _way(at: Axes, s: Plain) -> Any:
    """The transform of the frame of a series."""
    ways = {("data", "data"): at.transData, ("panel", "data"): at.get_yaxis_transform(), ("data", "panel"): at.get_xaxis_transform(), ("panel", "panel"): at.transAxes}
    return ways[tuple(s.get("frame", ("data", "data")))]
