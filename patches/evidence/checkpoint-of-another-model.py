"""Weights of another width or model are skipped key by key with warnings: a random model is tested and exported."""

import sys

import evidence
import paddle
from evidence import ROOT, WORK, config, config_file, fault, verdict
from paddlevideo.modeling.builder import build_model
from paddlevideo.tasks import test_model
from paddlevideo.utils import get_config

evidence.on_cpu()
path, head = str(WORK / "weights.pdparams"), config()["MODEL"]["head"]
wide = {"backbone": {"name": "CTRGCN", "base_channel": 16}, "head": {**head, "in_channels": 16}}
wider = build_model(get_config(config_file(MODEL={**config()["MODEL"], **wide}), show=False).MODEL).state_dict()
weights = build_model(get_config(config_file(), show=False).MODEL).state_dict()


def refused(state: dict) -> str:
    """What test_model says of this checkpoint, nothing if it takes it."""
    paddle.save(state, path)
    try:
        test_model(get_config(config_file(), show=False), path, parallel=False)
    except Exception as error:
        return str(error)
    return ""


if unwanted := refused({**weights, "extra.num_batches_tracked": paddle.zeros([1])}):
    fault(f"a checkpoint of the model, with a key more, is refused: {unwanted}")
less = refused({key: value for key, value in weights.items() if key != "head.fc.bias"})
width, other = refused(wider), refused({"fc.weight": paddle.zeros([2, 2])})
if not (less and width and other):
    fault("test_model tests a random model: no error for a key too few, for twice the width, for another model")
if (ROOT / "tools" / "export_model.py").is_file():
    sys.path.insert(0, str(ROOT / "tools"))
    import export_model

    sys.argv = ["export_model.py", "-c", str(config_file()), "-p", path, "-o", str(WORK / "exported")]
    try:
        export_model.main()
    except Exception as error:
        if f"{len(weights)}" not in str(error):
            fault(error)
    else:
        fault("export_model exports a random model, without an error")
misfit = sum(list(value.shape) != list(weights[key].shape) for key, value in wider.items())
counted = f"{len(weights)} " in other and f"{misfit} " in width and "1 " in less
verdict(counted and "head.fc.bias" in less, width)
