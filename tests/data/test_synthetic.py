"""The animated set: its format, its anatomy, and that poses alone do not tell its actions apart."""

from __future__ import annotations

import pickle
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ctrgcn_plugin.data import actions, synthetic
from ctrgcn_plugin.data.kinematics import JOINT, LAYOUT, SIDES, Body, Pose, joint_positions, turn
from ctrgcn_plugin.data.synthetic import ACTIONS, Take, clips_by_action, make_clip, make_dataset
from ctrgcn_plugin.errors import ConfigError
from ctrgcn_plugin.files import replacing

FILES = ["train_data.npy", "train_label.pkl", "val_data.npy", "val_label.pkl"]
SPINE = JOINT["spine_mid"]


def load(folder, split):
    with (folder / f"{split}_label.pkl").open("rb") as file:
        names, labels = pickle.load(file)
    return np.load(folder / f"{split}_data.npy"), names, labels


def length(clip: np.ndarray) -> int:
    """Frames up to the last that shows anybody."""
    return int(np.flatnonzero(clip.any(axis=(0, 2, 3)))[-1]) + 1


def people(action: int) -> int:
    return actions.ACTIONS[action].motion.people


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("set")
    make_dataset(path, subjects=12)
    return path


@pytest.fixture(scope="module")
def clips(folder):
    """(clip, label) of the whole set."""
    parts = [load(folder, split) for split in synthetic.SPLITS]
    return [(clip, label) for data, _, labels in parts for clip, label in zip(data, labels)]


# ---- the files


def test_the_files_are_those_of_upstreams_skeleton_dataset(folder):
    for split, subjects in (("train", 9), ("val", 3)):
        data, names, labels = load(folder, split)
        assert data.shape == (subjects * 3 * len(ACTIONS), 3, actions.MAX_FRAMES, 25, 2)
        assert data.dtype == np.float32
        assert np.isfinite(data).all()
        assert type(names) is list and type(labels) is list and {type(label) for label in labels} == {int}
        assert len(names) == len(labels) == len(data)
        assert np.bincount(labels).tolist() == [subjects * 3] * len(ACTIONS)


def test_a_name_says_who_what_and_from_where(folder):
    performers = {}
    for split in synthetic.SPLITS:
        data, names, labels = load(folder, split)
        fields = [re.fullmatch(r"S(\d{3})C(\d{3})P(\d{3})R(\d{3})A(\d{3})\.skeleton", name).groups() for name in names]
        assert [int(action) - 1 for *_, action in fields] == labels
        performers[split] = {int(performer) for _, _, performer, _, _ in fields}
        for row in (0, 17, len(names) - 1):
            _, view, subject, replication, action = (int(field) - 1 for field in fields[row])
            np.testing.assert_array_equal(make_clip(action, subject, view, replication), data[row])
        assert len(set(names)) == len(names)
    assert performers == {"train": {1, 2, 3, 5, 6, 7, 9, 10, 11}, "val": {4, 8, 12}}


