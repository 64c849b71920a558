package main

import (
	"slices"
	"strconv"

	"github.com/urfave/cli/v2"

	"github.com/kiban-models/kiban/bio/protein"
)

func prepareFlags() []cli.Flag {
	return append([]cli.Flag{
		&cli.StringFlag{Name: "tokenizer", Category: catModel, Usage: "use the tokenizer of model directory `DIR` instead of training one"},
		&cli.IntFlag{Name: "vocab-size", Category: catModel, Value: 8192, Usage: "train a tokenizer of `N` tokens"},
		&cli.Float64Flag{Name: "validation", Category: catInput, Value: 0.1, Usage: "set aside this `SHARE` of the sequences"},
		&cli.StringFlag{Name: "near-duplicates", Category: catInput, Value: strconv.FormatFloat(protein.DefaultSimilarity, 'g', -1, 64),
			Usage: "sequences with this `SHARE` of their 5-residue words in common go to the same side; off divides each by itself"},
		&cli.StringFlag{Name: "clusters", Category: catInput, Usage: "take the clusters of MMseqs2's two-column table `FILE` for what goes to the same side"},
		newChoice(&cli.StringFlag{Name: "duplicates", Category: catInput, Value: "first", Usage: "records whose ID occurs again; equal sequences are always dropped"}, "first", "error", "rename", "keep"),
		&cli.IntFlag{Name: "min-length", Category: catInput, Usage: "drop sequences of fewer than `N` residues"},
		&cli.IntFlag{Name: "max-length", Category: catInput, Usage: "drop sequences of more than `N` residues; 0 keeps all"},
		newChoice(&cli.StringFlag{Name: "seq-type", Aliases: []string{"t"}, Category: catInput, Value: "auto", Usage: "kind of sequences"}, "auto", "protein", "dna", "rna"),
		&cli.BoolFlag{Name: "resume", Category: catInput, Usage: "go on with what an interrupted run left", DisableDefaultText: true},
	}, readerFlags()...)
}

// readerFlags are of all verbs that read FASTA files; their errors name them.
func readerFlags() []cli.Flag {
	return []cli.Flag{
		newChoice(&cli.StringFlag{Name: "invalid", Category: catInput, Value: "error", Usage: "sequences with letters that are no residues"}, "error", "skip", "x"),
		newChoice(&cli.StringFlag{Name: "gaps", Category: catInput, Value: "error", Usage: "gaps - and . in sequences"}, "error", "remove"),
		newChoice(&cli.StringFlag{Name: "empty", Category: catInput, Value: "error", Usage: "headers without residues"}, "error", "skip"),
		limitFlag(),
	}
}

func pretrainFlags() []cli.Flag {
	return slices.Concat([]cli.Flag{pretrainPresets.flag("size of the model with its training settings")}, shapeFlags(), trainingFlags(pretrainDefaults()))
}

func finetuneFlags() []cli.Flag {
	d := finetuneDefaults()
	return append([]cli.Flag{
		&cli.Float64Flag{Name: "layer-lr-decay", Category: catTraining, Value: d.LRDecay, Usage: "multiply the learning rate by `X` a layer, from the top down to the embeddings"},
		newChoice(&cli.StringFlag{Name: "freeze", Category: catTraining, Value: d.Freeze, Usage: "weights that do not train"}, "none", "embeddings"),
		&cli.IntFlag{Name: "freeze-layers", Category: catTraining, Usage: "do not train the first `N` layers"},
		&cli.IntFlag{Name: "lora-rank", Category: catTraining, Usage: "train LoRA adapters of rank `N` instead of the model; 0 does not"},
		&cli.Float64Flag{Name: "lora-alpha", Category: catTraining, Value: d.LoRAAlpha, Usage: "scale adapters by `X` over the rank"},
		&cli.StringFlag{Name: "lora-targets", Category: catTraining, Value: d.LoRATargets, Usage: "adapt these `LAYERS`, by comma: c_attn, c_proj, c_fc or full names"},
		&cli.Float64Flag{Name: "lora-dropout", Category: catTraining, Usage: "drop this `SHARE` of what adapters read"},
		&cli.BoolFlag{Name: "lora-rs", Category: catTraining, Usage: "scale adapters by alpha over the root of the rank", DisableDefaultText: true},
		&cli.BoolFlag{Name: "no-merge", Category: catOutput, Usage: "leave the adapter only, not the model with it merged in", DisableDefaultText: true},
		adapterFlag("train adapter `DIR` (peft) further"),
	}, trainingFlags(d)...)
}

