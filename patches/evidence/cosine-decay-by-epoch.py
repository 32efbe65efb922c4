"""Without iter_step CustomWarmupCosineDecay cannot be built: missing 1 required positional argument: 'num_iters'."""

import math

from evidence import fault, rates, verdict

SCHEDULE = "CustomWarmupCosineDecay"
SETTINGS = {"warmup_start_lr": 0.01, "warmup_epochs": 2, "cosine_base_lr": 0.1, "max_epoch": 8}

try:
    by_epoch = rates(SCHEDULE, 8, **SETTINGS)
except TypeError as error:
    fault(error)
cosine = [0.05 * (1 + math.cos(math.pi * epoch / 8)) for epoch in range(8)]
cosine[:2] = 0.01, (0.01 + cosine[2]) / 2
by_iteration = rates(SCHEDULE, 32, iter_step=True, **SETTINGS)
right = by_epoch == [round(rate, 9) for rate in cosine] == by_iteration[::4]
verdict(right, f"the rates of eight epochs: {by_epoch}")
