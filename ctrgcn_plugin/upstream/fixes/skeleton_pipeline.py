"""``paddlevideo.loader.pipelines.skeleton_pipeline``: cropping a clip to a window, and the stream made of it."""

from __future__ import annotations

import functools
from numbers import Real
from types import ModuleType
from typing import Any, NoReturn

import numpy as np

from ctrgcn_plugin import layouts
from ctrgcn_plugin.data.modality import STEP, TYPO, Modality
from ctrgcn_plugin.data.sample import valid_frames
from ctrgcn_plugin.errors import ConfigError
from ctrgcn_plugin.upstream.fixes.code import with_line
from ctrgcn_plugin.upstream.fixes.fix import FALSIFIES, STOPS, Fix
from ctrgcn_plugin.upstream.fixes.proxy import Proxy, replaced
from ctrgcn_plugin.upstream.log import logger


class _ReachedError(Exception):
    """Carries the frames that the operator was about to resample."""


def _cropped(module: ModuleType, clip: np.ndarray, **settings: Any) -> np.ndarray:
    """What SketeonCropSample leaves of a clip of as many frames as its window, before Paddle resamples it.

    NumPy's global random state stays as it was.
    """

    def stop(frames: np.ndarray) -> NoReturn:
        raise _ReachedError(frames)

    state = np.random.get_state()
    try:
        with replaced(module, paddle=Proxy(module.paddle, to_tensor=stop)):
            return module.SketeonCropSample(window_size=clip.shape[1], **settings)({"data": clip})["data"]
    except _ReachedError as reached:
        return reached.args[0]
    finally:
        np.random.set_state(state)


def _numbered_frames() -> np.ndarray:
    """A clip of four frames full of 1, 2, 3 and 4."""
    return np.arange(1, 5, dtype="float32").reshape(1, 4, 1, 1)


def _counts_frames(module: ModuleType) -> bool:
    clip = _numbered_frames()
    clip[:, 1] = 0
    return not (_cropped(module, clip, p_interval=[1]) == 4).any()


def _count_to_the_last(module: ModuleType) -> None:
    crop = module.SketeonCropSample
    crop.__call__ = with_line(
        crop.__call__, "np.sum(data.sum(0).sum(-1).sum(-1) != 0)", "_valid_frames(data)", _valid_frames=valid_frames
    )


def _cannot_draw(module: ModuleType) -> bool:
    try:
        _cropped(module, _numbered_frames(), p_interval=[0.5, 1])
    except TypeError:
        return True
    return False


def _draw_scalar(module: ModuleType) -> None:
    crop = module.SketeonCropSample
    # one number of the same stream, so that a seed gives the clips that it always gave
    crop.__call__ = with_line(crop.__call__, "np.random.rand(1)", "np.random.rand(1)[0]")


def _needs_a_list(module: ModuleType) -> bool:
    try:
        _cropped(module, _numbered_frames(), p_interval=1)
    except TypeError:
        return True
    return False


def _take_a_number(module: ModuleType) -> None:
    crop = module.SketeonCropSample
    original = crop.__init__

    @functools.wraps(original)
    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        if isinstance(self.p_interval, Real):
            self.p_interval = [self.p_interval]

    crop.__init__ = init


def _needs_somebody(module: ModuleType) -> bool:
    return _cropped(module, np.zeros((1, 4, 1, 1), "float32"), p_interval=[1]).size == 0


def _give_zeros(module: ModuleType) -> None:
    crop = module.SketeonCropSample
    original = crop.__call__

    @functools.wraps(original)
    def call(self: Any, results: dict[str, Any]) -> dict[str, Any]:
        clip = results["data"]
        if valid_frames(clip):
            return original(self, results)
        results["data"] = np.zeros((clip.shape[0], self.window_size, *clip.shape[2:]), clip.dtype)
        return results

    crop.__call__ = call


