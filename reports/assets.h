/* SPDX-License-Identifier: MIT */
/* Files that are part of the program: made from html/ and plot/ by embed.py when it is built. */
#pragma once

extern const char asset_css[], asset_js[], asset_js_sha256[];
extern const char asset_gate_css[]; /* beside asset_css, for the page of a gate */
extern const char asset_markers[];  /* <svg> with the symbols that gnuplot's pictures refer to */

extern const char asset_calibrate_json[]; /* the matrix of `calibrate` */

extern const char asset_style_gp[], asset_throughput_gp[], asset_latency_gp[];
extern const char asset_percentile_gp[], asset_histogram_gp[], asset_trend_gp[];
