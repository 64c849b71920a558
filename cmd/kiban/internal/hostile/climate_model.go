package hostile

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"strings"
)

// ClimateBase makes the input of the base of the attacks on stores, models and
// forecasts, and says how to make the rest.
func ClimateBase(f Folder) ([][]string, error) {
	return [][]string{
		{"climate", "prepare", "in.nc", "-o", "fields", "--vars", "tas,lattitude", "--test", "1991", "-q"},
		{"climate", "pretrain", "fields", "-o", "forecaster", "--device", "cpu", "--threads", "1", "--precision", "f32", "--width", "8", "--layers", "1", "--heads", "2",
			"--patch", "2", "--batch-size", "2", "--max-steps", "2", "--log-every", "1", "--lead", "1mo,2mo", "-q"},
		{"climate", "forecast", "fields", "-m", "forecaster", "-o", "forecast.nc", "--device", "cpu", "-q"},
		{"climate", "evaluate", "forecast.nc", "--truth", "fields", "-o", "skill", "--figures=false", "-q"},
	}, f.Write("in.nc", some(1990).bytes())
}

// kept makes some of what lies in the base, and then a change.
func kept(base Folder, change func(f Folder) error) func(f Folder) error {
	return func(f Folder) error {
		for _, name := range []string{"in.nc", "forecast.nc", "fields", "skill/skill.csv", "forecaster/config.json", "forecaster/kiban.json", "forecaster/model.safetensors",
			"forecaster/climatology.safetensors", "forecaster/damping.safetensors", "forecaster/metrics.jsonl"} {
			if st, err := os.Stat(base.Path(name)); err != nil {
				return err
			} else if st.IsDir() {
				if err := os.CopyFS(f.Path(name), os.DirFS(base.Path(name))); err != nil {
					return err
				}
				continue
			}
			data, err := os.ReadFile(base.Path(name))
			if err == nil {
				err = f.Write(name, data)
			}
			if err != nil {
				return err
			}
		}
		return change(f)
	}
}

// matched changes the first place in a file that a pattern finds.
func matched(name, pattern, to string) func(f Folder) error {
	return func(f Folder) error {
		data, err := os.ReadFile(f.Path(name))
		if err != nil {
			return err
		}
		at := regexp.MustCompile(pattern).FindIndex(data)
		if at == nil {
			return fmt.Errorf("hostile: %s has no %s", name, pattern)
		}
		return os.WriteFile(f.Path(name), bytes.Join([][]byte{data[:at[0]], []byte(to), data[at[1]:]}, nil), 0o666)
	}
}

var (
	forecasting = []string{"climate", "forecast", "fields", "-m", "forecaster", "-o", "out.nc", "--device", "cpu", "--progress", "none"}
	training    = []string{"climate", "finetune", "fields", "-m", "forecaster", "-o", "out", "--device", "cpu", "--threads", "1", "--precision", "f32", "--max-steps", "2", "--batch-size", "2", "--progress", "none"}
)

// becomes are what a file may be in place of a file.
func becomes(name string) map[string]func(f Folder) error {
	change := func(make func(path string) error) func(f Folder) error {
		return func(f Folder) error { return errorsFirst(os.RemoveAll(f.Path(name)), make(f.Path(name))) }
	}
	return map[string]func(f Folder) error{
		"fifo": change(fifo), "dir": change(func(p string) error { return os.Mkdir(p, 0o777) }), "none": change(func(string) error { return nil }),
		"zeros": change(func(p string) error { return os.Symlink("/dev/zero", p) }), "secret": change(func(p string) error { return os.Symlink("../../secret", p) }),
		"empty": change(func(p string) error { return os.WriteFile(p, nil, 0o666) }),
		"deep":  change(func(p string) error { return os.WriteFile(p, bytes.Repeat([]byte("["), 1_000_000), 0o666) }),
		"huge":  change(func(p string) error { return errorsFirst(os.WriteFile(p, nil, 0o666), os.Truncate(p, 1<<40)) }),
		"text":  change(func(p string) error { return os.WriteFile(p, []byte("top secret? no"), 0o666) }),
		"half": func(f Folder) error {
			st, err := os.Stat(f.Path(name))
			if err != nil {
				return err
			}
			return os.Truncate(f.Path(name), st.Size()/2)
		},
	}
}

