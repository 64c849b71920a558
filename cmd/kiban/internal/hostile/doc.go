// Package hostile makes files that are meant to break a reader: each with what
// kiban must answer. They are the known ways in which readers of the same
// formats have crashed, hung, run out of memory, run code or opened files that
// were none of their business.
//
// [Cases] lists them. A case makes its files in a folder of its own; kiban runs
// there with the case's arguments and must accept the files, reading exactly
// what is read from their harmless twin, or refuse them with a message that
// says what is wrong. The files depend on nothing but the case: every run makes
// the same bytes.
package hostile
