"""Many decimal numbers of a text at once, each to the bit what ``float`` makes of it."""

from __future__ import annotations

import numpy as np

MINUS, POINT, ZERO = b"-.0"
WINDOW = 16  # characters, a power of two
# Whole numbers of so many digits, and powers of ten, are exact in float64. Their quotient is rounded once: to the
# float64 nearest to the number, which is what float() gives.
LONGEST = 15
POWERS = 10.0 ** np.arange(WINDOW)
# how many characters are behind each one of a number that ends with the window
BEHIND = np.arange(WINDOW, dtype=np.uint8)[::-1, None]


def decimals(text: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """The numbers that are written at some places of a text.

    Args:
        text: (bytes,) uint8, ASCII.
        starts, ends: (N,) the first byte of each number and the one behind its last.

    Returns:
        (N,) float64.

    Raises:
        ValueError: no number is at one of the places, as ``float`` says it.
    """
    lengths = np.minimum(ends - starts, WINDOW).astype(np.uint8)
    if ends.min(initial=len(text)) < WINDOW:
        text = np.concatenate([np.zeros(WINDOW, np.uint8), text])
        starts, ends = starts + WINDOW, ends + WINDOW
    windows = np.ndarray(len(text) - WINDOW + 1, f"V{WINDOW}", text.data, strides=1)
    # (WINDOW, N): a row, the same digit of all numbers, is one piece of memory
    characters = np.ascontiguousarray(windows[ends - WINDOW].view(np.uint8).reshape(-1, WINDOW).T)
    characters *= lengths > BEHIND
    digits = characters - np.uint8(ZERO)  # what is below "0" is above 9
    is_digit, is_point = digits < 10, characters == POINT
    digits *= is_digit
    count, points, negative = _sum(is_digit), _sum(is_point), text[starts] == MINUS
    plain = (lengths <= LONGEST) & (points <= 1) & (count > 0) & (count + points + negative == lengths)
    whole = _whole(digits)
    scale = POWERS[(is_point * BEHIND).max(axis=0)]
    # the point took the place of a digit: what is before it is ten times too much
    whole -= points * np.floor(whole / (scale * 10)) * scale * 9
    values = np.where(negative, -1.0, 1.0) * (whole / scale)
    # exponents, very many digits, whatever else float() takes, and what it does not
    for odd in np.flatnonzero(~plain):
        values[odd] = float(text[starts[odd] : ends[odd]].tobytes())
    return values


def _sum(flags: np.ndarray) -> np.ndarray:
    return flags.sum(axis=0, dtype=np.uint8)


def _whole(digits: np.ndarray) -> np.ndarray:
    """The number that each column of `digits` (WINDOW, N) is: by pairs, pairs of pairs and so on; (N,) float64."""
    for power, wide in ((10, np.uint8), (10**2, np.uint16), (10**4, np.uint32), (10**8, np.float64)):
        digits = digits[::2].astype(wide) * wide(power) + digits[1::2]
    return digits[0]
