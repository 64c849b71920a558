package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/kiban-models/kiban/core/backend"
	"github.com/kiban-models/kiban/core/backend/cpu"
	"github.com/kiban-models/kiban/core/backend/reference"
	"github.com/kiban-models/kiban/core/backend/vulkan"
	"github.com/kiban-models/kiban/core/nn"
	"github.com/kiban-models/kiban/core/tensor"
)

func deviceGroup() *cli.Command {
	return &cli.Command{
		Name:  "device",
		Usage: "what kiban can compute on",
		Subcommands: []*cli.Command{
			verb("list", "list the devices", "", nil, runDeviceList,
				"kiban device list", "kiban device list --json"),
		},
	}
}

// openBackend opens the device that --device names, and notes it for --profile.
func openBackend(c *cli.Context) (backend.Backend, error) {
	b, err := openDevice(c)
	if err != nil {
		return nil, err
	}
	opened, _ := c.App.Metadata["devices"].([]openedDevice)
	c.App.Metadata["devices"] = append(opened, openedDevice{b, b.Name()})
	return b, nil
}

// openedDevice is a backend and its name, which a closed one may not know.
type openedDevice struct {
	backend.Backend
	name string
}

// printProfiles says at the end of a verb with --profile what each device that
// it opened spent its time on.
func printProfiles(c *cli.Context) {
	opened, _ := c.App.Metadata["devices"].([]openedDevice)
	for _, d := range opened {
		if p, ok := d.Backend.(backend.Profiled); c.Bool("profile") && ok {
			message(c, "time by kernel on %s\n%s", d.name, strings.TrimSuffix(p.Profile().String(), "\n"))
		} else if c.Bool("profile") {
			message(c, "no time by kernel: %s does not take it", d.name)
		}
	}
}

// openDevice opens the device that --device names. auto is a real GPU if
// there is one, else the CPU: a Vulkan driver that runs on the CPU is many
// times slower than the CPU path and is used only when it is asked for.
func openDevice(c *cli.Context) (backend.Backend, error) {
	name := c.String("device")
	switch {
	case name == "reference":
		return reference.New[float32](), nil
	case name == "cpu":
		return openCPU(c)
	case name == "auto":
		b, err := vulkan.Open(gpuOptions(c))
		if err == nil {
			return b, nil
		}
		detail(c, "no GPU: %v", err)
		return openCPU(c)
	}
	o := gpuOptions(c)
	o.AllowSoftware = true
	if _, n, ok := strings.Cut(name, ":"); ok {
		var err error
		if o.Index, err = strconv.Atoi(n); err != nil {
			return nil, usagef("flag --device: %q is no number of a device; see kiban device list", n)
		}
	}
	return vulkan.Open(o)
}

// plantedFault makes calls on a GPU fail, in tests.
var plantedFault func(doing string) int32

// tuneTime is how long the loading of a program may measure tiles on a GPU.
const tuneTime = 2 * time.Second

// gpuOptions are those of the best GPU. Shaders that were compiled for it, and which
// tiles it was measured to be fastest by, are kept in the user's cache, if the system
// has such a folder.
func gpuOptions(c *cli.Context) vulkan.Options {
	o := vulkan.Options{Index: -1, Profile: c.Bool("profile"), Fault: plantedFault}
	if dir, err := os.UserCacheDir(); err == nil {
		o.Cache, o.Tune = filepath.Join(dir, "kiban", "vulkan"), tuneTime
	}
	return o
}

func openCPU(c *cli.Context) (backend.Backend, error) {
	b, err := cpu.New(cpu.Options{Threads: c.Int("threads"), Profile: c.Bool("profile")})
	if err != nil {
		return nil, err
	}
	detail(c, "%s", b.Info())
	return b, nil
}

// policy is what --precision means on a device. auto is f32 for inference,
// whose results then are those of the published weights; for training it is
// bf16, with f32 masters, where the device multiplies that faster.
func policy(precision string, training bool, b backend.Backend) (nn.Policy, error) {
	var p nn.Policy
	if precision == "auto" || precision == "" {
		if host, ok := b.(*cpu.Backend); ok && training && host.Info().BF16 {
			p.Compute = tensor.BF16
		}
		return p, nil
	}
	dt, err := tensor.ParseDType(precision)
	if err != nil {
		return p, usagef("flag --precision: %v", err)
	}
	p.Compute = dt
	if !training { // which keeps f32 masters
		p.Params = dt
	}
	return p, nil
}

// precisionName says what an inference computes in.
func precisionName(p nn.Policy) string {
	if p.Int8 {
		return p.Compute.String() + ", weights int8"
	}
	return p.Compute.String()
}

func runDeviceList(c *cli.Context) error {
	t := table{columns: []string{"id", "name", "type", "memory_total", "memory_free", "driver", "api", "features"}}
	b, err := cpu.New(cpu.Options{})
	if err != nil {
		return err
	}
	info, name := b.Info(), b.Name()
	if err := b.Close(); err != nil {
		return err
	}
	features := []string{info.Instructions, fmt.Sprintf("threads%d", info.Threads)}
	if info.BF16 {
		features = append(features, "bf16")
	}
	total, free := hostMemory()
	t.add("cpu", name, "cpu", total, free, info.Library, nil, strings.Join(features, " "))
	gpus, err := vulkan.List()
	for _, d := range gpus {
		t.add(fmt.Sprintf("vulkan:%d", d.ID), d.Name, d.Type, d.MemoryTotal, d.MemoryFree, d.Driver, d.API, strings.Join(d.Features, " "))
	}
	t.add("reference", "reference", "cpu", total, free, nil, nil, "the specification, slow")
	if err != nil {
		message(c, "no Vulkan devices: %v", err)
	}
	return printTable(c, c.App.Writer, t)
}

// hostMemory is the memory of the machine and what of it is free, in bytes;
// nil where the system does not say.
func hostMemory() (total, free any) {
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return nil, nil
	}
	for line := range strings.Lines(string(text)) {
		var kib int64
		if n, _ := fmt.Sscanf(line, "MemTotal: %d kB", &kib); n == 1 {
			total = kib << 10
		}
		if n, _ := fmt.Sscanf(line, "MemAvailable: %d kB", &kib); n == 1 {
			free = kib << 10
		}
	}
	return total, free
}
