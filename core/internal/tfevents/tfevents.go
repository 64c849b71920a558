// Package tfevents writes the event files that TensorBoard shows: scalars by
// tag and step.
//
// A file is a sequence of records: the length of the data, uint64; its masked
// CRC-32C, uint32; the data; its masked CRC-32C; all little-endian. The data is
// a protocol buffer, TensorFlow's Event.
package tfevents

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"time"
)

// Numbers of the fields of Event, Summary, Summary.Value and SessionLog.
const (
	eventTime    = 1 // double, seconds since 1970
	eventStep    = 2 // int64
	eventVersion = 3 // string, of the first record
	eventSummary = 5
	eventSession = 7

	summaryValue = 1 // repeated
	valueTag     = 1
	valueSimple  = 2 // float

	sessionStatus = 1
	statusStart   = 1
)

// Scalar is a value with its name, such as train/loss.
type Scalar struct {
	Tag   string
	Value float64 // written as float32
}

// Writer appends to one file.
type Writer struct {
	f   *os.File
	now func() time.Time
}

// Create makes a new file in dir, and dir. A run that goes on makes a further
// file in the same dir: TensorBoard takes them for one, and forgets what the
// earlier ones say of steps after step, which the run is going to repeat.
func Create(dir string, step int64) (*Writer, error) { return create(dir, step, time.Now) }

func create(dir string, step int64, now func() time.Time) (*Writer, error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	host, err := os.Hostname()
	if err != nil {
		host = "localhost" // only informative
	}
	w := &Writer{now: now}
	for n := 0; w.f == nil; n++ { // TensorBoard reads files in the order of their names
		name := fmt.Sprintf("events.out.tfevents.%010d.%s.%d.%d", now().Unix(), host, os.Getpid(), n)
		w.f, err = os.OpenFile(filepath.Join(dir, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
	}
	start := message{}.varint(sessionStatus, statusStart)
	err = errors.Join(
		w.event(step+1, eventVersion, []byte("brain.Event:2")),
		w.event(step+1, eventSession, start))
	if err != nil {
		w.f.Close()
		return nil, err
	}
	return w, nil
}

// Add appends values of a step. They are on their way to the disk, for others
// to read, when it returns.
func (w *Writer) Add(step int64, values ...Scalar) error {
	var summary message
	for _, v := range values {
		value := message{}.bytes(valueTag, []byte(v.Tag)).fixed32(valueSimple, math.Float32bits(float32(v.Value)))
		summary = summary.bytes(summaryValue, value)
	}
	return w.event(step, eventSummary, summary)
}

// event appends an Event whose only content is a field of bytes.
func (w *Writer) event(step int64, field byte, content []byte) error {
	wall := float64(w.now().UnixMicro()) / 1e6
	data := message{}.fixed64(eventTime, math.Float64bits(wall)).varint(eventStep, uint64(step)).bytes(field, content)

	record := binary.LittleEndian.AppendUint64(nil, uint64(len(data)))
	record = binary.LittleEndian.AppendUint32(record, masked(record))
	record = append(record, data...)
	record = binary.LittleEndian.AppendUint32(record, masked(data))
	_, err := w.f.Write(record) // at once, so that a reader sees none in part
	return err
}

// Close closes the file.
func (w *Writer) Close() error { return w.f.Close() }

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// masked is the CRC-32C of data, changed so that the checksum of data that
// holds checksums is a good one too.
func masked(data []byte) uint32 {
	crc := crc32.Checksum(data, castagnoli)
	return (crc>>15 | crc<<17) + 0xa282ead8
}
