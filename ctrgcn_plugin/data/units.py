"""Units of coordinates, as the cards of prepared data and of exported models have them."""

from __future__ import annotations

METRES = "metres"
TRUNKS = "trunks"  # lengths of the layout's trunk; the origin is in the body, y points up
PIXELS = "pixels"
HALF_IMAGES = "half images"  # from the middle of the image, as pyskl normalises
AS_RECORDED = "as recorded"

# y points down, as in the image
DOWNWARD = (PIXELS, HALF_IMAGES)
# of joints that have no depth
PLANE = (TRUNKS, *DOWNWARD)
