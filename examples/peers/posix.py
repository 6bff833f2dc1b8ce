#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The conversation of ours.c with multiprocessing.shared_memory of Python. A reference is a name
without its slash."""
import sys
from multiprocessing import resource_tracker
from multiprocessing.shared_memory import SharedMemory


def shared(name, create):
    shm = SharedMemory(name, create=create, size=4096 if create else 0)
    # Otherwise Python 3.11, when it ends, removes a segment that it has merely opened.
    resource_tracker.unregister(shm._name, "shared_memory")
    return shm


def obey(command, argument):
    global shm
    if command in ("create", "open"):
        shm = shared(argument, command == "create")
    elif command == "write":
        data = argument.encode() + b"\0"
        shm.buf[:len(data)] = data
    elif command == "read":
        return bytes(shm.buf).split(b"\0")[0].decode()
    elif command == "destroy":
        resource_tracker.register(shm._name, "shared_memory")
        shm.unlink()
    else:
        shm.close()
    return "ok"


for line in sys.stdin:
    command, _, argument = line.rstrip("\n").partition(" ")
    try:
        print(obey(command, argument), flush=True)
    except OSError:
        print("no", flush=True)
