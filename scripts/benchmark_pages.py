"""The part of docs/benchmarks.md on damage to the signal, with its plots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]
COLOURS = ("#0a6", "#777", "#c40", "#06c", "#a0a")
WIDTH, HEIGHT = 420, 200

DAMAGE = """Heard hop by hop in the live path: bad channels guessed from the others once found, the
line taken out, short gaps bridged, the channels of a turned band put in order. "cost" is against
the same windows undamaged; "rejected" counts all decisions, those across a change too. A turned
band is scored after 5 s of use: 0.7 s of each gesture, of another cycle, no label looked at.

Each damage is heard on 35 s of a person. The demo's artifacts have one virtual wearer, in a session
that they were not trained on; the model of the Myo the nine evaluation users, after one cycle of
training0, in Test0. "long rest" is that whole session's rest, and behind the demo's 5 minutes more.
"nothing known" is the same model without any calibration, as its wearers' bands sit and turned.

What a lost electrode's guess does to the head (models.guessed) was measured on the pre-training
people, and rides in the artifact: decisions believe it less in just those directions, and nothing
is learnt meanwhile. Before, one of eight cost these nine 3.8 points, 7.3 with `foreign` (29 and 42
at worst). Two neighbours at once still cost too much, in the demo's network above all.

"Unknown movements" have their electrodes in an order that no hand gives: an easy test. "Unknown
gestures" are a hard one: each pair of the six is left out of a calibration in turn, and made all
the same. Rejected is told of windows wholly inside such a movement, and of known ones likewise
inside theirs. `foreign` (models.foreign) knows those two from the pre-training users, not from the
wearer; a movement that nobody in the training made it can only tell by its distance. Measured on
francic's ten people (pronation and supination, known from the other nine; one cycle; not in the
table), it fails: AUROC 0.84 in the same session and 0.82 in the next; 22 and 28 % are refused, and
0.7 and 4 % of the known.

How this was chosen: `foreign`'s limit, what a guess does, and when a ring is said to have turned,
with a calibration or without, on the pre-training users, one left out at a time; of the evaluation
users, the rule for calibrated turns was looked at once before (36 sessions turned by one place: all
found within 3.8 s, 0.2 points at most; 18 as they are: none turned), and three were looked at for
`foreign`. What the demo is trained with was chosen among four recipes by other cycles of its
wearer; the last was taken. What keeps rest still by its strength (models.still) is the exception:
the 19 lose nothing by any share up to 0.45 of the way to their weakest gesture, and evaluation user
Male5, who makes gestures at a fraction of the calibrated strength, would lose 5 points by that. He
was looked at with shares of 0.25, 0.35 and 0.45, which cost him 0.2, 1.2 and 5.1 points, and 0.3
was taken. The goal for rest is met by a hair, by his session, and thus proves little.

How a ring is worn, nothing known: the 19, each left out, make all gestures for 0.7 s each in any
order. Turned by one place, 82 % are found in 5 s and 0.3 % turned wrongly; worn the other way
round, 82 and 0.7 %; as most wear it, one user alone is turned, who wears it between two places.
Unfound, a turn by one place costs them some 50 points, so that the goal is not met for everybody;
for the nine it is. From rest and one gesture the likeliest way is right in 59 %, from two gestures
in 79 %: it waits for three.

Plainly: the worst lost electrode of one person still costs 18 points. By the other cycles of the
demo's wearer, by which its recipe was chosen, a lost electrode costs that 2.7 points and not 1.0.
`foreign` refuses 71 % of the unknown gestures of its worst person. Noise of four times the rest's
level is beyond all of these. As long as a channel is guessed, a band that turns is not noticed.

On 2 busy cores the command took 22.7 minutes, 11.0 of them of the processor.
"""


def robustness_part(record: Mapping[str, Any]) -> list[str]:
    """A table over all artifacts and damages."""
    out = [
        DAMAGE,
        "| artifact | damage | amount | right | worst | cost | worst cost | rest moved | rejected "
        "| decided | goal |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in record["rows"]:
        goal = "" if "met" not in row else ("met" if row["met"] else "**missed**")
        if row["damage"] in ("unknown movement", "unknown gesture"):
            known = f"{100 * row['known_rejected']:.1f} of known ones"
            told = f"{100 * row['rejected']:.1f}; {known}{_auroc(row)}"
            cells = ["", "", "", "", "", told, "", goal]
        elif row["damage"] == "long rest":
            cells = ["", "", "", "", f"{100 * row['rest_false_activation']:.2f}", "", "", goal]
        else:
            names = ("mean", "worst", "cost", "worst_cost", "rest_false_activation", "rejected")
            cells = [f"{100 * row[name]:.1f}" for name in (*names, "decided")] + [goal]
        amount = f"{row['amount']:g} {row['unit']}".strip()
        out.append(f"| {row['artifact']} | {row['damage']} | {amount} | {' | '.join(cells)} |")
    return [*out, ""]


def _auroc(row: Row) -> str:
    return f"; AUROC {row['auroc']:.3f}" if row.get("auroc") is not None else ""


def robustness_svg(record: Mapping[str, Any]) -> str:
    """One panel for each damage that has amounts: right over amount, a line for each artifact."""
    rows = [row for row in record["rows"] if "mean" in row]
    names = list(dict.fromkeys(row["artifact"] for row in rows))
    kinds = dict.fromkeys(row["damage"] for row in rows if row["damage"] != "none")
    parts: list[str] = []
    for i, kind in enumerate(kinds):
        across, down = 10 + (i % 2) * (WIDTH + 20), (i // 2) * (HEIGHT + 40)
        parts += _panel(kind, rows, names, across, down)
    high = (len(kinds) + 1) // 2 * (HEIGHT + 40)
    for i, name in enumerate(names):
        colour = COLOURS[i % len(COLOURS)]
        x, y = 10 + 280 * (i % 3), high + 14 + 18 * (i // 3)
        parts.append(f'<text x="{x}" y="{y}" fill="{colour}">{name}</text>')
    return svg(2 * WIDTH + 40, high + 24 + 18 * ((len(names) - 1) // 3), parts)


def _panel(
    kind: str, rows: Sequence[Row], names: Sequence[str], across: int, down: int
) -> list[str]:
    mine = [row for row in rows if row["damage"] == kind]
    most = max(row["amount"] for row in mine)
    parts = [f'<text x="{across}" y="{down + 14}">{kind}, to {most:g} {mine[0]["unit"]}</text>']
    for share in (0, 50, 100):
        y = down + 24 + (100 - share) * (HEIGHT - 30) // 100
        parts.append(f'<line x1="{across + 30}" x2="{across + WIDTH}" y1="{y}" y2="{y}" ')
        parts[-1] += line("#ddd")
        parts.append(f'<text x="{across}" y="{y + 4}">{share}%</text>')
    for i, name in enumerate(names):
        clean = [r for r in rows if r["artifact"] == name and r["damage"] == "none"]
        points = []
        for row in [*clean, *(r for r in mine if r["artifact"] == name)]:
            x = across + 30 + row["amount"] / most * (WIDTH - 40)
            y = down + 24 + (1 - row["mean"]) * (HEIGHT - 30)
            points.append(f"{x:.0f},{y:.0f}")
        colour = COLOURS[i % len(COLOURS)]
        words = " ".join(points)
        parts.append(f'<polyline points="{words}" fill="none" {line(colour)}')
    return parts


def line(colour: str) -> str:
    return f'stroke="{colour}"/>'


def svg(width: int, height: int, parts: Sequence[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'font-family="sans-serif" font-size="11">' + "".join(parts) + "</svg>\n"
    )
