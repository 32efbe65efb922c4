"""On Python 3.9 and 3.10 no optimizer of Paddle 3 can be built: Function has keyword-only parameters or annotations.

Newer Python versions have no inspect.getargspec; there Python 3.10's is put in its place.
"""

import inspect

from evidence import fault, verdict


def getargspec(function):
    """As in Python 3.10."""
    found = inspect.getfullargspec(function)
    if found.kwonlyargs or found.annotations:
        raise ValueError("Function has keyword-only parameters or annotations, use inspect.signature()")
    return found


if not hasattr(inspect, "getargspec"):
    inspect.getargspec = getargspec

import paddle  # noqa: E402
from paddlevideo.solver import build_optimizer  # noqa: E402, looks for getargspec where it is imported

settings = {"name": "Momentum", "momentum": 0.9, "learning_rate": {}}
model = paddle.nn.Linear(2, 2)
try:
    plain = build_optimizer(settings, 0.5, model)
    mixed = build_optimizer(settings, 0.5, model, use_amp=True, amp_level="O2")
except ValueError as error:
    fault(error)
right = [plain._multi_precision, mixed._multi_precision] == [False, True] and plain.get_lr() == 0.5
verdict(right, f"{type(plain).__name__} is built, in AMP O2 with multi_precision={mixed._multi_precision}")
