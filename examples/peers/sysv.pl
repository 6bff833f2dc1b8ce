#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
# The conversation of ours.c with IPC::SysV of Perl. A reference is a key.
use strict;
use warnings;
use IPC::SysV qw(IPC_CREAT IPC_EXCL IPC_RMID shmat shmdt memread memwrite);

my ($id, $addr);

sub obey {
    my ($command, $argument) = @_;
    if ($command eq 'create' || $command eq 'open') {
        my $creating = $command eq 'create';
        $id = shmget(oct $argument, $creating ? 4096 : 0, $creating ? IPC_CREAT | IPC_EXCL | 0600 : 0);
        $addr = shmat($id, undef, 0) if defined $id;
        return defined $id && defined $addr ? 'ok' : 'no';
    }
    return memwrite($addr, "$argument\0", 0, length($argument) + 1) ? 'ok' : 'no' if $command eq 'write';
    return shmctl($id, IPC_RMID, 0) ? 'ok' : 'no' if $command eq 'destroy';
    return shmdt($addr) ? 'ok' : 'no' if $command eq 'close';
    memread($addr, my $text, 0, 256);
    return $text =~ s/\0.*//rs;
}

$| = 1;
while (my $line = <STDIN>) {
    chomp $line;
    print obey(split / /, $line, 2), "\n";
}
