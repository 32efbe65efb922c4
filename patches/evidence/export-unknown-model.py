"""export_model.py with a model_name that it does not know: UnboundLocalError: input_spec."""

import sys

from evidence import ROOT, config_file, fault, need, verdict
from paddlevideo.utils import get_config
from paddlevideo.utils.config import AttrDict

need("tools/export_model.py")
sys.path.insert(0, str(ROOT / "tools"))
import export_model  # noqa: E402, once its folder is known

get_config(config_file(), show=False)  # as main does first
try:
    export_model.get_input_spec(AttrDict(name="My_Inference_helper"), "MyModel")
except UnboundLocalError as error:
    fault(f"{type(error).__name__}: {error}")
except NotImplementedError as error:
    verdict("MyModel" in str(error), error)
fault("an input for a model that nobody knows")
