"""Without iter_step CustomWarmupAdjustDecay ends training after an epoch: unsupported operand for /: NoneType."""

from evidence import fault, rates, verdict

SCHEDULE = "CustomWarmupAdjustDecay"
SETTINGS = {"step_base_lr": 0.1, "warmup_epochs": 2, "lr_decay_rate": 0.1, "boundaries": [4, 6]}

try:
    by_epoch = rates(SCHEDULE, 8, **SETTINGS)
except TypeError as error:
    fault(error)
by_iteration = rates(SCHEDULE, 32, iter_step=True, **SETTINGS)
right = by_epoch == [0.05, 0.1, 0.1, 0.1, 0.01, 0.01, 0.001, 0.001] == by_iteration[::4]
verdict(right, f"the rates of eight epochs: {by_epoch}")
