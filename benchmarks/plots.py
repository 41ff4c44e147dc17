"""
Results as plots: ``python plots.py RESULTS FOLDER TITLES``, in the one environment that has matplotlib.

Each is one SVG that reads in light and in dark: its ink follows the reader's colour scheme by a rule in the file.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import matplotlib as mpl

mpl.use("svg")
import matplotlib.pyplot as plt

INK = "#1f2328"
OTHERS, OURS = "#8c959f", "#0a7ea4"
PARTS = {"start": "#8c959f", "import": "#0a7ea4", "clients": "#bf8700", "first": "#cf4f63"}
NAMES = {"start": "Python itself", "import": "import", "clients": "clients", "first": "first answer"}
_IN_THE_DARK = (
    f'<style>@media (prefers-color-scheme: dark) {{ [style*="fill: {INK}"] {{ fill: #e6edf3 !important; }} '
    f'[style*="stroke: {INK}"] {{ stroke: #e6edf3 !important; }} text {{ fill: #e6edf3 !important; }} }}</style>'
)


def main(results: Path, folder: Path, titles: dict[str, str]) -> None:
    """Draw all plots."""
    plt.rcParams.update(
        {
            "svg.fonttype": "none",
            "svg.hashsalt": "event-registration",
            "font.family": "sans-serif",
            "font.size": 10,
            "text.color": INK,
            "axes.labelcolor": INK,
            "axes.edgecolor": INK,
            "xtick.color": INK,
            "ytick.color": INK,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "legend.frameon": False,
        }
    )
    read = {path.stem: json.loads(path.read_text("utf-8")) for path in results.glob("*.json")}
    folder.mkdir(exist_ok=True)
    _draw_cold(read["instructions"]["tls"], titles, folder / "cold.svg")
    warm = {name: row["warm"] / 1e6 for name, row in read["instructions"]["http"].items()}
    _draw_bars(warm, titles, "a warm invocation, million instructions", folder / "warm.svg")
    answers = {name: 1000 * row["median"] for name, row in read["answers"].items()}
    _draw_bars(answers, titles, "until the answer, ms: DynamoDB takes 4, SES 60", folder / "answers.svg")
    sparse = {name: 1000 * row["sparse"] for name, row in read["shares"]["128"].items()}
    _draw_bars(sparse, titles, "a sparse answer with 128 MB, ms", folder / "sparse.svg")


def _draw_cold(counts: dict[str, dict[str, float]], titles: dict[str, str], path: Path) -> None:
    names = [name for name in titles if name in counts][::-1]
    figure, axes = plt.subplots(figsize=(8, 0.42 * len(names) + 1.1))
    left = [0.0] * len(names)
    for part, colour in PARTS.items():
        widths = [counts[name][part] / 1e6 for name in names]
        axes.barh([titles[name] for name in names], widths, left=left, color=colour, label=NAMES[part])
        left = [so_far + width for so_far, width in zip(left, widths, strict=True)]
    _label(axes, left)
    axes.set_xlabel("a cold start until the first answer by TLS, million instructions")
    axes.legend(ncols=len(PARTS), loc="lower center", bbox_to_anchor=(0.4, 1))
    _save(figure, path)


def _draw_bars(figures: dict[str, float], titles: dict[str, str], label: str, path: Path) -> None:
    names = [name for name in titles if name in figures][::-1]
    figure, axes = plt.subplots(figsize=(8, 0.38 * len(names) + 0.7))
    widths = [figures[name] for name in names]
    colours = [OURS if titles[name].startswith("ours") else OTHERS for name in names]
    axes.barh([titles[name] for name in names], widths, color=colours)
    _label(axes, widths)
    axes.set_xlabel(label)
    _save(figure, path)


def _label(axes: plt.Axes, widths: list[float]) -> None:
    """Write each bar's figure at its end."""
    for row, width in enumerate(widths):
        text = f"{width:,.0f}" if width >= 100 else f"{width:.1f}"
        axes.text(width + max(widths) / 100, row, text, va="center")
    axes.set_xlim(0, 1.1 * max(widths))


def _save(figure: plt.Figure, path: Path) -> None:
    figure.savefig(path, transparent=True, bbox_inches="tight", metadata={"Date": None, "Creator": None})
    text = path.read_text("utf-8")
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text, flags=re.DOTALL)
    path.write_text(re.sub(r"(<svg[^>]*>)", rf"\1\n {_IN_THE_DARK}", text, count=1), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3]))
