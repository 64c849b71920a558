package main

import (
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/kiban-models/kiban/climate/figure"
)

// Whatever is read of a table of scores can be drawn: leads are finite and not
// negative, values finite or missing.
func FuzzReadScores(f *testing.F) {
	const head = "model,variable,level,region,lead_hours,metric,value,units,n\n"
	f.Add([]byte(head + "kiban,tas,,global,720,rmse,1.5,K,3\n\"a,b\",zg,500,x,0,acc,,1,0\n"))
	f.Add([]byte(head + "kiban,tas,,global,NaN,rmse,-Inf,K,1e400\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "skill.csv")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		err := readScores(path, func(s figure.Score) {
			if !(s.LeadHours >= 0) || math.IsInf(s.LeadHours, 0) || math.IsInf(s.Value, 0) || !(s.Level >= 0) {
				t.Errorf("%q is read as %+v", data, s)
			}
		})
		if err != nil && err.Error() == "" {
			t.Error("an error that says nothing")
		}
	})
}
