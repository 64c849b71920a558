package checkpoint

import (
	"fmt"

	"github.com/kiban-models/kiban/core/internal/strictjson"
	"github.com/kiban-models/kiban/core/tensor"
)

// torchTypes are the names that config.json has for the types of weights.
var torchTypes = map[tensor.DType]string{
	tensor.F64: "float64", tensor.F32: "float32", tensor.F16: "float16", tensor.BF16: "bfloat16",
}

// SetConfigDType returns the text of a config.json whose weights are now of a
// floating-point type: torch_dtype and dtype, as transformers calls it since its
// version 5, say so, if they are there. All else stays as it is, byte for byte.
func SetConfigDType(config []byte, dt tensor.DType) ([]byte, error) {
	name, ok := torchTypes[dt]
	if !ok {
		return nil, fmt.Errorf("checkpoint: weights of %v have no name in a configuration", dt)
	}
	var out []byte
	copied := 0
	r := strictjson.NewReader(config)
	err := r.Object(func(key string) error {
		r.Peek() // up to the value
		from := len(config) - len(r.Rest())
		if err := r.Skip(maxConfigDepth); err != nil {
			return err
		}
		if key == "torch_dtype" || key == "dtype" {
			out = append(out, config[copied:from]...)
			out = strictjson.AppendString(out, name)
			copied = len(config) - len(r.Rest())
		}
		return nil
	})
	if err == nil {
		err = r.End()
	}
	if err != nil {
		return nil, fmt.Errorf("checkpoint: configuration: %w", err)
	}
	return append(out, config[copied:]...), nil
}
