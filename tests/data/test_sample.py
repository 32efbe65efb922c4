"""The test-time sample: equal to upstream's own class, and clear about clips that cannot be used."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ctrgcn_plugin.data.sample import centre_crop_resample, check_clip, read_clip, valid_frames
from ctrgcn_plugin.errors import ClipError, ConfigError

SHAPE = (3, 25, 2)  # C, V, M
LENGTHS = (1, 2, 5, 63, 64, 65, 300)
SAMPLINGS = ((64, 0.95), (64, 1.0), (52, 0.5), (16, 0.7))  # window_size, p

# of a clip with empty frames before its last, stock upstream drops as many at its end
STOCK = "gap-in-clip"

# reads NAME -> clip, writes NAME/window_size/p -> sample
UPSTREAM = """
import sys
root, clips, samples, samplings = sys.argv[1:]
sys.path.insert(0, root)
import numpy as np
from paddlevideo.loader.pipelines.skeleton_pipeline import SketeonCropSample
np.savez(samples, **{
    f"{name}/{window}/{p}": SketeonCropSample(window, p_interval=[p])({"data": clip})["data"]
    for name, clip in np.load(clips).items() for window, p in eval(samplings)
})
"""


def padded(rng: np.random.Generator, length: int, total: int) -> np.ndarray:
    clip = np.zeros((3, total, 25, 2), np.float32)
    clip[:, :length] = rng.normal(0, 1, (3, length, 25, 2))
    return clip


def gapless_clips() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    clips = {f"{length}of{total}": padded(rng, length, total) for length in LENGTHS for total in (length, 300)}
    clips.update({f"random{length}": padded(rng, length, 300) for length in rng.integers(1, 301, 40)})
    alone = padded(rng, 80, 120)
    alone[..., 1] = 0
    return {**clips, "alone": alone}


def interrupted_clips() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    clips = {name: padded(rng, 90, 120) for name in ("middle", "start", "twice", "cancel")}
    clips["middle"][:, 30:35] = 0
    clips["start"][:, :3] = 0
    clips["twice"][:, 10:80:2] = 0
    # no gap: coordinates that add up to nothing
    clips["cancel"][0, 40], clips["cancel"][1, 40], clips["cancel"][2, 40] = 1, -1, 0
    return clips


@pytest.mark.parametrize(("some_clips", "off"), [(gapless_clips, STOCK), (interrupted_clips, "")])
def test_equal_to_upstream(
    upstream_root: Path, tmp_path: Path, some_clips: Callable[[], dict[str, np.ndarray]], off: str
) -> None:
    """To stock upstream's on clips without a gap, to upstream's under the fix on the others."""
    clips = some_clips()
    np.savez(tmp_path / "clips.npz", **clips)  # type: ignore[arg-type]
    files = [str(tmp_path / name) for name in ("clips.npz", "samples.npz")]
    command = [sys.executable, "-c", UPSTREAM, str(upstream_root), *files, repr(SAMPLINGS)]
    # in a process and a folder of its own: importing paddlevideo may set signal handlers and write .log.txt
    environment = {**os.environ, "PADDLEVIDEO_PLUGIN_FIXES": off}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    upstream = np.load(files[1])
    assert len(upstream.files) == len(clips) * len(SAMPLINGS)
    for key in upstream.files:
        name, window_size, p = key.split("/")
        sample = centre_crop_resample(clips[name], int(window_size), float(p))
        assert sample.shape == (3, int(window_size), 25, 2)
        assert sample.dtype == np.float32
        np.testing.assert_allclose(sample, upstream[key], rtol=0, atol=1e-6, err_msg=key)


def test_frames_up_to_the_last_with_anybody_in_it() -> None:
    clip = padded(np.random.default_rng(1), 20, 30)
    assert valid_frames(clip) == 20
    clip[:, 5:9] = 0
    clip[:, 0] = 0
    assert valid_frames(clip) == 20
    np.testing.assert_array_equal(centre_crop_resample(clip, 20, 1.0), clip[:, :20])
    assert valid_frames(np.zeros_like(clip)) == 0


def test_a_full_clip_of_window_size_is_kept() -> None:
    clip = padded(np.random.default_rng(1), 64, 64)
    np.testing.assert_array_equal(centre_crop_resample(clip, 64, 1.0), clip)


def test_an_empty_clip_gives_zeros() -> None:
    assert not centre_crop_resample(np.zeros((3, 30, 25, 2), np.float32), 64, 0.95).any()


def test_a_frame_whose_coordinates_cancel_is_valid() -> None:
    clip = np.zeros((3, 2, 25, 2), np.float32)
    clip[0, :, 0, 0], clip[0, :, 1, 0] = 1, -1
    np.testing.assert_array_equal(centre_crop_resample(clip, 2, 1.0), clip)


@pytest.mark.parametrize(("window_size", "p"), [(0, 0.95), (64, 0.0), (64, 1.5)])
def test_impossible_sampling(window_size: int, p: float) -> None:
    with pytest.raises(ConfigError, match="window_size"):
        centre_crop_resample(np.ones((3, 4, 25, 2), np.float32), window_size, p)


@pytest.mark.parametrize("dtype", ["float64", "float16", "int32"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_reads_any_numbers_as_float32(tmp_path: Path, dtype: str, order: str) -> None:
    clip = np.asarray(np.random.default_rng(0).normal(0, 9, (3, 7, 25, 2)).astype(dtype), order=order)  # type: ignore
    np.save(tmp_path / "a.npy", clip)
    read = read_clip(tmp_path / "a.npy", SHAPE)
    assert read.dtype == np.float32
    np.testing.assert_array_equal(read, clip.astype("float32"))


def changed(index: tuple[int, ...], value: float) -> np.ndarray:
    clip = np.ones((3, 7, 25, 2))
    clip[index] = value
    return clip


BAD_CLIPS = {
    "one axis too few": (np.ones((3, 7, 25)), ["3 axes", "(3, 7, 25)", "(3, T, 25, 2)"]),
    "a data set": (np.ones((2, 3, 7, 25, 2)), ["5 axes", "one clip"]),
    "channels": (np.ones((2, 7, 25, 2)), ["(2, 7, 25, 2)", "(3, T, 25, 2)", "coordinates C, frames T"]),
    "joints": (np.ones((3, 7, 20, 2)), ["(3, 7, 20, 2)", "joints V"]),
    "persons": (np.ones((3, 7, 25, 1)), ["(3, 7, 25, 1)", "persons M"]),
    "no frames": (np.ones((3, 0, 25, 2)), ["no frames"]),
    "NaN": (changed((1, 4), np.nan), ["50 values", "frame 4"]),
    "infinite": (changed((0, 6, 3, 1), -np.inf), ["1 values", "frame 6"]),
    "too large for float32": (changed((0, 2, 3, 1), 1e300), ["1 values", "frame 2"]),
    "text": (np.full((3, 7, 25, 2), "a"), ["<U1", "numbers"]),
}


@pytest.mark.parametrize("case", BAD_CLIPS)
def test_refuses_a_clip(tmp_path: Path, case: str) -> None:
    clip, says = BAD_CLIPS[case]
    path = tmp_path / "bad.npy"
    np.save(path, clip)
    for refuse in (lambda: read_clip(path, SHAPE), lambda: check_clip(clip, SHAPE, f"clip {path}")):
        with pytest.raises(ClipError) as caught:
            refuse()
        message = str(caught.value)
        assert "\n" not in message
        assert all(part in message for part in [str(path), *says]), message


def file_of(save: object, *args: object) -> bytes:
    buffer = io.BytesIO()
    save(buffer, *args)  # type: ignore[operator]
    return buffer.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"hello",
        file_of(np.save, np.array([{"a": 1}], dtype=object)),  # would need unpickling
        file_of(np.savez, np.ones(3)),
        file_of(np.save, np.ones((3, 7, 25, 2)))[:500],
    ],
    ids=["empty", "text", "pickle", "archive", "cut off"],
)
def test_refuses_a_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.npy"
    path.write_bytes(content)
    with pytest.raises(ClipError, match=r"bad\.npy .*\.np") as caught:
        read_clip(path, SHAPE)
    assert "\n" not in str(caught.value)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ClipError, match="no clip at .*none.npy"):
        read_clip(tmp_path / "none.npy", SHAPE)
    with pytest.raises(ClipError, match="no clip at"):
        read_clip(tmp_path, SHAPE)
