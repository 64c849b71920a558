package example_test

import (
	"fmt"
	"os"

	"github.com/kiban-models/kiban/climate/example"
)

func ExampleWrite() {
	dir, err := os.MkdirTemp("", "kiban")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	if err := example.Write(dir, example.Options{Scenarios: []string{"historical", "ssp126"}}); err != nil {
		fmt.Println(err)
		return
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		panic(err)
	}
	for _, f := range files {
		fmt.Println(f.Name())
	}
	// Output:
	// inputs_historical.nc
	// inputs_ssp126.nc
	// outputs_historical.nc
	// outputs_ssp126.nc
}
