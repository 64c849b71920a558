// Package store holds fields prepared for training: on one grid, in one
// calendar, converted and checked, with their statistics.
//
// A store is a directory. manifest.json says what is in it: channels with their
// units, levels and statistics, the grid, every time, how the years are split,
// which files it came from and what was converted. fields-00000.bin and those
// that follow hold little-endian float32 values without a header, record by
// record: [time][channel][latitude][longitude], missing values as NaN.
// static.bin holds what does not change in time, [channel][latitude][longitude],
// once.
//
// Prepare makes a store from series of fields with bounded memory, and goes on
// where it was interrupted. The directory appears under its name only when it is
// whole. Open maps it into memory; a Selection reads batches of it, normalised,
// without allocating.
package store
