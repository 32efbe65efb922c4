"""Which of a training's processes this is. Paddle is imported when that is asked."""

from __future__ import annotations


def rank() -> int:
    """This process's number, from 0."""
    import paddle

    return paddle.distributed.get_rank()


def ranks() -> int:
    """How many processes there are."""
    import paddle

    return paddle.distributed.get_world_size()
