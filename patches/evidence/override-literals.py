"""The value of `-o key=value` is evaluated as Python code: this override creates a file."""

from evidence import WORK, config_file, fault, verdict
from paddlevideo.utils import get_config

path, created = config_file(), WORK / "created"
texts = {
    "3": 3,
    "-1": -1,
    "0.1": 0.1,
    "1e-4": 1e-4,
    "True": True,
    "None": None,
    "[8, 16]": [8, 16],
    "(1,)": (1,),
    "{'a': 1}": {"a": 1},
    "'quoted'": "quoted",
    '"12"': "12",
    "plain": "plain",
    "data/k400/val.list": "data/k400/val.list",
    " 5 ": 5,
    "": "",
    "true": "true",
    "max": "max",
}
got = {text: get_config(path, overrides=[f"log_interval={text}"], show=False).log_interval for text in texts}
code = f"__import__('pathlib').Path({str(created)!r}).touch()"
kept = get_config(path, overrides=[f"DATASET.train.file_path={code}"], show=False).DATASET.train.file_path
if created.exists():
    fault("the override DATASET.train.file_path=__import__('pathlib').Path(...).touch() created the file")
wrong = {text: got[text] for text in texts if got[text] != texts[text] or type(got[text]) is not type(texts[text])}
indexed = get_config(path, overrides=["PIPELINE.test.sample.1.SketeonCropSample.window_size=8"], show=False)
size = indexed.PIPELINE.test.sample[1]["SketeonCropSample"]["window_size"]
verdict(
    not wrong and kept == code and size == 8,
    f"code stays text: {kept == code}; literals that are read wrongly: {wrong}; list index: {size}",
)
