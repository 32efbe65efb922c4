"""A validation averages over batches and not over samples: a small last batch chooses which checkpoint is the best."""

import logging
import re
from pathlib import Path

import evidence
import paddle
from evidence import config, verdict
from paddlevideo.modeling.heads import CTRGCNHead
from paddlevideo.tasks import train_model
from paddlevideo.utils.config import AttrDict, create_attr_dict

OUTPUT = Path("output")
# of eight samples in batches of seven and one, in two epochs
ACCURACIES = iter([1.0, 0.0, 0.75, 0.75])
evidence.on_cpu()
original = CTRGCNHead.loss


def loss(self, scores, labels, valid_mode=False, **kwargs):
    found = original(self, scores, labels, valid_mode, **kwargs)
    return {**found, "top1": paddle.to_tensor(next(ACCURACIES))} if valid_mode else found


CTRGCNHead.loss = loss
cfg = config(epochs=2, output_dir=str(OUTPUT))
cfg["DATASET"]["valid_batch_size"] = 7
cfg = AttrDict(cfg)
create_attr_dict(cfg)
lines = []
handler = logging.Handler()
handler.emit = lambda record: lines.append(record.getMessage())
logging.getLogger("paddlevideo").addHandler(handler)
train_model(cfg, parallel=False)

said = [float(number) for line in lines for number in re.findall(r"END epoch:.*val.*top1_avg: ([\d.]+)", line)]
best, first = ((OUTPUT / f"CTRGCN_{name}.pdparams").read_bytes() for name in ("best", "epoch_00001"))
verdict(
    said == [0.875, 0.75] and best == first,
    f"of 8 samples 7 and then 6 are right, said to be {said}; the best is of the first epoch: {best == first}",
)
