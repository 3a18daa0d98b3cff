"""What emitted programs run on: numba and BLAS, bent to small compile times. Imported when a program is loaded."""