// weightsFlag is of verbs that run a model and do not train it.
func weightsFlag() cli.Flag {
	return newChoice(&cli.StringFlag{Name: "weights", Category: catRuntime, Value: "auto",
		Usage: "number format of the weights of matrix products: as --precision, or in 8 bits, in a quarter of f32's memory"}, "auto", "int8")
}

func adapterFlag(usage string) cli.Flag {
	return &cli.StringFlag{Name: "adapter", Category: catModel, Usage: usage}
}

// trainingFlags are options of trainOptions: a flag --grad-clip is the key
// grad_clip. Their default values are those of d; a preset, a file or the
// environment may change what holds when the flag is absent.
func trainingFlags(d trainOptions) []cli.Flag {
	return slices.Concat(
		[]cli.Flag{&cli.Float64Flag{Name: "lr", Category: catTraining, Value: d.LR, Usage: "highest learning rate `X`"}},
		courseFlags(d.Schedule, d.Warmup, "cosine", "linear", "constant"),
		adamFlags(d.WeightDecay, d.Beta1, d.Beta2, d.GradClip),
		[]cli.Flag{
			&cli.IntFlag{Name: "grad-accum", Category: catTraining, Value: d.GradAccum, Usage: "sum the gradients of `N` batches a step"},
			&cli.IntFlag{Name: "batch-size", Category: catTraining, Value: d.BatchSize, Usage: "`N` rows of tokens a batch"},
			&cli.IntFlag{Name: "seq-len", Category: catTraining, Value: d.SeqLen, Usage: "`N` tokens a row"},
			&cli.Float64Flag{Name: "dropout", Category: catTraining, Value: d.Dropout, Usage: "drop this `SHARE` of activations"},
			&cli.Float64Flag{Name: "epochs", Category: catTraining, Value: d.Epochs, Usage: "pass `X` times over the data"},
		},
		stopFlags(),
		[]cli.Flag{
			&cli.BoolFlag{Name: "recompute", Category: catRuntime, Usage: "save memory by computing activations twice", DisableDefaultText: true},
			&cli.IntFlag{Name: "eval-every", Category: catTraining, Value: d.EvalEvery, Usage: "evaluate each `N` steps"},
			&cli.IntFlag{Name: "eval-tokens", Category: catTraining, Value: d.EvalTokens, Usage: "evaluate at the end on `N` validation tokens"},
		},
		saveFlags(d.LogEvery, d.SaveEvery, d.Keep), runFlags())
}

func scoreFlags() []cli.Flag {
	return append([]cli.Flag{
		adapterFlag("add LoRA adapter `DIR` (peft) to the model"),
		&cli.StringFlag{Name: "per-residue", Category: catOutput, Usage: "also write one row a residue to `FILE`"},
		&cli.StringFlag{Name: "figure", Category: catOutput, Usage: "draw the likelihoods to `NAME`.svg, .png and .csv"},
		&cli.IntFlag{Name: "batch-size", Category: catRuntime, Value: 8, Usage: "score `N` at once"},
		weightsFlag(),
	}, readerFlags()...)
}

func reportFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "data", Category: catInput, Usage: "data `DIR` that prepare made and the run trained on"},
		&cli.StringFlag{Name: "generated", Category: catInput, Usage: "FASTA `FILE` that generate made"},
	}
}

func limitFlag() cli.Flag {
	return &cli.IntFlag{Name: "limit", Category: catInput, Usage: "read only the first `N` records; 0 is all"}
}

func dryRunFlag() cli.Flag {
	return &cli.BoolFlag{Name: "dry-run", Category: catRuntime, Usage: "check everything, write nothing", DisableDefaultText: true}
}

// resumeNewest is the value of --resume without one.
const resumeNewest = "newest"

// longNames are what other trainers call our flags, with - for _.
var longNames = map[string]string{
	"learning-rate":               "lr",
	"lr-scheduler-type":           "schedule",
	"warmup-steps":                "warmup",
	"warmup-ratio":                "warmup",
	"warmup-iters":                "warmup",
	"adam-beta1":                  "beta1",
	"adam-beta2":                  "beta2",
	"max-grad-norm":               "grad-clip",
	"gradient-accumulation-steps": "grad-accum",
	"per-device-train-batch-size": "batch-size",
	"num-train-epochs":            "epochs",
	"max-iters":                   "max-steps",
	"block-size":                  "seq-len",
	"gradient-checkpointing":      "recompute",
	"eval-steps":                  "eval-every",
	"logging-steps":               "log-every",
	"save-steps":                  "save-every",
	"save-total-limit":            "keep",
	"resume-from-checkpoint":      "resume",
	"output-dir":                  "out",
	"model-name-or-path":          "model",
	"num-return-sequences":        "number",
	"max-new-tokens":              "max-tokens",
}
