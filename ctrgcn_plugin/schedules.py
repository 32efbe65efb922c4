"""Learning-rate schedules, reachable by name from a config through upstream's build_lr."""

from __future__ import annotations

import math

from paddle.optimizer.lr import LRScheduler

from ctrgcn_plugin.errors import ConfigError


class WarmupCosineDecay(LRScheduler):
    """Linear warm-up into a half cosine (Loshchilov & Hutter 2017, without restarts).

    The cosine spans all epochs; the warm-up ends on its value at `warmup_epochs`, as in upstream's
    CustomWarmupCosineDecay. Steps are counted as integers, so that no rounding adds up over a long
    run and a resumed schedule equals an unbroken one to the bit.

    Args:
        warmup_start_lr: learning rate of the first step.
        warmup_epochs: epochs of warm-up.
        cosine_base_lr: peak of the cosine.
        max_epoch: epochs of the whole schedule.
        num_iters: steps in an epoch: given by build_lr with ``iter_step: True``, else 1, a step an epoch.
    """

    def __init__(
        self,
        warmup_start_lr: float,
        warmup_epochs: int,
        cosine_base_lr: float,
        max_epoch: int,
        num_iters: int = 1,
        last_epoch: int = -1,
        verbose: bool = False,
    ) -> None:
        if num_iters < 1:
            raise ConfigError(f"learning_rate: an epoch needs at least 1 step, has {num_iters}: no full batch of data")
        if not 0 <= warmup_epochs <= max_epoch:
            raise ConfigError(
                f"learning_rate: warmup_epochs must be from 0 to max_epoch ({max_epoch}), got {warmup_epochs}"
            )
        self.warmup_start_lr = warmup_start_lr
        self.warmup_epochs = warmup_epochs
        self.cosine_base_lr = cosine_base_lr
        self.max_epoch = max_epoch
        self.num_iters = num_iters
        super().__init__(learning_rate=warmup_start_lr, last_epoch=last_epoch, verbose=verbose)

    def _cosine(self, epoch: float) -> float:
        return self.cosine_base_lr * 0.5 * (1 + math.cos(math.pi * min(epoch / self.max_epoch, 1)))

    def get_lr(self) -> float:
        epoch = self.last_epoch / self.num_iters
        if epoch >= self.warmup_epochs:
            return self._cosine(epoch)
        rise = self._cosine(self.warmup_epochs) - self.warmup_start_lr
        return self.warmup_start_lr + rise * epoch / self.warmup_epochs


SCHEDULES = (WarmupCosineDecay,)