def test_a_seed_decides_every_byte(tmp_path):
    size = {"subjects": 4, "views": 1}
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        make_dataset(tmp_path / name, seed=seed, **size)
    same = [(tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes() for file in FILES]
    assert same == [True] * 4
    assert (tmp_path / "a" / FILES[0]).read_bytes() != (tmp_path / "c" / FILES[0]).read_bytes()


def test_a_clip_does_not_depend_on_how_many_are_made(tmp_path, folder):
    make_dataset(tmp_path, subjects=4, views=2, replications=2)
    few, names, _ = load(tmp_path, "train")
    many, all_names, _ = load(folder, "train")
    shared = [name for name in names if name in all_names]
    assert len(shared) == 3 * 2 * len(ACTIONS)
    for name in shared[::7]:
        np.testing.assert_array_equal(few[names.index(name)], many[all_names.index(name)])


def test_each_argument_of_a_clip_matters():
    clip = make_clip("sit down", 0)
    others = [
        make_clip("stand up", 0),
        make_clip("sit down", 1),
        make_clip("sit down", 0, view=1),
        make_clip("sit down", 0, replication=1),
        make_clip("sit down", 0, seed=1),
    ]
    assert not any(np.array_equal(clip, other) for other in others)
    np.testing.assert_array_equal(clip, make_clip(0, 0))


def test_the_summary_counts_what_is_there(tmp_path):
    calls = []
    summary = make_dataset(tmp_path, subjects=5, views=2, frames=120, progress=lambda *call: calls.append(call))
    assert summary.clips == {split: len(load(tmp_path, split)[0]) for split in synthetic.SPLITS}
    assert summary.subjects == {"train": 4, "val": 1}
    assert summary.frames == load(tmp_path, "val")[0].shape[2] == 120
    assert calls == [(done, 100) for done in range(1, 101)]


def test_clips_by_action_lists_the_rows_of_each(folder):
    _, _, labels = load(folder, "val")
    rows = clips_by_action(folder / "val_label.pkl")
    assert list(rows) == list(ACTIONS)
    assert sorted(sum(rows.values(), [])) == list(range(len(labels)))
    assert all(ACTIONS[labels[row]] == name for name, its in rows.items() for row in its)


def test_a_failure_leaves_the_old_set_whole(tmp_path, monkeypatch):
    make_dataset(tmp_path, subjects=4, views=1)
    before = {file: (tmp_path / file).read_bytes() for file in FILES}
    dump, dumped = pickle.dump, []

    def full_disk(*args, **kwargs):
        if dumped:
            raise OSError("no space left on device")
        dumped.append(dump(*args, **kwargs))

    monkeypatch.setattr(synthetic.pickle, "dump", full_disk)
    with pytest.raises(OSError, match="no space"):
        make_dataset(tmp_path, seed=1, subjects=4, views=1)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_file_appears_when_it_is_whole(tmp_path):
    target = tmp_path / "new" / "file"
    with replacing(target) as file:
        file.write(b"half")
        file.flush()
        assert not target.exists()
        file.write(b" and half")
    assert target.read_bytes() == b"half and half"
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda folder: make_clip("sit dwon", 0), "unknown action 'sit dwon'.*Did you mean 'sit down'"),
        (lambda folder: make_clip(10, 0), "unknown action 10"),
        (lambda folder: make_clip(0, 0, view=3), "view=3: there are 3 cameras"),
        (lambda folder: make_clip(0, 0, seed=-1), "seed start at 0"),
        (lambda folder: make_clip(0, 0, frames=99), "frames=99: .* 100 frames"),
        (lambda folder: make_dataset(folder, subjects=3), "subjects=3: it takes 4"),
        (lambda folder: make_dataset(folder, views=4), "views=4: there are 1 to 3"),
        (lambda folder: make_dataset(folder, replications=0), "replications=0"),
    ],
)
def test_what_cannot_be_made_is_said_in_a_line(tmp_path, call, message):
    with pytest.raises(ConfigError, match=message) as error:
        call(tmp_path)
    assert "\n" not in str(error.value)
    assert not list(tmp_path.iterdir())


# ---- what the camera sees


def test_clips_begin_at_the_first_persons_spine_and_end_in_zeros(clips):
    for clip, _ in clips:
        np.testing.assert_array_equal(clip[:, 0, SPINE, 0], 0)
        assert 25 <= length(clip) <= actions.MAX_FRAMES
    assert len({length(clip) for clip, _ in clips}) > 30


def test_upstreams_count_of_frames_is_the_length(clips):
    """SketeonCropSample counts the frames whose sum is not 0: none of them may be 0 before the end."""
    for clip, _ in clips:
        assert np.sum(clip.sum(0).sum(-1).sum(-1) != 0) == length(clip)


def test_a_second_person_is_there_or_all_zeros(clips):
    for clip, label in clips:
        assert clip[:, 0, :, 0].any()
        assert clip[:, 0, :, 1].any() == (people(label) == 2)
        if people(label) == 1:
            assert not clip[..., 1].any()


