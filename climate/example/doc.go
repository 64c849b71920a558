// Package example makes files to try climate projections on: scenarios of
// emissions and what a toy climate answers, in the form of ClimateBench's files
// (Watson-Parris et al. 2022, doi:10.1029/2021MS002954): inputs_<scenario>.nc
// with CO2 and CH4, which have a time alone, and SO2 and BC; outputs_<scenario>.nc
// with tas, diurnal_temperature_range, pr and pr90 of some members. Years are
// plain numbers, and nothing has units but most latitudes.
//
// The toy is an energy balance of two layers (Geoffroy et al. 2013) under the
// forcings of CO2 and CH4 (Myhre et al. 1998), warming the poles more, with
// cooling around the sources of SO2, warming around those of BC, and noise that
// comes again from year to year. Its numbers are no climate model's.
package example
