# SPDX-License-Identifier: MIT
# Look of every picture. Colours are place-holders, rgb(254, 0, N): plot.c turns them into the CSS
# variables of the page (0 to 7 the series, 16 axes, 17 grid, 18 text, 19 soft fill), so that one
# picture serves light and dark.
reset
set terminal svg size 460,290 dynamic noenhanced font "sans-serif,13" linewidth 1
set encoding utf8
set datafile missing 'NaN'
unset key
set border 3 lc rgb "#fe0010" lw 1
set tics nomirror out scale 0.5 textcolor rgb "#fe0012"
set grid noxtics ytics back lc rgb "#fe0011" lw 1
set lmargin 8.5
set rmargin 2
set tmargin 1
set bmargin 3.4
set bars 0.6
set xlabel offset 0,0.4 textcolor rgb "#fe0012"
colours = '#fe0000 #fe0001 #fe0002 #fe0003 #fe0004 #fe0005 #fe0006 #fe0007'
points = '7 5 9 13 11 15 6 4'
colour(i) = word(colours, i % 8 + 1)
point(i) = int(word(points, i % 8 + 1))
