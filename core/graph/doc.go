// Package graph is the mathematics of a model, written once.
//
// A Graph is a static list of layer-sized operations on nodes. Builders such
// as MatMul and LayerNorm append nodes; each stands in a file of its own with
// its shape rule and its gradient rule. Grad adds the nodes of a gradient, so
// a training step is an ordinary graph as well. What changes from run to run
// (tokens, positions, learning rate, seeds) is an Input or a State, never part
// of the graph.
//
// Activations are matrices [N, C]: N rows (batch times tokens, row b*T+t) of C
// channels. Axis letters in comments: B batch, T tokens, C channels, H heads,
// D head width, V vocabulary, N rows.
//
// A builder that is given wrong shapes records the first error, with the line
// of the model that called it, and returns a harmless node; plan.Compile
// returns that error. So model code carries no error checks.
//
// Package plan turns a graph into a program, and package backend runs it.
package graph
