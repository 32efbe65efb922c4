"""``tools/utils.py``: the helper that prepares clips for ``tools/predict.py``, which imports it."""

from __future__ import annotations

import functools
import inspect
from types import FunctionType, ModuleType, SimpleNamespace
from typing import Any

import numpy as np

from ctrgcn_plugin import layouts
from ctrgcn_plugin.data import modality
from ctrgcn_plugin.data.sample import read_clip
from ctrgcn_plugin.upstream.fixes.code import mentions, with_line
from ctrgcn_plugin.upstream.fixes.fix import FALSIFIES, STOPS, Fix
from ctrgcn_plugin.upstream.log import logger

SCRIPT = "tools/utils.py"
NAME = "CTRGCN_Inference_helper"
CHECKS = ("isfinite", "isnan", "float32")
PREDICT_MODALITY = "predict-modality"


def _helper(module: ModuleType) -> Any:
    return module.INFERENCE.get(NAME)


def _takes_any_clip(module: ModuleType) -> bool:
    helper = _helper(module)
    functions = [function for function in vars(helper).values() if inspect.isfunction(function)]
    return not any(mentions(function, word) for function in functions for word in CHECKS)


def _check_clips(module: ModuleType) -> None:
    # before the other fix: a line cannot be changed in a function that something is wrapped around
    helper = _helper(module)
    read = "ctrgcn_read_clip(input_file, (self.num_channels, self.vertex_nums, self.person_nums))"
    helper.preprocess = with_line(helper.preprocess, "np.load(input_file)", read, ctrgcn_read_clip=read_clip)


def _gives_joints_only(module: ModuleType) -> bool:
    return "bone" not in inspect.signature(_helper(module).__init__).parameters


def _take_a_modality(module: ModuleType) -> None:
    from paddlevideo.loader.pipelines import SketeonModalityTransform

    helper = _helper(module)
    init, preprocess = helper.__init__, helper.preprocess

    @functools.wraps(init)
    def with_modality(
        self: Any,
        *args: Any,
        joint: bool = True,
        bone: bool = False,
        motion: bool = False,
        graph: str = layouts.DEFAULT,
        **kwargs: Any,
    ) -> None:
        init(self, *args, **kwargs)
        self.modality = SketeonModalityTransform(bone=bone, motion=motion, joint=joint, graph=graph)

    @functools.wraps(preprocess)
    def in_modality(self: Any, input_file: str) -> list[np.ndarray]:
        return [
            np.stack([self.modality({"data": clip})["data"] for clip in clips])
            for clips in preprocess(self, input_file)
        ]

    helper.__init__, helper.preprocess = with_modality, in_modality


def take_modality(config: Any) -> None:
    """Have INFERENCE take the modality that PIPELINE.test gives the clips, unless it names one itself."""
    inference = config["INFERENCE"]
    found = modality.tested_on(config)
    if not found or any(key in inference for key in modality.KEYS):
        return
    from paddlevideo.loader.pipelines import SketeonModalityTransform

    transform = SketeonModalityTransform(**found)
    inference.update({key: getattr(transform, key) for key in modality.KEYS})
    if not transform.joint:
        settings = ", ".join(f"{key}: {inference[key]}" for key in modality.KEYS)
        logger().info(f"INFERENCE takes the modality of PIPELINE.test: {settings}")


def _prints_arrays(module: ModuleType) -> bool:
    """By the lines of two made-up scores; what upstream asks of Paddle has no part in them and is left out."""
    printed: list[str] = []
    stubs = {
        "print": printed.append,
        "paddle": SimpleNamespace(to_tensor=np.asarray),
        "F": SimpleNamespace(softmax=lambda scores, axis: SimpleNamespace(numpy=lambda: scores)),
    }
    method = inspect.unwrap(_helper(module).postprocess)
    postprocess = FunctionType(
        method.__code__, {**method.__globals__, **stubs}, None, method.__defaults__, method.__closure__
    )
    postprocess(SimpleNamespace(input_file=["clip.npy"], top_k=1), [np.array([[0.25, 0.75]], "float32")])
    last = [line.split()[-1] for line in printed if "top-1" in line]
    if not last:
        raise LookupError(f"{NAME}.postprocess prints no top-1")
    return any(word.startswith("[") for word in last)


def _print_numbers(module: ModuleType) -> None:
    helper = _helper(module)
    # the results that it returns stay arrays; the method is the base's, which other models' helpers share
    done = "results_list.append(result)"
    single = "topk_class, topk_scores = ctrgcn_single(topk_class), ctrgcn_single(topk_scores)"
    helper.postprocess = with_line(helper.postprocess, done, f"{done}; {single}", ctrgcn_single=_single)


def _single(values: np.ndarray) -> Any:
    """The only value as a number; of more, the array."""
    return values[0] if len(values) == 1 else values


FIXES = (
    Fix(
        "predict-input",
        SCRIPT,
        "tools/utils.py:757",
        "a clip with NaN gets a score; one of float64, of whole numbers or of another shape ends in Paddle's kernels",
        FALSIFIES,
        _takes_any_clip,
        _check_clips,
    ),
    Fix(
        PREDICT_MODALITY,
        SCRIPT,
        "tools/utils.py:735",
        "models of bones and motion are given joints",
        FALSIFIES,
        _gives_joints_only,
        _take_a_modality,
    ),
    Fix(
        "predict-top1-lines",
        SCRIPT,
        "tools/utils.py:159",
        "top-1 class: [15]: invalid literal for int() in TIPC's compare_results.py, whose references have numbers",
        STOPS,
        _prints_arrays,
        _print_numbers,
    ),
)
