# SPDX-License-Identifier: MIT
# $d: one index per target: x, median, min, max. series: the colour of each.
plot for [i=0:words(series)-1] $d index i using 1:2:3:4 notitle with yerrorlines \
	lc rgb colour(int(word(series, i+1))) lw 1.8 pt point(int(word(series, i+1))) ps 0.75
