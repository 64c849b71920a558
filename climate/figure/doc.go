// Package figure draws what works with climate fields asks for: maps of one
// field or of several side by side, errors over lead times, training curves,
// and scenarios by year. It takes plain values and returns core figures, which
// save themselves as SVG, PNG and CSV; Save does so in the size that suits them.
//
// A map knows where its cells are: each is filled between its bounds, so that
// it does not matter in which order latitudes run, where longitudes begin, or
// whether a region crosses Greenwich. North is up.
//
// Colours follow the quantity, by its standard name (see Colours): cividis
// (Nuñez et al. 2018, by way of core/figure) for what has no midpoint, YlGnBu
// for water, and RdBu reversed, BrBG and PuOr, symmetric about zero, for what
// has one. The last four are Cynthia Brewer's (ColorBrewer 2.0, Apache licence
// 2.0), interpolated in CIE Lab. Coastlines are Natural Earth's (public
// domain; see coast). A field with both signs is drawn about zero, as xarray
// does, but for one in degrees Celsius of which less than a tenth is on one side.
package figure
