"""``--amp`` on a CPU says that it trains in amp mode, and does not; ``--amp_level`` alone ends in an AssertionError."""

import logging

import evidence
import paddle
from evidence import cannot_be_shown, config_file, fault, verdict
from paddlevideo.tasks import train_model
from paddlevideo.utils import get_config

if paddle.is_compiled_with_cuda() and paddle.device.cuda.device_count():
    cannot_be_shown("there is a GPU here")
evidence.on_cpu()


class Lines(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.text += record.getMessage() + "\n"


def train(**options: object) -> tuple[str, str]:
    """What training logs, and the error that it ends with."""
    lines = Lines()
    logging.getLogger("paddlevideo").addHandler(lines)
    try:
        train_model(get_config(config_file(), show=False), parallel=False, validate=False, **options)
    except Exception as error:
        return lines.text, f"{type(error).__name__}: {error}"
    finally:
        logging.getLogger("paddlevideo").removeHandler(lines)
    return lines.text, ""


log, error = train(use_amp=True, amp_level="O1")
if error or "Training in amp mode" in log or "fp32" not in log:
    fault(error or "'Training in amp mode' on a CPU, where Paddle computes all of it in fp32")
_, error = train(amp_level="O1")
verdict(
    bool(error) and not error.startswith("AssertionError"),
    f"--amp on a CPU trains in fp32 and says so. --amp_level alone: {error or 'no error'}",
)
