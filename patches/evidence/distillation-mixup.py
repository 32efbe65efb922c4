"""With Mixup RecognizerDistillation ends training: only one element variable can be converted to float."""

import importlib

import evidence
import numpy as np
import paddle
from paddlevideo.loader.pipelines import Mixup
from paddlevideo.utils import AverageMeter

recognizers = importlib.import_module("paddlevideo.modeling.framework.recognizers.recognizerDistillation")

np.random.seed(0)
batch = Mixup(alpha=1.0)([(evidence.clip(seed=label), np.array([label])) for label in range(4)])
labels_a, labels_b, lam = [paddle.to_tensor(np.stack(slot)) for slot in list(zip(*batch))[1:]]
# the first labels are right, of the second those that are the same
top1, top5 = recognizers.RecognizerDistillation.get_acc(None, paddle.eye(4, 8) + 1e-3, [labels_a, labels_b, lam])
want = float(lam[0]) + (1 - float(lam[0])) * float((labels_a == labels_b).astype("float32").mean())
meter = AverageMeter("top1")
try:
    meter.update(top1, 4)
except (AssertionError, TypeError, ValueError) as error:
    evidence.fault(error)
evidence.verdict(abs(meter.avg - want) < 1e-6 and float(top5) >= meter.avg, f"one accuracy a batch, {meter.avg:.3f}")