def test_bodies_are_lost_in_the_middle_of_their_track(clips):
    of_two = [clip.any(axis=(0, 2))[: length(clip)] for clip, label in clips if people(label) == 2]
    gaps = [present for present in of_two if not present.all()]
    assert 0.2 < len(gaps) / len(of_two) < 0.8
    assert {person for present in gaps for person in np.flatnonzero(~present.all(axis=0))} == {0, 1}
    assert all(present[[0, -1]].all() for present in gaps)


def test_frames_without_anybody_are_dropped():
    takes = [Take(0, subject) for subject in range(30)]
    dropped = [len(synthetic.stage(take, 0)[0]) - len(synthetic.record(take, 0)[0]) for take in takes]
    assert set(dropped) > {0, 1}
    assert max(dropped) <= 4


def test_the_camera_sees_hands_and_feet_worst():
    """Measured on what stands still but for a slow sway, by the second difference in time."""
    clips = [synthetic.record(Take(ACTIONS.index("walk toward each other"), subject), 0)[0] for subject in range(20)]
    shake = np.mean([np.abs(np.diff(clip[:6], 2, axis=0)).mean(axis=(0, 2)) for clip in clips], axis=0)
    for end, trunk in (("left_hand_tip", "spine_mid"), ("right_foot", "spine_base"), ("right_thumb", "right_shoulder")):
        assert shake[JOINT[end]] > 2 * shake[JOINT[trunk]] > 0.005


def test_hidden_joints_are_held_still_for_some_frames():
    def longest_freeze(clip, joint):
        still = (np.abs(np.diff(clip[:, JOINT[joint]], axis=0)) < 0.05).all(axis=1)
        return max(len(run) for run in "".join("x" if s else "." for s in still).split("."))

    # Far from still, arm circles move a wrist by some 8 cm in each frame.
    label = ACTIONS.index("circle the arms forward")
    true = [longest_freeze(synthetic.stage(Take(label, subject), 0)[0], "right_wrist") for subject in range(40)]
    seen = [longest_freeze(synthetic.record(Take(label, subject), 0)[0], "right_wrist") for subject in range(40)]
    assert max(true) <= 2
    assert 2 <= sum(run >= 3 for run in seen) <= 20


def test_views_show_one_performance_from_other_sides():
    """Three cameras: depth and width are exchanged between them, the height over time is not."""
    left, front, right = (synthetic.record(Take(0, 2, view), 0)[0] for view in range(3))
    across = [clip[0, JOINT["right_hip"]] - clip[0, JOINT["left_hip"]] for clip in (left, front, right)]
    yaw = [np.degrees(np.arctan2(step[2], step[0])) for step in across]
    assert yaw[0] - yaw[1] == pytest.approx(45, abs=22) and yaw[1] - yaw[2] == pytest.approx(45, abs=22)
    for clip in (left, right):
        assert clip[-1, SPINE, 1] == pytest.approx(front[-1, SPINE, 1], abs=0.06)


def test_the_camera_looks_down():
    """So heads are nearer than feet, by a twentieth of the height and more."""
    standing = [synthetic.record(Take(ACTIONS.index("walk toward each other"), subject), 0)[0] for subject in range(20)]
    up = np.mean([clip[0, JOINT["spine_shoulder"]] - clip[0, JOINT["spine_base"]] for clip in standing], axis=0)
    assert -0.3 * up[1] < up[2] < -0.05 * up[1]


# ---- bodies


def bone_lengths(positions: np.ndarray) -> np.ndarray:
    """(T, 25, 3) -> (T, 24)."""
    joints, parents = np.array(LAYOUT.bones).T
    return np.linalg.norm(positions[:, joints] - positions[:, parents], axis=-1)


