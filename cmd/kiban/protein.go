package main

import (
	"github.com/urfave/cli/v2"
)

func proteinGroup() *cli.Command {
	return &cli.Command{
		Name:  "protein",
		Usage: "language models of protein sequences",
		Description: "From a laboratory's sequences to designs and what they are worth:\n" +
			"  kiban protein prepare family.fasta.gz -o data --tokenizer ProtGPT2\n" +
			"  kiban protein finetune data -m ProtGPT2 -o run --lora-rank 8\n" +
			"  kiban protein generate -m run -n 1000 -o new.fasta\n" +
			"  kiban protein analyze new.fasta --training data -o analysis\n" +
			"ProtGPT2 stands for a model directory as published: config.json, tokenizer and\n" +
			"weights, safetensors or pytorch_model.bin. pretrain needs none.",
		Subcommands: []*cli.Command{
			verb("prepare", "turn sequences into training data", "[FASTA…]", prepareFlags(), runPrepare,
				"kiban protein prepare uniref50.fasta.gz -o data",
				"kiban protein prepare family.fasta -o data --tokenizer ProtGPT2 --validation 0.05"),
			verb("pretrain", "train a model from random weights", "DATA", pretrainFlags(), runPretrain,
				"kiban protein pretrain data -o run --preset tiny",
				"kiban protein pretrain data -o run --preset small --max-time 8h --resume"),
			verb("finetune", "train a model further on own sequences", "DATA", finetuneFlags(), runFinetune,
				"kiban protein finetune data -m ProtGPT2 -o run",
				"kiban protein finetune data -m ProtGPT2 -o run --lr 1e-6 --epochs 5 --precision bf16"),
			verb("generate", "generate sequences", "", generateFlags(), runGenerate,
				"kiban protein generate -m run -n 100 -o new.fasta --sort perplexity",
				"kiban protein generate -m ProtGPT2 --prompt MKT --fix 10:C,15:C --table new.tsv"),
			verb("score", "likelihood and perplexity of sequences", "[FASTA…]", scoreFlags(), runScore,
				"kiban protein score -m run new.fasta > scores.tsv",
				"kiban protein score -m run one.fasta --per-residue residues.tsv --figure residues"),
			verb("analyze", "properties of sequences, and what is new or copied in them", "[FASTA…]", analyzeFlags(), runAnalyze,
				"kiban protein analyze new.fasta > properties.tsv",
				"kiban protein analyze new.fasta --training data -o analysis"),
			verb("report", "draw a run and what it generated", "RUN", reportFlags(), runReport,
				"kiban protein report run --data data",
				"kiban protein report run --data data --generated new.fasta"),
		},
	}
}

// verb registers a verb with its own flags before those that every verb has; one
// of its own stands for that of the same name.
func verb(name, usage, args string, flags []cli.Flag, action cli.ActionFunc, example1, example2 string) *cli.Command {
	own := map[string]bool{}
	for _, f := range flags {
		own[f.Names()[0]] = true
	}
	for _, f := range sharedFlags() {
		if !own[f.Names()[0]] {
			flags = append(flags, f)
		}
	}
	return &cli.Command{
		Name:        name,
		Usage:       usage,
		ArgsUsage:   args,
		Description: "Examples:\n  " + example1 + "\n  " + example2,
		Flags:       flags,
		Action: func(c *cli.Context) error {
			err := action(c)
			printProfiles(c)
			return err
		},
	}
}
