// Package window cuts time series into examples: some records that a model sees
// and others that it is to forecast. A window lies within one [Stretch]: it never
// crosses a gap, a border of files or members that do not fit together, a record
// that cannot be used, or the border between training, validation and test years.
//
// Leads are counted in steps of the data; [ParseLead] makes steps of 72h or 1mo.
package window
