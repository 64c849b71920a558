package skill

import (
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"strconv"
)

// Row is one score.
type Row struct {
	Model     string  `json:"model"`
	Variable  string  `json:"variable"`
	Level     float64 `json:"level,omitempty"` // hPa; 0 for none
	Region    string  `json:"region"`
	LeadHours float64 `json:"lead_hours"`
	// Metric is rmse, mae, bias (forecast less truth), acc, of downscaling pearson,
	// and of ensembles crps,
	// crps_fair and spread (the root of the mean variance of the members), of
	// projections nrmse_spatial, nrmse_global and nrmse.
	Metric string `json:"metric"`
	Value  Number `json:"value"`
	Units  string `json:"units"`
	N      int    `json:"n"` // times
}

// Number is null in JSON when it is not finite, as an ACC is where nothing ever
// departs from the climatology.
type Number float64

// MarshalJSON is the shortest text that reads back the same.
func (x Number) MarshalJSON() ([]byte, error) {
	if s := x.text(); s != "" {
		return []byte(s), nil
	}
	return []byte("null"), nil
}

func (x Number) text() string {
	if math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) {
		return ""
	}
	return strconv.FormatFloat(float64(x), 'g', -1, 64)
}

// Table is scores in long form.
type Table []Row

// Columns are those of WriteCSV.
var Columns = []string{"model", "variable", "level", "region", "lead_hours", "metric", "value", "units", "n"}

// WriteCSV writes a header and a line a row; levels and values that are not there
// are empty.
func (t Table) WriteCSV(w io.Writer) error {
	c := csv.NewWriter(w)
	lines := [][]string{Columns}
	for _, r := range t {
		level := ""
		if r.Level != 0 {
			level = Number(r.Level).text()
		}
		lines = append(lines, []string{r.Model, r.Variable, level, r.Region, Number(r.LeadHours).text(), r.Metric, r.Value.text(), r.Units, strconv.Itoa(r.N)})
	}
	if err := c.WriteAll(lines); err != nil {
		return fmt.Errorf("skill: %w", err)
	}
	return nil
}

// Find is the value of a score; ok is false when it is not there. level is in
// hPa, 0 for none.
func (t Table) Find(model, variable string, level float64, region string, leadHours float64, metric string) (value float64, ok bool) {
	for _, r := range t {
		if r.Model == model && r.Variable == variable && r.Level == level && r.Region == region && r.LeadHours == leadHours && r.Metric == metric {
			return float64(r.Value), true
		}
	}
	return math.NaN(), false
}

// UnmarshalJSON reads null as NaN.
func (x *Number) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*x = Number(math.NaN())
		return nil
	}
	v, err := strconv.ParseFloat(string(b), 64)
	*x = Number(v)
	return err
}
