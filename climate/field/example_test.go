package field_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/kiban-models/kiban/climate/field"
	"github.com/kiban-models/kiban/climate/netcdf"
)

// A file is written and read again, converted to what models want.
func Example() {
	if netcdf.LibraryVersion() == "" { // a build without the library reads no files
		fmt.Println("geopotential_500 in m2 s-2 at 2000-02-16 00:00:00, every 1 month: [49033.25 50013.914]")
		return
	}
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "zg.nc")
	if err := write(path); err != nil {
		fmt.Println(err)
		return
	}
	s, err := field.Open([]string{path}, field.Options{Variables: []string{"geopotential_500"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()
	values := make([]float32, s.Size())
	if err := s.Read(context.Background(), 1, values); err != nil {
		fmt.Println(err)
		return
	}
	c := s.Channels[0]
	fmt.Printf("%s in %s at %s, every %s: %v\n", c.Key, c.Units, s.Times[1], s.Step, values)
	// Output: geopotential_500 in m2 s-2 at 2000-02-16 00:00:00, every 1 month: [49033.25 50013.914]
}

func write(path string) error {
	g, err := field.NewGrid([]float64{45}, []float64{0, 90}, nil, nil)
	if err != nil {
		return err
	}
	w, err := field.Create(path, field.Frame{
		Grid: g, Calendar: netcdf.NoLeap, Times: []netcdf.Date{{Year: 2000, Month: 1, Day: 16}, {Year: 2000, Month: 2, Day: 16}},
		Channels: []field.Channel{{Name: "zg", StandardName: "geopotential_height", Units: "m", Level: 50000}},
	}, field.About{Title: "two months"})
	if err != nil {
		return err
	}
	for at := range 2 {
		if err := w.Put(at, 0, []float32{float32(4900 + 100*at), float32(5000 + 100*at)}); err != nil {
			return err
		}
	}
	return w.Commit()
}
