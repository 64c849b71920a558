package vector

import (
	"fmt"
	"io"
	"reflect"

	"github.com/parquet-go/parquet-go"
)

// groupBytes is about the size of a row group, which is held in memory.
const groupBytes = 16 << 20

// Parquet writes a table: a column "id", text, and columns of vectors, lists of
// f32.
type Parquet struct {
	w       *parquet.GenericWriter[any]
	columns int
	group   int // rows
	rows    int
	row     parquet.Row
}

// NewParquet begins a table with the given columns of vectors of the given
// width. about is kept with it, as key-value metadata.
func NewParquet(w io.Writer, columns []string, width int, about map[string]string) *Parquet {
	fields := []reflect.StructField{{Name: "ID", Type: reflect.TypeFor[string](), Tag: `parquet:"id"`}}
	for i, c := range columns {
		fields = append(fields, reflect.StructField{
			Name: fmt.Sprintf("V%d", i), Type: reflect.TypeFor[[]float32](), Tag: reflect.StructTag(fmt.Sprintf(`parquet:"%s,list"`, c)),
		})
	}
	schema := parquet.SchemaOf(reflect.New(reflect.StructOf(fields)).Interface())
	options := []parquet.WriterOption{schema}
	for k, v := range about {
		options = append(options, parquet.KeyValueMetadata(k, v))
	}
	return &Parquet{w: parquet.NewGenericWriter[any](w, options...), columns: len(columns), group: max(1, groupBytes/(4*width*len(columns)))}
}

// Write adds a row: a vector for each column.
func (p *Parquet) Write(id string, vectors [][]float32) error {
	if len(vectors) != p.columns {
		return fmt.Errorf("vector: %d vectors for %d columns", len(vectors), p.columns)
	}
	p.row = append(p.row[:0], parquet.ByteArrayValue([]byte(id)).Level(0, 0, 0))
	for c, v := range vectors {
		if len(v) == 0 {
			p.row = append(p.row, parquet.NullValue().Level(0, 0, c+1))
		}
		for i, x := range v {
			p.row = append(p.row, parquet.FloatValue(x).Level(min(i, 1), 1, c+1))
		}
	}
	if _, err := p.w.WriteRows([]parquet.Row{p.row}); err != nil {
		return err
	}
	if p.rows++; p.rows%p.group > 0 {
		return nil
	}
	return p.w.Flush()
}

// Close makes the table whole. What it was written to stays open.
func (p *Parquet) Close() error { return p.w.Close() }
