"""Fewer than five classes end training and testing: The rank (5) of the input 'k' for topk op."""

import importlib

import evidence
import paddle
from paddlevideo.metrics import build_metric
from paddlevideo.modeling.heads import CTRGCNHead

recognizers = importlib.import_module("paddlevideo.modeling.framework.recognizers.recognizerDistillation")


def accuracies(classes):
    """(top 1, top 5) of head, distillation and metric where the classes score in rising order."""
    scores = paddle.arange(classes, dtype="float32").expand([2, classes])
    labels = paddle.to_tensor([[0], [classes - 1]])
    head = CTRGCNHead(in_channels=1, num_classes=classes).get_acc(scores, labels, True)
    distillation = recognizers.RecognizerDistillation.get_acc(None, scores, [labels])
    metric = build_metric({"name": "SkeletonMetric", "data_size": 2, "batch_size": 2})
    metric.update(0, [scores, labels], scores)
    return [[float(top1), float(top5)] for top1, top5 in (head, distillation, (metric.top1[0], metric.top5[0]))]


try:
    few = accuracies(3)
except ValueError as error:
    evidence.fault(error)
right = few == [[0.5, 1.0]] * 3 and accuracies(6) == [[0.5, 0.5]] * 3
evidence.verdict(right, f"top 1 and top 5 of three classes: {few}")
