"""The scripts that prepare NTU-RGB+D use np.int and np.string_, which NumPy removed, and import sklearn for nothing."""

import numpy as np
from evidence import fault, verdict
from ntu import bodies, moved, prepare

clips = {
    "S001C001P001R001A002": bodies(1, 12, 1),
    "S001C002P003R002A050": bodies(2, 15, 2),
    "S001C003P002R001A060": bodies(1, 20, 3),
}
made = prepare(clips)
first, second, third = (name.encode() for name in clips)
parts = {part: (data.shape, names, labels) for part, (data, names, labels) in made.items()}
wanted = {
    "xsub/train": ((2, 3, 20, 25, 2), [first, third], [1, 59]),
    "xsub/val": ((1, 3, 20, 25, 2), [second], [49]),
    "xview/train": ((2, 3, 20, 25, 2), [second, third], [49, 59]),
    "xview/val": ((1, 3, 20, 25, 2), [first], [1]),
}
if parts != wanted:
    fault(f"the scripts write {parts}")
data = made["xsub/train"][0]
right = (
    data.dtype == np.float32 and not data[0, :, 12:].any() and np.allclose(data[1], moved(bodies(1, 20, 3)), atol=1e-4)
)
verdict(right, f"three sequences are prepared: {', '.join(parts)}; the joints are those of the files: {right}")
