// Package core is only the map of this folder, the transformer and everything
// below it. It knows no science.
//
//   - tensor: arrays that cross between files, programs and results
//   - graph: a model's mathematics as layer-sized operations, with gradients
//   - plan: a graph becomes a program: kernels in order, values at fixed places
//   - backend: the two interfaces of a machine; reference (the specification),
//     cpu and vulkan implement them, backendtest compares them
//   - nn, transformer: layers and blocks under published parameter names
//   - train, decode: optimizer steps and generation as programs
//   - token, checkpoint, dataset: tokenizers, weights and data on disk
//   - metric, figure: numbers and pictures from plain values
package core
