#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Tests of other projects have the same result with the preloaded library as without it: CPython's
# tests of SharedMemory and mmap, and the stressors of stress-ng for both backends, which verify.
# tests/world runs this. usage: suites.sh PRELOAD
set -eu
preload=$1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python=/usr/bin/python3

"$python" -c 'import test.test_multiprocessing_fork' 2>/dev/null ||
    { echo "skipped: not all of CPython's tests are there (libpython3.X-testsuite)" >&2; exit 77; }
command -v stress-ng >/dev/null || { echo 'skipped: no stress-ng' >&2; exit 77; }

with() {
    SHMX_PRELOAD=both SHMX_PRELOAD_LOG=$dir/log LD_PRELOAD=$preload "$@"
}

# Prints a line for each test, with its name and result. (The test's own output is mixed with that
# of its processes.)
cpython() { # RUNNER... ; the runner is "with" or "env"
    for suite in test_multiprocessing_fork test_multiprocessing_spawn test_multiprocessing_forkserver test_mmap; do
        rm -f "$dir/results"
        "$@" "$python" -m test --junit-xml "$dir/results" "$suite" -m '*SharedMemory*' -m '*MmapTests*' \
            >"$dir/output" 2>&1 || cat "$dir/output" >&2
        "$python" -c '
import sys, xml.etree.ElementTree
for case in xml.etree.ElementTree.parse(sys.argv[1]).iter("testcase"):
    print(case.get("name"), " ".join(child.tag for child in case if child.tag != "system-out") or "ok")' "$dir/results"
    done
}
stress() { # RUNNER...
    status=0
    (cd "$dir" && "$@" stress-ng --shm 2 --shm-ops 200 --shm-bytes 2m --shm-objs 8 --shm-sysv 2 --shm-sysv-ops 200 \
        --shm-sysv-bytes 2m --shm-sysv-segs 4 --verify --timeout 60 --oomable) >"$dir/stress" 2>&1 || status=$?
    echo "exit $status"
    grep -E 'fail|error|successful' "$dir/stress" | sed 's/\[[0-9]*\]//; s/ in [0-9.]* *s.*//' || :
}

cpython env >"$dir/without"
cpython with >"$dir/with"
[ "$(grep -c ' ok$' "$dir/without")" -gt 20 ] || { cat "$dir/without"; exit 1; }
diff -u "$dir/without" "$dir/with"
echo "CPython: $(grep -c ' ok$' "$dir/with") tests pass, with and without"

stress env >"$dir/without"
stress with >"$dir/with"
diff -u "$dir/without" "$dir/with"
echo "stress-ng: $(head -1 "$dir/with"), with and without"

for function in shm_open shm_unlink ftruncate mmap munmap fstat close shmget shmat shmdt shmctl; do
    grep -q " $function carried" "$dir/log" || { echo "$function was not carried" >&2; exit 1; }
done
[ -z "$(ls -A /dev/shm)" ] || { ls -A /dev/shm; exit 1; }
