// Package group gathers items that belong together when there are too many for
// maps: it joins items into disjoint sets, and brings pairs of a key and a
// value together by key, on disk, with memory that hardly grows with their
// number. Near-duplicate detection, duplicate detection and joins with tables
// are made of the two.
package group
