"""JSON with other things in some of its places, for readers that must refuse it in one line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

_LEAVES = st.sampled_from(
    ["null", "true", "-1", "2", "1e30", "1" * 30, "NaN", "Infinity", '"a"', '"7.jpg"', "[]", "[[1]]", "{}", '{"a": 1}']
).map(json.loads)


@st.composite
def damaged(draw: st.DrawFn, forms: Mapping[str, Any]) -> Any:
    """One of the forms, with other things in some places."""
    content = json.loads(json.dumps(forms[draw(st.sampled_from(list(forms)))]))
    for _ in range(draw(st.integers(1, 3))):
        place = content
        for _ in range(draw(st.integers(1, 6))):
            if not isinstance(place, (list, dict)) or not place:
                break
            key = draw(st.sampled_from(list(place) if isinstance(place, dict) else range(min(len(place), 3))))
            if draw(st.booleans()) and isinstance(place[key], (list, dict)):
                place = place[key]
            else:
                place[key] = draw(_LEAVES)
                break
    return content
