"""A misspelt boolean in a config, `joint: Flase`, silently leaves bone and motion models with joints."""

import numpy as np
import yaml
from evidence import clip, fault, verdict
from paddlevideo.loader.pipelines import SketeonModalityTransform


def transform(settings):
    return SketeonModalityTransform(**yaml.safe_load(settings))({"data": clip()})["data"]


if np.array_equal(transform("{bone: True, motion: False, joint: False}"), clip()):
    fault("bones cannot be told from joints")
for key in ("joint", "bone", "motion"):
    settings = ", ".join(f"{name}: {'Flase' if name == key else 'False'}" for name in ("bone", "motion", "joint"))
    try:
        data = transform(f"{{{settings}}}")
    except (TypeError, ValueError) as error:
        if key not in str(error) or "Flase" not in str(error):
            fault(f"{key}: Flase is refused without being named: {error}")
        continue
    fault(f"{key}: Flase is taken for True" + (", and the data stay joints" if np.array_equal(data, clip()) else ""))
verdict(np.array_equal(transform("{bone: False, motion: False}"), clip()), "what is no boolean is refused by name")
