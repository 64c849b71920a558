package field

import "fmt"

// Channel is a variable, at one level where it has several.
type Channel struct {
	Name         string // in the file: tas, t2m; of what it was made into where that is another quantity: zg becomes z
	Key          string // of the models: geopotential_500, 2m_temperature; Name when no table knows it
	StandardName string // of CF
	LongName     string
	Units        string  // of the values as they are read
	Level        float64 // Pa; 0 for none
	CellMethods  string
	Constant     bool // the file gives it no time: orography, a land-sea mask
}

// String is the name for people: zg@500 with the level in hPa.
func (c Channel) String() string {
	if c.Level == 0 {
		return c.Name
	}
	return fmt.Sprintf("%s@%g", c.Name, c.Level/100)
}
