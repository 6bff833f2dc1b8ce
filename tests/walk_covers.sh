#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The walks cover every system call that the contract suites make, except for those that are listed
# here. tests/world runs this. usage: walk_covers.sh WALK SUITE...
set -u
walk=$1
shift
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

command -v strace >/dev/null || { echo 'skipped: no strace' >&2; exit 77; }
strace -o /dev/null true || { echo 'skipped: strace may not trace here' >&2; exit 77; }

# NAME REASON
cat >"$dir/left_out" <<'END'
brk the allocator's, whose failures have a walk of their own
lseek the C library's, of streams
sysinfo the C library's, of sorting much: many locks in /proc/locks are others'
access the dynamic linker's
arch_prctl the dynamic linker's
rseq the dynamic linker's
set_robust_list the dynamic linker's
set_tid_address the dynamic linker's
prlimit64 the dynamic linker's, and the suites set limits
execve the suites start peers
clone the suites start peers
futex the suites' threads; the library's locks are never held for long
wait4 the suites start peers
pipe2 the suites start peers
dup2 the suites start peers
setpgid Check's
getpgrp Check's
rt_sigaction Check's
rt_sigprocmask Check's
rt_sigreturn the suites' signal handlers
timer_create Check's
timer_delete Check's
timer_settime Check's
ioctl Check's output
write Check's output
exit_group every process's
bind the suites put a socket at a name
socket the suites put a socket at a name
mkdir the suites put a directory at a name
mknodat the suites put a FIFO at a name
chroot the suites' private namespaces
fchdir the suites' private namespaces
chdir the suites' private namespaces
getcwd the suites' private namespaces
move_mount the suites' private namespaces
open_tree the suites' private namespaces
pivot_root the suites' private namespaces
mount the suites' private namespaces
setns the suites' private namespaces
umount2 the suites' private namespaces
unshare the suites' private namespaces
setgroups the suites become another user
setresgid the suites become another user
setresuid the suites become another user
umask the suites'
capset the suites'
capget it only asks whether others' entries may be removed, and a failure says no
rmdir the suites remove a directory from a name
dup the suites'
memfd_create the suites'
mlockall the suites'
munlockall the suites'
clock_nanosleep between two looks at what another process removes: its failure makes the pause shorter, nothing else
END

"$walk" calls >"$dir/calls" 2>/dev/null
[ $? != 77 ] || { echo 'skipped: the walks do not go over everything in this user namespace' >&2; exit 77; }
sort -u "$dir/calls" >"$dir/walked"
cut -d ' ' -f 1 "$dir/left_out" | sort >"$dir/excused"
for suite in "$@"; do
    strace -f -c -o "$dir/counts" "$suite" >/dev/null 2>&1
    awk '$1 ~ /^[0-9.]+$/ && $NF != "total" { print $NF }' "$dir/counts"
done | sort -u >"$dir/seen"

[ "$(wc -l <"$dir/seen")" -gt 40 ] || { echo 'the suites did not run' >&2; exit 1; }
missed=$(sort -u "$dir/walked" "$dir/excused" | comm -13 - "$dir/seen")
[ -z "$missed" ] || { echo "in no walk, and not excused: $missed" >&2; exit 1; }
echo "$(comm -12 "$dir/walked" "$dir/seen" | wc -l) system calls walked over, left out:"
sed 's/ /: /' "$dir/left_out"
