package main

import (
	"bytes"

	"github.com/urfave/cli/v2"

	"github.com/kiban-models/kiban/bio/protein"
	"github.com/kiban-models/kiban/core/decode"
)

const catConstraints = "Constraints"

func generateFlags() []cli.Flag {
	return []cli.Flag{
		&cli.IntFlag{Name: "number", Aliases: []string{"n"}, Category: catOutput, Value: 10, Usage: "generate `N` sequences for each prompt; with beams as many as there are, if not given"},
		&cli.IntFlag{Name: "max-tokens", Category: catSampling, Value: 100, Usage: "at most `N` tokens each, prompt included"},
		&cli.IntFlag{Name: "min-length", Category: catConstraints, Usage: "at least `N` residues"},
		&cli.IntFlag{Name: "max-length", Category: catConstraints, Usage: "at most `N` residues; 0 is no limit"},
		&cli.IntFlag{Name: "top-k", Category: catSampling, Value: 950, Usage: "sample among the `N` likeliest tokens; 0 is all"},
		&cli.Float64Flag{Name: "top-p", Category: catSampling, Value: 1, Usage: "sample among the likeliest tokens of total probability `P`"},
		&cli.Float64Flag{Name: "temperature", Category: catSampling, Value: 1, Usage: "flatten (above 1) or sharpen the probabilities; 0 takes the likeliest"},
		&cli.Float64Flag{Name: "repetition-penalty", Category: catSampling, Value: 1.2, Usage: "make tokens that occurred less likely by `X`; 1 does not"},
		&cli.IntFlag{Name: "num-beams", Category: catSampling, Value: 1, Usage: "search with `N` beams for the likeliest sequences instead of sampling"},
		&cli.Float64Flag{Name: "length-penalty", Category: catSampling, Value: 1, Usage: "compare beams by log-probability over length to the power `X`"},
		newChoice(&cli.StringFlag{Name: "early-stopping", Category: catSampling, Value: "false", Usage: "stop a search when as many sequences as beams have ended: when better ones are unlikely, at once, or when there can be none"}, "false", "true", "never"),
		&cli.StringFlag{Name: "prompt", Category: catInput, Usage: "begin with sequence `SEQ`"},
		&cli.StringFlag{Name: "prompts", Category: catInput, Usage: "read prompts with constraints of their own from YAML `FILE`, a list of entries such as - {name: a, prompt: MKT, n: 20, fix: {10: C}, forbid: [CC], ending: HHHHHH, max_length: 120}"},
		&cli.StringSliceFlag{Name: "fix", Category: catConstraints, Usage: "`POS:RESIDUES` demanded from position POS (from 1), such as 10:C; repeatable or by comma"},
		&cli.StringSliceFlag{Name: "forbid", Category: catConstraints, Usage: "`MOTIF` that must not occur, in PROSITE's syntax, such as CC, N-{P}-[ST] or C-x(2)-C; repeatable"},
		&cli.StringFlag{Name: "without", Category: catConstraints, Usage: "`RESIDUES` that must not occur, such as CW"},
		&cli.StringFlag{Name: "ending", Category: catConstraints, Usage: "end with `RESIDUES`, such as HHHHHH: where the model would end, or as late as the length allows"},
		&cli.BoolFlag{Name: "nonstandard", Category: catConstraints, Usage: "allow B, J, O, U, X and Z too", DisableDefaultText: true},
		&cli.BoolFlag{Name: "as-published", Category: catSampling, Usage: "let the model break lines anywhere and discard what is no protein, as ProtGPT2's recipe does", DisableDefaultText: true},
		&cli.IntFlag{Name: "batch-size", Category: catRuntime, Value: 16, Usage: "generate `N` at once, beams included"},
		newChoice(&cli.StringFlag{Name: "sort", Category: catOutput, Value: "perplexity", Usage: "order of the output"}, "none", "perplexity", "length"),
		&cli.StringFlag{Name: "table", Category: catOutput, Usage: "also write a table of the sequences to `FILE`"},
		&cli.IntFlag{Name: "line-width", Aliases: []string{"w"}, Category: catOutput, Value: 60, Usage: "`N` residues a line; 0 is one line"},
		&cli.BoolFlag{Name: "resume", Category: catInput, Usage: "go on with what an interrupted run to -o left", DisableDefaultText: true},
		adapterFlag("add LoRA adapter `DIR` (peft) to the model"),
		weightsFlag(),
		dryRunFlag(),
	}
}

