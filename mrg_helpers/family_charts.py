"""One schema for each system of the family: what it is made of, and what is new in comparison with the model of notebook 04.

For notebook 07, offered through ``plots``.
"""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .charts import COLOURS, GREY
from .sketch import Point, arrow, box, canvas, chest, write

OLD, NEW, HEIGHT = COLOURS[0], COLOURS[1], 25
# A line is a box: its name, its middle, width and height, what stands in it (/ begins a line); or it is arrows between boxes.
# "+" marks what is new.
_COMMON = """
  regions 24 14 13 7 regions/(R, U)
  gru 60 14 12 7 GRU
  word 58 3 12 4 last word
  out 83 14 12 6 next word
  image>regions  look<>gru  word>gru  gru>out
"""
_ASKED = """
  look 42 14 12 7 attention
  found 42 22 15 4 findings asked
  regions>look  regions>found  found>gru
"""
SCHEMAS = {
    "show_attend_tell": f"""Show, Attend and Tell: look again at every word{_COMMON}{_ASKED}""",
    "hard_attention": f"""Hard attention: look at one region, drawn by chance{_COMMON}{_ASKED}
+ look 42 14 13 7 draw one/region
+ reward 42 3 17 4.6 REINFORCE: was it/worth looking there?
+ reward>look
""",
    "merge_lstm": """Merge: one vector of the image, no attention
+ regions 24 14 13 8 mean of each/view's regions
+ gru 48 5 14 7 GRU or LSTM/over words
+ merge 64 14 12 7 merge
  word 27 5 12 4 last word
  out 83 14 12 6 next word
  image>regions  word>gru  merge>out
+ regions>merge  gru>merge
""",
    "two_view": f"""Two views: attend to both images together{_COMMON}{_ASKED}
+ regions 24 14 13 9 2 R regions,/each with its/view
+ look 42 14 12 7 attention/over both
""",
    "indication": f"""Indication: read why the X-ray was taken{_COMMON}
+ look 42 14 13 7 attention: where,/and which channel
+ why 24 3 15 4.6 indication
+ read 42 3 13 4.6 attention over/its words
  regions>look
+ why>read  read>gru
""",
    "tag_conditioned": f"""Tags: attend to the findings that were predicted{_COMMON}
  look 42 14 12 7 attention
+ tags 24 3.5 14 5 likeliest tags,/embedded
+ second 42 3.5 12 5 attention/over tags
  word 76 3 12 4 last word
  regions>look
+ regions>tags  tags>second  second>gru
""",
    "hierarchical": """Hierarchical: first what to say, then how
  regions 24 14 13 7 regions/(R, U)
+ sentence 44 20 15 6 attention and/sentence GRU
+ topic 64 20 12 6 topic/or stop
  gru 64 9 12 6 word GRU
  look 44 9 15 6 attention
  word 64 2 12 3 last word
  out 83 9 12 6 next word
  image>regions  regions>look  look<>gru  word>gru  gru>out
+ regions>sentence  sentence>topic  topic>gru
""",
    "transformer": """Transformer: every word looks at all words before it
  regions 24 14 13 7 regions/(R, U)
+ look 60 20 22 5 cross-attention, several heads
+ gru 60 12 22 5 self-attention to earlier words
  word 60 3 16 4 all words so far
  out 83 20 11 5 next word
+ memory 32 5 16 5 relational memory/(a switch)
  image>regions  regions>look  word>gru  look>out
+ gru>look  memory>gru
""",
    "conditioned_gpt": """Conditioned GPT: regions and findings are words that nobody said
  regions 24 14 13 7 regions/(R, U)
  found 24 3.5 14 5 findings asked
+ keys 43 14 14 6 projected to keys/and values
+ gru 64 14 15 8 GPT-2 blocks: one/self-attention/over both
  word 64 3 16 4 all words so far
  out 83 14 12 6 next word
  image>regions  regions>found  word>gru  gru>out
+ regions>keys  found>keys  keys>gru
""",
    "retrieve_paraphrase": """Retrieve and paraphrase: choose sentences, then reword them
  regions 24 14 13 7 regions/(R, U)
+ graph 42 20 13 6 graph of/findings
+ choose 60 20 13 6 templates/chosen
+ gru 60 9 13 6 GRU, may/copy words
  look 42 9 13 6 attention
  word 60 2 12 3 last word
  out 83 9 12 6 next word
  image>regions  regions>look  look<>gru  word>gru  gru>out
+ regions>graph  graph>choose  choose>gru
""",
    "finding_classifier": """Classifier: no words, only findings and where they come from
  regions 24 14 13 7 regions/(R, D)
+ answers 44 14 15 7 an answer of/each region
+ mean 64 14 12 7 mean or/maximum
  out 83 14 12 7 probability/of each
+ map 64 3.5 16 4.6 map of the finding
  image>regions  mean>out
+ regions>answers  answers>mean  answers>map
""",
}
_TWO_IMAGES = {"merge_lstm", "two_view"}


def family_member(name: str, note: str = "") -> Figure:
    """The schema of one system: what it is made of, in orange what is new. For notebook 07.

    Args:
        name: one of ``SCHEMAS``: a name of ``models.FAMILY``, or ``"finding_classifier"``.
    """
    title, *lines = SCHEMAS[name].splitlines()
    figure, axis = canvas(HEIGHT, title, note)
    chests = [(8.0, 19.5), (8.0, 8.5)] if name in _TWO_IMAGES else [(8.0, 14.0)]
    size = 9 if name in _TWO_IMAGES else 11
    for at in chests:
        chest(axis, at, size, (0.3, 0.35))
    boxes, arrows = {}, []
    for line in lines:
        colour, (first, *rest) = NEW if line.startswith("+") else None, line.lstrip("+").split(maxsplit=5) or [""]
        if ">" in first:
            arrows += [(one, colour or GREY) for one in line.lstrip("+").split()]
        elif first:
            boxes[first] = (
                *map(float, rest[:4]),
                rest[4].replace("/", "\n"),
                colour,
            )  # a later line changes an earlier
    for x, y, width, height, text, colour in boxes.values():
        usual = GREY if text.endswith(("word", "so far")) else OLD
        box(axis, (x, y), (width, height), text, colour or usual, size=8.5)
    for ends, colour in arrows:
        start, end = ends.replace("<", "").split(">")
        target = boxes[end][:4]
        if start == "image":
            for x, y in chests:
                arrow(axis, (x + size / 2 + 0.5, y), _edge(target, (x, y)), colour)
        else:
            _connect(axis, boxes[start][:4], target, "<" in ends, colour)
    if any(colour == NEW for *_, colour in (*boxes.values(), *arrows)):
        write(axis, (89.5, 24), "orange: what is new", 8, NEW, align="right")
    return figure


def _connect(axis: Axes, source: tuple, target: tuple, both: bool, colour: str) -> None:
    ways = ((source, target, 1.2), (target, source, -1.2)) if both else ((source, target, 0.0),)  # or there and back
    for first, second, shift in ways:
        (x, y), (u, v) = _edge(first, second[:2]), _edge(second, first[:2])
        arrow(axis, (x, y + shift), (u, v + shift), colour)


def _edge(area: tuple, towards: Point) -> Point:
    """Where the line from the middle of a box to a point leaves the box."""
    x, y, width, height = area
    dx, dy = towards[0] - x, towards[1] - y
    scale = min(width / 2 / abs(dx) if dx else 1e9, height / 2 / abs(dy) if dy else 1e9)
    return x + dx * scale, y + dy * scale
