"""On several cards a validation counts some samples twice, and averages cards whatever number of samples they have."""

import evidence
import paddle
from evidence import CLASSES, CLIPS, config, config_file

SAMPLES = CLIPS - 1


def validated(rank: int) -> list[int]:
    """Which samples of 7 this card validates after one epoch; then the accuracy of 3 samples here and 1 wrong there."""
    evidence.on_cpu()
    from paddlevideo.loader.dataset.skeleton import SkeletonDataset
    from paddlevideo.modeling.heads.base import BaseHead
    from paddlevideo.tasks import train_model
    from paddlevideo.utils import get_config

    seen: list[int] = []
    prepare = SkeletonDataset.prepare_test

    def noting(self, index):
        seen.append(int(index))
        return prepare(self, index)

    SkeletonDataset.prepare_test = noting
    SkeletonDataset.__len__ = lambda self: SAMPLES if self.test_mode else CLIPS
    sections = {**config()["DATASET"], "valid_batch_size": 2}
    train_model(get_config(str(config_file(DATASET=sections)), show=False), parallel=True, validate=True)

    size, label = ((3, CLASSES - 1), (1, 0))[rank]
    scores, labels = paddle.arange(CLASSES, dtype="float32").expand([size, CLASSES]), paddle.full([size, 1], label)
    top1, _ = BaseHead.get_acc(BaseHead, scores, labels.astype("int64"), True)
    return [seen, round(float(top1), 6)]


found = evidence.in_two_processes(validated)
if not all(isinstance(card, list) for card in found):
    evidence.fault(f"two cards: {found}")
(first, first_top1), (second, second_top1) = found
evidence.verdict(
    sorted(first + second) == list(range(SAMPLES)) and first_top1 == second_top1 == 0.75,
    f"of {SAMPLES} samples two cards validate {first} and {second}; top 1 of 3 right and 1 wrong: {first_top1}",
)
