package formula_test

import (
	"fmt"

	"github.com/kiban-models/kiban/materials/formula"
)

func ExampleParse() {
	f, err := formula.Parse("CuSO₄·5H₂O")
	if err != nil {
		fmt.Println(err)
		return
	}
	c, _ := f.Composition()
	m, _ := f.Mass()
	fmt.Printf("%s %s %v %.3f\n", f.Written(), f.Hill(), c, m)
	_, err = formula.Parse("LiFeQO4")
	fmt.Println(err)
	// Output:
	// CuSO4·5H2O CuO4S·5H2O CuSO9H10 249.677
	// formula "LiFeQO4", column 5: "Q" is no element, group or variable
}
