# SPDX-License-Identifier: MIT
# $d: place in the series, value. $l: the two ends of each level, a blank line between levels.
# $s: where a step is, lowest and highest y.
plot $s using 1:2:(0):($3-$2) notitle with vectors nohead lc rgb '#fe0010' lw 1 dt 2, \
	$l using 1:2 notitle with lines lc rgb colour(1) lw 2.2, \
	$d using 1:2 notitle with points lc rgb colour(0) lw 1.8 pt 7 ps 0.4