def test_a_subject_keeps_the_same_bones_in_every_action():
    bones = np.concatenate([bone_lengths(synthetic.stage(Take(a, 3), 0)[0]) for a in range(len(ACTIONS))])
    np.testing.assert_allclose(bones, np.broadcast_to(bones[0], bones.shape), atol=1e-9)
    other = bone_lengths(synthetic.stage(Take(0, 4), 0)[0])[0]
    assert np.abs(bones[0] / other - 1).max() > 0.02
    assert bones.min() > 0.01
    assert bones.max() < 0.6


def test_bones_are_alike_left_and_right():
    bones = dict(zip((LAYOUT.joints[joint] for joint, _ in LAYOUT.bones), bone_lengths(stand())[0]))
    for name, bone in bones.items():
        assert bone == pytest.approx(bones[name.replace("left", "right")])


def body() -> Body:
    return Body.random(np.random.default_rng(0))


def stand() -> np.ndarray:
    return joint_positions(body(), actions._at_rest(style(), 1))


def style(**changes) -> actions.Style:
    return actions.Style(**{"left_handed": False, "pace": 1, "vigour": 1, "stoop": 0, "arm_spread": 10, **changes})


def test_somebody_stands_upright_on_the_floor_and_faces_the_camera():
    at = {name: stand()[0, joint] for name, joint in JOINT.items()}
    heights = [at[name][1] for name in ("right_foot", "right_ankle", "right_knee", "spine_base", "spine_mid", "head")]
    assert heights == sorted(heights) and heights[0] > 0
    assert at["head"][1] == pytest.approx(0.91 * body().stature, rel=0.04)
    assert at["right_shoulder"][0] > 0.1 > -0.1 > at["left_shoulder"][0]
    assert at["right_foot"][2] < at["right_ankle"][2]


def test_turning_left_turns_the_face_to_the_bodys_left():
    toes = stand()[0, JOINT["right_foot"]] - stand()[0, JOINT["right_ankle"]]
    left = stand()[0, JOINT["left_shoulder"]] - stand()[0, JOINT["right_shoulder"]]
    assert turn(toes, 90) @ left > 0.9 * np.linalg.norm(toes[[0, 2]]) * np.linalg.norm(left)


angles = arrays(float, (2, 2, 2, 2, 2), elements=st.floats(-70, 70))


@settings(max_examples=50, deadline=None)
@given(limbs=angles, lean=st.floats(-30, 60))
def test_a_mirrored_pose_is_the_mirror_image(limbs, lean):
    pose = Pose(np.full(2, lean), limbs)
    swapped = [JOINT[other_side(joint)] for joint in LAYOUT.joints]
    image = joint_positions(body(), pose)[:, swapped] * [-1, 1, 1]
    np.testing.assert_allclose(joint_positions(body(), pose.mirrored()), image, atol=1e-9)


def other_side(joint: str) -> str:
    return {"left": "right", "right": "left"}.get(side := joint.split("_")[0], side) + joint[len(side) :]


@settings(max_examples=50, deadline=None)
@given(limbs=angles, lean=st.floats(-30, 60))
def test_no_pose_stretches_a_bone_or_leaves_the_floor(limbs, lean):
    positions = joint_positions(body(), Pose(np.full(2, lean), limbs))
    np.testing.assert_allclose(bone_lengths(positions), np.tile(bone_lengths(stand()), (2, 1)), atol=1e-9)
    ankles = positions[:, [JOINT["left_ankle"], JOINT["right_ankle"]]]
    np.testing.assert_allclose(ankles[..., 1].min(axis=1), 0.05 * body().stature)
    np.testing.assert_allclose(ankles.mean(axis=1)[:, [0, 2]], 0, atol=1e-9)


@pytest.mark.parametrize(("left_handed", "hand"), [(False, "right"), (True, "left")])
def test_one_waves_with_the_hand_one_prefers(left_handed, hand):
    wave = actions.ACTIONS[ACTIONS.index("start waving")]
    positions = perform(wave, style(left_handed=left_handed))[0]
    end = positions[-1]
    raised = {side: end[JOINT[f"{side}_wrist"], 1] > end[JOINT[f"{side}_shoulder"], 1] for side in SIDES}
    assert raised == {side: side == hand for side in SIDES}


