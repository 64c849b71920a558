// Package train fits a model's parameters.
//
// Compile turns a loss into the programs of an optimizer step: one, or with
// accumulation one that adds gradients up and one that applies them. A Trainer
// runs them on a backend; Loop drives a Trainer over data, with evaluation,
// checkpoints, interruption and a time budget. Everything that a step depends
// on is a function of the seed and the step number, so that a resumed run
// repeats an unbroken one bit for bit.
package train
