// Package corpus reads papers and what people have marked in them: documents
// of many kinds with the places of their text in the file, sentences, words,
// entities and relations.
//
// [Read] and [Files] yield documents one by one, each at most
// [Options].MaxBytes long, from plain text, JSON lines, CSV, XML of journals
// and PDF files. [Sentences] and [Words] cut a text. Packages conll, brat and
// prodigy beside this one read and write annotations.
//
// Inside Go a span is bytes of [Document].Text. Files for users count code
// points: see [Points].
package corpus
