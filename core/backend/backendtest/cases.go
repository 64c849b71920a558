package backendtest

import (
	"maps"
	"slices"

	"github.com/kiban-models/kiban/core/graph"
)

// Cases returns all cases.
func Cases() []Case {
	return slices.Concat(
		activationCases(), adamWCases(), addCases(), affineAttentionCases(), attentionCases(), attentionProbabilitiesCases(), cacheWriteCases(), castCases(),
		copyCases(), crfCases(), dotCases(), dropoutCases(), embedCases(), fillCases(), gradNormCases(),
		int8Cases(), layerNormCases(), linearCrossEntropyCases(), logitsFilterCases(), logitsPenaltyCases(),
		matMulCases(), mulCases(), normMatMulCases(), rotaryCases(), sampleCases(), scaleCases(), sumRowsCases(), tokenAppendCases(),
	)
}

// one is the outputs of a graph with a single one.
func one(y *graph.Node) map[string]*graph.Node { return map[string]*graph.Node{"y": y} }

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
