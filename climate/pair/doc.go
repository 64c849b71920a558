// Package pair matches the records of two stores in time: what a model sees and
// what it is to make of it, when they lie in two places, as a coarse and a fine
// one do, or forcings and their response.
//
// Records are of the same time if they are of the same month or year, whatever
// day of it their stamps name, of the same day, or of the same second: as the
// interval of the data says. [Match] works on times alone, [Stores] on stores;
// what is to be trained on and what is set aside is the target's split.
package pair
