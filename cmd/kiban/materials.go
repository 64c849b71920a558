package main

import "github.com/urfave/cli/v2"

func materialsGroup() *cli.Command {
	return &cli.Command{
		Name:  "materials",
		Usage: "entities, relations and topics of materials papers",
		Description: "From annotated sentences to a table of what papers name:\n" +
			"  kiban materials finetune ner train.conll --validation dev.conll -m MatSciBERT -o ner\n" +
			"  kiban materials extract papers -m ner -o entities.jsonl --html page.html\n" +
			"MatSciBERT stands for a model directory as published: config.json, vocab.txt and\n" +
			"weights, safetensors or pytorch_model.bin. Without -m a small model learns from the\n" +
			"beginning.",
		Subcommands: []*cli.Command{
			verb("example", "write data to try the verbs on", "", nil, runMaterialsExample,
				"kiban materials example -o example",
				"kiban materials example -o example -O"),
			verb("pretrain", "train a masked language model on papers", "PAPERS…", maskedFlags(), runMaterialsPretrain,
				"kiban materials pretrain abstracts.jsonl.gz -o encoder --preset small",
				"kiban materials pretrain papers -m MatSciBERT -o encoder --epochs 1 --resume"),
			{
				Name:  "finetune",
				Usage: "train a model for a task",
				Subcommands: []*cli.Command{
					verb("ner", "learn to find entities", "[FILE…]", finetuneNERFlags(), runFinetuneNER,
						"kiban materials finetune ner train.conll --validation dev.conll -m MatSciBERT -o ner",
						"kiban materials finetune ner train.conll -o ner --preset tiny --head crf"),
					verb("relation", "learn to relate entities", "[DIR…]", finetuneRelationFlags(), runFinetuneRelation,
						"kiban materials finetune relation train --validation dev -m MatSciBERT -o relations",
						"kiban materials finetune relation train --negatives 0 -m MatSciBERT -o relations"),
					verb("abstract", "learn the classes of texts", "[FILE…]", finetuneAbstractFlags(), runFinetuneAbstract,
						"kiban materials finetune abstract train.csv --validation val.csv -m MatSciBERT -o topics",
						"kiban materials finetune abstract topics.csv --validation 0.1 -o topics"),
				},
			},
			verb("evaluate", "score entities or classes that were found", "GOLD [FOUND]", evaluateFlags(), runEvaluate,
				"kiban materials evaluate test.conll -m ner --baseline train.conll -o scores",
				"kiban materials evaluate predictions.conll --conlleval"),
			verb("classify", "say of what class texts are", "[FILE…]", classifyFlags(), runClassify,
				"kiban materials classify papers -m topics -o classes.jsonl",
				"kiban materials classify abstracts.csv -m topics --format tsv --top-k 3"),
			verb("embed", "make vectors of texts", "[FILE…]", embedFlags(), runEmbed,
				"kiban materials embed abstracts.jsonl.gz -m MatSciBERT -o vectors.npy",
				"kiban materials embed sentences.txt --unit line -m MatSciBERT --pool mean,cls --normalize -o vectors.parquet"),
			verb("formula", "read chemical formulas: elements, amounts, mass", "[FORMULA…]", formulaFlags(), runFormula,
				"kiban materials formula La0.8Sr0.2MnO3-δ CuSO4·5H2O",
				"kiban materials formula --compare Fe2O3 O3Fe2"),
			verb("word2vec", "learn vectors of words", "[TEXT…]", word2vecFlags(), runWord2Vec,
				"kiban materials word2vec abstracts.txt.gz -o vectors --formulas --phrases 2",
				"kiban materials word2vec text.txt -o vectors --size 200 --window 8 --negative 15 --epochs 30"),
			verb("neighbors", "find words like others", "WORD…", neighborsFlags(), runNeighbors,
				"kiban materials neighbors -m vectors LiCoO2 --top 20",
				"kiban materials neighbors -m vectors.bin king woman --minus man"),
			verb("analogies", "ask vectors what is to b as c is to d", "[FILE]", analogiesFlags(), runAnalogies,
				"kiban materials analogies -m vectors questions.txt",
				"kiban materials analogies -m vectors.bin questions.txt.gz --case-sensitive --json"),
			verb("extract", "find what papers name, with places in the text", "[FILE…]", extractFlags(), runExtract,
				"kiban materials extract papers -m ner -o entities.jsonl --csv entities.csv",
				"kiban materials extract abstracts.jsonl.gz -m ner --format brat -o annotated"),
		},
	}
}
