# SPDX-License-Identifier: MIT
# $d: one index per curve: 1/(1-q), value. Quantiles stand where HdrHistogram's plots have them.
set grid xtics ytics
set bmargin 2.2
plot for [i=0:words(series)-1] $d index i using 1:2 notitle with lines \
	lc rgb colour(int(word(series, i+1))) lw 1.8
