"""A small exported model, and clips for it, good and bad."""

from __future__ import annotations

import pickle
import random
from pathlib import Path

import numpy as np
import paddle
import yaml

from ctrgcn_plugin import layouts
from ctrgcn_plugin.deploy import gate
from ctrgcn_plugin.deploy.export import export
from ctrgcn_plugin.models.network import build_network
from soaking.clip_files import as_coco, as_csv, as_npy, as_skeleton


class Model:
    """A small network that was never trained, exported, and clips that it takes, in files of every format."""

    FRAMES = 40
    CLASSES = 5

    def __init__(self, folder: Path, layout: str, coordinates: int, persons: int, unit: str) -> None:
        self.skeleton, self.persons = layouts.get(layout), persons
        self.folder = folder / "model"
        joints = self.skeleton.num_joints
        folder.mkdir()
        names = [f"action {number}" for number in range(self.CLASSES)]
        card = {"name": "soak", "layout": layout, "coordinates": coordinates, "persons": persons, "frames": self.FRAMES}
        (folder / "dataset.yaml").write_text(yaml.safe_dump({**card, "unit": unit, "classes": names, "protocols": {}}))
        backbone = {"name": "CTRGCN_lightV2", "base_channel": 8, "graph": layout, "in_channels": coordinates}
        parts = {
            "backbone": {**backbone, "num_person": persons},
            "head": {"name": "CTRGCNHead", "in_channels": 8, "num_classes": self.CLASSES},
        }
        inference = {"num_channels": coordinates, "vertex_nums": joints, "person_nums": persons}
        config = {
            "model_name": "soak",
            "MODEL": parts,
            "INFERENCE": {**inference, "window_size": 16, "p_interval": [0.95]},
            "DATASET": {"test": {"file_path": str(folder / "split" / "val_data.npy")}},
        }
        (folder / "config.yaml").write_text(yaml.safe_dump(config))
        paddle.seed(0)
        network = build_network(parts)
        for key, value in network.state_dict().items():
            if key.endswith(("alpha", "weight")) and len(value.shape) == 1:
                # some are 0 or 1e-6 at initialisation: all clips would get the same answer
                value.set_value(np.full(value.shape, 0.5, "float32"))
        network.head.fc.weight.set_value(0.5 * network.head.fc.weight)  # so that no class is certain
        paddle.save(network.state_dict(), str(folder / "best.pdparams"))
        export(folder / "config.yaml", folder / "best.pdparams", self.folder)
        self._shape = (1, coordinates, self.FRAMES, joints, persons)
        self.clip = self._clip(0)

    def _clip(self, number: int) -> np.ndarray:
        return gate.skeletons(np.random.default_rng(number), self._shape)[0].astype(np.float32)

    def good(self) -> dict[str, bytes]:
        """A clip in each format, by a file name; all of them different."""
        people = [self._clip(number).transpose(3, 1, 2, 0) for number in range(4)]
        files = {"array.npy": as_npy(self.clip), "table.csv": as_csv(self.skeleton, people[1])}
        if len(self.clip) == 3:
            plain = people[2].transpose(1, 0, 2, 3)
            return {**files, "plain.npy": as_npy(plain), "kinect.skeleton": as_skeleton(people[3])}
        return {**files, "coco.json": as_coco(people[2])}

    def bad(self, rng: random.Random) -> dict[str, bytes]:
        """Files that cannot be used."""
        empty = np.where(np.arange(self.FRAMES)[:, None, None] == 7, np.nan, self.clip)
        files = {
            "nan.npy": as_npy(empty),
            "joints.npy": as_npy(self.clip[:, :, 1:]),
            "five axes.npy": as_npy(self.clip[None]),
            "no frames.npy": as_npy(self.clip[:, :0]),
            "objects.npy": pickle.dumps([1, 2]),
            "header.npy": self.good()["array.npy"][:60],
            "missing column.csv": b"frame,one_x\n0,1\n",
        }
        for name, whole in self.good().items():
            suffix = Path(name).suffix
            files[f"empty{suffix}"] = b""
            files[f"noise{suffix}"] = rng.randbytes(5000)
            files[f"half {name}"] = whole[: len(whole) // 2] if suffix != ".csv" else whole[:100]
        return files
