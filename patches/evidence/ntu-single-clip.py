"""A list with a single name stops the scripts that prepare NTU-RGB+D: iteration over a 0-d array."""

import numpy as np
from evidence import verdict
from ntu import OLD_NUMPY, bodies, moved, prepare

name = "S001C002P001R001A007"
made = prepare({name: bodies(1, 12, 1)}, OLD_NUMPY)
shapes = {part: data.shape for part, (data, _, _) in made.items()}
data, names, labels = made["xview/train"]
right = np.allclose(data[0], moved(bodies(1, 12, 1)), atol=1e-4) and (names, labels) == ([name.encode()], [6])
wanted = {part: (int("train" in part), 3, 12, 25, 2) for part in shapes}
verdict(
    right and shapes == wanted, f"a single sequence is prepared: {shapes}; joints, name and label are right: {right}"
)
