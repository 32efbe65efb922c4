"""Training and testing ask for a GPU: on a CPU build of Paddle they end with "The device should not be 'gpu'"."""

from types import SimpleNamespace

import evidence
import paddle
from evidence import WORK, cannot_be_shown, config_file, fault
from paddlevideo.tasks import test_model, train_model, train_multigrid
from paddlevideo.utils import get_config
from paddlevideo.utils.config import AttrDict

if paddle.is_compiled_with_cuda():
    cannot_be_shown("this is a GPU build of Paddle")
cfg = get_config(config_file(output_dir=str(WORK / "output")), show=False)
weights = WORK / "output" / "CTRGCN_epoch_00001.pdparams"
try:
    train_model(cfg, parallel=False)
    test_model(cfg, str(weights), parallel=False)
except ValueError as error:
    fault(error)


def asked(device: str) -> None:
    """Note the device, and stop there: training by multigrid needs videos."""
    raise StopIteration(device)


paddle.set_device = asked
train_multigrid.MultigridSchedule = lambda: SimpleNamespace(init_multigrid=lambda cfg: cfg, schedule=[])
cfg.MULTIGRID = AttrDict(LONG_CYCLE=False, SHORT_CYCLE=True)
try:
    train_multigrid.train_model_multigrid(cfg)
except StopIteration as stop:
    device = str(stop)
evidence.verdict(
    weights.is_file() and device == "cpu", f"trained and tested on the CPU; train_model_multigrid takes the {device}"
)