def perform(action, *styles):
    return actions.perform(action, [body()] * len(styles), list(styles), np.random.default_rng(1))


# ---- what happens


def heights(name: str, joint: str) -> np.ndarray:
    """(T,) metres over the floor."""
    return synthetic.stage(Take(ACTIONS.index(name), 0), 0)[0][:, JOINT[joint], 1]


def distances(name: str) -> np.ndarray:
    """(T,) metres between two people's spines."""
    first, second = synthetic.stage(Take(ACTIONS.index(name), 0), 0)
    return np.linalg.norm(first[:, SPINE] - second[:, SPINE], axis=-1)


def test_actions_do_what_their_names_say():
    assert np.ptp(heights("sit down", "spine_base")) > 0.25
    assert heights("sit down", "spine_base")[0] > heights("sit down", "spine_base")[-1] + 0.25
    assert heights("stand up", "spine_base")[0] < heights("stand up", "spine_base")[-1] - 0.25
    assert distances("walk toward each other")[0] > 2.5 and distances("walk toward each other")[-1] < 1.2
    assert distances("back away from each other")[0] < 1.2 and distances("back away from each other")[-1] > 2.5
    assert distances("push another person")[-1] > distances("push another person")[0] + 0.25
    assert distances("pull another person")[-1] < distances("pull another person")[0] - 0.25


def test_arms_circle_the_way_they_are_said_to():
    """Forward is over the top and down ahead: the hand moves ahead (to smaller z) when above the shoulder."""
    for name, sign in (("circle the arms forward", -1), ("circle the arms backward", 1)):
        positions = perform(actions.ACTIONS[ACTIONS.index(name)], style())[0]
        above = positions[:-1, JOINT["right_hand"], 1] > positions[:-1, JOINT["right_shoulder"], 1] + 0.3
        ahead = np.diff(positions[:, JOINT["right_hand"], 2])[above]
        assert len(ahead) > 5 and (np.sign(ahead) == sign).all()


@pytest.mark.parametrize(("name", "waving"), [("start waving", slice(-20, None)), ("stop waving", slice(0, 20))])
def test_waving_starts_or_stops(name, waving):
    hand = perform(actions.ACTIONS[ACTIONS.index(name)], style())[0][:, JOINT["right_hand"]]
    assert hand[waving, 1].min() > 1.2  # over the floor
    assert (hand[0, 1] < 0.9, hand[-1, 1] < 0.9) == (name == "start waving", name == "stop waving")
    turns = np.diff(np.sign(np.diff(hand[waving, 0])))
    assert np.count_nonzero(turns) >= 2


@pytest.mark.parametrize("twins", actions.twins(), ids=lambda pair: ACTIONS[pair[0]])
def test_twins_share_their_poses(twins):
    """One motion, and the phases that the courses visit are the same ones, in another order."""
    first, second = (actions.ACTIONS[label] for label in twins)
    assert first.motion is second.motion
    progress = np.linspace(0, 1, 101)
    courses = [
        np.concatenate([action.course(progress, np.random.default_rng(seed)) for seed in range(50)])
        for action in (first, second)
    ]
    assert not np.allclose(*courses)
    if courses[0].max() - courses[0].min() > 1.001:  # turns: only the fraction makes the pose
        courses = [phase % 1 for phase in courses]
    shares = [np.histogram(phase, 10, (0, 1))[0] / len(phase) for phase in courses]
    np.testing.assert_allclose(*shares, atol=0.04)


# ---- motion is needed, and is enough


def relative(clip: np.ndarray) -> np.ndarray:
    """Poses (3, T, 25, 2) about the first person's spine in the same frame.

    A clip's own origin is the spine in its first frame. Coordinates about it are no single frame's:
    they tell how far the body has come since then, so sitting down ends below the origin and
    standing up above.
    """
    present = clip.any(axis=(0, 2))[None, :, None]
    return np.where(present, clip - clip[:, :, SPINE : SPINE + 1, :1], 0)


