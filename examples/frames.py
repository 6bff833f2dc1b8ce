#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Hands a NumPy array to a C program without copying it, with libshmx through ctypes. Nothing has
to be built, and no binding is needed.

    cc -o frames frames.c $(pkg-config --cflags --libs libshmx)
    python3 frames.py ./frames          (or frames.py ./frames sysv:)

The array is in a segment. The program attaches the segment, too, adds 1 to every pixel and prints
the sum of all pixels. Python sees the new pixels."""
import ctypes
import os
import subprocess
import sys

import numpy

ROWS, COLUMNS = 480, 640

shmx = ctypes.CDLL("libshmx.so.1")
shmx.shmx_strerror.restype = shmx.shmx_name.restype = ctypes.c_char_p
shmx.shmx_create.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint, ctypes.c_uint, ctypes.POINTER(ctypes.c_void_p)]
shmx.shmx_attach.argtypes = [ctypes.c_void_p, ctypes.c_uint, ctypes.POINTER(ctypes.c_void_p)]
shmx.shmx_name.argtypes = shmx.shmx_destroy.argtypes = shmx.shmx_close.argtypes = [ctypes.c_void_p]


def check(result):
    if result < 0:
        raise OSError(-result, shmx.shmx_strerror(result).decode())


def new_frame(name):
    """Makes a segment, and an array whose memory is the segment."""
    seg, addr = ctypes.c_void_p(), ctypes.c_void_p()
    check(shmx.shmx_create(name.encode(), ROWS * COLUMNS, 0o600, 0, ctypes.byref(seg)))
    check(shmx.shmx_attach(seg, 0, ctypes.byref(addr)))
    memory = (ctypes.c_uint8 * (ROWS * COLUMNS)).from_address(addr.value)
    return seg, numpy.frombuffer(memory, numpy.uint8).reshape(ROWS, COLUMNS)


program, prefix = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "posix:"
seg, frame = new_frame(f"{prefix}/frame-{os.getpid()}")
frame[:] = numpy.add.outer(numpy.arange(ROWS), numpy.arange(COLUMNS)) % 100
before = int(frame.sum())
told = int(subprocess.run([program, shmx.shmx_name(seg)], check=True, capture_output=True).stdout)
assert told == int(frame.sum()) == before + ROWS * COLUMNS, (told, int(frame.sum()), before)
print(f"{told}, as the program said: its work is in our array")
del frame
check(shmx.shmx_destroy(seg))
shmx.shmx_close(seg)
