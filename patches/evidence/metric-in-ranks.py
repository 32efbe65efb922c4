"""SkeletonMetric takes what all_reduce returns for a tensor: a test on several cards ends in a TypeError."""

import logging
import re

import evidence
import paddle

CLASSES = 8


def reported(rank: int) -> float:
    """Top 1 as logged, of three samples that are right on the first card and a wrong one on the second."""
    from paddlevideo.metrics import build_metric

    size, label = ((3, CLASSES - 1), (1, 0))[rank]
    metric = build_metric({"name": "SkeletonMetric", "data_size": 4, "batch_size": 3})
    labels = paddle.full([size, 1], label, "int64")
    metric.update(0, [labels, labels], paddle.arange(CLASSES, dtype="float32").expand([size, CLASSES]))
    lines = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())
    logging.getLogger("paddlevideo").addHandler(handler)
    metric.accumulate()
    return round(float(re.search(r"avg_acc1= *([\d.]+)", lines[-1]).group(1)), 6)


found = evidence.in_two_processes(reported)
evidence.verdict(found == [0.75, 0.75], f"top 1 of two cards, 3 right and 1 wrong: {found}")
