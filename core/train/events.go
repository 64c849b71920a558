package train

import "github.com/kiban-models/kiban/core/internal/tfevents"

// Events are the records of a run for TensorBoard, under the names that
// transformers' trainer uses.
type Events struct{ w *tfevents.Writer }

// OpenEvents begins an event file in dir for a run that stands at step, 0 for
// a new one. Earlier files in dir stay: TensorBoard shows them as one course,
// without the steps that are made again.
func OpenEvents(dir string, step int) (*Events, error) {
	w, err := tfevents.Create(dir, int64(step))
	return &Events{w}, err
}

// Add appends a record.
func (e *Events) Add(r Record) error {
	scalars := []tfevents.Scalar{{Tag: r.Split + "/loss", Value: r.Loss}, {Tag: r.Split + "/perplexity", Value: r.Perplexity}}
	if r.Split == "train" {
		scalars = append(scalars, tfevents.Scalar{Tag: "train/epoch", Value: r.Epoch},
			tfevents.Scalar{Tag: "train/learning_rate", Value: r.LR}, tfevents.Scalar{Tag: "train/grad_norm", Value: r.GradNorm},
			tfevents.Scalar{Tag: "train/tokens_per_second", Value: r.TokensPerSec})
		if r.LossScale != 0 {
			scalars = append(scalars, tfevents.Scalar{Tag: "train/loss_scale", Value: r.LossScale})
		}
	}
	return e.w.Add(int64(r.Step), scalars...)
}

// Close closes the file.
func (e *Events) Close() error { return e.w.Close() }