// storeCases are attacks by a directory of kiban climate prepare.
func storeCases(base Folder) []Case {
	var cases []Case
	refuse := func(name string, change func(f Folder) error, says ...string) {
		cases = append(cases, Case{Name: "st_fields_" + name, Make: kept(base, change), Args: forecasting, Says: says})
	}
	const manifest, fields = "fields/manifest.json", "fields/fields-00000.bin"
	for what, change := range becomes(manifest) {
		says := "manifest.json"
		if what == "none" {
			says = "fields: " // it is a folder of files then, of which there are none
		}
		refuse("manifest_"+what, change, says)
	}
	for what, change := range becomes(fields) {
		refuse("data_"+what, change, fields)
	}
	for what, change := range becomes("fields/static.bin") {
		refuse("static_"+what, change, "fields/static.bin")
	}
	refuse("data_long", func(f Folder) error { return os.Truncate(f.Path(fields), 4096) }, fields, "4096 bytes long, want 3072", "prepare the data again")
	edited := func(name, pattern, to string, says ...string) {
		refuse(name, matched(manifest, pattern, to), append(says, manifest)...)
	}
	edited("version", `"version": 1`, `"version": 2`, "version 2")
	edited("format", `"kiban-fields"`, `"zarr"`, "zarr")
	edited("records", `"records": 24`, `"records": 9000000000000000000`, "9000000000000000000")
	edited("records_negative", `"records": 24`, `"records": -24`, "-24")
	edited("records_float", `"records": 24`, `"records": 1e400`)
	edited("records_less", `"records": 24`, `"records": 23`, "23")
	edited("dotdot", `"fields-00000.bin"`, `"../in.nc"`, "../in.nc", "plain file name")
	edited("absolute", `"fields-00000.bin"`, `"/etc/passwd"`, "/etc/passwd", "plain file name")
	edited("shard_records", `"file": "fields-00000.bin",\s*"records": 24`, `"file": "fields-00000.bin", "records": 0`, "shard 0")
	edited("mean", `"mean": [0-9.]+`, `"mean": 1e400`)
	edited("mean_text", `"mean": [0-9.]+`, `"mean": "NaN"`)
	edited("std_negative", `"std": [0-9.]+`, `"std": -1`, "2m_temperature", "deviation -1")
	edited("twice", `"key": "lattitude"`, `"key": "2m_temperature"`, "2m_temperature", "twice")
	edited("no_key", `"key": "2m_temperature"`, `"key": ""`, "no name")
	edited("lat", `"lat": \[\s*-67.5`, `"lat": [ -167.5`, "latitude value 0")
	edited("lat_none", `"lat": \[[^\]]*\]`, `"lat": []`, "latitude")
	edited("lat_many", `"lat": \[[^\]]*\]`, `"lat": [`+strings.TrimSuffix(strings.Repeat("1,", 1<<20+1), ",")+`]`, "1048577 latitudes")
	edited("lon_back", `"lon": \[\s*0`, `"lon": [ 50`, "longitude value 1")
	edited("units", `"units": "days since [^"]*"`, `"units": "days since ever"`, "days since ever")
	edited("calendar", `"calendar": "360_day"`, `"calendar": "mayan"`, "mayan")
	edited("values_back", `"values": \[\s*[0-9]+`, `"values": [ 9999`, "record 1")
	edited("values_far", `"values": \[\s*[0-9]+`, `"values": [ -9000000000000000000`, "year")
	edited("values_more", `"values": \[`, `"values": [ -1,`, "25 times of 24 records")
	edited("run", `"to": 24`, `"to": 2400`, "run 0")
	edited("run_negative", `"from": 0,\s*"to": 24`, `"from": -5, "to": 24`, "run 0")
	edited("gaps", `"gaps": \[\]`, `"gaps": [5, 5]`, "gap 1")
	edited("gaps_far", `"gaps": \[\]`, `"gaps": [1000000]`, "gap 0")
	refuse("step_none", matched(manifest, `"step_months": 1`, `"step_months": 0`), "fields: ", "no step", "regular times")
	edited("step_huge", `"step_months": 1`, `"step_months": 9000000000000000000`, "step")
	edited("step_negative", `"step_months": 1`, `"step_months": -1`, "step")
	edited("split", `"from": 1991,`, `"from": 1990,`, "train", "test", "1990")
	// A journal that is not of this run, or not of Kiban: --resume says so, and
	// what is there stays.
	resume := func(name string, accept bool, journal string, says ...string) {
		cases = append(cases, Case{Name: "st_journal_" + name, Accept: accept, Args: append(preparing("in.nc"), "--resume"), Says: says, Twin: file("in.nc", func() []byte { return some(1990).bytes() }),
			Files: []string{"out/*"}, Make: func(f Folder) error {
				return errorsFirst(f.Write("in.nc", some(1990).bytes()), f.Write(".out.unfinished/journal.jsonl", []byte(journal)))
			}})
	}
	resume("version", false, `{"version":99,"settings":{}}`+"\n", "journal.jsonl", "--overwrite")
	resume("settings", false, `{"version":2,"settings":{"grid":"1x1"}}`+"\n", "cannot go on", "--overwrite")
	resume("deep", false, strings.Repeat("[", 1_000_000)+"\n", "journal.jsonl", "--overwrite")
	resume("text", false, "no journal\n", "journal.jsonl", "--overwrite")
	resume("torn", true, `{"version":1,"settin`)
	resume("empty", true, "")
	return cases
}

