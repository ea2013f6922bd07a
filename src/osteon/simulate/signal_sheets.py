"""One sheet a simulator of signals, tables or shapes: cases over its range, two sites, one confounded, with their truth.

`python -m osteon.simulate.signal_sheets gait docs/contact/gait.jpg` draws one; the names are those of `SHEETS`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import fill
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from osteon.simulate import biofactor, gait, growing_spine, hand_motion, notes, omics, survival
from osteon.simulate.card import Card
from osteon.simulate.gait_chain import Body

if TYPE_CHECKING:
    from matplotlib.axes import Axes

RIGHT, LEFT, TRUTH = "#0072b2", "#d55e00", "#cc8400"
Drawn = Callable[[list["Axes"]], Card]


def draw(name: str, path: Path) -> Path:
    """The sheet of a name as PNG, or as JPEG by the ending .jpg."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(2, 4, figsize=(17, 8.6), dpi=80, layout="constrained")
    card = SHEETS[name](list(axes.ravel()))
    figure.suptitle(f"{card.name} {card.version}: SIMULATED, parametric; not clinical evidence", fontsize=13, fontweight="bold")
    figure.supxlabel(fill("Not modelled: " + "; ".join(card.absent), 210), fontsize=9)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)
    pyplot.close(figure)
    return path


def _gait(axes: list[Axes]) -> Card:
    people = [gait.person(3, k) for k in range(12)]
    lame, fit = max(people, key=lambda w: w.asymmetry), min(people, key=lambda w: w.asymmetry)
    for axis, who in zip(axes[:2], (lame, fit), strict=True):
        walk = gait.recorded(who, 1, seconds=4, difficulty=0.0)
        for k in range(0, 130, 8):
            for side, colour in ((0, RIGHT), (1, LEFT)):
                axis.plot(*_limb(walk, who.body, side, k), color=colour, lw=0.9)
        axis.set(aspect="equal", title=f"{who.group}, asymmetry {who.asymmetry:.2f}\nright blue, left orange; every 80 ms", xlabel="m")
    for axis, (site, difficulty) in zip(axes[2:4], (("A", 0.5), ("B", 1.0)), strict=True):
        walk = gait.recorded(lame, 2, seconds=4, site=site, difficulty=difficulty)
        for channel, colour in (("foot_R_gy", RIGHT), ("foot_L_gy", LEFT)):
            axis.plot(walk.times, walk.signal[:, gait.CHANNELS.index(channel)], color=colour, lw=0.9)
        for start in walk.strides[walk.strides[:, 0] == 0, 1]:
            axis.axvline(start, color=TRUTH, lw=1)
        axis.set(title=f"gyroscopes of the feet, site {site}, difficulty {difficulty}\nvertical: true heel strikes, right", xlabel="s", ylabel="rad/s")
    walk = gait.recorded(fit, 3, seconds=4, difficulty=0.0)
    for sensor, label in ((1, "thigh"), (3, "shank"), (5, "foot")):
        axes[4].plot(walk.times, np.degrees(walk.motion.pitch[sensor]), label=label)
    axes[4].plot(walk.times, np.degrees(walk.motion.pitch[1] - walk.motion.pitch[3]), "k", label="knee flexion")
    axes[4].set(title="angles of the right leg", xlabel="s", ylabel="degrees")
    axes[4].legend(fontsize=8)
    axes[5].plot(walk.times, walk.clean[5, 2], color=RIGHT, lw=0.9)
    axes[5].set(title="vertical accelerometer of the right foot", xlabel="s", ylabel="m/s2")
    for group, colour in zip(gait.GROUPS, (LEFT, RIGHT), strict=True):
        means = np.array([gait.recorded(w, k, seconds=6).strides[:, 3:].mean(axis=0) for k, w in enumerate(people) if w.group == group])
        axes[6].plot(means[:, 5], means[:, 6], "o", color=colour, label=group)
    axes[6].set(title="people: cadence and speed", xlabel="steps/min", ylabel="m/s")
    axes[6].legend(fontsize=8)
    more = [gait.person(4, k) for k in range(80)]
    for group, colour in zip(gait.GROUPS, (LEFT, RIGHT), strict=True):
        level = [gait.recorded(w, k, seconds=3, confounded=True).signal[:, :3].mean() for k, w in enumerate(more) if w.group == group]
        axes[7].hist(level, bins=12, color=colour, alpha=0.7, label=group)
    axes[7].set(title="confounded: mean of the pelvis sensor", xlabel="m/s2")
    axes[7].legend(fontsize=8)
    return gait.CARD