def middle_frame(clip: np.ndarray) -> np.ndarray:
    return relative(clip)[:, length(clip) // 2].ravel()


def mean_pose(clip: np.ndarray) -> np.ndarray:
    return relative(clip)[:, : length(clip)].mean(axis=1).ravel()


def movement(clip: np.ndarray) -> np.ndarray:
    """Of each joint: way from first to last frame, path length, and area swept about the spine.

    In steps of 4 frames, which the camera's jitter does not drown.
    """
    poses = relative(clip)[:, : length(clip) : 4]
    steps = np.diff(poses, axis=1)
    swept = np.cross(poses[:, :-1], steps, axis=0).sum(axis=1)
    return np.concatenate([part.ravel() for part in (steps.sum(axis=1), np.abs(steps).sum(axis=1), 10 * swept)])


def ridge(x: np.ndarray, y: np.ndarray, queries: np.ndarray) -> np.ndarray:
    """Linear classifier by least squares on one-hot labels, in the dual as there are more features than clips."""
    mean, scale = x.mean(axis=0), x.std(axis=0) + 1e-3
    x, queries = (x - mean) / scale, (queries - mean) / scale
    targets = np.eye(len(ACTIONS))[y]
    weights = np.linalg.solve(x @ x.T + x.shape[1] * np.eye(len(x)), targets - targets.mean(axis=0))
    return np.argmax(queries @ x.T @ weights + targets.mean(axis=0) - 10.0 * (targets.sum(axis=0) == 0), axis=1)


def nearest(x: np.ndarray, y: np.ndarray, queries: np.ndarray) -> np.ndarray:
    """1-NN."""
    return y[np.argmin((x**2).sum(axis=1) - 2 * queries @ x.T, axis=1)]


def nearest_mean(x: np.ndarray, y: np.ndarray, queries: np.ndarray) -> np.ndarray:
    labels = np.unique(y)
    return nearest(np.stack([x[y == label].mean(axis=0) for label in labels]), labels, queries)


@pytest.fixture(scope="module")
def independent():
    """Features of clips, labels, held out or not: one clip of each action by each of 88 subjects, half held out.

    So there are 88 clips to test a pair of twins on. The three views of one performance, as they are
    in the set itself, would be a third as many independent samples.
    """
    takes = [Take(action, subject, view=subject % 3) for subject in range(88) for action in range(len(ACTIONS))]
    clips = [make_clip(take.action, take.subject, take.view) for take in takes]
    features = {of: np.stack([of(clip) for clip in clips]) for of in (middle_frame, mean_pose, movement)}
    return features, np.array([take.action for take in takes]), np.array([take.subject % 2 for take in takes], bool)


def accuracies(independent, feature, classifier) -> tuple[float, list[float]]:
    """Over all actions, and within each pair of twins when nothing else is to choose from."""
    features, labels, held_out = independent
    x = features[feature]

    def accuracy(of):
        train, test = of & ~held_out, of & held_out
        return float((classifier(x[train], labels[train], x[test]) == labels[test]).mean())

    return accuracy(np.ones_like(held_out)), [accuracy(np.isin(labels, pair)) for pair in actions.twins()]


@pytest.mark.parametrize("classifier", [ridge, nearest_mean, nearest])
@pytest.mark.parametrize("feature", [middle_frame, mean_pose])
def test_poses_do_not_tell_twins_apart(independent, feature, classifier):
    overall, within = accuracies(independent, feature, classifier)
    assert overall < 0.6
    assert max(within) <= 0.65, within
    assert np.mean(within) < 0.57


def test_movement_tells_twins_apart(independent):
    overall, within = accuracies(independent, movement, ridge)
    assert overall > 0.95
    assert min(within) > 0.9, within