def _takes_typo_for_true(module: ModuleType) -> bool:
    try:
        transform = module.SketeonModalityTransform(joint=TYPO, bone=True, motion=False)
    except Exception:
        # refused, in whatever words
        return False
    # bones of joints that are all in one place
    return bool(transform({"data": np.ones((1, 1, 25, 1), "float32")})["data"].any())


def _take_truth_values(module: ModuleType) -> None:
    transform = module.SketeonModalityTransform
    original = transform.__init__

    @functools.wraps(original)
    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        for name in ("joint", "bone", "motion"):
            value = getattr(self, name)
            if value == TYPO:
                _say_once()
                setattr(self, name, False)
            elif not isinstance(value, bool):
                raise ConfigError(f"{STEP}: {name} must be True or False, got {value!r}")

    transform.__init__ = init


@functools.cache
def _say_once() -> None:
    logger().info(f"{STEP}: {TYPO!r} in the config is taken as False")


def _knows_one_graph(module: ModuleType) -> bool:
    try:
        module.SketeonModalityTransform(bone=True, motion=False, graph="layout.yaml")
    except NotImplementedError:
        return True
    except Exception:
        # refused in other words: it looks for the file
        return False
    return False


def _take_any_graph(module: ModuleType) -> None:
    transform = module.SketeonModalityTransform
    original_init, original_call = transform.__init__, transform.__call__

    @functools.wraps(original_init)
    def init(self: Any, bone: Any, motion: Any, joint: Any = True, graph: str = layouts.DEFAULT) -> None:
        original_init(self, bone, motion, joint)
        self.graph = graph
        parents = layouts.get(graph).parents
        # upstream counts from 1
        self.bone_pairs = tuple((end + 1, start + 1) for end, start in enumerate(parents))
        self.modality = Modality.of(joint=self.joint, bone=self.bone, motion=self.motion, parents=parents)

    @functools.wraps(original_call)
    def call(self: Any, results: dict[str, Any]) -> dict[str, Any]:
        results["data"] = self.modality(results["data"])
        return results

    transform.__init__, transform.__call__ = init, call


# those that change a line of upstream's go before those that put something around it
FIXES = (
    Fix(
        "gap-in-clip",
        "paddlevideo.loader.pipelines.skeleton_pipeline",
        "loader/pipelines/skeleton_pipeline.py:254",
        "of a clip with empty frames in its middle as many frames at its end are silently dropped",
        FALSIFIES,
        _counts_frames,
        _count_to_the_last,
    ),
    Fix(
        "random-crop-scalar",
        "paddlevideo.loader.pipelines.skeleton_pipeline",
        "loader/pipelines/skeleton_pipeline.py:268",
        "only 0-dimensional arrays can be converted to Python scalars, with NumPy 2.4",
        STOPS,
        _cannot_draw,
        _draw_scalar,
    ),
    Fix(
        "crop-interval-default",
        "paddlevideo.loader.pipelines.skeleton_pipeline",
        "loader/pipelines/skeleton_pipeline.py:243, 262",
        "object of type 'int' has no len(), with the default p_interval=1",
        STOPS,
        _needs_a_list,
        _take_a_number,
    ),
    Fix(
        "empty-clip",
        "paddlevideo.loader.pipelines.skeleton_pipeline",
        "loader/pipelines/skeleton_pipeline.py:282",
        "a clip without a person in it: received shape[3] is 0",
        STOPS,
        _needs_somebody,
        _give_zeros,
    ),
    Fix(
        "modality-typo",
        "paddlevideo.loader.pipelines.skeleton_pipeline",
        "loader/pipelines/skeleton_pipeline.py:308",
        f"joint: {TYPO} in upstream's configs for bones and motion is true: they all train on joints",
        FALSIFIES,
        _takes_typo_for_true,
        _take_truth_values,
    ),
    Fix(
        "modality-graph",
        "paddlevideo.loader.pipelines.skeleton_pipeline",
        "loader/pipelines/skeleton_pipeline.py:319",
        "NotImplementedError, for every graph but ntu_rgb_d",
        STOPS,
        _knows_one_graph,
        _take_any_graph,
    ),
)
