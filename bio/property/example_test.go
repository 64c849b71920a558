package property_test

import (
	"fmt"

	"github.com/kiban-models/kiban/bio/property"
)

func ExampleOf() {
	p := property.Of([]byte("MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQAPILSRVGDGTQDNLSGAEKAVQVKVKALPDAQFEVV"))
	fmt.Printf("%.1f Da, pI %.2f, GRAVY %.3f, instability %.1f\n", p.MolecularWeight, p.IsoelectricPoint, p.GRAVY, p.Instability)
	fmt.Println(property.LowComplexity([]byte("MKTWYQQQQQQQQQQQQQQQQQHGASFLIEV")))
	// Output:
	// 7768.9 Da, pI 9.22, GRAVY -0.211, instability 34.3
	// [{5 22}]
}
