"""A sequence in which each of two bodies has 11 frames or fewer stops get_raw_denoised_data.py: IndexError."""

import numpy as np
from evidence import verdict
from ntu import OLD_NUMPY, bodies, moved, prepare

noise, short = bodies(2, 20, 3), bodies(2, 8, 1)
# a body of 11 frames beside one of 20 is noise
noise[1, 11:] = np.nan
made = prepare({"S001C001P001R001A050": short, "S001C001P002R001A002": noise}, OLD_NUMPY)
data = made["xsub/train"][0]
# the first one is the one that moves more
order = sorted(short, key=lambda person: -np.var(person.reshape(-1, 3), axis=0).sum())
kept = np.allclose(data[0, :, :8], moved(np.stack(order)), atol=1e-4) and not data[0, :, 8:].any()
dropped = np.allclose(data[1], moved(noise[:1]), atol=1e-4)
verdict(
    kept and dropped and data.shape == (2, 3, 20, 25, 2),
    f"both bodies of a sequence of 8 frames are kept: {kept}; one of 11 frames beside one of 20 is dropped: {dropped}",
)