def _limb(walk: gait.Walk, body: Body, side: int, k: int) -> tuple[list[float], list[float]]:
    """Hip, knee, ankle, heel, toe, ankle in the sagittal plane."""
    hip, knee, ankle = (walk.motion.at[part + side, k] for part in (1, 3, 5))
    pitch = walk.motion.pitch[5 + side, k]
    ends = [(-body.ankle[0], -body.ankle[1]), (body.toe - body.ankle[0], -body.ankle[1])]
    heel, toe = ((ankle[0] + x * np.cos(pitch) - z * np.sin(pitch), ankle[2] + x * np.sin(pitch) + z * np.cos(pitch)) for x, z in ends)
    return [hip[0], knee[0], ankle[0], heel[0], toe[0], ankle[0]], [hip[2], knee[2], ankle[2], heel[1], toe[1], ankle[2]]


def _spine(axes: list[Axes]) -> Card:
    children = [growing_spine.course((4, k)) for k in range(24)]
    one = max(children, key=lambda c: c.cobb(1) - c.cobb(24))
    for axis, month in zip(axes[:5], (-18, 0, 1, 12, 24), strict=True):
        for points in one.shape(month).points():
            for ring in (points[:12], points[13:25]):
                axis.plot(*np.vstack([ring, ring[:1]])[:, [0, 2]].T, "k", lw=0.8)
            for place in (0, 6):
                axis.plot(*points[[place, 13 + place]][:, [0, 2]].T, color=RIGHT, lw=0.8)
        axis.set(aspect="equal", xlim=(-80, 80), ylim=(-10, 460), title=f"month {month}: Cobb {one.cobb(month):.1f} degrees", xlabel="mm to the left")
    months = np.concatenate([np.arange(-24, 0.1, 4), np.arange(1, 37, 5)])
    for course in children[:16]:
        axes[5].plot(months, [course.cobb(m) for m in months], color=LEFT if np.isfinite(course.child.breaks) else RIGHT, lw=0.8)
    axes[5].set(title="sixteen courses; orange: the tether breaks", xlabel="months from the operation", ylabel="degrees")
    change = [c.cobb(24) - c.cobb(1) for c in children]
    axes[6].plot([c.child.age for c in children], change, "o", color=RIGHT)
    axes[6].set(title="what is left to grow is corrected", xlabel="age at operation", ylabel="change of Cobb to 24 months")
    exact, seen = one.shape(0).points(), growing_spine.reconstructed(one.shape(0), 1.6, np.random.default_rng(1))
    for points, colour in ((exact, RIGHT), (seen, LEFT)):
        axes[7].plot(points[:, 12, 0], points[:, 12, 2], "o-", color=colour, ms=3, lw=0.8)
    axes[7].set(aspect="equal", xlim=(-80, 80), ylim=(-10, 460), title="endplates: exact (blue)\nand reconstructed at site B (orange)", xlabel="mm")
    return growing_spine.CARD


def _knots(axes: list[Axes]) -> Card:
    for axis, (product, bright) in zip(axes[:5], ((-2, 0), (-1, 0), (0, 0), (1.5, 0), (1.5, 1)), strict=True):
        axis.imshow(hand_motion.picture(float(product), np.random.default_rng(5), bright=float(bright)))
        axis.set(title=f"product {product:+.1f}" + (", confounded: brighter bench" if bright else ""), xticks=[], yticks=[])
    for axis, skill in zip(axes[5:7], (-1.5, 1.5), strict=True):
        made = hand_motion.trial((1, 2), skill)
        axis.plot(made.path[:, 0], made.path[:, 1], color=RIGHT, lw=0.6)
        axis.plot(made.path[:, 3], made.path[:, 4], color=LEFT, lw=0.6)
        axis.set(aspect="equal", xlabel="mm", title=f"skill {skill:+.1f}: {made.metrics['duration']:.0f} s, {made.metrics['path_length']:.1f} m,\n{made.metrics['movements']:.0f} movements, marks {made.marks.mean():.1f}")
    for site, colour in (("A", RIGHT), ("B", LEFT)):
        told = hand_motion.agreement(site, 0.5)
        axes[7].bar([k + (0.4 if site == "B" else 0) for k in range(3)], [told[k] for k in ("icc_one_rater", "icc_three_raters", "icc")], 0.4, color=colour, label=f"site {site}")
    axes[7].set(title="agreement that can be reached (ICC)", xticks=[0.2, 1.2, 2.2], xticklabels=["one rater", "three raters", "known skill"], ylim=(0, 1))
    axes[7].legend(fontsize=8)
    return hand_motion.CARD


