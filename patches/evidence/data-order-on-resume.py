"""A resumed training has the data in the order of its first epochs again."""

import evidence
import paddle
from evidence import CLIPS, config, verdict
from paddlevideo.loader.dataset import SkeletonDataset
from paddlevideo.tasks import train_model
from paddlevideo.utils.config import AttrDict, create_attr_dict

EPOCHS = 3
evidence.on_cpu()
original = SkeletonDataset.prepare_train
taken: list[int] = []


def noted(self, index: int):
    taken.append(int(index))
    return original(self, index)


def train(resumed: int) -> list[list[int]]:
    """Which clips a training took, a list for each of its epochs."""
    taken.clear()
    cfg = AttrDict(config(epochs=EPOCHS, resume_epoch=resumed, save_interval=1, output_dir="output"))
    create_attr_dict(cfg)
    with paddle.utils.unique_name.guard():  # the names that a new process would give
        train_model(cfg, parallel=False, validate=False)
    return [taken[start : start + CLIPS] for start in range(0, len(taken), CLIPS)]


SkeletonDataset.prepare_train = noted
unbroken = train(0)
resumed = train(1)
verdict(
    len({*map(tuple, unbroken)}) == EPOCHS and resumed == unbroken[1:],
    f"epochs 2 and 3 take the clips in the order {unbroken[1:]}, resumed after epoch 1 in the order {resumed}",
)
