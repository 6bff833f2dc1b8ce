# SPDX-License-Identifier: BSD-2-Clause
# From build/bench/{posix,sysv}.tsv: contender, microseconds to create, to open. Run by scripts/bench.
set terminal svg size 820,360 font "sans-serif,12" background "white"
set output "bench/cycles.svg"
set multiplot layout 1,2
set style data histograms
set style histogram clustered gap 1
set style fill solid 0.9 noborder
set boxwidth 0.9
set yrange [0:*]
set grid ytics lc rgb "#dddddd"
set border 3
set tics nomirror
set ylabel "µs for a cycle, 4 KiB"
set key outside bottom center horizontal
do for [backend in "posix sysv"] {
  set title (backend eq "posix" ? "POSIX" : "System V")
  plot "build/bench/".backend.".tsv" using 2:xtic(1) title "create … destroy" lc rgb "#33658a", \
       "" using 3 title "open … close" lc rgb "#f6ae2d"
}
unset multiplot
