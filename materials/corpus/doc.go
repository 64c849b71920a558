// Package corpus reads papers and what people have marked in them: documents
// of many kinds with the places of their text in the file, sentences, words,
// entities and relations.
//
// [Read] and [Files] yield documents one by one, from plain text, JSON lines,
// CSV, XML of journals and PDF files. [Sentences] and [Words] cut a text.
// [ReadCoNLL] reads tagged words, [ReadLists] the records of Prodigy, spaCy and
// kiban itself, package brat beside this one brat's folders. [Annotated.Tags]
// makes tagged words of entities, [EntitiesOf] the reverse.
//
// Inside Go a span is bytes of [Document].Text. Files for users count code
// points: see [Points].
package corpus
