# SPDX-License-Identifier: MIT
# $d: left edge, right edge, percent of the operations, as closed boxes. p50, p99: marked.
set bmargin 2.2
set style fill solid 0.55 noborder
set arrow from p50, graph 0 to p50, graph 0.94 nohead lc rgb "#fe0012" lw 1 dt (2,3)
set arrow from p99, graph 0 to p99, graph 0.94 nohead lc rgb "#fe0012" lw 1 dt (2,3)
if (close) {
	set label 'p50 ' at p50, graph 0.98 right textcolor rgb "#fe0012"
	set label ' p99' at p99, graph 0.98 left textcolor rgb "#fe0012"
} else {
	set label 'p50' at p50, graph 0.98 center textcolor rgb "#fe0012"
	set label 'p99' at p99, graph 0.98 center textcolor rgb "#fe0012"
}
plot $d using (sqrt($1*$2)):3:1:2:(0):3 notitle with boxxyerror lc rgb colour(int(series)) lw 0.5
