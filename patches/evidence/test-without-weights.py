"""Testing without weights ends with "stat: path should be string ... not NoneType"."""

import evidence
from evidence import config_file, fault, verdict
from paddlevideo.tasks import test_model
from paddlevideo.utils import get_config

evidence.on_cpu()
cfg = get_config(config_file(), show=False)
said = []
for weights in (None, ""):
    try:
        test_model(cfg, weights, parallel=False)
    except (TypeError, OSError) as error:
        fault(f"{type(error).__name__}: {error}")
    except Exception as error:
        said.append(str(error))
verdict(len(said) == 2 and all("weights" in text and "-w" in text for text in said), said[0])