def _survival(axes: list[Axes]) -> Card:
    from osteon.stats.survival import kaplan_meier

    for axis, (site, difficulty) in zip(axes[:4], (("A", 0.0), ("A", 0.5), ("A", 1.0), ("B", 0.5)), strict=True):
        rows = survival.survival(20_000, 1, site=site, difficulty=difficulty)
        third = np.digitize(rows["true_eta"], np.quantile(rows["true_eta"], (1 / 3, 2 / 3)))
        months = np.arange(0.0, 48.1, 1)
        for k, colour in enumerate((RIGHT, "#009e73", LEFT)):
            part = rows[third == k]
            axis.step(months, kaplan_meier(part["fracture.time"], part["fracture.event"]).at(months), color=colour, where="post")
            axis.plot(months, survival.true_survival(part["true_eta"].to_numpy()[:3000], months, site=site, difficulty=difficulty).mean(axis=0), color=colour, ls=":")
        axis.set(title=f"site {site}, difficulty {difficulty}: C of the known risk {survival.seen_concordance(*_arrays(rows)):.3f}\nthirds of the risk; dotted: true", xlabel="months", ylim=(0.6, 1))
    rows = survival.survival(20_000, 1)
    rows["outcome"].value_counts().plot.barh(ax=axes[4], color=RIGHT)
    axes[4].set(title="what was seen first", ylabel="")
    axes[5].hist(rows["fracture.time"], bins=60, color=RIGHT)
    axes[5].set(title="follow-up", xlabel="months")
    axes[6].plot(rows["frax"][:1500], 100 * rows["true_risk"][:1500], ".", color=RIGHT, ms=3)
    axes[6].set(title="surrogate of FRAX and the true risk", xlabel="% in ten years", ylabel="% in 36 months")
    betrayed = survival.survival(5000, 1, confounded=True)
    axes[7].bar(["fracture", "none"], [betrayed["bmi"].isna()[betrayed["fracture.event"] == e].mean() for e in (1, 0)], color=LEFT)
    axes[7].set(title="confounded: part without body mass")
    return survival.CARD


def _arrays(rows: object) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return rows["true_eta"].to_numpy(), rows["fracture.time"].to_numpy(), rows["fracture.event"].to_numpy() == 1  # type: ignore[index]


def _notes(axes: list[Axes]) -> Card:
    easy, hard, betrayed = notes.notes(9, 3, difficulty=0.2), notes.notes(9, 3, site="B", difficulty=1.0), notes.notes(9, 3, confounded=True)
    for axis, (rows, i, what) in zip(axes, ((easy, 0, "A"), (easy, 1, "A"), (easy, 2, "A"), (easy, 4, "A"), (easy, 5, "A"), (hard, 1, "B"), (hard, 2, "B"), (betrayed, 1, "A, confounded")), strict=True):
        row = rows.iloc[i]
        axis.set_axis_off()
        axis.set_title(f"site {what}; {row['genre']}, {row['family']} ({row['part']})\ndislocation {row['dislocation']} ({row['dislocation_said']}); codes {row['codes']}", fontsize=9)
        axis.text(0, 1, "\n".join(fill(line, 46) for line in row["note"].split("\n")), va="top", fontsize=9.5, family="monospace", transform=axis.transAxes)
    return notes.CARD


