"""A resumed training forgets its best accuracy: a worse epoch replaces the `_best` checkpoint."""

from pathlib import Path

import evidence
import paddle
from evidence import config, fault, verdict
from paddlevideo.modeling.heads import CTRGCNHead
from paddlevideo.tasks import train_model
from paddlevideo.utils.config import AttrDict, create_attr_dict

OUTPUT = Path("output")
evidence.on_cpu()
original = CTRGCNHead.loss


def train(accuracy: float, **sections: object) -> bytes:
    """The bytes of the best checkpoint after a training that reaches `accuracy` in every epoch."""
    CTRGCNHead.loss = lambda *args, **kwargs: {**original(*args, **kwargs), "top1": paddle.to_tensor(accuracy)}
    cfg = AttrDict(config(output_dir=str(OUTPUT), **sections))
    create_attr_dict(cfg)
    with paddle.utils.unique_name.guard():  # the names that a new process would give
        train_model(cfg, parallel=False)
    return (OUTPUT / "CTRGCN_best.pdparams").read_bytes()


best = train(0.75)
worse = train(0.25, epochs=2, resume_epoch=1)
if worse != best:
    fault("the best checkpoint, of accuracy 0.75, is replaced by one of 0.25 after resuming")
better = train(0.875, epochs=3, resume_epoch=2)
again = train(0.8, epochs=4, resume_epoch=3)
verdict(
    better != best and again == better,
    f"after resuming, 0.25 replaces a best of 0.75: False, 0.875 does: {better != best}, 0.8 then: {again != better}",
)
