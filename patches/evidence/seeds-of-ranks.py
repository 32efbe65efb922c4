"""main.py seeds all cards alike: they augment their samples with the same random numbers."""

import random
import sys

import evidence
import numpy as np
import paddle
from evidence import config_file

PATH = config_file()


class Drawn(BaseException):
    """What a training has drawn when it begins."""


def drawn(_: int) -> list[float]:
    """The first random numbers of a training on this card."""
    evidence.on_cpu()
    sys.argv = [str(evidence.need("main.py")), "-c", str(PATH)]
    import main
    from paddlevideo.tasks import train

    def draw(*_):
        raise Drawn(random.random(), np.random.rand(), paddle.rand([1]).item())

    train.build_model = draw
    try:
        main.main()
    except Drawn as numbers:
        return list(numbers.args)
    raise RuntimeError("nothing was built")


found = evidence.in_two_processes(drawn)
if not all(isinstance(numbers, list) for numbers in found):
    evidence.cannot_be_shown(found)
evidence.verdict(not set(found[0]) & set(found[1]), f"the first random numbers of two cards: {found}")
