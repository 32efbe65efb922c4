"""Without iter_step CustomWarmupAdjustDecay ends training after an epoch: unsupported operand for /: NoneType."""

from evidence import fault, verdict
from paddlevideo.solver import build_lr


def rates(steps, **settings):
    settings = {"step_base_lr": 0.1, "warmup_epochs": 2, "lr_decay_rate": 0.1, "boundaries": [4, 6], **settings}
    schedule, found = build_lr({"name": "CustomWarmupAdjustDecay", **settings}, 4), []
    for _ in range(steps):
        found.append(round(float(schedule.get_lr()), 12))
        schedule.step()
    return found


try:
    by_epoch = rates(8)
except TypeError as error:
    fault(error)
right = by_epoch == [0.05, 0.1, 0.1, 0.1, 0.01, 0.01, 0.001, 0.001] == rates(32, iter_step=True)[::4]
verdict(right, f"the rates of eight epochs: {by_epoch}")
