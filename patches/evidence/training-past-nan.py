"""A training whose loss is NaN goes on; one whose weights are NaN may not even show it, and saves them."""

from pathlib import Path

import evidence
import numpy as np
import paddle
from evidence import CLIPS, WORK, config, dataset, fault, verdict
from paddlevideo.modeling.heads import CTRGCNHead
from paddlevideo.tasks import train_model
from paddlevideo.utils.config import AttrDict, create_attr_dict

evidence.on_cpu()
original = CTRGCNHead.loss


def train(folder: str, **sections: object) -> tuple[str, bool]:
    """What training says, nothing if it ends well, and whether it has saved weights that are not finite."""
    cfg = AttrDict(config(output_dir=folder, **sections))
    create_attr_dict(cfg)
    said = ""
    try:
        train_model(cfg, parallel=False, validate=False)
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
    states = [paddle.load(str(path)) for path in Path(folder).glob("*.pdparams")]
    return said, any(not np.isfinite(value.numpy()).all() for state in states for value in state.values())


def loss(*args: object, **kwargs: object) -> dict:
    """A loss that is NaN."""
    found = original(*args, **kwargs)
    return {**found, "loss": found["loss"] * float("nan")}


CTRGCNHead.loss = loss
by_loss, saved = train("loss")
if not by_loss or saved:
    fault(f"with a loss of NaN training ends {f'so: {by_loss}' if by_loss else 'well'}, and saves NaN: {saved}")

CTRGCNHead.loss = original
data = dataset()
clips = np.load(data["train"]["file_path"])
clips[CLIPS // 2, 0, 3, 7, 0] = np.nan
data["train"]["file_path"] = str(WORK / "one_nan.npy")
np.save(WORK / "one_nan.npy", clips)
by_weights, saved = train("weights", DATASET=data)
verdict(
    bool(by_weights) and not saved,
    f"with one NaN in one clip training ends {f'so: {by_weights}' if by_weights else 'well'}, and saves NaN: {saved}. "
    f"With a loss of NaN: {by_loss}",
)
