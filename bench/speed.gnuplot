# SPDX-License-Identifier: BSD-2-Clause
# scripts/bench runs this. The columns of build/bench/{posix,sysv}-fills.tsv are the contender, and
# the milliseconds to make and fill a segment and to touch it in a second process. The columns of
# build/bench/{posix,sysv}.tsv are the contender, and the microseconds to create and to open.
set terminal svg size 820,720 font "sans-serif,12" background "white"
set output "bench/speed.svg"
set multiplot layout 2,2
set style data histograms
set style histogram clustered gap 1
set style fill solid 0.9 noborder
set boxwidth 0.9
set yrange [0:*]
set grid ytics lc rgb "#dddddd"
set border 3
set tics nomirror
set key outside bottom center horizontal
set ylabel "ms for 256 MiB"
do for [backend in "posix sysv"] {
  set title (backend eq "posix" ? "POSIX" : "System V")
  plot "build/bench/".backend."-fills.tsv" using 2:xtic(1) title "make and fill" lc rgb "#33658a", \
       "" using 3 title "touch in a second process" lc rgb "#f6ae2d"
}
set ylabel "µs for a cycle, 4 KiB"
do for [backend in "posix sysv"] {
  set title (backend eq "posix" ? "POSIX" : "System V")
  plot "build/bench/".backend.".tsv" using 2:xtic(1) title "create … destroy" lc rgb "#33658a", \
       "" using 3 title "open … close" lc rgb "#f6ae2d"
}
unset multiplot
