"""SkeletonMetric averages over batches and not over samples: the small last batch counts as much as a full one."""

import logging
import re

import evidence
import paddle
from paddlevideo.metrics import build_metric

CLASSES = 8


def reported(sizes, right):
    """[top 1, top 5] as logged, of batches of these sizes with so many right samples in each."""
    metric = build_metric({"name": "SkeletonMetric", "data_size": sum(sizes), "batch_size": max(sizes)})
    for batch, (size, hits) in enumerate(zip(sizes, right)):
        # class 7 scores best and class 0 worst
        labels = paddle.to_tensor([[CLASSES - 1]] * hits + [[0]] * (size - hits))
        metric.update(batch, [labels, labels], paddle.arange(CLASSES, dtype="float32").expand([size, CLASSES]))
    lines = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())
    logging.getLogger("paddlevideo").addHandler(handler)
    metric.accumulate()
    logging.getLogger("paddlevideo").removeHandler(handler)
    return [round(float(number), 6) for number in re.findall(r"avg_acc\d= *([\d.]+)", lines[-1])]


found = reported([4, 1], [4, 0])
if reported([2, 2, 2], [2, 1, 0]) != [0.5, 0.5]:
    evidence.fault("batches of one size are averaged wrongly")
evidence.verdict(found == [0.8, 0.8], f"of batches of 4 and 1, 4 and 0 right, accuracies (top 1, top 5) are {found}")
