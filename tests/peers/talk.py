#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A peer opens what libshmx creates, and libshmx opens what the peer creates. Both read what the other
has written. Destruction on either side removes the name and nothing else. tests/world runs this.

usage: talk.py PROGRAM-OF-OURS DIRECTORY KIND PEER...

The KIND says what a reference is to the peer: a name, a key, a file from which ftok makes the key
(file:ID), or a path from which APR makes a name (apr)."""
import os
import subprocess
import sys
import tempfile


class Talker:
    def __init__(self, *command):
        self.command = command
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, words):
        self.process.stdin.write(words + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().rstrip("\n")

    def end(self):
        self.process.stdin.close()
        status = self.process.wait()
        expect(status, 0, f"exit status of {self.command}")


def expect(got, wanted, what):
    if got != wanted:
        sys.exit(f"FAILED: {what}: {got!r}, not {wanted!r}")


def ftok(path, project):
    st = os.stat(path)
    return (project & 0xFF) << 24 | (st.st_dev & 0xFF) << 16 | (st.st_ino & 0xFFFF)


class References:
    """What the peer calls a segment, and what we call it."""

    def __init__(self, kind, directory):
        self.kind = kind
        self.path = os.path.join(directory, "reference")
        self.theirs, self.ours = {
            "name": ("peer-frames", "posix:/peer-frames"),
            "key": ("0x5eed5eed", "sysv:key=0x5eed5eed"),
        }.get(kind, (self.path, None))

    def find_name(self, peer):
        """What APR makes of the path."""
        if self.kind == "apr":
            peer.ask("create " + self.path)
            self.ours = "posix:/" + os.listdir("/dev/shm")[0]
            peer.ask("destroy")

    def find_key(self):
        """What ftok makes of the path. Qt makes and removes the file: then the key is another one."""
        if self.kind.startswith("file:"):
            with open(self.path, "ab"):
                self.ours = f"sysv:key={ftok(self.path, int(self.kind[5:])):#x}"


def exchange(one, other):
    expect(one.ask("write of the one"), "ok", "write")
    expect(other.ask("read"), "of the one", "what was written before")
    expect(other.ask("write of the other"), "ok", "write")
    expect(one.ask("read"), "of the other", "what was written in answer")


def destroyed(holder, stranger, reference):
    """The name is gone; who is attached stays so."""
    expect(stranger.ask("open " + reference), "no", "opening what was destroyed")
    expect(holder.ask("read"), "of the other", "the attachment after that")
    expect(holder.ask("write still here"), "ok", "writing there")
    expect(holder.ask("read"), "still here", "reading there")


def talk(ours_program, directory, kind, *peer_command):
    references = References(kind, directory)
    references.find_name(Talker(*peer_command))
    ours_command = [ours_program, kind]
    by_last_detach = "qt" in os.path.basename(peer_command[0])
    for creator in "peer", "ours":
        for destroyer in "peer", "ours":
            ours, ours_again = Talker(*ours_command), Talker(*ours_command)
            peer, peer_again = Talker(*peer_command), Talker(*peer_command)
            references.find_key()
            if creator == "peer":
                expect(peer.ask("create " + references.theirs), "ok", "the peer creates")
                references.find_key()
                expect(ours.ask("create " + references.ours), "no", "we create the same")
                expect(ours.ask("open " + references.ours), "ok", "we open it")
                exchange(peer, ours)
            else:
                expect(ours.ask("create " + references.ours), "ok", "we create")
                expect(peer_again.ask("create " + references.theirs), "no", "the peer creates the same")
                expect(peer.ask("open " + references.theirs), "ok", "the peer opens it")
                exchange(ours, peer)
            if destroyer == "ours":
                expect(ours.ask("destroy"), "ok", "we destroy")
                expect(ours.ask("destroy"), "no", "we destroy a second time")
                destroyed(peer, ours_again, references.ours)
                destroyed_for_them = peer_again.ask("open " + references.theirs)
                expect(destroyed_for_them, "no", "the peer opens what we destroyed")
                peer.ask("close")
            elif by_last_detach:
                expect(peer.ask("close"), "ok", "the peer detaches")
                expect(ours.ask("read"), "of the other", "what we hold")
                expect(ours_again.ask("open " + references.ours), "ok", "it is still there")
                for one in ours, ours_again:
                    expect(one.ask("close"), "ok", "we close")
                peer_last = Talker(*peer_command)
                expect(peer_last.ask("open " + references.theirs), "ok", "a persistent segment without a holder")
                expect(peer_last.ask("close"), "ok", "the last detaches")
                peer_last.end()
                expect(ours.ask("open " + references.ours), "no", "what the peer has taken with it")
            else:
                expect(peer.ask("destroy"), "ok", "the peer destroys")
                destroyed(ours, ours_again, references.ours)
                expect(ours.ask("destroy"), "no", "we destroy what the peer has destroyed")
            for talker in ours, ours_again, peer, peer_again:
                talker.end()
    expect(os.listdir("/dev/shm"), [], "what is left in /dev/shm")
    with open("/proc/sysvipc/shm", encoding="ascii") as table:
        expect(len(table.readlines()), 1, "lines of /proc/sysvipc/shm")


with tempfile.TemporaryDirectory() as scratch:
    talk(sys.argv[1], scratch, *sys.argv[2:])
