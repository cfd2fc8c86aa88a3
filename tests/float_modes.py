"""Other floating point modes, set as a library may set them, and always put back.

glibc's ``fesetenv`` takes the whole floating point environment, whose layout on x86-64
is 28 bytes for the x87 unit and the register MXCSR: that is all it takes.
"""

import ctypes
import platform
import sys
from contextlib import contextmanager

import pytest

DAZ, FTZ = 0x0040, 0x8000
MODES = {
    "down": 0x2000,
    "up": 0x4000,
    "to zero": 0x6000,
    "FTZ": FTZ,
    "DAZ": DAZ,
    "FTZ and DAZ": FTZ | DAZ,
}
_SIZE, _AT = 32, 28
_USUAL = ctypes.c_void_p(-1)  # FE_DFL_ENV

needs_modes = pytest.mark.skipif(
    platform.machine() != "x86_64"
    or sys.platform != "linux"
    or platform.libc_ver()[0] != "glibc",
    reason="modes are set by way of glibc's fenv_t on x86-64",
)


def switch(mode):
    """Set a mode for this thread; none for the usual one."""
    libm = ctypes.CDLL("libm.so.6")
    libm.fesetenv(_USUAL)
    if mode:
        env = ctypes.create_string_buffer(_SIZE)
        libm.fegetenv(env)
        csr = int.from_bytes(env.raw[_AT:_SIZE], "little") | MODES[mode]
        env[_AT:_SIZE] = csr.to_bytes(4, "little")
        libm.fesetenv(env)


@contextmanager
def floating(mode):
    """Have another mode within a block."""
    switch(mode)
    try:
        yield
    finally:
        switch("")
