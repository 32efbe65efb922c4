"""A label .pkl can run any code where it is loaded, here one that writes a file."""

import pickle
from pathlib import Path

import evidence
import numpy as np
from paddlevideo.loader.dataset import SkeletonDataset

WRITTEN = evidence.WORK / "written"


class Harmful:
    def __reduce__(self):
        return Path.touch, (WRITTEN,)


class HarmfulBuiltin:
    def __reduce__(self):
        return eval, (f"open({str(WRITTEN)!r}, 'w')",)


def load(content, protocol=None):
    (evidence.WORK / "label.pkl").write_bytes(pickle.dumps(content, protocol))
    np.save(evidence.WORK / "data.npy", np.stack([evidence.clip(8, 8)] * 3))
    files = [str(evidence.WORK / name) for name in ("data.npy", "label.pkl")]
    dataset = SkeletonDataset(files[0], lambda results: results, files[1])
    return [int(dataset[index][1]) for index in range(len(dataset))], type(dataset.label)


for harmful in (Harmful(), HarmfulBuiltin()):
    try:
        load((["clip"], harmful))
    except pickle.UnpicklingError:
        pass
    except Exception as error:
        print(f"loading failed with {type(error).__name__}")
    if WRITTEN.exists():
        evidence.fault("a label file wrote a file when it was loaded")
names = ["S001C001P001R001A001", "S002", "S003"]
labels = [2, 0, 1]
for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
    # lists, and arrays as data/ntu-rgb-d/seq_transformation.py writes them
    arrays = [np.array(names, dtype="S20"), np.array(labels)]
    scalars = ([np.str_(name) for name in names], [np.int64(label) for label in labels])
    as_bytes = ([name.encode() for name in names] + [b""], labels)
    found = [load(content, protocol) for content in ((names, labels), arrays, scalars, as_bytes)]
    if found != [(labels, list), (labels, np.ndarray), (labels, list), (labels, list)]:
        evidence.fault(f"good labels are not loaded from pickle protocol {protocol}: {found}")
evidence.fine("a label file runs no code, and good ones load")
