"""Where versions of NumPy differ: a program does what the installed one does."""

import numpy as np

NUMPY_2_5 = np.lib.NumpyVersion(np.__version__) >= "2.5.0"
"""``np.cross`` takes vectors of three components only; ``np.interp`` at no places needs no points."""