// forecasterCases are attacks by the directory of a model of climate.
func forecasterCases(base Folder) []Case {
	var cases []Case
	add := func(c Case) { cases = append(cases, c) }
	refuse := func(name string, change func(f Folder) error, says ...string) {
		add(Case{Name: "fc_" + name, Make: kept(base, change), Args: forecasting, Says: says})
	}
	add(Case{Name: "fc_good", Make: kept(base, func(Folder) error { return nil }), Args: forecasting, Accept: true})
	const config, about = "forecaster/config.json", "forecaster/kiban.json"
	for _, name := range []string{"config.json", "kiban.json", "model.safetensors", "climatology.safetensors", "damping.safetensors"} {
		for what, change := range becomes("forecaster/" + name) {
			refuse(what+"_"+name, change, name)
		}
	}
	edited := func(name, pattern, to string, says ...string) {
		refuse("config_"+name, matched(config, pattern, to), append(says, config)...)
	}
	edited("depth", `"depth": 1`, `"depth": 1000000000`, "depth 1000000000")
	edited("depth_negative", `"depth": 1`, `"depth": -1`, "depth -1")
	edited("decoder", `"decoder_depth": 1`, `"decoder_depth": 1000000`, "decoder_depth 1000000")
	edited("width", `"embed_dim": 8`, `"embed_dim": 1000000000000000000`, "embed_dim 1000000000000000000")
	edited("width_float", `"embed_dim": 8`, `"embed_dim": 1e400`)
	edited("width_odd", `"embed_dim": 8`, `"embed_dim": 6`, "embed_dim 6")
	edited("heads", `"num_heads": 2`, `"num_heads": 3`, "3 heads")
	edited("heads_zero", `"num_heads": 2`, `"num_heads": 0`)
	edited("patch", `"patch_size": 2`, `"patch_size": 3`, "patch_size 3")
	edited("patch_zero", `"patch_size": 2`, `"patch_size": 0`, "patch_size 0")
	edited("patch_negative", `"patch_size": 2`, `"patch_size": -2`, "patch_size -2")
	edited("grid_huge", `"img_size": \[[^\]]*\]`, `"img_size": [1000000000, 2000000000]`, "img_size 1000000000x2000000000")
	edited("grid_negative", `"img_size": \[[^\]]*\]`, `"img_size": [-4, -8]`, "img_size -4x-8")
	edited("grid_three", `"img_size": \[[^\]]*\]`, `"img_size": [4, 8, 1]`, "img_size")
	edited("vars_twice", `"season_sine"`, `"season_cosine"`, `"season_cosine" twice`)
	edited("vars_none", `"default_vars": \[[^\]]*\]`, `"default_vars": []`, "0 variables")
	edited("vars_many", `"default_vars": \[`, `"default_vars": [`+many(5000), "5004 variables")
	edited("ratio", `"mlp_ratio": 4`, `"mlp_ratio": 1e9`, "mlp_ratio 1e+09")
	edited("ratio_negative", `"mlp_ratio": 4`, `"mlp_ratio": -4`, "mlp_ratio -4")
	edited("dropout", `"drop_rate": 0.1`, `"drop_rate": 1`, "dropout 1")
	edited("type", `"climax"`, `"gpt2"`, "model_type")
	edited("architecture", `"ClimaX"`, `"Pangu"`, "Pangu")
	edited("twice", `"depth": 1`, `"depth": 1, "depth": 2`, "twice")
	// More layers or variables than there are weights.
	refuse("weights_layers", matched(config, `"depth": 1`, `"depth": 4096`), "forecaster", "net.blocks.1")
	refuse("weights_width", matched(config, `"embed_dim": 8`, `"embed_dim": 65536`), "forecaster")
	refuse("weights_patch", matched(config, `"patch_size": 2`, `"patch_size": 4`), "forecaster")
	refuse("weights_grid", matched(config, `"img_size": \[[^\]]*\]`, `"img_size": [16384, 16384]`), about, "4x8", "16384x16384")
	refuse("weights_vars", matched(config, `"default_vars": \[`, `"default_vars": [`+many(4000)), "forecaster")

	said := func(name, pattern, to string, says ...string) {
		refuse("about_"+name, matched(about, pattern, to), append(says, about)...)
	}
	said("format", `"format": 1`, `"format": 7`, "format 7")
	said("task", `"task": "forecast"`, `"task": "`+strings.Repeat("x", 1<<20)+`"`, "task")
	said("target", `"target": "damped"`, `"target": "perfect"`, "perfect")
	said("target_field", `"target": "damped"`, `"target": "field"`, "climatology")
	said("leads_none", `"lead_steps": \[[^\]]*\]`, `"lead_steps": []`, "lead times")
	said("leads_zero", `"lead_steps": \[[^\]]*\]`, `"lead_steps": [0]`, "lead times")
	said("leads_back", `"lead_steps": \[[^\]]*\]`, `"lead_steps": [5, 1]`, "lead times")
	said("leads_far", `"lead_steps": \[[^\]]*\]`, `"lead_steps": [1, 9000000000000000000]`, "lead times")
	said("leads_float", `"lead_steps": \[[^\]]*\]`, `"lead_steps": [0.5]`, "lead_steps")
	said("step", `"step_months": 1`, `"step_months": 0`, "interval")
	said("step_both", `"step_months": 1`, `"step_months": 1, "step_millis": 5`, "interval")
	said("step_huge", `"step_months": 1`, `"step_months": 9000000000000000000`, "interval")
	said("mean", `"mean": [0-9.]+`, `"mean": 1e400`)
	said("mean_huge", `"mean": [0-9.]+`, `"mean": 1e308`, "2m_temperature")
	said("std_negative", `"std": [0-9.]+`, `"std": -1`, "deviation -1")
	said("std_tiny", `"std": [0-9.]+`, `"std": 1e-320`, "2m_temperature", "deviation 1e-320")
	said("channel_twice", `"key": "lattitude"`, `"key": "2m_temperature"`, "2m_temperature", "twice")
	said("channel_season", `"key": "lattitude"`, `"key": "season_sine"`, "season_sine")
	said("channel_unknown", `"key": "lattitude"`, `"key": "orography"`, "orography")
	said("calendar", `"calendar": "360_day"`, `"calendar": "mayan"`, "mayan")
	said("grid", `"lat": \[\s*-67.5`, `"lat": [ -167.5`, "latitude value 0")
	said("grid_other", `"lat": \[[^\]]*\],\s*"lon"`, `"lat": [0, 1], "lon"`)
	said("boxes_nan", `"season": true`, `"season": true, "region": "x", "region_boxes": [[NaN, 1, 2, 3]]`)
	said("boxes_text", `"season": true`, `"season": true, "region": "x", "region_boxes": [["NaN", 1, 2, 3]]`)
	said("boxes_huge", `"season": true`, `"season": true, "region": "x", "region_boxes": [[-1e308, 1e308, -1e308, 1e308]]`)
	said("boxes_empty", `"season": true`, `"season": true, "region": "x", "region_boxes": [[10, 11, 20, 21]]`)
	said("boxes_upside", `"season": true`, `"season": true, "region": "x", "region_boxes": [[0, 180, 80, -80]]`)
	refuse("damping_leads", matched(about, `"damping_lead_steps": \[[^\]]*\]`, `"damping_lead_steps": [7]`), "damping.safetensors", "correlations of 2 lead times, wanted 1")
	said("split", `"from": 1991,`, `"from": 1990,`, "1990")
	for _, name := range []string{"model", "climatology", "damping"} {
		file := "forecaster/" + name + ".safetensors"
		add(Case{Name: "fc_bit_" + name, Any: true, Args: forecasting, Make: kept(base, func(f Folder) error { return flip(f, file) })})
		refuse("name_"+name, matched(file, `"shape":\[`, `"shope":[`), name)
		refuse("other_"+name, func(f Folder) error { return f.Write(file, safetensors(weights())) }, "forecaster")
	}
	// Weights that are no numbers make forecasts that are none.
	refuse("weights_nan", func(f Folder) error {
		path := f.Path("forecaster/model.safetensors")
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for i := len(b) - 4*64; i < len(b); i++ {
			b[i] = 0xff
		}
		return os.WriteFile(path, b, 0o666)
	}, "is NaN as f32", "damaged")
	// A Lightning checkpoint is a pickle: read as data, whatever it asks for.
	for name, code := range map[string]string{
		"system": pkGlobal("posix", "system") + pkText("touch pwned") + pkTuple1 + pkReduce, "builtin": pkGlobal("builtins", "eval") + pkText("1") + pkTuple1 + pkReduce,
		"numel": pkTensor("0", 1<<40, 0, []int64{1 << 40}, []int64{1}), "lightning": pkGlobal("pytorch_lightning.callbacks", "ModelCheckpoint") + ")" + pkReduce,
	} {
		args := append([]string{}, training...)
		args[4] = "in.ckpt"
		add(Case{Name: "fc_ckpt_" + name, Args: args, Says: []string{"in.ckpt"}, Make: kept(base, func(f Folder) error {
			return f.Write("in.ckpt", zipped(torchMembers([]byte(pkStart+pkDict+pkMark+pkText("state_dict")+string(state(code)[2:len(state(code))-1])+"u"+pkStop))...))
		})})
	}
	for name, data := range map[string][]byte{"empty": nil, "text": []byte("no checkpoint"), "zip": zipped(), "half": zipped(torchMembers(state(""))...)[:3000], "other": zipped(torchMembers(state(""))...)} {
		args := append([]string{}, training...)
		args[4] = "in.ckpt"
		add(Case{Name: "fc_ckpt_" + name, Args: args, Says: []string{"in.ckpt"}, Make: kept(base, func(f Folder) error { return f.Write("in.ckpt", data) })})
	}
	// Leads that the record does not have.
	late := append(append([]string{}, training...), "--lead", "40mo")
	add(Case{Name: "fc_lead_long", Args: late, Says: []string{"fields", "40"}, Make: kept(base, func(Folder) error { return nil })})
	return cases
}

// many are names of variables as JSON has them, with a comma behind each.
func many(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `"v%d",`, i)
	}
	return b.String()
}
