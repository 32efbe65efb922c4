"""The configs of CTR-GCN cannot be exported: UnboundLocalError, as they are not called CTRGCN."""

import sys

from evidence import ROOT, cannot_be_shown, fault, need, verdict
from paddlevideo.utils import get_config

need("tools/export_model.py")
sys.path.insert(0, str(ROOT / "tools"))
import export_model  # noqa: E402, once its folder is known

configs = sorted((ROOT / "configs" / "recognition" / "ctrgcn").glob("ctrgcn_ntucs_*.yaml"))
if not configs:
    cannot_be_shown("this PaddleVideo has no configs of CTR-GCN")
shapes = set()
for path in configs:
    cfg = get_config(str(path), show=False)
    try:
        shapes.add(tuple(export_model.get_input_spec(cfg.INFERENCE, cfg.model_name)[0][0].shape))
    except Exception as error:
        fault(f"{cfg.model_name}: {type(error).__name__}: {error}")
same = export_model.get_input_spec(cfg.INFERENCE, "CTRGCN")[0][0].shape
verdict(shapes == {(-1, 3, 64, 25, 2)} == {tuple(same)}, f"{len(configs)} configs are exported with the input {shapes}")
