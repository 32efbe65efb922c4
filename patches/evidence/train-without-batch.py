"""A training set that is smaller than one batch ends with a ZeroDivisionError."""

import evidence
from evidence import CLIPS, config, config_file, fault, verdict
from paddlevideo.tasks import train_model
from paddlevideo.utils import get_config

evidence.on_cpu()


def train(batch_size: int) -> str:
    """What training says of this batch size, nothing if it ends well."""
    dataset = {**config()["DATASET"], "batch_size": batch_size}
    try:
        train_model(get_config(config_file(DATASET=dataset), show=False), parallel=False, validate=False)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""


said = train(CLIPS + 1)
if not said or said.startswith("ZeroDivisionError"):
    fault(said or "a training without a batch ends well")
full = train(CLIPS)
verdict(str(CLIPS) in said and str(CLIPS + 1) in said and not full, f"{said} With one full batch: {full or 'no error'}")
