"""The CTR-GCN page of the docs exports to one folder and predicts from another."""

import re

from evidence import fault, fine, need

for language in ("en", "zh-CN"):
    page = need(f"docs/{language}/model_zoo/recognition/ctrgcn.md").read_text(encoding="utf-8")
    exported = re.search(r"export_model\.py[^`]*-o (\S+)", page)[1]
    model = re.search(r"--model_file (\S+)/(\S+)\.pdmodel", page)
    if model[1] != exported:
        fault(f"{language}: exported to {exported}, predicted from {model[1]}")
    if f"`{model[2]}.pdmodel`" not in page:
        fault(f"{language}: the page does not call the exported file {model[2]}.pdmodel")
fine(f"what is exported to {exported} is predicted from there")