def _omics(axes: list[Axes]) -> Card:
    names, order = list(omics.gene_names()), np.argsort(np.abs(omics.biology().loadings).argmax(axis=1), kind="stable")
    for axis, site in zip(axes[:2], "AB", strict=True):
        x = omics.expression(400, 1, site=site)[names].to_numpy()
        axis.imshow(np.corrcoef(x[:, order], rowvar=False), vmin=-1, vmax=1, cmap="RdBu_r")
        axis.set(title=f"correlation of the genes by module, site {site}", xticks=[], yticks=[])
    rows = omics.expression(300, 1)
    for axis, gene in zip(axes[2:6], omics.biology().markers, strict=False):
        for group, colour in zip(omics.GROUPS, (RIGHT, LEFT), strict=True):
            axis.hist(rows.loc[rows["disc"] == group, names[gene]], bins=25, alpha=0.6, color=colour, label=group)
        axis.set(title=f"planted marker {names[gene]}", xlabel="log2")
    axes[2].legend(fontsize=8)
    call = {"genes": 300, "markers": 5}
    for site, colour in (("A", RIGHT), ("B", LEFT)):
        axes[6].plot(np.linspace(0, 1, 11), [omics.ceiling({**call, "site": site, "difficulty": d}) for d in np.linspace(0, 1, 11)], color=colour, label=f"site {site}")
    axes[6].set(title="ceiling of the AUC", xlabel="difficulty")
    axes[6].legend(fontsize=8)
    betrayed = omics.expression(300, 1, confounded=True)
    shares = [(r.loc[r["disc"] == g, "batch"] == "second").mean() for r in (rows, betrayed) for g in omics.GROUPS]
    axes[7].bar(["control", "degenerated", "control,\nconfounded", "degenerated,\nconfounded"], shares, color=[RIGHT, RIGHT, LEFT, LEFT])
    axes[7].set(title="part in the second batch")
    return omics.CARD


def _biofactor(axes: list[Axes]) -> Card:
    names, part = list(biofactor.AGENTS), np.linspace(0, 1, 60)
    for k, (name, agent) in enumerate(biofactor.AGENTS.items()):
        doses = np.zeros((60, len(names)))
        doses[:, k] = part * agent.doses[-1]
        axes[0].plot(part, biofactor.effects(doses)[:, k], label=f"{name}, {agent.doses[-1]:g} {agent.unit}")
    axes[0].set(title="effect of each agent alone", xlabel="part of the largest dose")
    axes[0].legend(fontsize=6)
    axes[1].imshow(biofactor.synergy(), cmap="RdBu", vmin=-0.1, vmax=0.1)
    axes[1].set(title="planted synergy of pairs", xticks=range(9), yticks=range(9), yticklabels=names)
    axes[1].set_xticklabels(names, rotation=90, fontsize=7)
    ranked = biofactor.feasible()
    axes[2].plot(ranked["true_efficacy"], color=RIGHT)
    axes[2].set(title="2,400 combinations in order", xlabel="rank", ylabel="true efficacy")
    best = [f"{k}: " + " + ".join(f"{n} {row[n]:g}" for n in names if row[n] > 0) for k, (_, row) in enumerate(ranked.head(8).iterrows(), 1)]
    axes[3].barh([fill(b.replace("_", " "), 40) for b in best][::-1], ranked["true_efficacy"].head(8)[::-1], color=RIGHT)
    axes[3].tick_params(labelsize=6)
    axes[3].set(title="the best eight")
    rows = biofactor.experiments(225, 1)
    (rows[names] > 0).sum().plot.barh(ax=axes[4], color=RIGHT)
    axes[4].set(title="225 experiments: agents tried", xlabel="experiments")
    many, agents = biofactor.experiments(3000, 1), {s: biofactor.experiments(800, 1, site=s) for s in "AB"}
    given, read = many[list(biofactor.INPUTS)].to_numpy(), many[[f"outcome.{k}" for k in biofactor.KINDS]].to_numpy()
    again = np.flatnonzero((given[1:] == given[:-1]).all(axis=1)) + 1
    axes[5].plot(read[again - 1].ravel(), read[again].ravel(), ".", color=RIGHT, ms=4)
    axes[5].set(title="equal experiments, two laboratories", xlabel="one reading", ylabel="the other")
    for site, colour in (("A", RIGHT), ("B", LEFT)):
        axes[6].plot(agents[site]["true_efficacy"], agents[site]["outcome.fusion_rate"], ".", color=colour, ms=5, label=f"site {site}")
    axes[6].set(title="one outcome and the true efficacy", xlabel="true efficacy", ylabel="fusion rate")
    axes[6].legend(fontsize=8)
    betrayed = [biofactor.experiments(600, 1, confounded=c) for c in (False, True)]
    axes[7].bar(["plain", "confounded"], [r.loc[r["electrical"] > 0, "patient_id"].value_counts(normalize=True).iloc[0] for r in betrayed], color=[RIGHT, LEFT])
    axes[7].set(title="electrical: part of one laboratory")
    return biofactor.CARD


SHEETS: Mapping[str, Drawn] = MappingProxyType({"gait": _gait, "growing_spine": _spine, "hand_motion": _knots, "survival": _survival, "notes": _notes, "omics": _omics, "biofactor": _biofactor})

if __name__ == "__main__":
    print(draw(sys.argv[1], Path(sys.argv[2])))
