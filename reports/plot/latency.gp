# SPDX-License-Identifier: MIT
# $d: one index per target: x, p50, p99. p50 is drawn solid, p99 dashed.
plot for [i=0:words(series)-1] $d index i using 1:2 notitle with linespoints \
	lc rgb colour(int(word(series, i+1))) lw 1.8 pt point(int(word(series, i+1))) ps 0.75, \
     for [i=0:words(series)-1] $d index i using 1:3 notitle with linespoints \
	lc rgb colour(int(word(series, i+1))) lw 1.5 dt (6,4) pt point(int(word(series, i+1))) ps 0.55