// generateOptions reads the flags, and the prompts file.
func generateOptions(c *cli.Context) (o protein.GenerateOptions, prompts []protein.Prompt, err error) {
	s, err := seed(c)
	if err != nil {
		return o, nil, err
	}
	o = protein.GenerateOptions{
		MaxTokens: c.Int("max-tokens"), Batch: c.Int("batch-size"), AsPublished: c.Bool("as-published"), Beams: c.Int("num-beams"),
		Sampling: decode.Sampling{
			Temperature: c.Float64("temperature"), Greedy: c.Float64("temperature") == 0,
			TopK: c.Int("top-k"), TopP: c.Float64("top-p"), RepetitionPenalty: c.Float64("repetition-penalty"), Seed: s,
		},
		Search: decode.BeamSearch{
			LengthPenalty: c.Float64("length-penalty"), EarlyStopping: decode.EarlyStopping(c.String("early-stopping")),
			RepetitionPenalty: c.Float64("repetition-penalty"),
		},
	}
	p := protein.Prompt{N: c.Int("number"), Residues: residueLetters(c.String("prompt")), Constraints: protein.Constraints{
		Without: residueLetters(c.String("without")), Ending: residueLetters(c.String("ending")),
		MinLength: c.Int("min-length"), MaxLength: c.Int("max-length"), Nonstandard: c.Bool("nonstandard"),
	}}
	if p.N <= 0 || o.MaxTokens < 2 || o.Batch <= 0 || o.Beams <= 0 || p.MinLength < 0 || p.MaxLength < 0 ||
		o.Sampling.Temperature < 0 || o.Sampling.TopK < 0 || o.Sampling.TopP <= 0 || o.Sampling.TopP > 1 || o.Sampling.RepetitionPenalty <= 0 {
		return o, nil, usagef("--number, --batch-size, --num-beams and --repetition-penalty must be positive, --max-tokens at least 2, --top-p above 0 and at most 1, the other numbers not negative. See %s --help", c.Command.HelpName)
	}
	if err := checkBeams(c, o); err != nil {
		return o, nil, err
	}
	if o.Beams > 1 && !c.IsSet("number") {
		p.N = o.Beams
	}
	if p.Fixed, err = fixedResidues(list(c, "fix")); err != nil {
		return o, nil, usagef("flag --fix: %v. See %s --help", err, c.Command.HelpName)
	}
	// A comma may stand in a motif: x(2,4).
	if p.Forbidden, err = motifs(c.StringSlice("forbid")); err != nil {
		return o, nil, usagef("flag --forbid: %v. See %s --help", err, c.Command.HelpName)
	}
	file := c.String("prompts")
	switch {
	case file == "":
		return o, []protein.Prompt{p}, nil
	case c.IsSet("prompt"):
		return o, nil, usagef("--prompt and --prompts both say how to begin; give one of them. See %s --help", c.Command.HelpName)
	}
	prompts, err = readPrompts(file, p)
	return o, prompts, err
}

// checkBeams refuses settings that would mean nothing.
func checkBeams(c *cli.Context, o protein.GenerateOptions) error {
	without, with := []string{"temperature", "top-k", "top-p"}, []string{"length-penalty", "early-stopping"}
	if o.Beams == 1 {
		for _, name := range with {
			if c.IsSet(name) {
				return usagef("--%s is for beam search; give --num-beams 2 or more. See %s --help", name, c.Command.HelpName)
			}
		}
		return nil
	}
	for _, name := range without {
		if c.IsSet(name) {
			return usagef("--%s is for sampling, and --num-beams %d searches; give one of them. See %s --help", name, o.Beams, c.Command.HelpName)
		}
	}
	return nil
}

// generateSettings are those that decide what comes out.
func generateSettings(m *loaded, model string, o protein.GenerateOptions, prompts []protein.Prompt) (settings, error) {
	type prompt struct {
		Name, Residues, Without, Ending string
		N, MinLength, MaxLength         int
		Fixed                           map[int]string
		Forbidden                       []string
		Nonstandard                     bool
	}
	var all []prompt
	for _, p := range prompts {
		x := prompt{Name: p.Name, Residues: string(p.Residues), Without: string(p.Without), Ending: string(p.Ending),
			N: p.N, MinLength: p.MinLength, MaxLength: p.MaxLength, Fixed: map[int]string{}, Nonstandard: p.Nonstandard}
		for at, r := range p.Fixed {
			x.Fixed[at+1] = string(r)
		}
		for _, motif := range p.Forbidden {
			x.Forbidden = append(x.Forbidden, motif.String())
		}
		all = append(all, x)
	}
	s := settings{}
	values := map[string]any{
		"journal": 1, "model": model, "device": m.Backend.Name(), "precision": precisionName(m.Policy),
		"prompts": all, "max-tokens": o.MaxTokens, "batch-size": o.Batch, "as-published": o.AsPublished,
		"repetition-penalty": o.Sampling.RepetitionPenalty, "seed": o.Sampling.Seed, "num-beams": o.Beams,
	}
	if len(prompts) == 1 {
		values["number"] = prompts[0].N
		values["prompt"] = string(bytes.ToUpper(prompts[0].Residues))
	}
	if o.Beams > 1 {
		values["length-penalty"], values["early-stopping"] = o.Search.LengthPenalty, o.Search.EarlyStopping
	} else {
		values["temperature"], values["top-k"], values["top-p"] = o.Sampling.Temperature, o.Sampling.TopK, o.Sampling.TopP
	}
	for name, v := range values {
		if err := s.set(name, v); err != nil {
			return nil, err
		}
	}
	return s, nil
}
