"""One skeleton: its joints and bones, and what is computed from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ctrgcn_plugin.errors import ClipError, ConfigError, unknown


@dataclass(frozen=True)
class Layout:
    """Joints of one skeleton and the bones between them. Joints are indices from 0, in the order of the data.

    Attributes:
        name: what a config's ``graph`` says; for a user's file what the file says.
        joints: V names.
        parents: V joints; the root's is its own. ``clip[:, :, parents]`` is each joint's parent.
        centre: joints whose mean is the middle of the body; the root if none are given.
        mirror: (left, right) pairs; a joint that is in none of them is its own mirror image.
        trunk: pairs of joints whose distance is the body's unit of length; may be empty.
        dimensions: coordinates, 2 or 3, that data of this skeleton usually have.
    """

    name: str
    joints: tuple[str, ...]
    parents: tuple[int, ...]
    centre: tuple[int, ...] = ()
    mirror: tuple[tuple[int, int], ...] = ()
    trunk: tuple[tuple[int, int], ...] = ()
    dimensions: int = 3

    def __post_init__(self) -> None:
        if not self.centre:
            object.__setattr__(self, "centre", (self.root,))

    @property
    def num_joints(self) -> int:
        return len(self.joints)

    @property
    def root(self) -> int:
        return next(joint for joint, parent in enumerate(self.parents) if joint == parent)

    @property
    def bones(self) -> tuple[tuple[int, int], ...]:
        """(joint, parent) of every joint but the root: V - 1 pairs."""
        return tuple((joint, parent) for joint, parent in enumerate(self.parents) if joint != parent)

    def agreed_joints(self, num_point: int | None, asker: str) -> int:
        """V, for a config that says `num_point` or leaves it out; a ConfigError in `asker`'s name if they differ."""
        if num_point is not None and num_point != self.num_joints:
            raise ConfigError(
                f"{asker}: num_point is {num_point}, but graph {self.name!r} has {self.num_joints} joints; "
                "give the graph of your skeletons, and its num_point or none"
            )
        return self.num_joints

    def adjacency(self, labeling_mode: str = "spatial") -> np.ndarray:
        """The three subsets of ST-GCN's spatial partition (Yan et al. 2018, section 3.3).

        Returns:
            (3, V, V) float64: self links, bones toward the root, bones away from it, the
            columns of each normalised to sum 1.
        """
        if labeling_mode != "spatial":
            raise unknown("graph_args.labeling_mode", labeling_mode, ["spatial"])
        identity = np.eye(self.num_joints)
        inward = np.zeros_like(identity)
        for joint, parent in self.bones:
            inward[parent, joint] = 1
        return np.stack([identity, _normalise_columns(inward), _normalise_columns(inward.T)])

    def mirrored(self) -> np.ndarray:
        """(V,) indices: ``clip[:, :, mirrored()]`` has left and right joints swapped.

        The body's mirror image also has the coordinate that runs from left to right negated.
        """
        order = np.arange(self.num_joints)
        for left, right in self.mirror:
            order[[left, right]] = right, left
        return order

    def normalise(self, clip: np.ndarray, scale: bool, coordinates: int | None = None) -> np.ndarray:
        """A clip whose origin is in the body, and on request with the trunk as the unit of length.

        A joint is seen where all its coordinates are finite; what a detector did not find has to be NaN, not zero.
        A person is there in a frame in which a joint is seen that is not at zero. The first person is the one with the
        lowest index who is there in any frame.

        The origin moves, by one vector for all persons and frames, to the mean of the first person's centre joints
        in the first frame that shows all of them; in a clip that never does, to the mean of the joints that the first
        person's first frame shows. With `scale` all is then divided by the median of the trunk's length over the
        first person's frames: in each frame the mean over the pairs that are seen.

        Persons in frames where they are not there, NaN, and channels behind the coordinates stay as they are, and so
        does a clip without anybody.

        Args:
            clip: (C, T, V, M); not changed.
            scale: divide by the trunk's length.
            coordinates: how many of the C channels, from the first, are coordinates; the rest is confidence or the
                like. By default the layout's `dimensions`, or all of a clip with fewer channels.

        Returns:
            (C, T, V, M), float32 or wider.

        Raises:
            ClipError: the clip has other joints, or no frame shows a trunk with a length.
            ConfigError: `scale`, and the layout names no trunk.
        """
        if clip.ndim != 4 or clip.shape[2] != self.num_joints:
            raise ClipError(f"clip of shape {clip.shape}: layout {self.name!r} needs (C, T, {self.num_joints}, M)")
        result = clip.astype(np.result_type(clip.dtype, np.float32))
        positions = result[: self.dimensions if coordinates is None else coordinates]
        seen = np.isfinite(positions).all(axis=0)
        there = (seen & positions.any(axis=0)).any(axis=1)  # (T, M)
        if there.any():
            person = int(there.any(axis=0).argmax())
            frames = there[:, person]
            body = positions[..., person][:, frames], seen[..., person][frames]
            origin = self._centre_of(*body)
            unit = self._trunk_of(*body) if scale else 1
            moved = (positions - origin[:, None, None, None]) / unit
            positions[:] = np.where(there[:, None, :], moved, positions)
        return result

    def _centre_of(self, body: np.ndarray, seen: np.ndarray) -> np.ndarray:
        """The origin (C,), of one person's frames (C, T, V) and which of their joints are seen (T, V)."""
        whole = seen[:, self.centre].all(axis=1)
        if whole.any():
            return body[:, whole.argmax(), self.centre].mean(axis=1)
        return body[:, 0, seen[0]].mean(axis=1)

    def _trunk_of(self, body: np.ndarray, seen: np.ndarray) -> float:
        """The length of the trunk, from the same."""
        if not self.trunk:
            raise ConfigError(f"layout {self.name!r} names no trunk to scale by; give pairs of joints as its `trunk`")
        first, second = np.array(self.trunk).T
        lengths = np.linalg.norm(body[:, :, first] - body[:, :, second], axis=0)  # (T, pairs)
        pairs = seen[:, first] & seen[:, second]
        frames = pairs.any(axis=1)
        unit = float(np.median(lengths[frames].mean(axis=1, where=pairs[frames]))) if frames.any() else 0.0
        if not unit:
            names = ", ".join(f"{self.joints[a]} to {self.joints[b]}" for a, b in self.trunk)
            raise ClipError(f"the clip cannot be scaled: no frame shows a trunk ({names}) with a length")
        return unit


def _normalise_columns(links: np.ndarray) -> np.ndarray:
    return links / np.maximum(links.sum(axis=0), 1)
