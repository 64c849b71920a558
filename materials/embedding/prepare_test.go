package embedding

import (
	"strings"
	"testing"
)

func TestPrepare(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"Films of TiO2 and LiFePO4 were grown at 500 °C.", "films of O2Ti and FeLiO4P were grown at <nUm> ° C ."},
		{"The XRD of Al showed 1.5e-3 and −2 Pa", "the XRD of Al showed <nUm> and − <nUm> Pa"},
		{"La1-xSrxMnO3 in Fe3+", "La1-xSrxMnO3 in Fe3+"},
	} {
		if got := strings.Join(Prepare(c.text, true), " "); got != c.want {
			t.Errorf("%q is prepared as %q, wanted %q", c.text, got, c.want)
		}
	}
	if got := strings.Join(Prepare("Rutile TiO2", false), " "); got != "rutile TiO2" {
		t.Errorf("without formulas: %q", got)
	}
}
