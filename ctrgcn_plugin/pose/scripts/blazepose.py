"""Runs MediaPipe's Pose Landmarker over a video, in a Python that has mediapipe and need not have this package.

Writes a JSON object a line: first ``{width, height, fps, count}`` of the video, then for each frame the landmarks of
everybody in it as :mod:`ctrgcn_plugin.data.sources.mediapipe` reads them, or a refusal, ``{missing}`` or
``{unreadable}``, after which nothing comes.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
import zipfile
from pathlib import Path
from typing import Any

# the parts of a .task file, and where a wheel has them
PARTS = {
    "pose_detector.tflite": "pose_detection/pose_detection.tflite",
    "pose_landmarks_detector.tflite": "pose_landmark/pose_landmark_full.tflite",
}
DIGITS = 6


class RefusalError(Exception):
    """What a user has to do something about: its kind, and one line."""


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser()
    parser.add_argument("video")
    parser.add_argument("--persons", type=int, default=1)
    parser.add_argument("--model", help="a .task file")
    options = parser.parse_args()
    # libraries write to stdout as they like
    results = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    try:
        for result in landmarks(options.video, options.persons, options.model):
            print(json.dumps(result), file=results, flush=True)
    except RefusalError as refusal:
        kind, text = refusal.args
        print(json.dumps({kind: text}), file=results, flush=True)


def landmarks(video: str, persons: int, model: str | None):
    """The objects to write."""
    try:
        import cv2
        import mediapipe
        from mediapipe.tasks.python import BaseOptions, vision
    except ImportError as error:
        raise RefusalError("missing", f"mediapipe cannot be imported in {sys.executable} ({error})") from error
    capture = cv2.VideoCapture(video)
    rate = capture.get(cv2.CAP_PROP_FPS)
    rate = rate if 0 < rate < 1000 else 0
    found, picture = capture.read()
    if not found:
        raise RefusalError("unreadable", f"video {video} has no frame that OpenCV can read")
    options = vision.PoseLandmarkerOptions(
        base_options=BaseOptions(model_asset_buffer=Path(model).read_bytes() if model else task(mediapipe)),
        running_mode=vision.RunningMode.VIDEO,
        num_poses=persons,
    )
    try:
        landmarker = vision.PoseLandmarker.create_from_options(options)
    except (RuntimeError, ValueError) as error:
        raise RefusalError("missing", f"mediapipe {mediapipe.__version__} cannot use its weights ({error})") from error
    height, width = picture.shape[:2]
    count = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    yield {"width": width, "height": height, "fps": rate, **({"count": count} if count > 0 else {})}
    frame = 0
    with landmarker:
        while found:
            image = mediapipe.Image(
                image_format=mediapipe.ImageFormat.SRGB, data=cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
            )
            result = landmarker.detect_for_video(image, round(1000 * frame / (rate or 30)))
            yield {
                "pose_landmarks": [plain(person) for person in result.pose_landmarks],
                "pose_world_landmarks": [plain(person) for person in result.pose_world_landmarks],
            }
            found, picture = capture.read()
            frame += 1


def plain(person) -> list[dict[str, float]]:
    """The landmarks of a person."""
    names = ("x", "y", "z", "visibility")
    return [{name: round(getattr(landmark, name), DIGITS) for name in names} for landmark in person]


def task(mediapipe: Any) -> bytes:
    """The weights in mediapipe's wheel as a .task file, which is what finds several persons."""
    modules = Path(mediapipe.__file__).parent / "modules"
    try:
        weights = {name: (modules / place).read_bytes() for name, place in PARTS.items()}
    except OSError as error:
        version = mediapipe.__version__
        raise RefusalError("missing", f"mediapipe {version} in {sys.executable} brings no weights") from error
    from mediapipe.tasks.python.metadata.metadata_writers import metadata_writer

    # a .task says how its input is scaled: to [0, 1], which the solution's graph did in the wheel's
    landmarks_detector = "pose_landmarks_detector.tflite"
    writer = metadata_writer.MetadataWriter.create(bytearray(weights[landmarks_detector]))
    writer.add_image_input([0.0], [255.0])
    for _ in range(5):
        writer.add_feature_output()
    weights[landmarks_detector] = bytes(writer.populate()[0])
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in weights.items():
            archive.writestr(name, content)
    return file.getvalue()


if __name__ == "__main__":
    main()
