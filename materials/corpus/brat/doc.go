// Package brat reads and writes annotations in brat's standoff form: a text,
// ID.txt, and beside it ID.ann with a line an annotation
// (https://brat.nlplab.org/standoff.html). Its places count the code points of
// the text, line ends and a byte order mark included.
//
// What brat calls an event is an entity that triggers it, with roles that other
// entities play; here a role becomes a relation from the trigger, and whatever
// points at an event points at its trigger, as the materials syntheses of
// S. Mysore et al. (2019) do.
package brat
