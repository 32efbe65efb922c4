"""A dataset for upstream's DATASET that reads no clip before it is asked for.

It is no subclass of upstream's: a worker that is not forked unpickles it before anything of PaddleVideo is imported.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Optional, Union

from paddle.io import Dataset

from ctrgcn_plugin.data.arrays import Rows
from ctrgcn_plugin.data.prepared import open_clips, read_labels
from ctrgcn_plugin.errors import ClipError, ConfigError


class MappedSkeletonDataset(Dataset):
    """Has the items of upstream's SkeletonDataset, but reads a clip when it is asked for, and runs no code of labels.

    The processes of a machine share what the system keeps of the file, and hold no clip beside the one in hand. In
    another process, of whatever start method, the file is opened anew: what is pickled is its path.

    Args:
        file_path: ``.npy`` file of clips (N, C, T, V, M).
        pipeline: makes an item of ``{"data": clip, "label": label}``; the clip is a copy that it may write to.
        label_path: pickle of (names, labels), or ``.npy`` file of labels. May be left out in test mode.
        test_mode: whether clips without labels will do; their items are ``[data]``, others (data, label).

    Raises:
        ClipError: a file is missing, unreadable or does not hold that; or they are of another number of clips. Of an
            item: the file has become shorter since.
        ConfigError: `label_path` is missing and needed.
    """

    # what the patch evaluation-in-ranks asks a dataset for: several processes share its samples out, each once
    even_batches = True

    def __init__(
        self,
        file_path: str,
        pipeline: Callable[[dict[str, Any]], dict[str, Any]],
        label_path: Optional[str] = None,
        test_mode: bool = False,
    ) -> None:
        super().__init__()
        if not label_path and not test_mode:
            raise ConfigError(f"training on {file_path} needs label_path; test_mode: True works without it")
        self.file_path, self.pipeline = file_path, pipeline
        self._clips = _opened(file_path)
        self._labels = read_labels(label_path).labels if label_path else None
        if self._labels is not None and len(self._labels) != len(self._clips):
            raise ClipError(
                f"labels {label_path} are {len(self._labels)}, but data {file_path} has {len(self._clips)} clips; "
                "give files that were written together"
            )

    def __len__(self) -> int:
        return len(self._clips)

    def __getitem__(self, index: int) -> Union[list[Any], tuple[Any, Any]]:
        clip = {"data": self._clips[index]}
        if self._labels is None:
            return [self.pipeline(clip)["data"]]
        results = self.pipeline({**clip, "label": self._labels[index]})
        return results["data"], results["label"]

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_clips"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._clips = _opened(self.file_path)


def _opened(path: str) -> Rows:
    open_clips(path)
    return Rows(path)
