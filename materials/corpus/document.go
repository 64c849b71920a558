package corpus

// Span is a stretch of a text: bytes Start to End, End excluded.
type Span struct{ Start, End int }

// Document is a text with what is known of it. Spans are bytes of Text, which
// is valid UTF-8; users are shown code points.
type Document struct {
	ID     string
	Source string // the file
	Line   int    // of the file, at which it begins; 0 of a PDF
	Text   string
	Title  string
	// Sections are the parts that the source names, ascending, without overlap.
	Sections []Section
	// Places, if not nil, says where the bytes of Text stand in the source file,
	// ascending in Text, for what comes from it. Text that the file does not
	// have as such, such as a string of JSON, has none.
	Places []Place
	Meta   map[string]string
	// Warnings tell what is odd about it and was not refused.
	Warnings []*Error
}

// Section is a part of a document, such as its abstract.
type Section struct {
	Name string
	Span
}

// Place says that bytes of a text come from bytes of the source file: one by
// one if both stretches are of one length, else as a whole, as a character does
// from its entity.
type Place struct {
	Text, Source Span
}

// Entity is what a text names.
type Entity struct {
	ID         string
	Label      string
	Spans      []Span  // ascending; more than one if it is in fragments
	Score      float64 // 0 to 1; 0 of gold
	Normalized string  // of a formula, its canonical form
}

// Relation holds between two entities, given by their indices.
type Relation struct {
	ID         string
	Label      string
	Head, Tail int
	Score      float64
}

// Annotated is a document with what stands in it.
type Annotated struct {
	Document
	Entities  []Entity
	Relations []Relation
}

// Tagged is a sentence of words with a tag each, as CoNLL files have it.
type Tagged struct {
	Doc   string // the document, if the file says
	Line  int    // of the file, of the first word
	Words []string
	Tags  []string
}
