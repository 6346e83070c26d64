"""Colours, markers and captions that every picture of a result shares, drawn or on a page.

They survive a column of print: neighbours differ in lightness too, for grey paper.
"""

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*", "<", ">", "p", "h")  # one a layer
# Okabe and Ito (2008) without the yellow, which is lost on white.
COLOURS = ("#000000", "#E69F00", "#0072B2", "#56B4E9", "#D55E00", "#CC79A7", "#009E73")
LINE_STYLES = ("-", (0, (5, 1.5)), (0, (1.2, 1.2)), (0, (5, 1.5, 1.2, 1.5)))

DOUBTFUL_COLOUR = "0.6"  # the grey of what cannot be trusted: no layer and no epoch has it
DOUBTFUL_DASHES = (0, (4, 2.5))
DOUBTFUL_CAPTION = "cannot be trusted (saturated, biased or conditional)"
TRUSTED_CAPTION = "population or reliable"

# Verdict -> colour, in the order of their shares in a cell.
VERDICT_COLOURS = {
    "saturated": "#303030",
    "biased": "#D55E00",
    "conditional": "#E69F00",
    "reliable": "#A6D8F5",
}
# Verdict, and whether the estimate was near the truth -> colour; what is wrong is the darkest.
RIGHTNESS_COLOURS = {
    "reliable, within 0.1 bit: right": "#4090C8",
    "reliable, further off: wrong": "#B00020",
    "biased or conditional, within 0.1 bit: overcautious": "#E3BE55",
    "biased or conditional, further off: right": "#F6EAC8",
    "saturated, within 0.1 bit: overcautious": "#555555",
    "saturated, further off: right": "#A0A0A0",
}
