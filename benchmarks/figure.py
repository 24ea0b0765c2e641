"""The table as a figure: how many times faster, how near to the limit, and how it grows."""

from __future__ import annotations

from matplotlib.figure import Figure

from mrg_helpers.charts import COLOURS, GREY, new_figure, use_style


def draw(found: dict) -> Figure:
    """A panel for the ratios, one for the shares of the limit and one for the growth; those that were not measured stay away."""
    use_style()
    rows = found["rows"]
    ratios = [row for row in rows if row["ratio"] and row["reference"] is not None]
    shares = [row for row in rows if row["share"]]
    growing = [row for row in rows if row["name"] == "growth"]
    panels = [panel for panel in ((_ratios, ratios), (_shares, shares), (_growth, growing)) if panel[1]]
    computer = found["machine"]
    note = f"{computer['gpu'] or computer['processor']}, {computer['cores']} cores; {computer['software']}"
    height = 1.6 + 0.42 * max([2, *(len(chosen) for _, chosen in panels)])
    figure, axes = new_figure(
        max(1, len(panels)),
        1,
        height * max(1, len(panels)) * 0.8,
        "Speed against a plain reference, on one machine",
        note,
    )
    if not panels:
        axes[0, 0].set_axis_off()
        axes[0, 0].text(0.5, 0.5, "no ratio was measured", ha="center", color=GREY)
    for axis, (panel, chosen) in zip(axes[:, 0], panels, strict=False):
        panel(axis, chosen)
    return figure


def _bars(axis, rows: list[dict], key: str, form: str, colour: str) -> None:
    """Horizontal bars with their spread, their value, and a mark where the aim lies."""
    for place, row in enumerate(rows):
        value = row[key]
        axis.barh(place, value, color=colour, height=0.62)
        behind = max(value, row["aims"].get(key, 0))
        axis.text(behind, place, f"  {form.format(value)}", va="center", fontsize=9, color=GREY)
        if key in row["aims"]:
            label = "the aim" if place == 0 else None
            axis.plot([row["aims"][key]] * 2, [place - 0.4, place + 0.4], color="black", linewidth=2, label=label)
    axis.set_yticks(range(len(rows)), [row["what"] for row in rows])
    axis.tick_params(axis="y", length=0)
    axis.invert_yaxis()
    axis.margins(x=0.15)


def _ratios(axis, rows: list[dict]) -> None:
    _bars(axis, rows, "ratio", "{:.3g} times", COLOURS[0])
    axis.set(xscale="log", title="How many times faster than the reference")
    axis.set_xlim(left=min(1, *(row["ratio"] for row in rows)) * 0.9, right=3 * max(row["ratio"] for row in rows))
    axis.xaxis.set_major_formatter("{x:g}")
    axis.legend(loc="upper right")


def _shares(axis, rows: list[dict]) -> None:
    _bars(axis, rows, "share", "{:.0%}", COLOURS[2])
    axis.set(title="Share of the limit, the rate of a large matrix product", xlim=(0, 1.05))
    axis.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")


def _growth(axis, rows: list[dict]) -> None:
    counts = [row["count"] for row in rows]
    time = [rows[0]["ours"] / row["ours"] for row in rows]
    memory = [row["memory"] / rows[0]["memory"] for row in rows]
    axis.plot(counts, time, marker="o", color=COLOURS[0], label="time for an image")
    axis.plot(counts, memory, marker="s", color=COLOURS[1], label="peak memory")
    axis.set(
        xscale="log",
        xlabel="images",
        title=f"Growth, relative to {counts[0]:,} images",
        ylim=(0, 1.1 * max(1, *time, *memory)),
    )
    axis.set_xticks(counts, [f"{count:,}" for count in counts])
    axis.minorticks_off()
    axis.grid(axis="y")
    axis.legend(loc="lower right")
