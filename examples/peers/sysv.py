#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The conversation of ours.c with sysv_ipc, from Debian's python3-sysv-ipc. A reference is a key."""
import sys
import sysv_ipc


def obey(command, argument):
    global shm
    if command == "create":
        shm = sysv_ipc.SharedMemory(int(argument, 0), sysv_ipc.IPC_CREX, mode=0o600, size=4096)
    elif command == "open":
        shm = sysv_ipc.SharedMemory(int(argument, 0))
    elif command == "write":
        shm.write(argument.encode() + b"\0")
    elif command == "read":
        return shm.read().split(b"\0")[0].decode()
    elif command == "destroy":
        shm.remove()
    else:
        shm.detach()
    return "ok"


for line in sys.stdin:
    command, _, argument = line.rstrip("\n").partition(" ")
    try:
        print(obey(command, argument), flush=True)
    except (OSError, sysv_ipc.Error):
        print("no", flush=True)
